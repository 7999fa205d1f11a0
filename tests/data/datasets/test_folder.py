"""A folder with labels.csv becomes lesions, or all its problems in one message."""

import cProfile
from pathlib import Path

import pytest

from attnmel.data.datasets.folder import read_folder
from attnmel.errors import LabelError

CLASSES = ("rest", "melanoma")


def write_folder(folder: Path, table: str | bytes, *files: str) -> Path:
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    (folder / "labels.csv").write_bytes(table if isinstance(table, bytes) else table.encode())
    return folder


def refuse(folder: Path, message: str, classes: tuple[str, ...] | None = CLASSES) -> None:
    with pytest.raises(LabelError, match=message):
        read_folder(folder, classes)


def test_names_with_and_without_ending_masks_groups_and_splits_are_read(tmp_path: Path) -> None:
    table = (
        "image,label,mask,group,split\na.jpg,melanoma,masks/a.png,one,train\nb,0,,,test\nmore/c.v2,1,masks/c,two,test\n"
    )
    folder = write_folder(tmp_path, table, "a.jpg", "b.JPEG", "more/c.v2.png", "masks/a.png", "masks/c.png")
    first, second, third = read_folder(folder, CLASSES)
    assert (first.image_id, first.image, first.diagnosis, first.split) == ("a", folder / "a.jpg", "melanoma", "train")
    assert (first.mask, first.group) == (folder / "masks/a.png", "one")
    assert (second.image, second.diagnosis, second.mask, second.group) == (folder / "b.JPEG", "rest", None, None)
    assert (third.image_id, third.diagnosis, third.mask) == ("c.v2", "melanoma", folder / "masks/c.png")


def test_without_classes_labels_stay_as_they_are_and_without_a_split_there_is_none(tmp_path: Path) -> None:
    lesions = read_folder(write_folder(tmp_path, "label,image\nnevus,a\n1,b\n", "a.jpg", "b.jpg"))
    assert [(lesion.diagnosis, lesion.split) for lesion in lesions] == [("nevus", None), ("1", None)]


def test_what_is_known_of_an_image_is_read_in_words(tmp_path: Path) -> None:
    table = "image,label,age,sex,site,confirmation,source\na,1,55.0,Female,Lower Extremity,,clinic\nb,0,unknown,,,,\n"
    first, second = read_folder(write_folder(tmp_path, table, "a.jpg", "b.jpg"), CLASSES)
    assert first.attributes == {"age": "55", "sex": "female", "site": "lower extremity", "source": "clinic"}
    assert second.attributes == {}


@pytest.mark.parametrize("age", ["old", "-3", "1955", "nan-1"])
def test_an_age_that_is_none_is_named(tmp_path: Path, age: str) -> None:
    folder = write_folder(tmp_path, f"image,label,age\na,1,{age}\n", "a.jpg")
    refuse(folder, rf"line 2: a: age '{age}'; expected years from 0 to 120, or nothing")


def test_a_class_called_by_a_number_is_meant_by_its_name(tmp_path: Path) -> None:
    (lesion,) = read_folder(write_folder(tmp_path, "image,label\na,1\n", "a.jpg"), ("1", "0"))
    assert lesion.diagnosis == "1"


def test_a_table_from_a_spreadsheet_is_read(tmp_path: Path) -> None:
    table = b'\xef\xbb\xbfimage, label\r\n"a", 1\r\n\r\n,\r\nb.jpg,"rest"\r\n'
    lesions = read_folder(write_folder(tmp_path, table, "a.jpg", "b.jpg"), CLASSES)
    assert [(lesion.image_id, lesion.diagnosis) for lesion in lesions] == [("a", "melanoma"), ("b", "rest")]


