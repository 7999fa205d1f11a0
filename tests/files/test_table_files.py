"""Tables and JSON read back as they were written; damage gives one sentence with the path and what to do."""

import csv
import json
import math
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnmel import NOTICE
from attnmel.errors import PredictionsError
from attnmel.files.table_files import (
    NOTICES,
    damage,
    nan_to_null,
    null_to_nan,
    number_or_nan,
    read_json,
    read_table,
    write_json,
    write_table,
)

COLUMNS = ("image", "value")


def test_a_table_reads_back_to_the_last_bit(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    write_table(path, COLUMNS, [["#1", 0.1 + 0.2], ['a,"b"', math.nan], ["", None], ["ü", 3]], licence="CC-0")
    assert path.read_text(encoding="utf-8-sig").startswith("image,value\n#1,")
    assert (tmp_path / NOTICES).read_text() == f"{NOTICE}\nTrained on data under: CC-0\n"
    rows = read_table(path, COLUMNS)
    assert [row["image"] for row in rows] == ["#1", 'a,"b"', "", "ü"]
    numbers = [number_or_nan(row["value"]) for row in rows]
    assert numbers[0] == 0.1 + 0.2
    assert numbers[3] == 3
    assert all(map(math.isnan, numbers[1:3]))


def test_a_table_without_a_licence_starts_with_its_header(tmp_path: Path) -> None:
    write_table(tmp_path / "t.csv", COLUMNS, [])
    assert (tmp_path / "t.csv").read_bytes() == b"image,value\n"
    assert not (tmp_path / NOTICES).exists()


@given(st.lists(st.text(st.characters(codec="utf-8")), min_size=1))
def test_no_text_begins_a_formula_and_each_reads_back(texts: list[str]) -> None:
    texts += ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "'=1", "'a", "a=1"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.csv"
        write_table(path, ("a", "b"), [(text, -0.5) for text in texts])
        with path.open(newline="", encoding="utf-8-sig") as file:
            _, *cells = csv.reader(file, strict=True)
        assert not any(text.startswith(("=", "+", "-", "@", "\t", "\r")) for text, _ in cells)
        assert {number for _, number in cells} == {"-0.5"}, "a number is no text"
        assert [row["a"] for row in read_table(path)] == texts


@pytest.mark.parametrize(("text", "start"), [("a", b"image"), ("ü", b"\xef\xbb\xbfimage")])
def test_a_byte_order_mark_is_written_only_for_letters_that_excel_would_misread(
    text: str, start: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "t.csv"
    write_table(path, COLUMNS, [(text, 1)])
    assert path.read_bytes().startswith(start)
    assert read_table(path, COLUMNS) == [{"image": text, "value": "1"}]


def test_tables_of_an_earlier_version_with_comments_above_the_header_are_read(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"# Research use only.\n# Trained on data under: CC-0\nimage,value\r\n#1,2\r\n")
    assert read_table(tmp_path / "t.csv", COLUMNS) == [{"image": "#1", "value": "2"}]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"image\na\n",
        b"image,value\na\n",
        b"image,value\na,1,2\n",
        b"\xa8\x91\x00",
        b"image,value\n" + b"a" * 200_000 + b",1\n",
    ],
    ids=["empty", "no column", "short row", "long row", "no text", "long cell"],
)
def test_a_damaged_table_gives_one_sentence(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with (
        pytest.raises(PredictionsError, match=r"t\.csv is damaged; delete it$"),
        damage(path, PredictionsError, "delete it"),
    ):
        read_table(path, COLUMNS)


def test_json_has_null_for_what_is_not_defined(tmp_path: Path) -> None:
    plain = {"a": [1.5, math.nan, (math.nan, "x")], "b": None}
    write_json(tmp_path / "j.json", plain)
    stored = json.loads((tmp_path / "j.json").read_text(), parse_constant=pytest.fail)
    assert stored == {"a": [1.5, None, [None, "x"]], "b": None} == nan_to_null(plain) == read_json(tmp_path / "j.json")
    back = null_to_nan(stored)
    assert math.isnan(back["a"][1])
    assert math.isnan(back["b"])


@pytest.mark.parametrize("content", [b"{", b"\xff", b"[]", b"[" * 100_000, b'{"rows": ' + b"9" * 5000 + b"}"])
def test_damaged_json_gives_one_sentence(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "j.json"
    path.write_bytes(content)
    with (
        pytest.raises(PredictionsError, match=r"j\.json is of another kind; make it again$"),
        damage(path, PredictionsError, "make it again", found="of another kind"),
    ):
        read_json(path)["rows"]


def test_a_missing_file_is_damage_only_where_that_is_said(tmp_path: Path) -> None:
    path = tmp_path / "none.json"
    with pytest.raises(FileNotFoundError), damage(path, PredictionsError, "make it again"):
        read_json(path)
    with (
        pytest.raises(PredictionsError, match=r"none\.json is missing or damaged; make it again$"),
        damage(path, PredictionsError, "make it again", found="missing or damaged", missing=True),
    ):
        read_json(path)


def test_our_own_errors_pass_through_as_they_are(tmp_path: Path) -> None:
    with pytest.raises(PredictionsError, match=r"^of other images$"), damage(tmp_path, PredictionsError, "delete it"):
        raise PredictionsError("of other images")
