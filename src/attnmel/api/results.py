"""`attnmel.evaluate`, `recalibrate`, `compare`, `score` and `fuse`: runs and predictions -> measures, tests, runs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attnmel.api.answers import ComparedRuns, Evaluated, EvaluatedRun, FusedRuns, RecalibratedRun, Scored
from attnmel.api.model_names import PLACES, opened_runs, place_of, place_of_results, run_to_share, runs_to_evaluate
from attnmel.api.places import Place, one_place, optional_path, own_file, own_folder, places
from attnmel.arguments import FromOne, FromZero, checked_arguments
from attnmel.config.fusion import Rule
from attnmel.files.folders import home_folder
from attnmel.progress import Progress, Report, as_progress

if TYPE_CHECKING:
    from attnmel.pipeline.run.run import Run


@checked_arguments("run")
def evaluate(
    run: "Run | Place",
    *,
    on: Place | None = None,
    split: str | None = None,
    exclude: Place | None = None,
    transforms: str | None = None,
    prior: str | None = None,
    sensitivities: Sequence[float] = (),
    prevalences: Sequence[float] = (),
    columns: Mapping[str, str] | None = None,
    exclude_known: bool = False,
    allow_leakage: bool = False,
    out: Place | None = None,
    home: Place | None = None,
    threads: int | None = None,
    progress: Progress | Report | None = None,
) -> Evaluated:
    """Evaluate a run, every seed of a folder, or a pretrained model, on a split or another data set.

    Results are written into the run folder, or into its copy in `out`. `on` is a known data set or a folder with
    labels.csv; `split` is "test" without it. docs/reference/evaluation.md defines every measure.

    Raises:
        ConfigError: no run, no such data set or split, a value outside its range, or `transforms`, `prior` or `columns`
            of a fusion, which predicts nothing again.
        LabelError: images or lesions that the run learnt from, unless they are left out or leakage is allowed.
        PredictionsError: a measure is not defined.
    """
    from attnmel.compute.runtime import use_threads
    from attnmel.pipeline.evaluate.evaluate import evaluate_run
    from attnmel.pipeline.fuse.evaluate import evaluate_fusion, is_fused, refuse_predicting
    from attnmel.pipeline.run.run import Run

    use_threads(threads)
    name, shown = None if on is None else str(on), as_progress(progress)
    # Opened anew, so that results of before are read again.
    place = place_of(run)
    where = run.home if isinstance(run, Run) and home is None else optional_path(home)
    found = []
    for folder in runs_to_evaluate(place, own_folder(out), name, split):
        opened = Run(folder, where, shown)
        chosen: dict[str, Any] = {
            "on": name,
            "split": split,
            "exclude": optional_path(exclude),
            "sensitivities": sensitivities,
            "prevalences": prevalences,
        }
        if is_fused(opened):
            given = {"transforms": transforms, "prior": prior, "columns": columns, "exclude_known": exclude_known}
            refuse_predicting(given, opened)
            results = evaluate_fusion(opened, **chosen)
        else:
            leakage = {"exclude_known": exclude_known, "allow_leakage": allow_leakage}
            chosen |= {"transforms": transforms, "prior": prior, "columns": columns, **leakage}
            results = evaluate_run(opened, **chosen)
        found.append(EvaluatedRun(opened, results, opened.details(results)))
    return Evaluated(tuple(found))


@checked_arguments("run")
def recalibrate(
    run: "Run | Place",
    out: Place,
    *,
    on: Place,
    split: str | None = None,
    exclude: Place | None = None,
    columns: Mapping[str, str] | None = None,
    exclude_known: bool = False,
    allow_leakage: bool = False,
    home: Place | None = None,
    threads: int | None = None,
    progress: Progress | Report | None = None,
) -> RecalibratedRun:
    """Write a copy of a run or pretrained model with temperature, offsets and thresholds for another place.

    They are chosen on the labelled images of `on`, a known data set or a folder with labels.csv, or on one `split` of
    it. docs/explanations/calibration.md says how.

    Raises:
        ConfigError: no run, no such data set or split, or `out` is not empty.
        CheckpointError: no network with a softmax.
        LabelError: images or lesions that the run learnt from, unless they are left out or leakage is allowed.
        PredictionsError: too few images, or images that no temperature between the limits fits.
    """
    from attnmel.compute.runtime import use_threads
    from attnmel.pipeline.evaluate.recalibrate import recalibrate_run
    from attnmel.pipeline.run.run import Run

    use_threads(threads)
    where = run.home if isinstance(run, Run) and home is None else optional_path(home)
    shown = as_progress(progress)
    place = place_of(run)
    found = recalibrate_run(
        run_to_share(place),
        Path(out),
        on=str(on),
        split=split,
        exclude=optional_path(exclude),
        columns=columns,
        exclude_known=exclude_known,
        allow_leakage=allow_leakage,
        home=where,
        progress=shown,
        named=place,
    )
    return RecalibratedRun(Run(found.run, where, shown), found)


@checked_arguments("runs")
def compare(
    runs: "Sequence[Run | Place]",
    *,
    split: str = "test",
    operating_point: float | None = None,
    positives: Sequence[str] = (),
    measures: Sequence[str] = (),
    home: Place | None = None,
) -> ComparedRuns:
    """Test whether runs differ on the same images: run folders, folders of seeds, files of predictions, submissions.

    A pretrained model or one of a hub takes part with the results in its copy, runs/NAME, which `evaluate` writes.
    Holm's correction goes over all pairs and measures of the call; the seeds of a recipe are summarised.

    Raises:
        ConfigError: nothing to compare, or a run named twice.
        PredictionsError: runs of other images, labels or classes.
    """
    from attnmel.pipeline.evaluate.compare import compare_runs
    from attnmel.pipeline.run.run import Run

    given = places(runs, "runs", PLACES)
    named = [one if isinstance(one, Run) else Path(place_of_results(one)) for one in given]
    return ComparedRuns(
        compare_runs(
            named,
            home=optional_path(home),
            split=split,
            operating_point=operating_point,
            positives=positives,
            measures=measures,
        )
    )


@checked_arguments()
def score(
    dataset: str,
    predictions: Place,
    *,
    truth: Place | None = None,
    columns: Mapping[str, str] | None = None,
    rules: Sequence[str] = (),
    resamples: FromOne = 2000,
    seed: FromZero = 0,
    home: Place | None = None,
) -> Scored:
    """Score a submission of isic2016, isic2017, isic2018 or isic2018-task1 by the official measures, with intervals.

    `truth` are the true classes or masks in the official format, by default of the fetched test split; `rules` are
    changes such as "ties=first".

    Raises:
        ConfigError: no such challenge or rule.
        PredictionsError: everything that is wrong in the file, all at once.
        ArchiveError: the data set was not fetched, and no truth is named.
    """
    from attnmel.pipeline.evaluate.score import score as score_submission

    found = score_submission(
        dataset,
        Path(one_place(predictions, "predictions", "the path of a table, or of a folder of masks")),
        home=home_folder(optional_path(home)),
        truth=optional_path(truth),
        columns=columns,
        rules=rules,
        resamples=resamples,
        seed=seed,
    )
    return Scored(found)


@checked_arguments("members")
def fuse(
    members: "Sequence[Run | Place]",
    out: Place,
    *,
    by: Rule = "mean",
    dataset: Place = "",
    split: str = "test",
    positives: Sequence[str] = (),
    seed: FromZero = 0,
    home: Place | None = None,
    command: str = "attnmel.fuse (Python)",
    progress: Progress | Report | None = None,
) -> FusedRuns:
    """Fuse predictions of several runs and files into one file (.csv) or folder, which is a run.

    A pretrained model or one of a hub takes part with the results in its copy, runs/NAME, which `evaluate` writes. The
    rules are in docs/prediction/fuse.md.

    Raises:
        ConfigError: fewer than two members, data sets that differ, or `out` is there already.
        PredictionsError: members of other images or classes.
    """
    from attnmel.pipeline.fuse.fuse import fuse as fuse_members

    found = fuse_members(
        [place_of_results(one) for one in places(members, "members", PLACES)],
        Path(out),
        by=by,
        dataset=str(dataset),
        split=split,
        positives=positives,
        seed=seed,
        home=home_folder(optional_path(home)),
        command=command,
        progress=as_progress(progress),
    )
    return FusedRuns(found)


@checked_arguments("runs")
def write_report(
    runs: "Sequence[Run | Place]",
    out: Place | None = None,
    *,
    split: str = "test",
    home: Place | None = None,
    progress: Progress | Report | None = None,
) -> Path:
    """Write one HTML page about runs, folders of seeds and submissions (isic2017:FILE), and return its path.

    Raises:
        ConfigError: no run, or at `out` a file of others.
        PredictionsError: a run was not evaluated on the split.
    """
    from attnmel.pipeline.evaluate.submissions import named_submission
    from attnmel.pipeline.report.report import report_runs
    from attnmel.pipeline.run.run import Run

    runs, page = places(runs, "runs", PLACES), own_file(out)
    files = [one for one in runs if not isinstance(one, Run) and named_submission(str(one))[1].is_file()]
    # A submission alone is opened as a run, which says that it is none.
    named = [one for one in runs if one not in files or len(files) == len(runs)]
    return report_runs(
        opened_runs(named, optional_path(home), as_progress(progress)),
        split=split,
        out=page,
        submissions=[Path(one) for one in files],
    )
