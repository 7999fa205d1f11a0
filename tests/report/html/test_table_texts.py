"""Text forms of a table: what LaTeX and Markdown would take for their own is escaped, and every line is as wide."""

import csv
import math
import re

import pytest

from attnmel.evaluation.comparison.differences import MeasureDifference
from attnmel.evaluation.comparison.paired_tests import Method, Outcome
from attnmel.evaluation.statistics.bootstrap import Interval
from attnmel.evaluation.thesis.published import PUBLISHED
from attnmel.evaluation.thesis.reproduced import ReproducedTable, RowTest, TableBlock, TableRow
from attnmel.files.table_files import csv_row
from attnmel.report.html.table_texts import CSV_COLUMNS, csv_rows, escaped, latex, markdown

FOUND = MeasureDifference("mel", "star", "MEL", "auc", 0.7, 0.8, 0.1, Outcome(Method("DeLong", 0.01, 0.2, 0.03)), 0.03)


@pytest.fixture
def table() -> ReproducedTable:
    nothing = math.nan
    rows = (
        TableRow(
            name="Winner",
            title="Winner & Co. [29]",
            published_values=(None, 0.868),
            published=PUBLISHED["isic2017/Winner 1"],
        ),
        TableRow(
            name="mel",
            title="50_% of #1",
            seeds=1,
            images=600,
            figures=(Interval(0.5, 0.4, 0.6), Interval(1.0, nothing, nothing)),
            by_seed=((0.5,), (1.0,)),
            published_values=(0.653, 0.854),
            published=PUBLISHED["isic2017/Mel-CNN"],
        ),
        TableRow(name="star", title="Lesion* | x", status="not trained yet"),
    )
    block = TableBlock(
        split="test", title="Test", rows=rows, tests=(RowTest("above", FOUND), RowTest("baseline", FOUND))
    )
    return ReproducedTable(
        name="isic2017",
        title="A <b> & {c}",
        heads=("AP", "AUC"),
        measures=("ap", "auc"),
        blocks=(block,),
        notes=("±.04 of 100 %",),
        failures=(("star", "no\ndisk"),),
    )


def test_latex_escapes_what_it_would_obey() -> None:
    assert escaped(r"a_b & 5 % #1 {x} ~ ^ \ $") == (
        r"a\_b \& 5 \% \#1 \{x\} \textasciitilde{} \textasciicircum{} \textbackslash{} \$"
    )
    assert escaped("[8] 0.1\N{EN DASH}0.2 \N{MINUS SIGN}1 < 2") == "{[}8{]} 0.1--0.2 $-$1 $<$ 2"


def test_every_latex_row_has_as_many_cells_as_its_table_has_columns(table: ReproducedTable) -> None:
    text = latex(table)
    assert text.count(r"\begin{tabular}") == text.count(r"\end{tabular}") == 2
    for columns, body in re.findall(r"\\begin{tabular}{(\w+)}(.*?)\\end{tabular}", text, re.DOTALL):
        rows = [line for line in body.splitlines() if line.endswith(r"\\")]
        assert rows
        assert {len(re.findall(r"(?<!\\)&", row)) for row in rows} == {len(columns) - 1}
    assert text.isascii() or "±" not in text


def test_every_markdown_row_has_as_many_cells_as_its_head(table: ReproducedTable) -> None:
    blocks = re.findall(r"(?:^\|.*\|\n)+", markdown(table), re.MULTILINE)
    for block in blocks:
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1
    assert r"Lesion\* \| x<br>not trained yet" in markdown(table)
    assert "star: no<br>disk" in markdown(table)


def as_csv(table: ReproducedTable) -> list[dict[str, str]]:
    return list(csv.DictReader(map(csv_row, (CSV_COLUMNS, *csv_rows(table)))))


def test_a_test_of_two_headings_is_one_row_of_the_text_and_both_of_the_csv(table: ReproducedTable) -> None:
    assert markdown(table).count("+0.100") == 1
    rows = as_csv(table)
    assert tuple(rows[0]) == CSV_COLUMNS
    (tested,) = (row for row in rows if row["row"] == "star" and row["measure"] == "auc")
    assert tested["above_p_holm"] == tested["baseline_p_holm"] == "0.03"


def test_the_csv_leaves_open_what_is_not_known(table: ReproducedTable) -> None:
    rows = as_csv(table)
    by = {(row["row"], row["measure"]): row for row in rows}
    assert by["Winner", "ap"]["published"] == ""
    assert by["Winner", "auc"]["published"] == "0.868"
    assert (by["mel", "auc"]["value"], by["mel", "auc"]["low"]) == ("1.0", "")
    assert by["star", "ap"]["value"] == ""
