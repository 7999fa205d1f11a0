"""Data sets as their publishers lay them out: what is read of each, what is left out, and what is said of bad ones."""

import shutil
import zipfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from tests.strangers.datasets.make_sets import (
    TREE,
    archive_row,
    archive_rows,
    write_archive,
    write_derm7pt,
    write_isic2019,
    write_isic2020,
    write_milk10k,
    write_ph2,
)

from attnmel.data.archives.fetch import fetch
from attnmel.data.datasets.read_dataset import Dataset, read_dataset, whole_set_tests
from attnmel.data.verify import Verification, verify_dataset
from attnmel.datasets import names
from attnmel.errors import ArchiveError, AttnmelError, LabelError
from attnmel.records import Lesion

FETCHED = {"isic2019": write_isic2019, "isic2020": write_isic2020, "milk10k": write_milk10k}
UNPACKED = {"ph2": write_ph2, "derm7pt": write_derm7pt}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with each data set; tests that change one write their own."""
    folder = tmp_path_factory.mktemp("sets")
    for name, write in FETCHED.items():
        write(folder / "mirror")
        fetch(name, folder / "home", mirror=(folder / "mirror").as_uri())
    for name, write in UNPACKED.items():
        write(folder / "home" / "data" / name)
    write_archive(folder / "archive", archive_rows())
    return folder / "home"


def archive_of(home: Path) -> str:
    return str(home.parent / "archive")


def splits_of_groups(lesions: Iterable[Lesion]) -> dict[str, set[str | None]]:
    found = defaultdict(set)
    for lesion in lesions:
        if lesion.group is not None:
            found[lesion.group].add(lesion.split)
    return found


def diagnoses(dataset: Dataset) -> Counter[str | None]:
    return Counter(lesion.diagnosis for lesion in dataset.lesions)


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(AttnmelError) as caught:
        call()
    return str(caught.value)


def test_isic2019_is_divided_by_lesion_and_keeps_its_official_test_images(home: Path, tmp_path: Path) -> None:
    images = write_isic2019(tmp_path)
    dataset = read_dataset("isic2019", home)
    training = {lesion.image_id: lesion for lesion in dataset.lesions if lesion.split != "test"}
    assert {i: (one.group or "", one.diagnosis) for i, one in training.items()} == images
    assert {len(splits) for splits in splits_of_groups(training.values()).values()} == {1}
    assert {lesion.split for lesion in training.values()} == {"train", "validation", "internal"}
    tests = [lesion for lesion in dataset.lesions if lesion.split == "test"]
    assert len(tests) == 9
    assert sum(lesion.diagnosis == "UNK" for lesion in tests) == 1
    assert tests[0].attributes == {"site": "head/neck"}
    assert next(iter(training.values())).attributes == {"age": "55", "sex": "female", "site": "anterior torso"}


def test_isic2020_is_divided_by_patient_without_its_listed_duplicates(home: Path, tmp_path: Path) -> None:
    images = write_isic2020(tmp_path)
    dataset = read_dataset("isic2020", home)
    left_out = {"ISIC_8000004", "ISIC_8000005"}
    assert {lesion.image_id for lesion in dataset.lesions} == images.keys() - left_out
    assert dataset.notes == (
        "2 of 96 images are left out: ISIC_2020_Training_Duplicates.csv lists them as duplicates of others",
    )
    groups = splits_of_groups(dataset.lesions)
    assert {len(splits) for splits in groups.values()} == {1}
    assert set.union(*groups.values()) == {"train", "validation", "test"}
    for lesion in dataset.lesions:
        patient, name, malignancy = images[lesion.image_id]
        assert lesion.group == patient
        assert (lesion.diagnosis == "melanoma") == (malignancy == "malignant")
        assert lesion.diagnosis == ("benign" if name == "unknown" else name)


def test_isic2020_without_the_list_of_duplicates_says_so(tmp_path: Path) -> None:
    write_isic2020(tmp_path)
    (tmp_path / "2020" / "ISIC_2020_Training_Duplicates.csv").unlink()
    fetch("isic2020", tmp_path / "home", mirror=tmp_path.as_uri())
    dataset = read_dataset("isic2020", tmp_path / "home")
    assert len(dataset.lesions) == 96
    assert dataset.notes == (
        "ISIC_2020_Training_Duplicates.csv did not come, so that the images it lists as duplicates of others are not "
        "left out",
    )


def test_ph2_has_a_bmp_and_a_mask_in_a_folder_each(home: Path, tmp_path: Path) -> None:
    dataset = read_dataset("ph2", home)
    assert {lesion.image_id: lesion.diagnosis for lesion in dataset.lesions} == write_ph2(tmp_path)
    for lesion in dataset.lesions:
        assert lesion.image.name == f"{lesion.image_id}.bmp"
        assert lesion.mask is not None
        assert lesion.mask.name == f"{lesion.image_id}_lesion.bmp"
        assert ("confirmation" in lesion.attributes) == (lesion.diagnosis == "melanoma")


@pytest.mark.parametrize("bars", ["||", "|"])
def test_ph2_is_read_whichever_bars_its_header_has(tmp_path: Path, bars: str) -> None:
    expected = write_ph2(tmp_path, 5)
    table = tmp_path / "PH2Dataset" / "PH2_dataset.txt"
    lines = table.read_text().splitlines()
    lines[0] = lines[0].replace("||", "|").replace("|", bars)
    table.write_text("\r\n".join(lines))
    found = read_dataset(str(tmp_path), tmp_path)
    assert {lesion.image_id: lesion.diagnosis for lesion in found.lesions} == expected


def test_derm7pt_has_the_publishers_splits_and_one_melanoma(home: Path, tmp_path: Path) -> None:
    expected = write_derm7pt(tmp_path)
    found = {lesion.image_id: lesion for lesion in read_dataset("derm7pt", home).lesions}
    assert {name: lesion.split for name, lesion in found.items()} == {
        name: side for name, (_, side) in expected.items()
    }
    for name, (diagnosis, _) in expected.items():
        assert found[name].diagnosis == ("melanoma" if diagnosis.startswith("melanoma") else diagnosis)
        assert found[name].image.suffix == ".jpg"  # the table writes .JPG
        assert found[name].attributes == {"sex": "female", "site": "back"}


def test_of_milk10k_the_dermoscopic_images_are_read_by_lesion(home: Path, tmp_path: Path) -> None:
    dataset = read_dataset("milk10k", home)
    assert {one.image_id: (one.group, one.diagnosis) for one in dataset.lesions} == write_milk10k(tmp_path)
    assert dataset.notes == (
        "MILK10k_Training_Metadata.csv: 33 images that are not dermoscopic are left out: clinical: close-up 33",
    )
    assert [state.found for state in dataset.states] == [33, 66, 66]


def test_milk10k_unpacked_by_hand_is_read_too(tmp_path: Path) -> None:
    expected = write_milk10k(tmp_path, 11)
    with zipfile.ZipFile(tmp_path / "milk10k" / "MILK10k_Training_Input.zip") as archive:
        archive.extractall(tmp_path / "milk10k")
    found = read_dataset(str(tmp_path / "milk10k"), tmp_path)
    assert {one.image_id: (one.group, one.diagnosis) for one in found.lesions} == expected


def test_a_folder_of_isic_cli_is_known_by_its_table(home: Path) -> None:
    dataset = read_dataset(archive_of(home), home)
    assert (dataset.name, dataset.title) == ("archive", "ISIC Archive, images in archive")
    assert diagnoses(dataset) == dict.fromkeys(TREE, 4)
    assert dataset.licence == "licences of the images: CC-0 14, CC-BY 13, CC-BY-NC 13; see attribution.txt"
    assert dataset.notes == (
        "metadata.csv: 3 images that are not dermoscopic are left out: TBP tile: close-up 1, clinical: close-up 1, "
        "of no stated kind 1",
        "metadata.csv: 3 images without a diagnosis to learn from are left out: Indeterminate - Indeterminate "
        "melanocytic proliferations 1, Malignant of no stated kind 1, no diagnosis 1",
        "licences of the images: CC-0 14, CC-BY 13, CC-BY-NC 13",
    )
    first = dataset.lesions[0]
    assert first.attributes == {
        "age": "85",  # 85+
        "sex": "female",
        "site": "posterior trunk",
        "source": "hospital, clinic",
    }


def test_the_archives_images_are_grouped_by_patient_also_where_one_row_of_a_lesion_lacks_it(home: Path) -> None:
    groups = {lesion.image_id: lesion.group for lesion in read_dataset(archive_of(home), home).lesions}
    # Two images a lesion, two lesions a patient, who is named at every other image alone.
    assert groups == {f"ISIC_{6_000_000 + number}": f"IP_{number // 4:07}" for number in range(40)}


def test_an_older_download_of_the_archive_has_its_single_site(tmp_path: Path) -> None:
    row = archive_row(0, TREE["NV"], anatom_site_1="", anatom_site_2="")
    row = {name: cell for name, cell in row.items() if not name.startswith("anatom_site")}
    write_archive(
        tmp_path / "old", [{**row, "anatom_site_general": "lower extremity", "lesion_id": "", "patient_id": ""}]
    )
    (lesion,) = read_dataset(str(tmp_path / "old"), tmp_path).lesions
    assert (lesion.attributes["site"], lesion.group) == ("lower extremity", None)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("isic2019", False),
        ("isic2017", False),
        ("derm7pt", False),
        ("isic2020", True),
        ("ph2", True),
        ("milk10k", True),
    ],
)
def test_all_images_are_evaluated_where_there_is_no_official_test_split(name: str, expected: bool) -> None:
    assert whole_set_tests(name) == expected


@pytest.mark.parametrize(("name", "expected"), [("derm7pt", False), ("ph2", True)])
def test_so_it_is_where_a_data_set_is_named_by_its_path(home: Path, name: str, expected: bool) -> None:
    assert whole_set_tests(str(home / "data" / name)) == expected
    assert whole_set_tests(archive_of(home))


def kinds(found: Verification) -> dict[str, int]:
    return {kind: len(some) for kind, some in found.by_kind().items()}


@pytest.mark.parametrize(
    ("name", "images", "short"),
    [("isic2019", 109, 6), ("isic2020", 96, 3), ("milk10k", 33, 1), ("ph2", 20, 1), ("derm7pt", 40, 1)],
)
def test_verify_finds_nothing_wrong_but_that_drawn_sets_are_small(
    home: Path, name: str, images: int, short: int
) -> None:
    found = verify_dataset(name, home, workers=1)
    assert (found.counts["images"], kinds(found)) == (images, {"archive short": short})
    assert not found.is_own


def test_verify_sums_up_the_licences_of_the_archives_images(home: Path) -> None:
    found = verify_dataset(archive_of(home), home, workers=1)
    assert found.title == "ISIC Archive"
    assert found.findings == ()
    assert "licences of the images: CC-0 14, CC-BY 13, CC-BY-NC 13" in found.notes


def test_a_data_set_that_is_not_there_says_where_to_get_it(tmp_path: Path) -> None:
    place = tmp_path / "data"
    by_hand = (
        f"ph2 cannot be fetched by a program: get it from https://www.fc.up.pt/addi/ph2%20database.html and unpack it "
        f"in {place / 'ph2'}, so that PH2_dataset.txt and the folder 'PH2 Dataset images' lie there"
    )
    assert refusal(lambda: fetch("ph2", tmp_path)) == by_hand
    assert refusal(lambda: read_dataset("ph2", tmp_path)) == f"ph2 is not in {place / 'ph2'}: {by_hand}"
    (place / "ph2").mkdir(parents=True)
    assert refusal(lambda: read_dataset("ph2", tmp_path)) == f"ph2 is not in {place / 'ph2'}: {by_hand}"
    assert refusal(lambda: read_dataset("milk10k", tmp_path)) == (
        f"milk10k is not in {place / 'milk10k'}; run `attnmel fetch milk10k`"
    )
    assert refusal(lambda: read_dataset("derm7pt", tmp_path)).startswith(f"derm7pt is not in {place / 'derm7pt'}: ")
    with pytest.raises(ArchiveError, match=r"isic2019 is not in .*; run `attnmel fetch isic2019`"):
        read_dataset("isic2019", tmp_path)
    assert kinds(verify_dataset("ph2", tmp_path, workers=1)) == {"not fetched": 1}


Rows = list[dict[str, str]]
END = ". Correct the table, or take it from its publisher again."


def without(column: str) -> Callable[[Rows], Rows]:
    return lambda rows: [{name: cell for name, cell in row.items() if name != column} for row in rows]


@pytest.mark.parametrize(
    ("change", "images", "expected"),
    [
        (
            without("diagnosis_1"),
            True,
            "line 1: found the header 'isic_id,attribution,copyright_license,ag...' in metadata.csv, expected the "
            "columns diagnosis_1 too",
        ),
        (
            lambda rows: [{**row, "diagnosis_1": "Melanoma"} for row in rows],
            True,
            "found no image that can be used (metadata.csv: 2 images without a diagnosis to learn from are left out: "
            "'Melanoma', which is none of Benign, Indeterminate, Malignant 2) in metadata.csv, expected some with "
            "image_type dermoscopic and a diagnosis_1",
        ),
        (
            lambda rows: [{**row, "image_type": "clinical: overview"} for row in rows],
            True,
            "found no image that can be used (metadata.csv: 2 images that are not dermoscopic are left out: clinical: "
            "overview 2) in metadata.csv, expected some with image_type dermoscopic and a diagnosis_1",
        ),
        (
            lambda rows: rows,
            False,
            "found no row that can be used (line 2: found 'ISIC_6000000', of which there is no image, expected its "
            "file in the folder), expected some",
        ),
        (
            lambda rows: [rows[0], rows[0]],
            True,
            "found images in two rows (ISIC_6000000), expected each image once",
        ),
    ],
    ids=["wrong header", "unknown diagnosis everywhere", "no dermoscopic image", "no images", "doubled"],
)
def test_a_bad_table_of_the_archive_is_one_sentence(
    tmp_path: Path, change: Callable[[Rows], Rows], images: bool, expected: str
) -> None:
    folder = tmp_path / "bad"
    write_archive(folder, change([archive_row(0, TREE["NV"]), archive_row(1, TREE["MEL"])]), images=images)
    separator = ", " if expected.startswith("line") else ": "
    assert (
        refusal(lambda: read_dataset(str(folder), tmp_path)) == f"{folder / 'metadata.csv'}{separator}{expected}{END}"
    )
    assert kinds(verify_dataset(str(folder), tmp_path, workers=1))["table unusable"] == 1


def test_images_of_the_archive_that_are_missing_are_counted(tmp_path: Path) -> None:
    folder = tmp_path / "some"
    write_archive(folder, archive_rows(10))
    (folder / "ISIC_6000003.jpg").unlink()
    (folder / "ISIC_6000004.jpg").rename(folder / "ISIC_7.jpg")
    notes = read_dataset(str(folder), tmp_path).notes
    assert "rows of metadata.csv whose image is not in the folder: 2 of 10 (line 5, line 6)" in notes
    assert "images in the folder without a row in metadata.csv: 1 (ISIC_7.jpg)" in notes


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_bad_tables_of_ph2_are_one_sentence_each(tmp_path: Path) -> None:
    write_ph2(tmp_path, 3)
    table = tmp_path / "PH2Dataset" / "PH2_dataset.txt"
    whole = table.read_text()
    edit(table, "                  1 ||", "                  7 ||")
    assert refusal(lambda: read_dataset(str(tmp_path), tmp_path)) == (
        f"{table}, line 3, column Clinical Diagnosis: found '7' in PH2_dataset.txt, expected 0 (common nevus), "
        f"1 (atypical nevus), 2 (melanoma){END}"
    )
    table.write_text(whole.replace("Clinical Diagnosis ||", "Diagnosis ||"))
    assert refusal(lambda: read_dataset(str(tmp_path), tmp_path)) == (
        f"{table}, line 1: found the header 'Name | Histological Diagnosis | Diagnosi...' in PH2_dataset.txt, expected "
        f"cells between | or ||, among them Clinical Diagnosis{END}"
    )
    table.write_text("")
    assert refusal(lambda: read_dataset(str(tmp_path), tmp_path)) == (
        f"{table}, line 1: found the header nothing in PH2_dataset.txt, expected cells between | or ||, among them "
        f"Name, Histological Diagnosis, Clinical Diagnosis{END}"
    )


def test_bad_tables_of_derm7pt_are_one_sentence_each(tmp_path: Path) -> None:
    write_derm7pt(tmp_path, 20)
    meta = tmp_path / "release_v0" / "meta"
    table, indexes = meta / "meta.csv", meta / "test_indexes.csv"
    whole = indexes.read_text()

    def said() -> str:
        return refusal(lambda: read_dataset(str(tmp_path), tmp_path))

    edit(indexes, "19", "20")
    assert said() == (
        f"{table}, line 6, column indexes: found '20' in test_indexes.csv, expected a number from 0 to 19{END}"
    )
    indexes.write_text(whole.replace("19", "3"))
    assert said() == (
        f"{table}, line 6, column indexes: found '3' in test_indexes.csv, expected each row in one split (it is in "
        f"'train' already){END}"
    )
    indexes.write_text(whole.replace("19\n", "").replace("19\r\n", ""))
    assert said() == (
        f"{table}: found 1 of 20 rows in no split, the first number 19, expected each in one of train_indexes.csv, "
        f"valid_indexes.csv, test_indexes.csv{END}"
    )
    indexes.unlink()
    assert said() == (
        f"{table}: found a file that cannot be read (No such file or directory) in test_indexes.csv, expected a table "
        f"with the columns indexes{END}"
    )
    indexes.write_text(whole)
    edit(table, "clark nevus", "clark naevus")
    assert said().startswith(
        f"{table}, line 2, column diagnosis: found 'clark naevus' in meta.csv, expected one of basal cell carcinoma, "
    )


def test_bad_tables_of_milk10k_are_one_sentence_each(tmp_path: Path) -> None:
    write_milk10k(tmp_path, 11)
    folder = tmp_path / "milk10k"
    table, metadata = folder / "MILK10k_Training_GroundTruth.csv", folder / "MILK10k_Training_Metadata.csv"
    whole = table.read_text()

    def said() -> str:
        return refusal(lambda: read_dataset(str(folder), tmp_path))

    assert said().startswith(
        f"{table}: found no row that can be used (line 3: found 'ISIC_7000001', of which there is "
    )
    edit(table, "IL_0000000,1.0,0.0", "IL_0000000,1.0,1.0")
    assert said() == (
        f"{table}, line 2: found 2 columns that are 1 in MILK10k_Training_GroundTruth.csv, expected exactly 1{END}"
    )
    table.write_text(whole.replace("IL_0000000,", "IL_0000099,"))
    assert said() == (
        f"{table}, line 3, column lesion_id: found 'IL_0000000' in MILK10k_Training_Metadata.csv, expected a lesion of "
        f"MILK10k_Training_GroundTruth.csv{END}"
    )
    metadata.unlink()
    assert "found a file that cannot be read (No such file or directory) in MILK10k_Training_Metadata.csv" in said()


def test_tables_of_another_year_are_refused(tmp_path: Path) -> None:
    write_isic2019(tmp_path)
    write_isic2020(tmp_path)
    labels = tmp_path / "2019" / "ISIC_2019_Training_GroundTruth.csv"
    labels.write_bytes((tmp_path / "2020" / "ISIC_2020_Training_GroundTruth_v2.csv").read_bytes())
    assert refusal(lambda: fetch("isic2019", tmp_path / "home", mirror=tmp_path.as_uri())) == (
        "ISIC_2019_Training_GroundTruth.csv is not the official table: expected a line that begins with 'image', then "
        f"rows. What came from {labels.as_uri()} was removed; fetch it again, or from another mirror."
    )
    labels.write_text("image,MEL,NV,BCC,AKIEC,BKL,DF,VASC\nISIC_9000000_downsampled,1,0,0,0,0,0,0\n")
    fetch("isic2019", tmp_path / "home", mirror=tmp_path.as_uri())
    said = refusal(lambda: read_dataset("isic2019", tmp_path / "home"))
    assert "column AK: found no such column, expected the header image,MEL,NV,BCC,AK,BKL,DF,VASC,SCC,UNK" in said
    assert "column AKIEC: found a column too many" in said


def test_isic2019_without_its_lesions_is_refused(tmp_path: Path) -> None:
    write_isic2019(tmp_path)
    (tmp_path / "2019" / "ISIC_2019_Training_Metadata.csv").unlink()
    fetch("isic2019", tmp_path / "home", mirror=tmp_path.as_uri())
    with pytest.raises(
        LabelError, match=r"ISIC_2019_Training_Metadata\.csv did not come, and without it images of one"
    ):
        read_dataset("isic2019", tmp_path / "home")


def test_a_bad_list_of_duplicates_is_one_sentence(tmp_path: Path) -> None:
    write_isic2020(tmp_path)
    table = tmp_path / "2020" / "ISIC_2020_Training_Duplicates.csv"
    table.write_text("image_name_1,other\nISIC_1,ISIC_2\n")
    fetch("isic2020", tmp_path / "home", mirror=tmp_path.as_uri())
    fetched = tmp_path / "home" / "data" / "isic2020" / table.name
    again = "Correct the table, or delete it and run `attnmel fetch` again."
    assert refusal(lambda: read_dataset("isic2020", tmp_path / "home")) == (
        f"{fetched}, line 1: found the header 'image_name_1,other' in {table.name}, expected the columns image_name_2 "
        f"too. {again}"
    )
    fetched.write_text("image_name_1,image_name_2\nISIC_1,\n")
    assert refusal(lambda: read_dataset("isic2020", tmp_path / "home")) == (
        f"{fetched}, line 2: found an empty cell, expected an image id in image_name_1 and image_name_2. {again}"
    )


def test_a_labels_csv_beside_the_archives_table_counts_first(home: Path, tmp_path: Path) -> None:
    write_archive(tmp_path / "own", [archive_row(0, TREE["NV"]), archive_row(1, TREE["MEL"])])
    (tmp_path / "own" / "labels.csv").write_text("image,label\nISIC_6000000,melanoma\n")
    (lesion,) = read_dataset(str(tmp_path / "own"), home).lesions
    assert lesion.diagnosis == "melanoma"


def test_a_folder_without_any_known_table_says_what_is_expected(tmp_path: Path) -> None:
    expected = f"the folder {tmp_path} has no labels.csv; expected one with a row an image: image,label"
    assert refusal(lambda: read_dataset(str(tmp_path), tmp_path)) == expected
    (tmp_path / "metadata.csv").write_text("image,dx\na,nv\n")
    assert refusal(lambda: read_dataset(str(tmp_path), tmp_path)) == (
        f"{expected}; its metadata.csv is not the archive's, which has a column isic_id"
    )


def test_a_folder_whose_table_has_another_name_or_that_has_none_says_what_to_write(tmp_path: Path) -> None:
    expected = f"the folder {tmp_path} has no labels.csv; expected one with a row an image: image,label; "
    for name in (".hidden/a.jpg", "nevus/notes.txt", "nevus/b.JPG", "melanoma/a.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    for name, said in (
        (None, "names of subfolders are no labels, so write a row as melanoma/a.png,melanoma for each image"),
        ("Findings.XLSX", "if Findings.XLSX is that table, open it in the spreadsheet program and save it as CSV (in "
         "Excel: Save As, 'CSV UTF-8') under the name labels.csv"),
        ("Findings.csv", "if Findings.csv is that table, call it labels.csv"),
    ):  # fmt: skip
        (tmp_path / name).touch() if name else None
        assert refusal(lambda: read_dataset(str(tmp_path), tmp_path)) == expected + said


def test_thumbnails_in_a_hidden_folder_are_not_taken_for_the_images(tmp_path: Path) -> None:
    write_archive(tmp_path / "archive", archive_rows(6))
    before = read_dataset(str(tmp_path / "archive"), tmp_path).lesions
    (tmp_path / "archive" / ".thumbnails").mkdir()
    for one in before:
        shutil.copy(one.image, tmp_path / "archive" / ".thumbnails")
    assert read_dataset(str(tmp_path / "archive"), tmp_path).lesions == before


def test_the_names_are_those_of_every_data_set_that_can_be_read() -> None:
    assert {*FETCHED, *UNPACKED, "isic2017", "isic2018-leaky"} <= {*names()}
