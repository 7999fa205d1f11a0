import re
from pathlib import Path

import numpy as np
import pytest

from attnmel.data.tables.problems import refuse
from attnmel.data.tables.schema import PROBABILITY, TEXT, TRUTH, WEIGHT, TableSchema, check_table, read_official_table
from attnmel.errors import LabelError, PredictionsError

TWO = TableSchema("image", {"a": PROBABILITY, "b": PROBABILITY})
PLAIN = TableSchema("image", {"a": PROBABILITY}, header=False)
ONE_OF = TableSchema("image", {"a": TRUTH, "b": TRUTH}, optional={"weight": WEIGHT}, ones=(1, 1))
GOOD = "image,a,b\nISIC_1,0.25,1\nISIC_2,0,.5e-1\n"


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "t.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def refused(path: Path) -> str:
    table = check_table(path, TWO)
    with pytest.raises(PredictionsError) as caught:
        refuse({table.name: table.problems})
    return str(caught.value)


def problems(folder: Path, content: str | bytes, layout: TableSchema = TWO) -> list[str]:
    table = check_table(written(folder, content), layout)
    return [problem.sentence(table.name) for problem in table.problems]


def test_a_good_table_is_read_by_image(tmp_path: Path) -> None:
    table = read_official_table(written(tmp_path, GOOD), TWO)
    assert table.ids == ("ISIC_1", "ISIC_2")
    assert table.values(["b", "a"]).tolist() == [[1, 0.25], [0.05, 0]]
    assert (table.lines, table.notes) == ({"ISIC_1": 2, "ISIC_2": 3}, ())


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"\xef\xbb\xbf" + GOOD.encode(), id="byte order mark"),
        pytest.param(GOOD.replace("\n", "\r\n"), id="Windows line ends"),
        pytest.param(GOOD.replace("\n", "\r"), id="old line ends"),
        pytest.param(GOOD.replace(",", " , ").replace("\n", "\n\n"), id="spaces and blank lines"),
        pytest.param("b,image,a\n1,ISIC_1,0.25\n.05,ISIC_2,0\n", id="another order"),
        pytest.param('"image","a","b"\n"ISIC_1","0.25","1"\n"ISIC_2","0","0.05"', id="quotes, no last line end"),
    ],
)
def test_what_can_be_understood_is_read_all_the_same(tmp_path: Path, content: str | bytes) -> None:
    table = read_official_table(written(tmp_path, content), TWO)
    assert (table.ids, table.values(["a", "b"]).tolist()) == (("ISIC_1", "ISIC_2"), [[0.25, 1], [0, 0.05]])


def test_what_another_program_may_refuse_is_noted(tmp_path: Path) -> None:
    mixed = b"\xef\xbb\xbf" + b"b,image,a\r\n1,ISIC_1,0.25\r\n"
    assert read_official_table(written(tmp_path, mixed), TWO).notes == (
        "t.csv starts with a byte order mark, which the official program may take for text",
        "t.csv has Windows line ends, which the official program may refuse",
        "t.csv has its columns in another order than image,a,b",
    )


@pytest.mark.parametrize(
    "cell",
    ["nan", "inf", "-0.1", "1.0001", "0,5", "1_0", "half", "\N{ARABIC-INDIC DIGIT ONE}", "1e", "0x1", "1e999", "."],
)
def test_a_cell_that_is_no_probability_is_told_with_its_place(tmp_path: Path, cell: str) -> None:
    found = problems(tmp_path, f'image,a,b\nISIC_1,0.5,"{cell}"\n')
    assert found == [f"t.csv, line 2, column b: found '{cell}', expected a number in [0, 1]"]


def test_an_empty_cell_a_long_one_and_one_of_several_lines_are_shown_on_one_line(tmp_path: Path) -> None:
    found = problems(tmp_path, f'image,a,b\nISIC_1,,{"x" * 90}\nISIC_2,"0\n1",1\n')
    assert found == [
        "t.csv, line 2, column a: found nothing, expected a number in [0, 1]",
        f"t.csv, line 2, column b: found '{'x' * 40}...', expected a number in [0, 1]",
        "t.csv, line 4, column a: found '0\\n1', expected a number in [0, 1]",
    ]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("image,a", ["line 1, column b: found no such column"]),
        ("image,a,B", ["line 1, column B: found a column too many", "line 1, column b: found no such column"]),
        ("image,a,b,c", ["line 1, column c: found a column too many"]),
        ("image,a,b,b", ["line 1, column b: found that column twice"]),
        ("id,a,b", ["line 1, column id: found a column too many", "line 1, column image: found no such column"]),
    ],
)
def test_missing_and_extra_columns_are_told(tmp_path: Path, header: str, expected: list[str]) -> None:
    row = ",".join(["ISIC_1", *["0.5"] * header.count(",")])
    assert problems(tmp_path, f"{header}\n{row}\n") == [
        f"t.csv, {one}, expected the header image,a,b" for one in expected
    ]


def test_rows_of_another_length_doubled_ids_and_rows_without_an_id_are_told(tmp_path: Path) -> None:
    assert problems(tmp_path, "image,a,b\nISIC_1,0,0\nISIC_2,0\nISIC_1,1,1\n,0,0\nISIC_3,0,0,0\n") == [
        "t.csv, line 3: found 2 cells, expected 3, for image,a,b",
        "t.csv, line 4, column image: found 'ISIC_1', expected each image once (it is in line 2 already)",
        "t.csv, line 5, column image: found nothing, expected an image id",
        "t.csv, line 6: found 4 cells, expected 3, for image,a,b",
    ]


