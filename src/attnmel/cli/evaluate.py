"""`attnmel evaluate`, `compare`, `score` and `report`: from trained networks to measures, tests and a page."""

from pathlib import Path
from typing import Annotated

import typer

from attnmel.cli.help import ADVANCED, DATA, EVALUATION, OUTPUT, STATISTICS
from attnmel.cli.model_names import NAME, run_to_evaluate
from attnmel.cli.terminal import Home, Json, Out, Terminal, print_json, print_table

MEASURES = ["", "measure", "value", "95 % interval"]


def evaluate(
    run: Annotated[str, typer.Argument(help=f"A run folder, or {NAME}.")],
    on: Annotated[
        str | None,
        typer.Option(
            help="Another data set, or a folder with labels.csv [default: the run's own data set].",
            show_default=False,
            rich_help_panel=DATA,
        ),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(
            help="train, validation, test, internal or all [default: test; all images of a folder].",
            show_default=False,
            rich_help_panel=DATA,
        ),
    ] = None,
    sensitivity: Annotated[
        list[float] | None,
        typer.Option(
            help="Additional target sensitivity of an operating point, next to 0.82, 0.89 and 0.95; repeatable.",
            show_default=False,
            rich_help_panel=EVALUATION,
        ),
    ] = None,
    prevalence: Annotated[
        list[float] | None,
        typer.Option(
            help="Additional prevalence to compute the precision for, next to 0.02 and 0.1; repeatable.",
            show_default=False,
            rich_help_panel=EVALUATION,
        ),
    ] = None,
    exclude: Annotated[
        Path | None,
        typer.Option(
            help="List of images, by `attnmel audit --exclusions`: evaluate also without them.",
            show_default=False,
            rich_help_panel=DATA,
        ),
    ] = None,
    allow_leakage: Annotated[
        bool,
        typer.Option(
            "--allow-leakage", help="Evaluate although the network was trained on some images.", rich_help_panel=DATA
        ),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Run folder to create for a pretrained model, for the results [default: runs/NAME].",
            show_default=False,
            rich_help_panel=OUTPUT,
        ),
    ] = None,
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
    from attnmel.folders import home_folder
    from attnmel.pipeline.evaluate.evaluate import evaluate_run
    from attnmel.pipeline.evaluate.score import sentence, table
    from attnmel.pipeline.run.results_details import operating_table, read_details
    from attnmel.runtime import use_threads

    use_threads()
    folder = run_to_evaluate(run, out, on, split)
    results = evaluate_run(
        folder,
        home=home_folder(home),
        on=on,
        split=split,
        sensitivities=sensitivity or (),
        prevalences=prevalence or (),
        exclude=exclude,
        allow_leakage=allow_leakage,
        progress=Terminal(),
    )
    details = read_details(folder, results)
    if as_json:
        print_json(results.as_dict() | {"details": details.as_dict() if details else None})
        return
    print(results.sentence)
    print_table(MEASURES, results.table())
    if details and details.official:
        print(f"\n{sentence(details.official)}")
        print_table(MEASURES, table(details.official))
    for operating in details.operating if details else ():
        print(f"\n{operating.sentence}")
        print_table(*operating_table(operating))
    print(f"\npredictions: {folder.predictions(results.name)}")
    if results.submission:
        print(f"submission:  {folder.submission(results.name)}\n             {results.submission}")


