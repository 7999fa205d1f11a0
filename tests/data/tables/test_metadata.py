"""Metadata becomes words of one vocabulary; what is not known is left out, what is nonsense is named."""

from pathlib import Path

import pytest

from attnmel.data.tables.metadata import HAM10000, LESION_GROUPS, METADATA_2017
from attnmel.errors import LabelError

HAM = "lesion_id,image_id,dx,dx_type,age,sex,localization"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return tmp_path / "metadata.csv"


def test_age_and_sex_of_2017_are_read_and_unknown_ones_left_out(table: Path) -> None:
    table.write_text("image_id,age_approximate,sex\na,55,female\nb,unknown,male\nc,unknown,unknown\nd,,Male\n")
    assert METADATA_2017.read(table) == {
        "a": {"age": "55", "sex": "female"},
        "b": {"sex": "male"},
        "c": {},
        "d": {"sex": "male"},
    }


def test_ham10000_tells_age_sex_site_and_confirmation(table: Path) -> None:
    table.write_text(f"{HAM}\nL1,a,bkl,histo,80.0,male,lower extremity\nL2,b,nv,follow_up,,unknown,unknown\n")
    assert HAM10000.read(table) == {
        "a": {"age": "80", "sex": "male", "site": "lower extremity", "confirmation": "histopathology"},
        "b": {"confirmation": "follow-up"},
    }


def test_the_edition_with_collections_tells_the_source(table: Path) -> None:
    table.write_text(f"{HAM},dataset\nL1,a,bkl,consensus,80.0,male,scalp,vidir_modern\n")
    assert HAM10000.read(table)["a"]["source"] == "vidir_modern"


def test_both_tables_of_ham10000_name_confirmations_alike(tmp_path: Path) -> None:
    words = {
        "histo": "histopathology",
        "follow_up": "serial imaging showing no change",
        "consensus": "single image expert consensus",
        "confocal": "confocal microscopy with consensus dermoscopy",
    }
    groups, metadata = tmp_path / "groups.csv", tmp_path / "metadata.csv"
    groups.write_text("image,lesion_id,diagnosis_confirm_type\n" + "".join(f"{i},L,{w}\n" for i, w in words.items()))
    metadata.write_text(f"{HAM}\n" + "".join(f"L,{word},nv,{word},,,\n" for word in words))
    lesions, confirmed = LESION_GROUPS.read_groups(groups)
    assert lesions == dict.fromkeys(words, "L")
    assert confirmed == HAM10000.read(metadata)
    assert {told["confirmation"] for told in confirmed.values()} == {
        "histopathology",
        "follow-up",
        "consensus",
        "confocal",
    }


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            "L,a,nv,histo,old,male,back",
            r"line 2, column age: found 'old', expected an age of 0 to 120 years, or unknown\. Correct the table",
        ),
        ("L,a,nv,histo,-1,male,back", r"column age: found '-1'"),
        ("L,a,nv,histo,inf,male,back", r"column age: found 'inf'"),
        ("L,a,nv,histo,450,male,back", r"column age: found '450'"),
        ("L,a,nv,histo,50,tall,back", r"column sex: found 'tall', expected female, male or unknown"),
        (
            "L,a,nv,guess,50,male,back",
            r"column dx_type: found 'guess', expected a known way of confirmation, or unknown",
        ),
        (
            "L,a,nv,histo,50,male",
            r"line 2: found 6 cells, expected 7, for image_id,lesion_id,dx,dx_type,age,sex,localization",
        ),
        ("L,a,nv,histo,,,\nM,a,nv,histo,,,", r"line 3, column image_id: found 'a', expected each image once"),
    ],
)
def test_nonsense_is_named_with_its_line(table: Path, row: str, message: str) -> None:
    table.write_text(f"{HAM}\n{row}\n")
    with pytest.raises(LabelError, match=message):
        HAM10000.read(table)


def test_an_image_without_a_lesion_is_named(table: Path) -> None:
    table.write_text("image,lesion_id,diagnosis_confirm_type\na,L,histopathology\nb,,histopathology\n")
    with pytest.raises(LabelError, match=r"line 3, column lesion_id: found nothing, expected a lesion_id"):
        LESION_GROUPS.read_groups(table)


@pytest.mark.parametrize("header", ["image_id,age,sex", f"{HAM},clinic", HAM.replace("dx,", ""), ""])
def test_another_table_is_told(table: Path, header: str) -> None:
    table.write_text(f"{header}\n")
    with pytest.raises(LabelError, match=r"expected the header image_id,lesion_id,dx,dx_type,age,sex"):
        HAM10000.read(table)
