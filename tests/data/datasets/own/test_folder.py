"""A folder with labels.csv becomes lesions, or all its problems in one message."""

import cProfile
import shlex
import unicodedata
from pathlib import Path

import pytest

from attnmel.data.datasets.own.folder import FolderContent, TableReading, examined_folder, read_folder
from attnmel.errors import LabelError
from attnmel.records import Lesion

CLASSES = ("rest", "melanoma")
READING = TableReading(CLASSES)


def write_folder(folder: Path, table: str | bytes, *files: str) -> Path:
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    (folder / "labels.csv").write_bytes(table if isinstance(table, bytes) else table.encode())
    return folder


def lesions(folder: Path, classes: tuple[str, ...] | None = CLASSES) -> tuple[Lesion, ...]:
    return read_folder(folder, TableReading(classes)).lesions


def refuse(folder: Path, message: str, reading: TableReading = READING) -> None:
    with pytest.raises(LabelError, match=message):
        read_folder(folder, reading)


def sentences(content: FolderContent) -> list[str]:
    return [problem.sentence() for problem in content.problems]


def test_names_with_and_without_ending_masks_groups_and_splits_are_read(tmp_path: Path) -> None:
    table = (
        "image,label,mask,group,split\na.jpg,melanoma,masks/a.png,one,train\nb,0,,,test\nmore/c.v2,1,masks/c,two,test\n"
    )
    folder = write_folder(tmp_path, table, "a.jpg", "b.JPEG", "more/c.v2.png", "masks/a.png", "masks/c.png")
    first, second, third = lesions(folder)
    assert (first.image_id, first.image, first.diagnosis, first.split) == ("a", folder / "a.jpg", "melanoma", "train")
    assert (first.mask, first.group) == (folder / "masks/a.png", "one")
    assert (second.image, second.diagnosis, second.mask, second.group) == (folder / "b.JPEG", "rest", None, None)
    assert (third.image_id, third.diagnosis, third.mask) == ("c.v2", "melanoma", folder / "masks/c.png")


def test_an_absolute_path_into_the_folder_is_the_name_in_it(tmp_path: Path) -> None:
    folder, link = tmp_path / "clinic", tmp_path / "link"
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "b.jpg").touch()
    table = f"image,label,mask\n{folder}/a.jpg,1,{folder}/masks/a.png\n{link}/photos/b.jpg,0,\n{link}/c,0,\n"
    write_folder(folder, table, "a.jpg", "masks/a.png", "photos/b.jpg", "c.png")
    link.symlink_to(folder)
    first, second, third = lesions(folder)
    assert (first.image, first.mask) == (folder / "a.jpg", folder / "masks/a.png")
    assert (second.image, third.image) == (folder / "photos/b.jpg", folder / "c.png")
    for outside in (tmp_path / "other" / "b.jpg", folder / ".." / "other" / "b.jpg", Path(f"{folder}2/a.jpg")):
        write_folder(folder, f"image,label\n{outside},1\n")
        refuse(folder, "which leaves the folder")


def test_a_file_of_an_ending_that_is_not_read_is_not_said_to_be_missing(tmp_path: Path) -> None:
    folder = write_folder(
        tmp_path, "image,label\na,1\nb.GIF,0\nsub/noending,0\nc.gif,0\n", "a.jpg", "b.gif", "sub/noending"
    )
    first, second, third = (one.sentence() for one in examined_folder(folder, READING).without_image)
    assert "found 'b.GIF', a file of an ending that is not read (.jpg, " in first
    assert "found 'sub/noending', a file of an ending that is not read" in second
    assert "found 'c.gif', of which there is no file (.jpg, " in third


def test_without_classes_labels_stay_as_first_written_and_without_a_split_there_is_none(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, "label,image\nnevus,a\n1,b\nNevus,c\n", "a.jpg", "b.jpg", "c.jpg")
    assert [(one.diagnosis, one.split) for one in lesions(folder, None)] == [
        ("nevus", None),
        ("1", None),
        ("nevus", None),
    ]


def test_what_is_known_of_an_image_is_read_in_words(tmp_path: Path) -> None:
    table = "image,label,age,sex,site,confirmation,source\na,1,55.0,Female,Lower Extremity,,clinic\nb,0,unknown,,,,\n"
    first, second = lesions(write_folder(tmp_path, table, "a.jpg", "b.jpg"))
    assert first.attributes == {"age": "55", "sex": "female", "site": "lower extremity", "source": "clinic"}
    assert second.attributes == {}


