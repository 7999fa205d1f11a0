"""`attnmel evaluate`, `compare`, `score` and `report`: from trained networks to measures, tests and a page."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from attnmel.api.model_names import NAME
from attnmel.cli.commands.networks.train import Columns, named_columns
from attnmel.cli.completion import data_sets, models
from attnmel.cli.help import ADVANCED, DATA, EVALUATION, OUTPUT, STATISTICS, option
from attnmel.cli.terminal import Home, Json, Terminal, Threads, Tta, out_file, print_json, print_table

if TYPE_CHECKING:
    from attnmel.pipeline.run.results.details import Details
    from attnmel.pipeline.run.results.results import SplitResults
    from attnmel.pipeline.run.run import Run

EVALUATED = "a split, or the name of other results in predictions/, such as clinic-all of --on clinic"
MEASURES = ["", "measure", "value", "95 % interval"]


def evaluate(
    run: Annotated[
        str, typer.Argument(help=f"A run folder, a folder of seed-* runs, or {NAME}.", autocompletion=models)
    ],
    on: Annotated[
        str | None, option(DATA, "Another data set, or a folder with labels.csv [default: the run's own data set].")
    ] = None,
    split: Annotated[
        str | None, option(DATA, "train, validation, test, internal or all [default: test; all images of a folder].")
    ] = None,
    sensitivity: Annotated[
        list[float] | None,
        option(
            EVALUATION, "Additional target sensitivity of an operating point, next to 0.82, 0.89 and 0.95; repeatable."
        ),
    ] = None,
    prevalence: Annotated[
        list[float] | None,
        option(EVALUATION, "Additional prevalence to compute the precision for, next to 0.02 and 0.1; repeatable."),
    ] = None,
    exclude: Annotated[
        Path | None,
        option(
            DATA,
            "List of images to leave out, by `attnmel audit --exclusions`, or a run's leakage.csv; the results get a "
            "name of their own.",
        ),
    ] = None,
    tta: Tta = None,
    prior: Annotated[
        str | None,
        option(
            EVALUATION,
            "age-sex: change the scores by how often each class has this age and sex in training; or none "
            "[default: as in the recipe].",
        ),
    ] = None,
    columns: Columns = None,
    exclude_known: Annotated[
        bool,
        option(
            DATA,
            "Leave out the images that the network is known to have learnt from; the results get a name of their own.",
            "--exclude-known",
        ),
    ] = False,
    allow_leakage: Annotated[
        bool, option(DATA, "Evaluate although the network was trained on some images.", "--allow-leakage")
    ] = False,
    out: Annotated[
        Path | None,
        option(
            OUTPUT,
            "Folder for a copy of the run with the results, such as for a run on a disk that cannot be written "
            "[default: the run folder itself; for a pretrained model runs/NAME].",
        ),
    ] = None,
    threads: Threads = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Evaluate a trained network on a data set, with 95 % intervals.

    Printed are AP, AUC, sensitivity, specificity and balanced accuracy, then the official measures of the data set's
    challenge as in `attnmel score`, then operating points: thresholds that reach a target sensitivity on the
    validation images, and the sensitivity and specificity that they reach here.

    Example:
        attnmel evaluate runs/isic2017/attnmel-lesion/seed-0
    """
    from attnmel.api.results import evaluate as evaluate_model

    evaluated = evaluate_model(
        run,
        on=on,
        split=split,
        sensitivities=sensitivity or (),
        prevalences=prevalence or (),
        exclude=exclude,
        transforms=tta,
        prior=prior,
        columns=named_columns(columns),
        exclude_known=exclude_known,
        allow_leakage=allow_leakage,
        out=out,
        home=home,
        threads=threads,
        progress=Terminal(),
    )
    if as_json:
        print_json(evaluated.to_dict())
        return
    for place, one in enumerate(evaluated.runs):
        if len(evaluated.runs) > 1:
            print(f"{'' if place == 0 else chr(10)}{one.run.path}")
        _print_results(one.run, one.results, one.details)
    if len(evaluated.runs) > 1:
        print(f"\nmean over seeds, and tests against another recipe: attnmel compare {shlex.quote(run)}")


def _print_results(run: "Run", results: "SplitResults", details: "Details | None") -> None:
    from attnmel.pipeline.evaluate.score import score_sentences, score_table
    from attnmel.pipeline.run.results.details import operating_table

    print(results.sentence)
    print_table(MEASURES, results.table())
    if details and details.official:
        print(f"\n{score_sentences(details.official)}")
        print_table(MEASURES, score_table(details.official))
    for operating in details.operating if details else ():
        print(f"\n{operating.sentence}")
        print_table(*operating_table(operating))
    if run.card is not None and run.card.why_uncalibrated:
        print(f"\nnot calibrated: {run.card.why_uncalibrated}; probabilities and thresholds are the network's own")
    print(f"\npredictions: {run.folder.predictions(results.name)}")
    if results.submission:
        print(f"submission:  {run.folder.submission(results.name)}\n             {results.submission}")


