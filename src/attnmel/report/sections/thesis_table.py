"""A table of recipes as tables and sections of its page. Rounds and names; measures nothing."""

from attnmel.evaluation.thesis.reproduced import ReproducedTable, RowTest, TableBlock, TableRow
from attnmel.number_formats import DASH, fixed, minus, p_cell, plus, plus_span, stacked
from attnmel.report.html.sections import Section, Table
from attnmel.report.sections.comparison import words

TICKS = ("lesion", "dermo", "interpretability", "ensemble", "external")
"""Columns of the slides: lesion masks, masks of dermoscopic features, shows where it looks, several networks, images
from outside the challenge."""
TICK_HEADS = {"lesion": "Lesion", "dermo": "Dermo", "interpretability": "Interp", "external": "External"}


def table_sections(table: ReproducedTable) -> tuple[Section, ...]:
    """Return the part of the page that holds the table: a section a block, then footnotes and where it comes from."""
    # A full stop follows each note, which is not part of the command.
    facts = {name: f'"{value}"' if name == "command" else value for name, value in table.facts}
    return (
        *(_block_section(table, block) for block in table.blocks),
        Section(
            name="footnotes",
            title="Notes",
            notes=table.notes,
        ),
        Section(
            name="origin",
            title="Provenance",
            notes=tuple(f"{name.capitalize()}: {value}" for name, value in facts.items()),
            tables=(runs_table(table),),
        ),
    )


def _block_section(table: ReproducedTable, block: TableBlock) -> Section:
    tests = (tests_table(block),) if block.tests else ()
    failures = tuple(f"{name} failed: {reason}" for name, reason in table.failures)
    return Section(
        name=f"table-{block.split}",
        title=block.title,
        prose=_prose(block),
        tables=(block_table(table, block), *tests),
        notes=(*block.notes, *failures),
    )


def _prose(block: TableBlock) -> str:
    images = sorted({row.images for row in block.rows if row.images})
    if not images:
        return "Nothing has been evaluated on these images yet."
    return f'{" or ".join(f"{count:,}" for count in images)} images, split "{block.split}".'


def block_table(table: ReproducedTable, block: TableBlock, *, published_form: str = "published {}") -> Table:
    """Return the rows of one split; below a value are its interval and the published value, as `published_form`."""
    ticks = [name for name in TICKS if any(tick(row, name) for row in block.rows)]
    heads = ("System", *table.heads, "Seeds", *(TICK_HEADS.get(name, name.capitalize()) for name in ticks))
    rows = tuple(
        (
            f"{row.title}\n{row.status}".rstrip(),
            *(_cell(row, place, published_form) for place in range(len(table.heads))),
            str(row.seeds) if row.seeds else "",
            *(tick(row, name) for name in ticks),
        )
        for row in block.rows
    )
    return Table("Figure, its 95 % interval, and what was published", heads, rows)


def tests_table(block: TableBlock) -> Table:
    """Return every test once; of two rows that are each other's row above and Mel-CNN, the lower one's."""
    titles = {row.name: row.title for row in block.rows}
    once: dict[tuple[frozenset[str], str], RowTest] = {}
    for test in sorted(block.tests, key=lambda one: one.against != "above"):
        once.setdefault((frozenset((test.found.first, test.found.second)), test.found.measure), test)
    shown = [test for test in block.tests if test in once.values()]
    heads = ("Row", "Against", "Measure", "Difference", "95 % interval", "p", "p after Holm", "Shown")
    plain = "; systems of other groups against the plain classifier" if any(t.against == "plain" for t in shown) else ""
    given = "; rows that were given against the reference row" if any(t.against == "reference" for t in shown) else ""
    return Table(
        f"Paired tests against the row above and against Mel-CNN{plain}{given}",
        heads,
        tuple(_test_row(test, titles) for test in shown),
    )


def runs_table(table: ReproducedTable) -> Table:
    """Return a line a run."""
    return Table("Runs", ("Recipe", "Seed", "State", "Epoch evaluated", "Epochs", "Hours", "Device"), table.runs)


def _cell(row: TableRow, place: int, published_form: str) -> str:
    """Write our figure, its interval and the published one, a line each; the first is empty where ours is not there."""
    published = row.published_values[place] if row.published_values else None
    below = "" if published is None else f"\n{published_form.format(fixed(published))}"
    return f"{stacked(row.figures[place]) if row.figures else ''}{below}"


def tick(row: TableRow, name: str) -> str:
    """Return "yes" or "no" for a column of `TICKS`; empty where it is not known of a row."""
    value = getattr(row.published, name) if row.published else None
    return "" if value is None else "yes" if value else "no"


def _test_row(test: RowTest, titles: dict[str, str]) -> tuple[str, ...]:
    found = test.found
    above = "\nthe row above" if test.against == "above" else ""
    return (
        titles.get(found.second, found.second),
        f"{titles.get(found.first, found.first)}{above}",
        "average recall" if found.measure == "balanced_accuracy" else words(found.measure),
        minus(plus(found.value)),
        minus(plus_span((found.low, found.high)) or DASH),
        p_cell(found.outcome.chosen.p),
        p_cell(found.corrected),
        "yes" if found.shown else "no",
    )
