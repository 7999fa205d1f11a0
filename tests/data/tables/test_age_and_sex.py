from pathlib import Path

import pytest

from attnmel.data.tables.age_and_sex import looked_up_name, read_age_and_sex
from attnmel.errors import LabelError


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return tmp_path / "people.csv"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "image,age,sex\na,forty,female\n",
            "line 2, column age: found 'forty', expected an age of 0 to 120 years, or unknown",
        ),
        ("image,age,sex\na,45,x\n", "line 2, column sex: found 'x', expected female, male or unknown"),
        ("image,age\na,45\na,46\n", "line 3, column image: found 'a', expected each image once"),
        ("image,age,sex\na\n", "line 2: found 1 cells, expected an image with its age and sex"),
    ],
)
def test_what_is_no_age_or_sex_is_one_sentence(table: Path, text: str, message: str) -> None:
    table.write_text(text)
    with pytest.raises(LabelError) as raised:
        read_age_and_sex(table)
    assert str(raised.value) == f"{table}, {message}"


def test_other_tables_are_one_sentence(table: Path) -> None:
    with pytest.raises(LabelError) as raised:
        read_age_and_sex(table)
    assert str(raised.value) == f"no file at {table}; expected a table with the columns image, age and sex"
    table.write_text("image,label\na,melanoma\n")
    with pytest.raises(LabelError) as raised:
        read_age_and_sex(table)
    assert str(raised.value) == f"{table} has the columns 'image,label'; expected image, and age or sex or both"
    table.write_bytes(b"PK\x03\x04")
    with pytest.raises(LabelError, match="is an Excel workbook, whatever its name"):
        read_age_and_sex(table)


def test_names_lose_folders_and_endings_of_pictures_alone() -> None:
    assert [looked_up_name(text) for text in ("x/A.JPG", "c:\\y\\b.png", "lesion.1", " c ")] == [
        "a",
        "b",
        "lesion.1",
        "c",
    ]