@pytest.mark.parametrize("age", ["old", "-3", "1955", "nan-1"])
def test_an_age_that_is_none_is_named(tmp_path: Path, age: str) -> None:
    folder = write_folder(tmp_path, f"image,label,age\na,1,{age}\n", "a.jpg")
    refuse(folder, rf"line 2, column age: found '{age}', expected years from 0 to 120, or nothing$")


def test_a_class_called_by_a_number_is_meant_by_its_name(tmp_path: Path) -> None:
    (lesion,) = lesions(write_folder(tmp_path, "image,label\na,1\n", "a.jpg"), ("1", "0"))
    assert lesion.diagnosis == "1"


def test_a_table_from_a_spreadsheet_is_read(tmp_path: Path) -> None:
    table = b'\xef\xbb\xbfimage, label\r\n"a", 1\r\n\r\n,\r\nb.jpg,"rest"\r\n'
    found = lesions(write_folder(tmp_path, table, "a.jpg", "b.jpg"))
    assert [(lesion.image_id, lesion.diagnosis) for lesion in found] == [("a", "melanoma"), ("b", "rest")]


def test_what_is_no_image_of_the_set_may_lie_beside(tmp_path: Path) -> None:
    others = ["notes.txt", "._a.jpg", ".hidden/x.jpg", "runs/maps/overlay.png"]
    content = read_folder(write_folder(tmp_path, "image,label\na,melanoma\n", "a.jpg", *others), READING)
    assert (len(content.lesions), content.sentences) == (1, ())


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("", r"labels\.csv: found an empty file, expected a table with a first line image,label\[,mask\]\[,group\]"),
        ("\n\n", r"labels\.csv: found an empty file"),
        ("image,label\n", r"found no row below the header, expected one for every image"),
        (
            "image,dx\na,1\n",
            r"line 1, column label: found no such column, expected .*\(other columns: dx\); if others mean the same, "
            r"rename them, or name them: --columns label=dx$",
        ),
        ("image,label,image\na,1,b\n", r"column image: found that column twice, expected it once"),
        ("a,1\nb,0\n", r"2 problems; correct them all:\n.*column image: found no such column.*--columns image=COLUMN"),
        ("image,label\na,1\nb,0,x\n", r"line 3: found 3 cells, expected 2, as in the header"),
        ("image,label\na\n", r"line 2: found 1 cell, expected 2, as in the header"),
        ('image,label\n"a,1\n', r"found line 2, which cannot be split into cells"),
        (b"image,label\n\x81\xff,1\n", r"found a file that is not text in UTF-8, UTF-16 or Windows-1252"),
        (b"PK\x03\x04rest", r"found an Excel workbook, whatever its name; open it .* save it as CSV"),
    ],
)
def test_a_table_of_another_shape_is_told_in_one_sentence(tmp_path: Path, table: str | bytes, message: str) -> None:
    refuse(write_folder(tmp_path, table, "a.jpg", "b.jpg"), message)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            "a,2,,,",
            r"line 2, column label: found '2', expected one of rest, melanoma \('rest' for every other .*\), or 0 to 1",
        ),
        (
            "a,nevuss,,,",
            r"found 'nevuss', expected one of rest, melanoma \('rest' for every other diagnosis\), or 0 to 1; a "
            r"further diagnosis is added to the setting data\.classes \(docs/training/data\.md\)",
        ),
        ("a,melanomma,,,", r"found 'melanomma', expected one of"),
        ("a,-1,,,", r"found '-1'"),
        ("a,²,,,", r"found '²'"),
        ("a,,,,", r"line 2, column label: found nothing, expected one of"),
        ("a,NA,,,", r"line 2, column label: found 'NA', expected one of"),
        (",1,,,", r"line 2, column image: found nothing, expected the name of an image"),
        ("../a,1,,,", r"found '\.\./a', which leaves the folder, expected the name of one file in the folder"),
        ("/etc/a.jpg,1,,,", r"found '/etc/a\.jpg', which leaves the folder"),
        ("..\\a,1,,,", r"which leaves the folder"),
        ("C:\\a.jpg,1,,,", r"which leaves the folder"),
        ("two,1,,,", r"found 'two', which may be two\.jpg or two\.png, expected the name of one file"),
        ("a,1,b,,", r"line 2, column mask: found 'b', of which there is no file .*, expected a file in the folder"),
        ("a,1,../m.png,,", r"column mask: found '\.\./m\.png', which leaves the folder"),
        ("a,1,,,fold1", r"line 2, column split: found 'fold1', expected train, validation, test, or nothing"),
    ],
)
def test_a_row_that_does_not_fit_is_named(tmp_path: Path, row: str, message: str) -> None:
    refuse(write_folder(tmp_path, f"image,label,mask,group,split\n{row}\n", "a.jpg", "two.jpg", "two.png"), message)


