"""Tables of labels become diagnoses, or the lines that are none are named."""

from collections.abc import Callable
from pathlib import Path

import pytest

from attnmel.data.datasets.label_tables import read_isic2016_labels, read_isic2017_labels, read_isic2018_labels
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
    assert read_isic2016_labels(table) == {"a": "benign", "b": "malignant"}
    table.write_text("a,0.0\nb,1.0\n")
    assert read_isic2016_labels(table) == {"a": "benign", "b": "malignant"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,benign\nb,Malign\n", r"expected benign or malignant, 0 or 1: line 2: b has 'Malign' \(1 in all\)"),
        ("a,0.5\n", r"line 1: a has '0\.5'"),
        ("a,benign\na,malignant\n", r"doubled images: a; expected each once"),
        ("a\n", r"line 1: expected image,diagnosis, found 'a'"),
        ("a,benign,1\n", r"line 1: expected image,diagnosis"),
        (",benign\n", r"line 1: expected image,diagnosis"),
        (b"\xff\xfe\n", r"is not a table of comma-separated text"),
    ],
)
def test_a_label_of_2016_that_is_none_is_named(table: Path, content: str | bytes, message: str) -> None:
    refuse(read_isic2016_labels, table, content, message)


def test_every_diagnosis_of_2018_is_the_column_with_the_one(table: Path) -> None:
    table.write_text(f"{HEADER_2018}\na,1.0,0.0,0.0,0.0,0.0,0.0,0.0\nb,0,0,0,0,0,0,1\n")
    assert read_isic2018_labels(table) == {"a": "MEL", "b": "VASC"}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            "a,1,1,0,0,0,0,0\nb,0,0,0,0,0,0,0\nc,0,1,0,0,0,0,0",
            r"expected exactly one 1 .*MEL,NV.*: line 2: a has 1,1,0,0,0,0,0; line 3: b has 0,0,0,0,0,0,0 \(2 in all\)",
        ),
        ("a,0.9,0.1,0,0,0,0,0", r"line 2: a has 0\.9,0\.1,0,0,0,0,0"),
        ("a,1,0,0,0,0,0,", r"line 2: a has 1,0,0,0,0,0, \("),
        ("a,1,0,0,0,0,0", r"line 2: expected image,MEL"),
        ("a,1,0,0,0,0,0,0\na,0,1,0,0,0,0,0", r"doubled images: a; expected each once"),
    ],
)
def test_a_label_of_2018_that_is_none_is_named(table: Path, rows: str, message: str) -> None:
    refuse(read_isic2018_labels, table, f"{HEADER_2018}\n{rows}\n", message)


def test_many_wrong_lines_are_counted_and_five_told(table: Path) -> None:
    rows = "".join(f"i{n},0,0,0,0,0,0,0\n" for n in range(8))
    refuse(read_isic2018_labels, table, f"{HEADER_2018}\n{rows}", r"line 6: i4 has 0,0,0,0,0,0,0 \(8 in all\)")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("a,2,0", r"line 2: a has melanoma '2', seborrheic_keratosis '0'"),
        ("a,0,", r"a has melanoma '0', seborrheic_keratosis ''.*\(1 in all\)"),
        ("a,0.0,yes", r"expected 0 or 1, and not 1 twice: line 2"),
        ("a,1,1.0", r"not 1 twice"),
        ("a,0,0\nb,1,0\na,0,0", r"doubled images: a; expected each once"),
        ("a,0", r"line 2: expected image_id,melanoma,seborrheic_keratosis, found 'a,0'"),
        (",0,0", r"line 2: expected"),
    ],
)
def test_a_label_of_2017_that_is_none_is_named(table: Path, rows: str, message: str) -> None:
    refuse(read_isic2017_labels, table, f"image_id,melanoma,seborrheic_keratosis\n{rows}\n", message)


@pytest.mark.parametrize("reader", [read_isic2017_labels, read_isic2018_labels])
@pytest.mark.parametrize("content", [b"", b"image,label\na,1\n", b"image_id,melanoma\n", b"\xff\xfe\n"])
def test_a_table_that_is_not_the_archives_is_told(
    table: Path, reader: Callable[[Path], dict[str, str]], content: bytes
) -> None:
    refuse(
        reader, table, content, r"labels\.csv is not (the archive's: expected the columns|a table of comma-separated)"
    )