def test_what_is_no_image_of_the_set_may_lie_beside(tmp_path: Path) -> None:
    others = ["notes.txt", "._a.jpg", ".hidden/x.jpg", "runs/maps/overlay.png"]
    assert len(read_folder(write_folder(tmp_path, "image,label\na,1\n", "a.jpg", *others), CLASSES)) == 1


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("", r"labels\.csv is empty; expected a first line image,label\[,mask\]\[,group\]\[,split\]"),
        ("\n\n", r"labels\.csv is empty"),
        ("image,label\n", r"has no row below its header"),
        ("image;label\na;1\n", r"is separated by semicolons; save it separated by commas"),
        ("image\tlabel\na\t1\n", r"is separated by tabs"),
        ("image,diagnosis\na,1\n", r"the header lacks label and has the unknown diagnosis; expected image,label"),
        ("image,label,\na,1,\n", r"has the unknown \(no name\)"),
        ("image,label,image\na,1,b\n", r"has twice image"),
        ("a,1\nb,0\n", r"lacks image, label"),
        ("image,label\na,1\nb,0,x\n", r"line 3: 3 values for the 2 columns image,label"),
        ("image,label\na\n", r"line 2: 1 values for the 2 columns"),
        (b"image,label\n\xe4,1\n", r"is not a table of comma-separated UTF-8 text"),
        ('image,label\n"a,1\n', r"is not a table of comma-separated UTF-8 text"),
    ],
)
def test_a_table_of_another_shape_is_told_in_one_sentence(tmp_path: Path, table: str | bytes, message: str) -> None:
    refuse(write_folder(tmp_path, table, "a.jpg", "b.jpg"), message)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a,2,,,", r"line 2: a: label '2'; expected one of rest, melanoma \('rest' for every other .*\), or 0 to 1"),
        (
            "a,nevus,,,",
            r"line 2: a: label 'nevus'; expected .* \('rest' for every other diagnosis\), or 0 to 1",
        ),
        ("a,melanomma,,,", r"label 'melanomma'; expected one of"),
        ("a,-1,,,", r"label '-1'"),
        ("a,²,,,", r"label '²'"),
        ("a,,,,", r"line 2: a: no label"),
        (",1,,,", r"line 2: image: no image is named"),
        ("z,1,,,", r"line 2: image: no file 'z' in the folder"),
        ("nowhere/a,1,,,", r"no file 'nowhere/a'"),
        ("labels.csv,1,,,", r"no file 'labels\.csv'"),
        ("../a,1,,,", r"'\.\./a' leaves the folder"),
        ("/etc/a.jpg,1,,,", r"'/etc/a\.jpg' leaves the folder"),
        ("..\\a,1,,,", r"leaves the folder"),
        ("C:\\a.jpg,1,,,", r"leaves the folder"),
        ("two,1,,,", r"'two' may be two\.jpg or two\.png; name one with its ending"),
        ("a,1,b,,", r"line 2: mask of a: no file 'b'"),
        ("a,1,../m.png,,", r"mask of a: '\.\./m\.png' leaves the folder"),
        ("a,1,,,training", r"line 2: a: split 'training'; expected train, validation, test"),
    ],
)
def test_a_row_that_does_not_fit_is_named(tmp_path: Path, row: str, message: str) -> None:
    refuse(write_folder(tmp_path, f"image,label,mask,group,split\n{row}\n", "a.jpg", "two.jpg", "two.png"), message)


def test_a_doubled_image_is_named(tmp_path: Path) -> None:
    table = "image,label\na,1\nmore/a.png,0\n"
    refuse(write_folder(tmp_path, table, "a.jpg", "more/a.png"), r"image id a stands in 2 rows")


def test_an_unlabelled_image_is_named(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, "image,label\nimages/a,1\n", "images/a.jpg", "images/b.jpg")
    refuse(folder, r"images/b\.jpg is not in the table")


def test_a_split_for_some_rows_only_is_told(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, "image,label,split\na,1,train\nb,0,\n", "a.jpg", "b.jpg")
    refuse(folder, r"line 3: no split, as in 1 of 2 rows; give every row one, or none")


def test_all_problems_are_told_at_once_the_first_word_by_word(tmp_path: Path) -> None:
    rows = "".join(f"{name},7\n" for name in "abcdefg")
    folder = write_folder(tmp_path, f"image,label\n{rows}", *(f"{name}.jpg" for name in "abcdefg"))
    refuse(folder, r"labels\.csv: line 2: a: .*; line 3: b: .*; line 6: e: .*; and 2 more$")


def test_reading_takes_calls_in_proportion_to_the_images(tmp_path: Path) -> None:
    def calls(images: int) -> int:
        names = [f"a{number:03d}" for number in range(images)]
        table = "image,label\n" + "".join(f"{name},rest\n" for name in names)
        folder = write_folder(tmp_path / str(images), table, *(f"{name}.jpg" for name in names))
        profile = cProfile.Profile()
        assert len(profile.runcall(read_folder, folder)) == images
        return sum(one.callcount for one in profile.getstats())

    assert calls(200) < 2.2 * calls(100)