def compare(
    runs: Annotated[
        list[Path], typer.Argument(help="Run folders, folders of seed-* runs (a recipe), or predictions files.")
    ],
    split: Annotated[
        str, typer.Option(help="Evaluated split or external data set to compare on.", rich_help_panel=DATA)
    ] = "test",
    operating_point: Annotated[
        float | None,
        typer.Option(
            help="Target sensitivity: each run's threshold is the one that reaches it on the validation images "
            "[default: threshold 0.5].",
            show_default=False,
            rich_help_panel=EVALUATION,
        ),
    ] = None,
    positive: Annotated[
        list[str] | None,
        typer.Option(
            help="Class to evaluate against the rest; repeatable [default: as in the recipes].",
            rich_help_panel=EVALUATION,
        ),
    ] = None,
    measure: Annotated[
        list[str] | None,
        typer.Option(
            help="Measure to compare; repeatable. Fewer measures need less correction for multiple tests "
            "[default: all].",
            rich_help_panel=STATISTICS,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Test whether trained networks differ on the same images.

    Paired tests with intervals and Holm's correction; the seeds of a recipe are summarised, and each result is also
    said in a sentence.

    Example:
        attnmel compare runs/isic2017/attnmel runs/isic2017/attnmel-lesion
    """
    from attnmel.pipeline.evaluate.compare import compare_runs
    from attnmel.report.sections.comparison import difference_table, method_words, sentences, summary_table

    found = compare_runs(
        runs, split=split, operating_point=operating_point, positives=positive or (), measures=measure or ()
    )
    if as_json:
        print_json(found.as_dict())
        return
    comparison = found.comparison
    counts = ", ".join(f"{count} {name}" for name, count in comparison.positives)
    at = f"at sensitivity {operating_point:g} on validation" if operating_point else "at threshold 0.5"
    print(f"{split}: {comparison.images} images ({counts}), {at}")
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
    for note in (*found.notes, *comparison.notes, method_words(comparison)):
        print(f"note: {note}")


def score(
    dataset: Annotated[str, typer.Argument(help="isic2016, isic2017, isic2018 or isic2018-task1.")],
    predictions: Annotated[
        Path, typer.Argument(help="A CSV in the official submission format; a folder of masks for isic2018-task1.")
    ],
    truth: Annotated[
        Path | None,
        typer.Option(
            help="True classes or masks, in the official format [default: the fetched test split].",
            show_default=False,
            rich_help_panel=DATA,
        ),
    ] = None,
    rule: Annotated[
        list[str] | None,
        typer.Option(
            help="Change a rule of the official program: excluded=ISIC_0035068,... (or nothing), ties=wrong|first, "
            "threshold=above|at_or_above, undefined=one|nan|zero, ap=step|trapezoid; repeatable.",
            show_default=False,
            rich_help_panel=ADVANCED,
        ),
    ] = None,
    resamples: Annotated[
        int, typer.Option(min=1, help="Number of bootstrap resamples.", rich_help_panel=STATISTICS)
    ] = 2000,
    seed: Annotated[int, typer.Option(min=0, help="Random seed of the resamples.", rich_help_panel=STATISTICS)] = 0,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Score a challenge submission by the official ISIC measures.

    Each measure comes with its 95 % interval.

    Example:
        attnmel score isic2017 submission.csv
    """
    from attnmel.folders import home_folder
    from attnmel.pipeline.evaluate import score as scoring

    scored = scoring.score(
        dataset,
        predictions,
        home=home_folder(home),
        truth=truth,
        rules=rule or (),
        resamples=resamples,
        seed=seed,
    )
    if as_json:
        print_json(scoring.as_dict(scored))
        return
    print(scoring.sentence(scored))
    print_table(MEASURES, scoring.table(scored))


def report(
    runs: Annotated[list[Path], typer.Argument(help="Run folders; several are shown next to each other.")],
    split: Annotated[
        str, typer.Option(help="Evaluated split or external data set to report.", rich_help_panel=DATA)
    ] = "test",
    out: Out = None,
    home: Home = None,
) -> None:
    """Write one HTML page about one or more runs.

    It is self-contained: settings, measures, curves, tests, and correct and wrong predictions with attention maps.

    Example:
        attnmel report runs/isic2017/attnmel-lesion/seed-0 --out report.html
    """
    from attnmel.folders import RunFolder, home_folder
    from attnmel.pipeline.report.report import report_runs

    print(
        report_runs([RunFolder(run) for run in runs], home=home_folder(home), split=split, out=out, progress=Terminal())
    )