def test_an_image_that_is_named_again_is_told_with_the_first_line(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, "image,label\na,1\nb,0\na.png,0\n", "a.png", "b.png")
    refuse(folder, r"line 4, column image: found a\.png, expected each image once, .* \(it is in line 2 already\)")


@pytest.mark.parametrize("name", ["z", "nowhere/a", "labels.csv"])
def test_a_row_without_image_and_an_image_without_row_are_left_out_and_counted(tmp_path: Path, name: str) -> None:
    folder = write_folder(tmp_path, f"image,label\na,melanoma\n{name},rest\n", "a.jpg", "b.jpg")
    content = read_folder(folder, READING)
    assert [lesion.image_id for lesion in content.lesions] == ["a"]
    assert content.sentences == (
        "rows of labels.csv whose image is not in the folder: 1 of 2 (line 3)",
        "images in the folder without a row in labels.csv: 1 (b.jpg)",
    )
    strict = examined_folder(folder, TableReading(CLASSES, strict=True))
    assert sentences(strict)[0] == "found no row of b.jpg, expected one for each image"
    said = "a file of an ending that is not read" if name == "labels.csv" else "of which there is no file"
    assert sentences(strict)[1].startswith(f"line 3, column image: found '{name}', {said} (")
    refuse(folder, "2 problems; correct them all", TableReading(CLASSES, strict=True))


def test_a_table_of_other_images_is_refused(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, "image,label\na,1\nb,0\n", "c.jpg")
    refuse(folder, r"labels\.csv: found no row whose image is in the folder \(line 2, column image: found 'a', of")


def test_a_name_that_fits_several_files_of_subfolders_is_refused_with_all(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, "image,label\na,1\nb,0\n", "one/a.jpg", "two/a.jpg", "b.jpg")
    refuse(folder, r"line 2, column image: found 'a', which may be one/a\.jpg or two/a\.jpg, expected the name of one")


def test_the_file_of_a_subfolder_is_named_where_its_ending_is_another(tmp_path: Path) -> None:
    content = read_folder(write_folder(tmp_path, "image,label\na.png,1\nb,0\n", "images/a.jpg", "b.jpg"), READING)
    assert "there is 'images/a.jpg')" in content.without_image[0].found


def test_the_ending_that_a_file_has_is_named_where_the_table_has_another(tmp_path: Path) -> None:
    content = read_folder(write_folder(tmp_path, "image,label\na.png,1\nb,0\n", "a.jpg", "b.jpg"), READING)
    assert "there is 'a.jpg')" in content.without_image[0].found


def test_a_split_for_some_rows_only_is_told(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, "image,label,split\na,1,train\nb,0,\n", "a.jpg", "b.jpg")
    refuse(folder, r"line 3, column split: found no split, as in 1 of 2 rows, expected one in every row, or in none")


def test_all_problems_are_in_one_error_and_many_alike_are_one_sentence(tmp_path: Path) -> None:
    names = [f"a{number}" for number in range(34)]
    rows = "".join(f"{name},7\n" for name in names)
    folder = write_folder(tmp_path, f"image,label\n{rows}", *(f"{name}.jpg" for name in names))
    refuse(
        folder,
        r"^34 problems; correct them all:\n  .*, lines 2, 3, 4, 5, 6 and 29 more, column label: found '7', "
        r"expected one of rest, .*\. `attnmel verify .* --json` lists them all$",
    )
    assert len(examined_folder(folder, READING).problems) == 34


