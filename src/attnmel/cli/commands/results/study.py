"""`attnmel study`: plan a study of readers, run it, and analyse its readings."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from attnmel.cli.commands.results.study_running import export, link, new, serve, status
from attnmel.cli.help import DATA, EVALUATION, STATISTICS, HelpCommand, HelpGroup, option
from attnmel.cli.terminal import Json, Terminal, out_folder, print_json, print_table

if TYPE_CHECKING:
    from attnmel.report.html.sections import Table

study = typer.Typer(
    cls=HelpGroup,
    help="""Studies of readers: plan one, run it, analyse its readings.

    Example:
        attnmel study analyse readings.csv
    """,
    no_args_is_help=True,
    rich_markup_mode=None,
)


@study.command(cls=HelpCommand)
def analyse(
    readings: Annotated[
        Path, typer.Argument(help="Readings: a CSV file (reader, case, modality, score, truth), or .imrmc.")
    ],
    machine: Annotated[
        list[str] | None,
        option(
            DATA, "Modality that is a machine; repeatable [default: each with a single reader, who is in no other]."
        ),
    ] = None,
    reference: Annotated[
        str | None, option(DATA, "Modality that others are compared with [default: 'alone', where there is one].")
    ] = None,
    threshold: Annotated[
        float | None,
        option(
            EVALUATION,
            "Score above which an answer is positive; without it no decisions are analysed [default: 50 for a "
            "suspicion, 0.5 where all scores are 0 or 1].",
        ),
    ] = None,
    machine_threshold: Annotated[
        list[str] | None,
        option(
            EVALUATION,
            "Score above which a machine's answer is positive, of all or of one; repeatable [default: what the "
            "readings say, as those of `study export`; else --threshold].",
            "--machine-threshold",
            metavar="[NAME=]SCORE",
        ),
    ] = None,
    margin: Annotated[
        float | None, option(STATISTICS, "Loss of AUC that would matter, for tests of non-inferiority, such as 0.05.")
    ] = None,
    covariance: Annotated[
        Literal["jackknife", "delong", "unbiased"], option(STATISTICS, "How covariances over cases are estimated.")
    ] = "jackknife",
    binormal: Annotated[
        bool,
        option(STATISTICS, "Also fit binormal curves by maximum likelihood, and compare their areas.", "--binormal"),
    ] = False,
    out: Annotated[Path | None, out_folder("Folder of a report and all tables [default: none is written].")] = None,
    as_json: Json = False,
) -> None:
    """Analyse the readings of a study, with 95 % intervals.

    Intervals are for other readers and cases. Printed are AUCs and differences by Obuchowski and Rockette's analysis
    and by U-statistics, then a machine against the readers, sensitivity and specificity, changed answers, agreement and
    experience, as far as the readings allow.
    With --out a folder with a report is written.

    Example:
        attnmel study analyse readings.csv --threshold 50 --out study
    """
    from attnmel.pipeline.study.machine_thresholds import parsed_thresholds
    from attnmel.study import analyse as analyse_readings

    analysed = analyse_readings(
        readings,
        machines=machine or (),
        reference=reference,
        threshold=threshold,
        machine_threshold=parsed_thresholds(machine_threshold or ()),
        margin=margin,
        covariance=covariance,
        binormal=binormal,
        out=out,
        progress=Terminal(),
    )
    if as_json:
        print_json(analysed.to_dict())
        return
    from attnmel.pipeline.study.analysis.analyse import median_seconds
    from attnmel.pipeline.study.analysis.tables import study_tables
    from attnmel.report.sections.readers.study_sentences import answers_of, notes_of

    found = analysed.found
    print("\n".join(answers_of(found.analysis)))
    print(f"\n{readings}: {found.sentence}")
    for table in study_tables(found.analysis, median_seconds(found)):
        _print(table)
    for note in (*found.data.notes, *notes_of(found.analysis)):
        print(f"note: {note}")
    if out is not None:
        print(f"\nreport: {out / 'report.html'}")


def _print(table: "Table") -> None:
    from attnmel.number_formats import DASH

    print(f"\n{table.caption}")
    plain = {DASH: "-", "\N{MINUS SIGN}": "-"}
    rows = [[_line(cell, plain) for cell in row] for row in table.rows]
    print_table([_line(head, plain) for head in table.heads], rows)


def _line(cell: str, plain: dict[str, str]) -> str:
    """Return a cell in one line of ASCII: a value, then its interval in brackets."""
    value, _, interval = cell.partition("\n")
    for sign, shown in plain.items():
        value, interval = value.replace(sign, shown), interval.replace(sign, shown)
    return f"{value} ({interval})" if interval else value


@study.command(cls=HelpCommand)
def power(
    readers: Annotated[list[int], option(DATA, "Number of readers; repeatable.", min=2)] = [5, 10, 15],  # noqa: B006
    cases: Annotated[list[int], option(DATA, "Number of cases; repeatable.", min=4)] = [50, 100, 200],  # noqa: B006
    prevalence: Annotated[float, option(DATA, "Share of the cases that are diseased.")] = 0.5,
    auc: Annotated[
        list[float], option(EVALUATION, "Expected AUCs, given twice: of the first and of the second modality.")
    ] = [0.85, 0.80],  # noqa: B006
    machine: Annotated[bool, option(EVALUATION, "The first modality is one machine, no reader.", "--machine")] = False,
    margin: Annotated[
        float | None, option(STATISTICS, "Also the power to show that the first is not worse by so much.")
    ] = None,
    target_power: Annotated[
        float, option(STATISTICS, "Power whose number of readers is looked for.", "--target-power")
    ] = 0.8,
    target_width: Annotated[
        float | None,
        option(STATISTICS, "Half of an interval's width whose number of readers is looked for.", "--target-width"),
    ] = None,
    pilot: Annotated[
        Path | None, option(STATISTICS, "Readings of a pilot study to take variances from [default: moderate ones].")
    ] = None,
    simulate: Annotated[int, option(STATISTICS, "Also simulate so many studies a row (Roe and Metz).", min=0)] = 0,
    seed: Annotated[int, option(STATISTICS, "Random seed of the simulation.", min=0)] = 0,
    as_json: Json = False,
) -> None:
    """Say how many readers and cases give which interval and power.

    By the formula of Hillis, Obuchowski and Berbaum, for all readers and cases. Below the table are the AUCs that were
    assumed, and the number of readers that reach the power and the width looked for.

    Example:
        attnmel study power --readers 5 --readers 10 --cases 100 --auc 0.86 --auc 0.80
    """
    from attnmel.pipeline.study.analysis.power import power_sentences, power_table
    from attnmel.study import power as power_of

    found = power_of(
        readers,
        cases,
        aucs=auc,
        prevalence=prevalence,
        machine=machine,
        margin=margin,
        target_power=target_power,
        target_width=target_width,
        pilot=pilot,
        simulate=simulate,
        seed=seed,
        progress=Terminal(bars=simulate > 0),
    )
    if as_json:
        print_json(found.to_dict())
        return
    print_table(*power_table(found.plan, found.rows))
    print("\n" + "\n".join(power_sentences(found.plan, found.rows)))


for _command in (new, serve, status, export, link):
    study.command(cls=HelpCommand)(_command)
