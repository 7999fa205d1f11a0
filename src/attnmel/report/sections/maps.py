"""Evaluation of saliency maps as tables: a row per map, a column per measure. Rounds and names only."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from attnmel.evaluation.maps.localisation import CUTS, LESION, MEASURES, cut_measure
from attnmel.evaluation.maps.summary import (
    AGREEMENT,
    AUTHORS_JACCARD,
    FAITHFUL,
    MapDifference,
    MapMean,
    MapSummary,
)
from attnmel.evaluation.maps.table import EVERY, MapColumn
from attnmel.number_formats import p_words, signed
from attnmel.report.galleries.examples import GalleryPicture
from attnmel.report.html.sections import Link, Section, Table
from attnmel.report.html.table_texts import markdown_table
from attnmel.report.html.tables import spaced

MEASURE_WORDS = {
    "jaccard": "Jaccard",
    "ap": "AP",
    "energy": "Energy",
    "pointing": "Pointing",
    "dice": "Dice",
    AUTHORS_JACCARD: "Jaccard, the authors' way",
    "deletion": "Deletion (lower is better)",
    "insertion": "Insertion (higher)",
    "sufficiency": "Sufficiency (lower)",
    "comprehensiveness": "Comprehensiveness (higher)",
    "area": "Area",
    "stability spearman": "Rank correlation",
    "stability jaccard": "Jaccard",
}
SHOWN_CUTS = CUTS[1::2]
"""Every second; all of them are in the CSV."""

SANITY = "sanity spearman"
BESIDE = ("jaccard", "ap", "energy")
"""Measures of a map against other marks than the lesion."""

CONTROL_WORDS = {"gaussian": "gaussian, a bell in the middle of the image", "random": "random, smooth noise"}
NOTES = (
    "Intervals: 95 % percentile bootstrap of these images, by lesion. Another training gives other maps; that is not "
    "in them.",
    "Overlap measures whether a map marks what experts marked, faithfulness whether the network depends on it; "
    "neither follows from the other.",
)


class _Head(NamedTuple):
    """A column of a table: which figure it shows."""

    text: str
    measure: str
    target: str
    part: str = EVERY


def evaluation_section(
    summary: MapSummary, *, pictures: tuple[GalleryPicture, ...] = (), links: tuple[Link, ...] = ()
) -> Section:
    """Return the section of a run's page that evaluates its maps."""
    tables = mean_tables(summary)
    return Section(
        name="maps",
        title="Evaluation of the saliency maps",
        prose=_prose(summary),
        pictures=pictures,
        links=links,
        tables=tables[:1],
        more=(*tables[1:], *difference_tables(summary)),
        notes=_notes(summary),
    )


def beside_section(
    summary: MapSummary,
    *,
    title: str,
    pictures: tuple[GalleryPicture, ...],
    links: tuple[Link, ...],
    lacking: Sequence[str],
) -> Section:
    """Return the part of a page of several runs that sets their maps side by side; runs in `lacking` have none."""
    tables, differences = mean_tables(summary), difference_tables(summary)
    missing = f"Without maps of the epoch evaluated: {', '.join(lacking)}; `attnmel explain RUN --split` makes them."
    return Section(
        name="maps-side-by-side",
        title=title,
        prose=f"The same images, seen by every run. {_prose(summary)}",
        pictures=pictures,
        links=links,
        tables=(*tables[:1], *differences[:1]),
        more=(*tables[1:], *differences[1:]),
        notes=(*_notes(summary), *([missing] if lacking else [])),
    )


def _prose(summary: MapSummary) -> str:
    """Return how to read the maps, by the baselines that are among them, perhaps after the name of a run."""
    of_which = "Each map is of the class that the network predicts."
    if not any(one.images for one in summary.means):
        return f"A map easily looks convincing. None of these is measured. {of_which}"
    ends = {name.rpartition(": ")[2] for name in summary.methods}
    there = [words for name, words in CONTROL_WORDS.items() if name in ends]
    baselines = f", and so are baselines that do not depend on the network: {', and '.join(there)}" if there else ""
    better = " A map is informative as far as it is better than these." if there else " No baseline was requested."
    return f"A map easily looks convincing. Here each is measured{baselines}.{better} {of_which}"


def _notes(summary: MapSummary) -> tuple[str, ...]:
    if summary.masks:
        return NOTES
    return (
        "No image has a lesion mask, so the overlap with the lesion is not measured. Of a folder of one's own the "
        "column mask of labels.csv names the masks; those of a recipe's loss.masks are of its prior alone.",
        *NOTES,
    )


def summary_text(summary: MapSummary, *, differences: bool = True) -> str:
    """Return all tables as Markdown, or all but those of differences, which are many."""
    lines = [
        f"# Maps of {summary.name} on {summary.images:,} {summary.split} images, {summary.masks:,} with a lesion mask",
        *("", f"**{summary.notice}** Trained on data under: {summary.licence}.", ""),
        *(_prose(summary), ""),
    ]
    for table in (*mean_tables(summary), *(difference_tables(summary) if differences else ())):
        lines += [table.caption, "", *markdown_table(table), ""]
    return "\n".join([*lines, *(f"* {note}" for note in _notes(summary)), ""])


