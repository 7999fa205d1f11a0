"""The section that sets the intervals of one judgement side by side, a column a method."""

from attnmel.evaluation.classification.metric_intervals import MetricRow
from attnmel.evaluation.classification.report import ClassificationReport
from attnmel.number_formats import fixed, span
from attnmel.report.html import tables
from attnmel.report.html.sections import Section, Table

COLUMNS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Percentile", ("percentile",)),
    ("BCa", ("bca",)),
    ("Jackknife, logit", ("logit",)),
    ("DeLong or Wilson", ("delong", "wilson")),
)
"""Head of each column, and the methods of which a measure has at most one."""


def interval_section(judgement: ClassificationReport, split: str) -> Section:
    """Return every interval of every measure of one split."""
    heads = ("Measure", "Value", *(head for head, _ in COLUMNS))
    by = "image" if judgement.units == judgement.images else "lesion or patient"
    return Section(
        name="intervals",
        title="Intervals by each method",
        prose=f"95 % intervals. The bootstrap draws {judgement.resamples:,} times, seed {judgement.seed}, by {by} and "
        "class. The measures above show DeLong's, Wilson's or the jackknife's, whose coverage is nearest to 95 %.",
        tables=(Table(f"Every interval, {split}", heads, tuple(map(_cells, judgement.rows))),),
    )


def _cells(row: MetricRow) -> tuple[str, ...]:
    ends = [next((row.intervals[name] for name in names if name in row.intervals), None) for _, names in COLUMNS]
    spans = [span(pair) if pair else "" for pair in ends]
    return (f"{tables.task_words(row.task)}: {tables.measure_words(row)[0]}", fixed(row.value), *spans)
