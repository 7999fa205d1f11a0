"""A comparison to words, tables and a section of the page. Rounds and names; measures nothing."""

from attnmel.errors import counted
from attnmel.evaluation.comparison.differences import MEASURE_WORDS, MeasureDifference
from attnmel.evaluation.comparison.paired_tests import Method
from attnmel.evaluation.comparison.recipes import Comparison, Summary
from attnmel.evaluation.statistics.bootstrap import Interval
from attnmel.evaluation.statistics.hypothesis_tests import LEVEL, POWER
from attnmel.figures.differences import Bar, differences_figure
from attnmel.number_formats import TO, fixed, p_cell, plus, span
from attnmel.report.html.sections import Drawing, Section, Table
from attnmel.report.html.tables import spaced

DETECTABLE, ALONE = "detectable", "alone right"


def comparison_section(comparison: Comparison, notes: tuple[str, ...] = ()) -> Section:
    """Return the section that compares runs: figures, tables and a sentence each, then `notes`."""
    summary = summary_table(comparison)
    pairs = tuple(dict.fromkeys((one.first, one.second) for one in comparison.differences))
    drawn = tuple(_drawing(number, pair, comparison) for number, pair in enumerate(pairs, 1))
    tables = (*((summary,) if summary else ()), *(difference_table(comparison, *pair) for pair in pairs))
    return Section(
        name="differences",
        title="Paired comparison",
        prose=_prose(comparison),
        figures=drawn,
        tables=tables,
        notes=(*sentences(comparison), *notes, *comparison.notes, comparison_words(comparison)),
    )


def summary_table(comparison: Comparison) -> Table | None:
    """Return what each recipe reaches over its seeds; None where no recipe has several."""
    if all(seeds == 1 for _, seeds in comparison.seeds):
        return None
    heads = ("recipe and measure", "seeds", "mean", "deviation over seeds", "95 % interval", "by")
    return Table("Mean over seeds", heads, tuple(_summary_row(one) for one in comparison.summaries))


def difference_table(comparison: Comparison, first: str, second: str) -> Table:
    """Return the differences of one pair, second minus first; a line below a row is the result of another method."""
    rows = []
    for one in comparison.differences:
        if (one.first, one.second) == (first, second):
            rows += [_difference_row(one), *(_other_row(other) for other in one.outcome.others)]
    heads = (*("measure", "first", "second", "difference", "95 % interval", "p", "after Holm"), DETECTABLE, ALONE, "by")
    place = heads.index(ALONE)
    if not any(row[place] for row in rows):  # of several seeds no images are counted
        heads, rows = _without(heads, place), [_without(row, place) for row in rows]
    return Table(f"First: {first}. Second: {second}.", heads, tuple(rows))


def _without(row: tuple[str, ...], place: int) -> tuple[str, ...]:
    return (*row[:place], *row[place + 1 :])


def sentences(comparison: Comparison) -> tuple[str, ...]:
    """Return the result for each pair and class, with all measures of it."""
    found: dict[tuple[str, str, str], list[MeasureDifference]] = {}
    for one in comparison.differences:
        found.setdefault((one.second, one.first, one.task), []).append(one)
    return tuple(
        f"{second} against {first}, {spaced(task)}: {_results(ones)}" for (second, first, task), ones in found.items()
    )


def _results(differences: list[MeasureDifference]) -> str:
    results = [one.sentence for one in differences if one.shown]
    if hidden := [one.change for one in differences if not one.shown]:
        results.append(f"no difference shown ({'; '.join(hidden)})")
    return "; ".join(results)


def comparison_words(comparison: Comparison) -> str:
    """Return the number of resamples and permutations, and what one correction covers."""
    resampling, rows = comparison.chances, len(comparison.differences)
    chance = f"{resampling.resamples:,} resamples, {resampling.permutations:,} permutations, seed {resampling.seed}"
    if not rows:
        return chance
    cut = any(one.low == -1 or one.high == 1 for one in comparison.differences)
    bounds = " An end at -1 or 1 is cut there, since no measure can differ by more." if cut else ""
    counts = any(one.outcome.discordant for one in comparison.differences)
    alone = (
        ' "Alone right" counts the images that the first, and that the second, alone calls rightly.' if counts else ""
    )
    return (
        f"{chance}. p is corrected by Holm over {counted(rows, 'row')}; a difference counts as shown where the "
        f"corrected p is below {LEVEL} and the interval leaves out 0. Detectable: a true difference of this size would "
        f"be shown with a probability of {POWER}, at the strictest step of the correction.{bounds}{alone}"
    )


def _prose(comparison: Comparison) -> str:
    images = f"On the same {counted(comparison.images, 'image')}"
    if not comparison.differences:
        return f"{images}, mean and spread over the seeds of one recipe."
    shown = sum(one.shown for one in comparison.differences)
    rows = counted(len(comparison.differences), "row")
    if not shown:
        return f"{images}, no difference is shown in any of {rows}. That does not show that there is none."
    return f"{images}, a difference is shown in {shown} of {rows}, after correction for their number."


def _drawing(number: int, pair: tuple[str, str], comparison: Comparison) -> Drawing:
    first, second = pair
    several = len(comparison.positives) > 1
    bars = [
        Bar(
            _row_words(one) if several else words(one.measure),
            Interval(one.value, one.low, one.high),
            one.shown,
        )
        for one in comparison.differences
        if (one.first, one.second) == pair
    ]
    caption = f"{second} minus {first}, with 95 % intervals. Filled: a difference is shown after correction."
    return Drawing(differences_figure(bars, label="difference", name=f"differences-{number}"), caption)


def words(measure: str) -> str:
    """Return the name of a measure as a reader writes it."""
    return MEASURE_WORDS.get(measure, measure)


def _row_words(one: Summary | MeasureDifference) -> str:
    return f"{words(one.measure)}, {spaced(one.task)}"


def _summary_row(one: Summary) -> tuple[str, ...]:
    figures = (fixed(one.mean), fixed(one.deviation), _span(one.chosen))
    return (f"{one.name}: {_row_words(one)}", str(len(one.values)), *figures, one.chosen.name)


def _difference_row(one: MeasureDifference) -> tuple[str, ...]:
    discordant = one.outcome.discordant
    return (
        _row_words(one),
        fixed(one.first_value),
        fixed(one.second_value),
        plus(one.value),
        _span(one.outcome.chosen),
        p_cell(one.outcome.chosen.p),
        p_cell(one.corrected),
        "over 1" if one.detectable >= 1 else fixed(one.detectable),
        f"{discordant[0]}, {discordant[1]}" if discordant else "",
        one.outcome.chosen.name,
    )


def _other_row(other: Method) -> tuple[str, ...]:
    return ("", "", "", "", _span(other), p_cell(other.p), "", "", "", other.name)


def _span(method: Method) -> str:
    return span((method.low, method.high), to=TO) or fixed(None)
