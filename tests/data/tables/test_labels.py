"""Tables of labels become diagnoses, or the lines that are none are named."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from attnmel.data.tables.labels import read_labels
from attnmel.errors import LabelError

HEADER_2018 = "image,MEL,NV,BCC,AKIEC,BKL,DF,VASC"


def refuse(reader: Callable[[Path], dict[str, str]], table: Path, content: str | bytes, message: str) -> None:
    table.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(LabelError, match=message):
        reader(table)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return tmp_path / "labels.csv"


def test_words_and_numbers_of_2016_mean_the_same(table: Path) -> None:
    table.write_bytes(b"\xef\xbb\xbfa,benign\r\nb,malignant\r\n")
    assert read_labels(table, 2016) == {"a": "benign", "b": "malignant"}
    table.write_text("a,0.0\nb,1.0\n")
    assert read_labels(table, 2016) == {"a": "benign", "b": "malignant"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "a,benign\nb,Malign\n",
            r"labels.csv, line 2, column diagnosis: found 'Malign', expected benign or malignant \(or 0.0 or 1.0\)\. "
            r"Correct the table, or delete it and run `attnmel fetch` again\.$",
        ),
        ("a,0.5\n", r"line 1, column diagnosis: found '0\.5'"),
        ("a,benign\na,malignant\n", r"line 2, column image: found 'a', expected each image once"),
        ("a\n", r"line 1: found 1 cells, expected 2, for image,diagnosis"),
        ("a,benign,1\n", r"line 1: found 3 cells, expected 2"),
        (",benign\n", r"line 1, column image: found nothing, expected an image id"),
        ("a,benign\n".encode("utf-16"), r"found text in UTF-16, expected one row an image, as text in UTF-8"),
    ],
)
def test_a_label_of_2016_that_is_none_is_named(table: Path, content: str | bytes, message: str) -> None:
    refuse(partial(read_labels, year=2016), table, content, message)


def test_every_diagnosis_of_2018_is_the_column_with_the_one(table: Path) -> None:
    table.write_text(f"{HEADER_2018}\na,1.0,0.0,0.0,0.0,0.0,0.0,0.0\nb,0,0,0,0,0,0,1\n")
    assert read_labels(table, 2018) == {"a": "MEL", "b": "VASC"}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            "a,1,1,0,0,0,0,0\nb,0,0,0,0,0,0,0\nc,0,1,0,0,0,0,0",
            r"(?s)2 problems; correct them all:\n.*labels.csv, line 2: found 2 columns that are 1, expected exactly 1\n"
            r".*labels.csv, line 3: found 0 columns that are 1, expected exactly 1\. Correct the table",
        ),
        (
            "a,0.9,0.1,0,0,0,0,0",
            r"(?s)line 2, column MEL: found '0\.9', expected 0 or 1.*line 2, column NV: found '0\.1'",
        ),
        ("a,1,0,0,0,0,0,", r"line 2, column VASC: found nothing, expected 0 or 1"),
        ("a,1,0,0,0,0,0", r"line 2: found 7 cells, expected 8, for image,MEL"),
        ("a,1,0,0,0,0,0,0\na,0,1,0,0,0,0,0", r"line 3, column image: found 'a', expected each image once"),
    ],
)
def test_a_label_of_2018_that_is_none_is_named(table: Path, rows: str, message: str) -> None:
    refuse(partial(read_labels, year=2018), table, f"{HEADER_2018}\n{rows}\n", message)


def test_many_lines_that_are_wrong_alike_are_one_sentence(table: Path) -> None:
    rows = "".join(f"i{n},0,0,0,0,0,0,0\n" for n in range(28))
    found = (
        r"^28 problems; correct them all:\n  .*, lines 2, 3, 4, 5, 6 and 23 more: found 0 columns that are 1, expected"
    )
    refuse(partial(read_labels, year=2018), table, f"{HEADER_2018}\n{rows}", found)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("a,2,0", r"line 2, column melanoma: found '2', expected 0 or 1"),
        ("a,0,", r"line 2, column seborrheic_keratosis: found nothing, expected 0 or 1"),
        ("a,0.0,yes", r"found 'yes', expected 0 or 1"),
        ("a,1,1.0", r"line 2: found 2 columns that are 1, expected at most 1"),
        ("a,0,0\nb,1,0\na,0,0", r"line 4, column image_id: found 'a', expected each image once \(it is in line 2"),
        ("a,0", r"line 2: found 2 cells, expected 3, for image_id,melanoma,seborrheic_keratosis"),
        (",0,0", r"line 2, column image_id: found nothing, expected an image id"),
    ],
)
def test_a_label_of_2017_that_is_none_is_named(table: Path, rows: str, message: str) -> None:
    refuse(partial(read_labels, year=2017), table, f"image_id,melanoma,seborrheic_keratosis\n{rows}\n", message)


@pytest.mark.parametrize("reader", [partial(read_labels, year=2017), partial(read_labels, year=2018)])
@pytest.mark.parametrize("content", [b"", b"image,label\na,1\n", b"image_id,melanoma\n", b"\xff\xfe\n"])
def test_a_table_of_other_columns_is_refused(
    table: Path, reader: Callable[[Path], dict[str, str]], content: bytes
) -> None:
    refuse(reader, table, content, r"labels\.csv(, line 1, column \w+|, line 1)?: found .*, expected the header image")