def test_names_differ_in_case_ending_and_accents(tmp_path: Path) -> None:
    composed, apart = (unicodedata.normalize(form, "über/hÉlène.JPG") for form in ("NFC", "NFD"))
    assert composed != apart
    table = f"image,label\n{composed.lower()},1\nIMG_1.jpg,0\nimg_2.JPEG,0\n"
    found = lesions(write_folder(tmp_path, table, apart, "IMG_1.JPG", "IMG_2.jpeg"))
    assert [one.image_id for one in found] == [unicodedata.normalize("NFC", "hÉlène"), "IMG_1", "IMG_2"]
    assert [one.image.relative_to(tmp_path).as_posix() for one in found] == [apart, "IMG_1.JPG", "IMG_2.jpeg"]


def test_two_files_that_differ_in_case_alone_are_told_apart(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, "image,label\nA.jpg,1\na.jpg,0\n", "A.jpg", "a.jpg")
    if len(list(folder.iterdir())) < 3:
        pytest.skip("this disk keeps one of the two")
    assert [(one.image.name, one.diagnosis) for one in lesions(folder)] == [("A.jpg", "melanoma"), ("a.jpg", "rest")]
    refuse(write_folder(tmp_path, "image,label\na,1\n"), r"found 'a', which may be A\.jpg or a\.jpg")


def test_the_same_names_in_folders_by_class_are_told_apart_by_their_path(tmp_path: Path) -> None:
    table = "image,label\nmelanoma/1.jpg,melanoma\nnevus/1.jpg,rest\nnevus\\2.jpg,rest\n"
    content = read_folder(write_folder(tmp_path, table, "melanoma/1.jpg", "nevus/1.jpg", "nevus/2.jpg"), READING)
    assert [one.image_id for one in content.lesions] == ["melanoma/1", "nevus/1", "nevus/2"]
    assert content.sentences == (
        "images in different folders have one name, so that the path in the folder is the image id",
    )


@pytest.mark.parametrize("unknown", ["NA", "nan", "None", "unknown", "-", "n/a", "#N/A", "Unbekannt", "k. A.", ""])
def test_what_means_not_known_is_nothing_in_every_column(tmp_path: Path, unknown: str) -> None:
    columns = ("mask", "group", "split", "age", "sex", "site", "confirmation", "source")
    table = f"image,label,{','.join(columns)}\na,1{f',{unknown}' * len(columns)}\n"
    (lesion,) = lesions(write_folder(tmp_path, table, "a.jpg"))
    assert (lesion.mask, lesion.group, lesion.split, lesion.attributes) == (None, None, None, {})


def test_a_group_larger_than_a_split_is_told(tmp_path: Path) -> None:
    rows = "".join(f"a{number},{number % 2},{'one' if number < 5 else number}\n" for number in range(20))
    folder = write_folder(tmp_path, f"image,label,group\n{rows}", *(f"a{number}.jpg" for number in range(20)))
    assert read_folder(folder).sentences == (
        "the group 'one' holds 5 of 20 images, and a split should hold 15 % of them; is it one patient? leave the cell "
        "empty where that is not known",
    )


def test_columns_of_other_names_are_read_where_they_are_named(tmp_path: Path) -> None:
    table = "isic_id,Patient ID,benign_malignant\na,p1,malignant\nb,p1,benign\n"
    folder = write_folder(tmp_path, table, "a.jpg", "b.jpg")
    named = {"image": "isic_id", "label": "benign_malignant", "group": "patient id"}
    content = read_folder(folder, TableReading(CLASSES, named))
    assert [(one.diagnosis, one.group) for one in content.lesions] == [("melanoma", "p1"), ("rest", "p1")]
    assert content.notes == ("labels.csv: labels are read as classes: 'malignant' as melanoma (1 row), "
                             "'benign' as rest (1 row)",)  # fmt: skip


ONE_HOT = "image,MEL,NV,BCC\na,1.0,0.0,0.0\nb,0,1,0\nc,0,0,0\n"


def test_a_label_of_several_columns_is_the_one_that_is_1(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, ONE_HOT, "a.jpg", "b.jpg", "c.jpg")
    named = {"label": "MEL+NV+BCC"}
    three = read_folder(folder, TableReading(("rest", "melanoma", "nevus"), named))
    assert [one.diagnosis for one in three.lesions] == ["melanoma", "nevus", "rest"]
    refuse(folder, "line 4, column label: found 1 in none of MEL, NV, BCC", TableReading(("MEL", "NV", "BCC"), named))


