"""The text of a table: its encoding, its separator, and what is no table."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnmel.data.tables import text as table_text
from attnmel.data.tables.text import TableText, read_text

CELLS = st.text(st.sampled_from('ab,;\t" \n'), max_size=5)


def read(folder: Path, content: bytes) -> TableText:
    (folder / "t.csv").write_bytes(content)
    return read_text(folder / "t.csv")


@pytest.mark.parametrize(
    ("encoding", "name"),
    [("utf-8", "UTF-8"), ("utf-8-sig", "UTF-8"), ("utf-16", "UTF-16"), ("utf-16-le", "UTF-16"), ("utf-16-be", "UTF-16"),
     ("cp1252", "Windows-1252")],
)  # fmt: skip
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_every_encoding_with_every_separator(tmp_path: Path, encoding: str, name: str, separator: str) -> None:
    text = separator.join(["Größe", "b"]) + "\r\n" + separator.join(["é", " 1 "]) + "\r\n\r\n"
    found = read(tmp_path, text.encode(encoding))
    assert [(row.line, row.cells) for row in found.rows] == [(1, ["Größe", "b"]), (2, ["é", "1"])]
    assert (found.encoding, found.separator, found.windows_lines) == (name, separator, True)
    assert found.has_mark == (encoding == "utf-8-sig")


@pytest.mark.parametrize(
    ("content", "separator", "cells"),
    [
        (b"a;1,5;2,5\n", ";", ["a", "1,5", "2,5"]),
        (b'"a;b",c\n', ",", ["a;b", "c"]),
        (b"sep=;\na,b;c\n", ";", ["a,b", "c"]),
        (b"\n\n  \nalone\n", ",", ["alone"]),
        ("Zoe\u0308,b\n".encode(), ",", ["Zoë", "b"]),
    ],
)
def test_the_separator_is_the_one_of_the_first_row(
    tmp_path: Path, content: bytes, separator: str, cells: list[str]
) -> None:
    found = read(tmp_path, content)
    assert (found.separator, found.rows[0].cells) == (separator, cells)


def test_a_decimal_comma_is_one_where_commas_do_not_separate(tmp_path: Path) -> None:
    assert read(tmp_path, b"a;b\n").number("0,5") == "0.5"
    assert read(tmp_path, b"a;b\n").number("1,000,000") == "1,000,000"
    assert read(tmp_path, b"a,b\n").number("0,5") == "0,5"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "^an empty file$"),
        (b"\xef\xbb\xbf \n", "^an empty file$"),
        (
            b"PK\x03\x04abc",
            "^an Excel workbook, whatever its name; open it in the spreadsheet program and save it as CSV",
        ),
        (b"\xd0\xcf\x11\xe0abc", "^an Excel workbook"),
        (b"a,b\n\x81,c\n", "^a file that is not text in UTF-8, UTF-16 or Windows-1252$"),
        (b"a,b\nc\0,d\n" + b"x" * 400, "^a file that is not text"),
        (b"\xff\xfea", "^a file that is not text"),
        (b'a,b\n"c,d\n', "^line 2, which cannot be split into cells"),
    ],
)
def test_what_is_no_table_is_called_by_what_it_is(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read(tmp_path, content)


def test_a_file_beyond_the_bound_and_a_folder_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="a file that cannot be read"):
        read_text(tmp_path)
    monkeypatch.setattr(table_text, "LARGEST", 2**20)
    with pytest.raises(ValueError, match="a file of more than 1 MiB"):
        read(tmp_path, b"a" * (2**20 + 1))


@given(st.lists(st.lists(CELLS, min_size=2, max_size=2), max_size=4), st.sampled_from([",", ";", "\t"]))
def test_what_a_spreadsheet_writes_is_read_back(rows: list[list[str]], separator: str) -> None:
    import csv
    import io

    out = io.StringIO()
    csv.writer(out, delimiter=separator).writerows([["first", "second"], *rows])
    found, by, _ = table_text._rows(out.getvalue())
    written = [[cell.strip() for cell in row] for row in rows]
    assert [row.cells for row in found[1:]] == [row for row in written if any(row)]
    assert by == separator