def mean_tables(summary: MapSummary) -> tuple[Table, ...]:
    """Return the means, a table per question; without its measures a question has none."""
    kinds = list(dict.fromkeys((one.column.measure, one.column.target) for one in summary.means))
    parts = list(dict.fromkeys(one.part for one in summary.means))
    others = [target for measure, target in kinds if measure == "jaccard" and target != LESION]
    questions = {
        "Overlap with the lesion": [_Head(MEASURE_WORDS[name], name, LESION) for name in MEASURES],
        "Jaccard index with the lesion, by part of the images": [
            _Head(spaced(part).removeprefix("label "), "jaccard", LESION, part) for part in parts if len(parts) > 1
        ],
        **{
            f"{MEASURE_WORDS[name]} with all other marked structures": [
                _Head(spaced(target), name, target) for target in others
            ]
            for name in BESIDE
        },
        "Jaccard index with the lesion where a map is cut at other shares of its range": [
            _Head(f"{cut:g}", cut_measure(cut), LESION) for cut in SHOWN_CUTS
        ],
        "Class activation maps as the authors measured them, only to compare with their value": [
            _Head(MEASURE_WORDS[AUTHORS_JACCARD], AUTHORS_JACCARD, LESION)
        ],
        "Faithfulness: uncalibrated probability of the class when pixels are replaced": [
            _Head(MEASURE_WORDS[name], name, "") for name in FAITHFUL
        ],
        "Sanity: rank correlation with the map after an alteration": [
            _Head(target, SANITY, target) for measure, target in kinds if measure == SANITY
        ],
        "Stability: similarity to the maps of the image turned and mirrored": [
            _Head(MEASURE_WORDS[name], name, "") for name in ("stability spearman", "stability jaccard")
        ],
    }
    tables = (table for title, heads in questions.items() for table in _table(summary, title, heads))
    return (*tables, *_agreement_table(summary))


def _table(summary: MapSummary, title: str, heads: Iterable[_Head]) -> Iterator[Table]:
    """Give the table of the maps that have the figures; none without any, or where no image has any."""
    means = {(one.column, one.part): one for one in summary.means}
    rows: dict[str, dict[_Head, MapMean]] = {}
    for name in summary.methods:
        keys = {head: (MapColumn(name, head.measure, head.target), head.part) for head in heads}
        if found := {head: means[key] for head, key in keys.items() if key in means}:
            rows[name] = found
    # Maps of one summary are measured alike, so those that have a figure have the same ones.
    shown = list(next(iter(rows.values()), ()))
    if any(one.images for row in rows.values() for one in row.values()):
        counts = [_count([row[head].images for row in rows.values()]) for head in shown]
        yield Table(
            caption=f"{title}. In brackets: images that have the figure.",
            heads=("Map", *(f"{head.text} ({count})" for head, count in zip(shown, counts, strict=True))),
            rows=tuple((name, *(signed(row[head].interval) for head in shown)) for name, row in rows.items()),
        )


def _agreement_table(summary: MapSummary) -> Iterator[Table]:
    """Give the rank correlation of every two maps, each pair once; none without any."""
    found = {
        (one.column.map, one.column.target): one.interval
        for one in summary.means
        if one.column.measure == AGREEMENT and one.part == EVERY
    }
    # The first map is above a column alone, the last next to a row alone.
    across, down = summary.methods[:-1], summary.methods[1:]
    if found:
        yield Table(
            caption="Agreement: rank correlation of every two maps of an image.",
            heads=("Map", *across),
            rows=tuple(
                (row, *(signed(found[column, row]) if (column, row) in found else "" for column in across))
                for row in down
            ),
        )


def _count(images: Sequence[int]) -> str:
    """Say of how many images the figures of a column are; maps may differ in it."""
    least, most = min(images), max(images)
    return f"{most:,}" if least == most else f"{least:,} to {most:,}"


def difference_tables(summary: MapSummary) -> tuple[Table, ...]:
    """Return every two maps compared, a table a measure."""
    by_measure: dict[str, list[MapDifference]] = {}
    for one in summary.differences:
        by_measure.setdefault(one.first.measure, []).append(one)
    return tuple(
        Table(
            caption=f"{MEASURE_WORDS[measure]}: every two maps on the same images; p after Holm's correction.",
            heads=("Maps", "Images", "Difference", "p", "Shown"),
            rows=tuple(map(_difference, differences)),
        )
        for measure, differences in by_measure.items()
    )


def _difference(one: MapDifference) -> tuple[str, ...]:
    return (
        f"{one.second.map} less {one.first.map}",
        f"{one.images:,}",
        signed(one.interval),
        p_words(one.corrected),
        "yes" if one.shown else "no",
    )