def test_a_single_column_called_like_a_class_is_of_it_or_not(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, "image,Melanoma\na,1\nb,0\n", "a.jpg", "b.jpg")
    for classes in (CLASSES, CLASSES[::-1]):
        found = read_folder(folder, TableReading(classes, {"label": "melanoma"})).lesions
        assert [one.diagnosis for one in found] == ["melanoma", "rest"]


def test_two_columns_that_are_1_and_other_values_are_told(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, "image,MEL,NV\na,1,1\nb,maybe,0\n", "a.jpg", "b.jpg")
    assert sentences(examined_folder(folder, TableReading(("MEL", "NV"), {"label": "MEL+NV"}))) == [
        "line 2, column label: found 1 in MEL and NV, expected 1 in one of these columns",
        "line 3, column MEL: found 'maybe', expected 0 or 1",
    ]


def test_columns_that_are_not_read_are_named_and_a_patient_among_them(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, "image,label,notes,patient_id,\na,melanoma,x,1,\n", "a.jpg")
    assert read_folder(folder, READING).notes == (
        "labels.csv: columns that are not read: notes, patient_id, (no name); if patient_id says which images are of "
        "one patient, name it: --columns group=patient_id",
    )


@pytest.mark.parametrize(
    ("column", "group"),
    [
        ("Pat.-Nr.", "Pat.-Nr."),
        ("PatientenID", "PatientenID"),
        ("La\u0308sion-Nr", "L\u00e4sion-Nr"),
        ("Fall-Nr;Pat-Nr", "Pat-Nr"),
        ("Patienten Nr", "Patienten Nr"),
        ("Patientenname", ""),
    ],
    ids=["dots", "one word", "decomposed umlaut", "patients first", "a space", "no names"],
)
def test_a_german_column_of_patients_or_lesions_is_suggested(tmp_path: Path, column: str, group: str) -> None:
    names = f"Dateiname;Diagnose;{column}"
    folder = write_folder(tmp_path, f"{names}\na;Melanom{';1' * column.count(';')};1\n", "a.jpg")
    wanted = f"image=Dateiname,label=Diagnose{f',group={group}' if group else ''}"
    advice = [one.split("--columns ")[1] for one in sentences(examined_folder(folder, READING))]
    assert {*map(tuple, map(shlex.split, advice))} == {(wanted,)}, "as a shell takes it"
    (note,) = read_folder(folder, TableReading(READING.classes, {"image": "Dateiname", "label": "Diagnose"})).notes[:1]
    _, found, option = note.partition("name it: --columns ")
    assert shlex.split(option) == [f"group={group}"] if group else not found


def test_reading_takes_calls_in_proportion_to_the_images(tmp_path: Path) -> None:
    def calls(images: int) -> int:
        names = [f"a{number:03d}" for number in range(images)]
        table = "image,label\n" + "".join(f"{name},rest\n" for name in names)
        folder = write_folder(tmp_path / str(images), table, *(f"{name}.jpg" for name in names))
        profile = cProfile.Profile()
        assert len(profile.runcall(read_folder, folder).lesions) == images
        return sum(one.callcount for one in profile.getstats())

    calls(1)  # what is done once only
    assert calls(100) < 2.2 * calls(50)


def test_spaces_around_names_are_left_out_of_cells_and_of_files(tmp_path: Path) -> None:
    rows = "image,label\n a.jpg,melanoma\nb.jpg,nevus\nc.jpg ,nevus\nd.jpg,nevus\n"
    content = read_folder(write_folder(tmp_path, rows, " a.jpg", "b .jpg", "c.jpg"))
    assert [(one.image_id, one.image.name) for one in content.lesions] == [
        ("a", " a.jpg"),
        ("b", "b .jpg"),
        ("c", "c.jpg"),
    ]
    assert content.notes == (
        "labels.csv: spaces around 2 cells are left out (the first in line 2, ' a.jpg')",
        "spaces around 2 names of files are left out (' a.jpg', 'b .jpg')",
    )
    assert content.without_row == ()