def compare(
    runs: Annotated[
        list[Path],
        typer.Argument(
            help="Run folders, folders of seed-* runs (a recipe), predictions files, tables of image ids and "
            "probabilities of other programs, submissions as isic2017:FILE, or "
            f"{NAME}."
        ),
    ],
    split: Annotated[str, option(DATA, f"What to compare on: {EVALUATED}.")] = "test",
    operating_point: Annotated[
        float | None,
        option(
            EVALUATION,
            "Target sensitivity: each run's threshold is the one that reaches it on the validation images"
            " [default: threshold 0.5].",
        ),
    ] = None,
    positive: Annotated[
        list[str] | None,
        option(EVALUATION, "Class to evaluate against the rest; repeatable [default: as in the recipes]."),
    ] = None,
    measure: Annotated[
        list[str] | None,
        option(
            STATISTICS,
            "Measure to compare; repeatable. Fewer measures need less correction for multiple tests [default: all].",
        ),
    ] = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Test whether trained networks differ on the same images.

    Paired tests with intervals and Holm's correction; the seeds of a recipe are summarised, and each result is also
    given as a sentence.

    Example:
        attnmel compare runs/isic2017/attnmel runs/isic2017/attnmel-lesion
    """
    from attnmel.api.results import compare as compare_models
    from attnmel.report.sections.comparison import comparison_words, difference_table, sentences, summary_table

    compared = compare_models(
        runs, home=home, split=split, operating_point=operating_point, positives=positive or (), measures=measure or ()
    )
    if as_json:
        print_json(compared.to_dict())
        return
    found = compared.found
    comparison = found.comparison
    counts = ", ".join(f"{count} {name}" for name, count in comparison.positives)
    at = f"at each run's threshold of sensitivity {operating_point:g}" if operating_point else "at threshold 0.5"
    print(f"{f'{found.split}: ' if found.split else ''}{comparison.images} images ({counts}), {at}")
    summary = summary_table(comparison)
    tables = [summary] if summary else []
    pairs = dict.fromkeys((one.first, one.second) for one in comparison.differences)
    tables += [difference_table(comparison, *pair) for pair in pairs]
    for table in tables:
        print(f"\n{table.caption}")
        print_table(table.heads, table.rows)
    print()
    for sentence in sentences(comparison):
        print(sentence)
    for note in (*found.notes, *comparison.notes, comparison_words(comparison)):
        print(f"note: {note}")


def score(
    dataset: Annotated[
        str, typer.Argument(help="isic2016, isic2017, isic2018 or isic2018-task1.", autocompletion=data_sets)
    ],
    predictions: Annotated[
        Path, typer.Argument(help="A CSV of image ids and probabilities; a folder of masks for isic2018-task1.")
    ],
    columns: Annotated[
        list[str] | None,
        option(
            DATA,
            "How the CSV calls its columns, e.g. --columns image_id=file,melanoma=p; without a header, numbers from 1. "
            "Repeatable.",
            "--columns",
            metavar="NAME=COLUMN,...",
        ),
    ] = None,
    truth: Annotated[
        Path | None, option(DATA, "True classes or masks, in the official format [default: the fetched test split].")
    ] = None,
    rule: Annotated[
        list[str] | None,
        option(
            ADVANCED,
            "Change a rule of the official program: excluded=ISIC_0035068,... (or nothing), "
            "ties=wrong|first, threshold=above|at_or_above, undefined=one|nan|zero, ap=step|trapezoid; "
            "repeatable.",
        ),
    ] = None,
    resamples: Annotated[int, option(STATISTICS, "Number of bootstrap resamples.", min=1)] = 2000,
    seed: Annotated[int, option(STATISTICS, "Random seed of the resamples.", min=0)] = 0,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Score a challenge submission by the official ISIC measures.

    Each measure comes with its 95 % interval.

    Example:
        attnmel score isic2017 submission.csv
    """
    from attnmel.api.results import score as score_submission
    from attnmel.pipeline.evaluate.score import score_sentences, score_table

    scored = score_submission(
        dataset,
        predictions,
        home=home,
        truth=truth,
        columns=named_columns(columns) or None,
        rules=rule or (),
        resamples=resamples,
        seed=seed,
    )
    if as_json:
        print_json(scored.to_dict())
        return
    print(score_sentences(scored.report))
    print_table(MEASURES, score_table(scored.report))


def report(
    runs: Annotated[
        list[Path],
        typer.Argument(
            help=f"Run folders, folders of seed-* runs, or {NAME}, shown next to each other; submissions "
            "(isic2017:FILE) are compared with them."
        ),
    ],
    split: Annotated[str, option(DATA, f"What to report: {EVALUATED}.")] = "test",
    out: Annotated[
        Path | None, out_file("File to write [default: report.html in the run folder; of several runs, here].")
    ] = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Write one HTML page about one or more runs.

    It is self-contained: settings, measures, curves, tests, and correct and wrong predictions with attention maps.

    Example:
        attnmel report runs/isic2017/attnmel-lesion/seed-0 --out report.html
    """
    from attnmel.api.results import write_report

    page = write_report(runs, out, split=split, home=home, progress=Terminal())
    if as_json:
        print_json({"report": str(page)})
    else:
        print(page)
