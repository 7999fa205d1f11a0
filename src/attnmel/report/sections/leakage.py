"""Evaluated images that are known from training -> a section of the page, with the measures without them."""

from collections import Counter
from collections.abc import Mapping, Sequence

from attnmel.evaluation.classification.metric_intervals import MetricRow
from attnmel.evaluation.classification.report import ClassificationReport
from attnmel.number_formats import DASH, fixed, span
from attnmel.report.html.sections import Section, Table
from attnmel.report.html.tables import MEASURE_WORDS, spaced

KIND_WORDS: Mapping[str, str] = {
    "same id": "the same image id",
    "same bytes": "the same file under another id",
    "same picture": "a near-duplicate under another id",
    "same lesion": "another photograph of the lesion",
}

MOST_LISTED = 20
"""Pairs that the page names; all are in the run folder."""


def leakage_section(
    split: str,
    kinds: Mapping[str, str],
    pairs: Sequence[tuple[str, str, str]],
    whole: ClassificationReport,
    without: ClassificationReport | str,
) -> Section:
    """Return the figures of a split with and without the images that are known from training.

    `kinds` says by image how it is known, `pairs` names image, known image and its split; `without` is the sentence
    that says why where nothing can be evaluated without them.
    """
    counts = Counter(kinds.values())
    kinds_found = ", ".join(f"{count} by {KIND_WORDS.get(kind, kind)}" for kind, count in counts.items())
    prose = (
        f"{len(kinds):,} of {whole.images:,} images of the {split} split are known from training or validation images: "
        f"{kinds_found}. The measures above are of all images, as the split prescribes; here they are "
        "compared with those without these."
    )
    tables = () if isinstance(without, str) else (_table(split, whole, without),)
    notes = [f"{image}: {known} ({side})" for image, known, side in pairs[:MOST_LISTED]]
    more = len(pairs) - len(notes)
    named = (
        f"Pairs, evaluated and known: {'; '.join(notes)}{f'; and {more} more' if more > 0 else ''}. All: leakage.csv."
    )
    return Section(
        name="leakage",
        title="Images known from training",
        prose=prose,
        tables=tables,
        notes=(*((without,) if isinstance(without, str) else ()), named),
    )


def _table(split: str, whole: ClassificationReport, without: ClassificationReport) -> Table:
    rows, others = [], {(row.task, row.measure): row for row in without.rows}
    for row in whole.rows:
        other = others.get((row.task, row.measure))  # none of the recall of a class whose images are all known
        name = MEASURE_WORDS.get(row.measure, (spaced(row.measure), ""))[0]
        rows.append((f"{spaced(row.task)}: {name}", *_cells(row), *(_cells(other) if other else (DASH, ""))))
    heads = ("Measure", f"all {whole.images:,}", "95 % interval", f"without, {without.images:,}", "95 % interval")
    return Table(f"Measures of the {split} split with and without the images known from training", heads, tuple(rows))


def _cells(row: MetricRow) -> tuple[str, str]:
    return fixed(row.value), span(row.interval)
