"""A table of recipes as text: Markdown for people, LaTeX for papers, CSV for programs."""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import get_args

from attnmel import NOTICE
from attnmel.evaluation.thesis.reproduced import Against, ReproducedTable, RowTest, TableBlock, TableRow
from attnmel.report.html.sections import Table, sentence
from attnmel.report.sections.thesis_table import TICKS, block_table, runs_table, tests_table, tick

TEST_FIELDS = ("row", "difference", "low", "high", "p", "p_holm")
CSV_COLUMNS = (
    "table", "split", "row", "title", "kind", "status", "seeds", "images", "measure", "value", "low", "high", "by_seed",
    "published", *TICKS, *(f"{kind}_{name}" for kind in get_args(Against) for name in TEST_FIELDS),
)  # fmt: skip
"""One line of the CSV is one figure of one row on one split."""

LATEX_CHARACTERS = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "[": "{[}", "]": "{]}", "<": "$<$", ">": "$>$", "|": "$|$", '"': "''",
    "\N{EN DASH}": "--", "\N{MINUS SIGN}": "$-$", "\N{PLUS-MINUS SIGN}": r"$\pm$",
    **{character: f"\\{character}" for character in "&%$#_{}"},
}  # fmt: skip
IN_BRACKETS = "({})"
"""A published figure where a page is narrow."""
LATEX_HEAD = r"""% Written by attnmel; \input it into a document with \usepackage{booktabs,graphicx}.
"""


def markdown(table: ReproducedTable) -> str:
    """Return the whole table as Markdown."""
    lines = [f"# {table.title}", "", NOTICE, ""]
    for block in table.blocks:
        lines += [f"## {block.title}", "", *markdown_table(block_table(table, block)), ""]
        if block.tests:
            tests = tests_table(block)
            lines += [f"{tests.caption}.", "", *markdown_table(tests), ""]
        lines += [*_bullets(map(sentence, block.notes)), ""] if block.notes else []
    if table.failures:
        lines += ["## Failed", "", *_bullets(f"{name}: {reason}" for name, reason in table.failures), ""]
    lines += ["## Notes", "", *_bullets(map(sentence, table.notes)), ""]
    origin = _bullets(f"{name.capitalize()}: {value}" for name, value in table.facts)
    lines += ["## Provenance", "", *origin, "", *markdown_table(runs_table(table)), ""]
    return "\n".join(lines)


def csv_rows(table: ReproducedTable) -> Iterator[list[object]]:
    """Yield every figure as a row of `CSV_COLUMNS`; None where there is none."""
    for block in table.blocks:
        for row in block.rows:
            for place in range(len(table.measures)):
                figure = _figure(table, block, row, place)
                yield [figure.get(name) for name in CSV_COLUMNS]


def latex(table: ReproducedTable) -> str:
    """Return one `table` environment a block, and one for its tests, with the footnotes below the last."""
    parts = [LATEX_HEAD]
    for block in table.blocks:
        rows = block_table(table, block, published_form=IN_BRACKETS)
        parts += [_latex_table(rows, f"{table.title}. {block.title}: {rows.caption} (in brackets).")]
        if block.tests:
            tests = tests_table(block)
            parts += [_latex_table(tests, f"{table.title}. {block.title}: {tests.caption}.")]
    notes = "\n\n".join(f"\\noindent {escaped(sentence(note))}" for note in table.notes)
    return "\n".join([*parts, "{\\footnotesize", notes, "", f"\\noindent {escaped(NOTICE)}\\par}}", ""])


def escaped(text: str) -> str:
    """Return text escaped for LaTeX."""
    return "".join(LATEX_CHARACTERS.get(character, character) for character in text)


def markdown_table(table: Table) -> list[str]:
    """Return the lines of one table as Markdown, without its caption."""
    rows = (table.heads, ("---", *("---:" for _ in table.heads[1:])), *table.rows)
    return [f"| {' | '.join(_markdown_cell(cell) for cell in row)} |" for row in rows]


def _markdown_cell(text: str) -> str:
    return text.strip().replace("|", "\\|").replace("*", "\\*").replace("\n", "<br>")


def _bullets(notes: Iterable[str]) -> list[str]:
    return [f"* {_markdown_cell(note)}" for note in notes]


def _figure(table: ReproducedTable, block: TableBlock, row: TableRow, place: int) -> dict[str, object]:
    measure = table.measures[place]
    figure = row.figures[place] if row.figures else None
    found: dict[str, object] = {
        "table": table.name,
        "split": block.split,
        "row": row.name,
        "title": row.title,
        "kind": "given" if row.given else "ours" if row.published is None or row.published.own else "published",
        "status": row.status,
        "seeds": row.seeds,
        "images": row.images,
        "measure": measure,
        "value": figure and figure.value,
        "low": figure and figure.low,
        "high": figure and figure.high,
        "by_seed": " ".join(map(_digits, row.by_seed[place])) if row.by_seed else "",
        "published": row.published_values[place] if row.published_values else None,
    }
    found |= {name: tick(row, name) for name in TICKS}
    for test in block.tests:
        if (test.found.second, test.found.measure) == (row.name, measure):
            found |= _test_figures(test)
    return found


def _test_figures(test: RowTest) -> dict[str, object]:
    found = test.found
    numbers = (found.value, found.low, found.high, found.outcome.chosen.p, found.corrected)
    values = (found.first, *numbers)
    return {f"{test.against}_{name}": value for name, value in zip(TEST_FIELDS, values, strict=True)}


def _digits(value: float | None) -> str:
    return "" if value is None or math.isnan(value) else repr(value)


def _latex_table(table: Table, caption: str) -> str:
    rows = "\n\\addlinespace\n".join(_latex_row(row) for row in table.rows)
    return "\n".join(
        [
            r"\begin{table}[htbp]",
            r"\centering\small\setlength{\tabcolsep}{4pt}",
            f"\\caption{{{escaped(caption)}}}",
            # As wide as it is, or as the page where that is narrower.
            r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
            f"\\begin{{tabular}}{{l{'r' * (len(table.heads) - 1)}}}",
            r"\toprule",
            f"{' & '.join(map(escaped, table.heads))} \\\\",
            r"\midrule",
            rows,
            r"\bottomrule",
            r"\end{tabular}}",
            r"\end{table}",
            "",
        ]
    )


def _latex_row(cells: Sequence[str]) -> str:
    """Return a row, its further lines as rows of their own: then no package for line breaks in cells is needed."""
    stacks = [cell.strip().split("\n") for cell in cells]
    height = max(map(len, stacks))
    lines = [[stack[line] if line < len(stack) else "" for stack in stacks] for line in range(height)]
    return "\n".join(f"{' & '.join(map(escaped, line))} \\\\" for line in lines)