@pytest.mark.parametrize(("separator", "name"), [(";", "semicolons"), ("\t", "tabs")])
def test_another_separator_is_told_and_the_cells_are_still_checked(tmp_path: Path, separator: str, name: str) -> None:
    assert problems(tmp_path, "image,a,b\nISIC_1,0.5,7\n".replace(",", separator)) == [
        f"t.csv, line 1: found cells separated by {name}, expected commas",
        "t.csv, line 2, column b: found '7', expected a number in [0, 1]",
    ]


def test_a_decimal_comma_is_told_beside_the_semicolons(tmp_path: Path) -> None:
    assert problems(tmp_path, "ISIC_1;0,5\n", PLAIN) == [
        "t.csv, line 1: found cells separated by semicolons, expected commas",
        "t.csv, line 1, column a: found '0,5', expected a number in [0, 1]",
    ]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "an empty file"),
        (b"\n \r\n", "an empty file"),
        ("image,a,b\n".encode("utf-16"), "text in UTF-16"),
        (b"image,a,b\nISIC_\xff,0,0\n", "text in Windows-1252"),
        (
            b"image,a,b\nISIC_1,0," + b"9" * 200_000,
            "line 2, which cannot be split into cells (field larger than field limit (131072))",
        ),
    ],
)
def test_a_file_that_is_no_table_is_told_in_one_sentence(tmp_path: Path, content: bytes, found: str) -> None:
    expected = "the header image,a,b, then one row an image, as text in UTF-8"
    assert refused(written(tmp_path, content)) == f"t.csv: found {found}, expected {expected}"


def test_a_header_alone_is_told(tmp_path: Path) -> None:
    assert problems(tmp_path, "image,a,b\n") == ["t.csv: found no row below the header, expected one row an image"]


def test_a_table_without_its_header_is_told_and_its_cells_are_checked_by_order(tmp_path: Path) -> None:
    assert problems(tmp_path, "ISIC_1,0.5,2\n") == [
        "t.csv, line 1: found no header but 'ISIC_1,0.5,2', expected the header image,a,b",
        "t.csv, line 1, column b: found '2', expected a number in [0, 1]",
    ]


def test_a_header_where_there_should_be_none_is_told(tmp_path: Path) -> None:
    assert problems(tmp_path, "image,a\nISIC_1,0.5\n", PLAIN) == [
        "t.csv, line 1: found a header ('image,a'), expected none: image,a from the first line on"
    ]


def test_a_row_of_truth_must_hold_exactly_one_1(tmp_path: Path) -> None:
    assert problems(tmp_path, "image,a,b\nISIC_1,1,1\nISIC_2,0.0,1.0\nISIC_3,0,0\nISIC_4,0.5,0\n", ONE_OF) == [
        "t.csv, line 2: found 2 columns that are 1, expected exactly 1",
        "t.csv, line 4: found 0 columns that are 1, expected exactly 1",
        "t.csv, line 5, column a: found '0.5', expected 0 or 1",
    ]


def test_a_column_that_may_be_there_is_read_and_checked(tmp_path: Path) -> None:
    table = read_official_table(written(tmp_path, "image,a,b,weight\nISIC_1,1,0,0.5\nISIC_2,0,1,0\n"), ONE_OF)
    assert table.columns["weight"] == [0.5, 0]
    assert problems(tmp_path, "image,a,b,weight\nISIC_1,1,0,-1\n", ONE_OF) == [
        "t.csv, line 2, column weight: found '-1', expected a number of at least 0"
    ]


def test_rows_wrong_alike_are_one_sentence_with_their_first_lines_and_cells(tmp_path: Path) -> None:
    rows = "".join(f"ISIC_{number},0,{'nan' if number % 3 else number + 2}\n" for number in range(25))
    assert refused(written(tmp_path, f"image,a,b\n{rows}ISIC_99,2,1\n")).splitlines() == [
        "26 problems; correct them all:",
        "  t.csv, lines 2, 3, 4, 5, 6 and 20 more, column b: found '2', 'nan', '5', '8', '11' and 5 more, "
        "expected a number in [0, 1]",
        "  t.csv, line 27, column a: found '2', expected a number in [0, 1]",
    ]


def test_twenty_sentences_are_listed_and_the_other_problems_counted(tmp_path: Path) -> None:
    rows = "".join(f"ISIC_{number},0,0\n" for number in range(25))
    first, *lines = refused(written(tmp_path, f"image,a,b\n{rows}{rows}")).splitlines()
    assert first == "25 problems; correct them all:"
    assert len(lines) == 21
    assert lines[19].startswith("  t.csv, line 46, column image: found 'ISIC_19'")
    assert lines[20] == "  t.csv: and 5 more"


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(PredictionsError, match=r"no file at .*t.csv; expected a table with the columns image,a,b"):
        check_table(tmp_path / "t.csv", TWO)


def test_a_table_of_a_data_set_is_refused_with_its_path_and_advice(tmp_path: Path) -> None:
    path = written(tmp_path, "image,a,b\nISIC_1,2,0\n")
    message = f"{path}, line 2, column a: found '2', expected a number in [0, 1]. Fetch it again."
    with pytest.raises(LabelError, match=f"^{re.escape(message)}$"):
        read_official_table(path, TWO, "Fetch it again.")


def test_a_column_of_text_keeps_its_words(tmp_path: Path) -> None:
    table = read_official_table(written(tmp_path, "image,a\nISIC_1,left arm\n"), TableSchema("image", {"a": TEXT}))
    assert table.columns["a"] == ["left arm"]


def test_a_cell_that_could_not_be_read_is_nan(tmp_path: Path) -> None:
    table = check_table(written(tmp_path, "image,a,b\nISIC_1,x,1\nISIC_2,1\n"), TWO)
    assert np.isnan(table.values(["a", "b"])).tolist() == [[True, False], [True, True]]
