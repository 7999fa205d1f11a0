"""ISIC 2016 and 2018 become lesions with splits, groups, masks and attributes, or what does not fit is named."""

import re
import zipfile
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from attnmel.data.archives.fetch import fetch
from attnmel.data.datasets.read_dataset import read_dataset
from attnmel.data.datasets.sources import SOURCES
from attnmel.data.tables.metadata import CONFIRMATIONS
from attnmel.data.verify.official import official_inventory
from attnmel.errors import ArchiveError, ConfigError, LabelError
from attnmel.records import Lesion

Fetched = Callable[[str], Path]
Truth = dict[str, tuple[str, str]]
GROUPS = "ISIC2018_Task3_Training_LesionGroupings.csv"


def sides(lesions: tuple[Lesion, ...]) -> dict[str, str | None]:
    return {lesion.image_id: lesion.split for lesion in lesions}


def write_zip(path: Path, members: dict[str, str]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def refuse(name: str, home: Path, message: str) -> None:
    with pytest.raises(LabelError, match=message):
        read_dataset(name, home)


def listed(home: Path, kind: str) -> list[str]:
    """What `verify` says of ISIC 2018 by names and tables alone."""
    found = official_inventory("isic2018", SOURCES["isic2018"], home).findings
    return [one.detail for one in found if one.kind == kind]


def test_2016_gets_a_validation_set_from_its_training_images_alone(fetched: Fetched) -> None:
    dataset = read_dataset("isic2016", fetched("isic2016"))
    assert (dataset.title, dataset.licence) == ("ISIC 2016", "CC-0")
    counts = Counter((lesion.split, lesion.diagnosis) for lesion in dataset.lesions)
    assert counts == {
        ("train", "benign"): 27,
        ("train", "malignant"): 7,
        ("validation", "benign"): 5,
        ("validation", "malignant"): 1,
        ("test", "benign"): 4,
        ("test", "malignant"): 2,
    }
    number = {lesion.image_id: int(lesion.image_id.removeprefix("ISIC_")) for lesion in dataset.lesions}
    for lesion in dataset.lesions:
        assert (lesion.split == "test") == (number[lesion.image_id] >= 100)
        assert (lesion.diagnosis == "malignant") == (number[lesion.image_id] % 5 == 0)
        assert (lesion.mask is None) == (number[lesion.image_id] in (39, 105))


def test_2018_is_divided_by_lesion_and_its_test_set_stays(
    fetched: Fetched, training_2018: Truth, test_ids_2018: list[str]
) -> None:
    dataset = read_dataset("isic2018", fetched("isic2018"))
    assert {lesion.image_id for lesion in dataset.lesions if lesion.split == "test"} == set(test_ids_2018)
    training = [lesion for lesion in dataset.lesions if lesion.split != "test"]
    assert {lesion.image_id: (lesion.group, lesion.diagnosis) for lesion in training} == training_2018
    where = defaultdict(set)
    for lesion in training:
        where[lesion.group].add(lesion.split)
    assert {len(splits) for splits in where.values()} == {1}
    counts = Counter((lesion.split, lesion.diagnosis) for lesion in training)
    for name, total in Counter(diagnosis for _, diagnosis in training_2018.values()).items():
        for split, share in (("train", 0.8), ("validation", 0.1), ("internal", 0.1)):
            assert abs(counts[split, name] - share * total) <= 2
            assert counts[split, name] >= 1


def test_the_leaky_2018_divides_the_same_images_one_by_one(fetched: Fetched) -> None:
    home = fetched("isic2018")
    honest, leaky = (read_dataset(name, home) for name in ("isic2018", "isic2018-leaky"))
    assert (honest.leaks, leaky.leaks) == (False, True)
    assert leaky.title == f"{honest.title}, split by image: leaks"
    unsplit = [{replace(one, split=None) for one in dataset.lesions} for dataset in (honest, leaky)]
    assert unsplit[0] == unsplit[1], "the lesion of each image stays known"
    for split, share in (("train", 0.8), ("validation", 0.1), ("internal", 0.1)):
        of_split = sum(lesion.split == split for lesion in leaky.lesions)
        assert abs(of_split - share * (len(leaky.lesions) - 7)) <= 3
    trained = {lesion.group for lesion in leaky.lesions if lesion.split == "train"}
    assert trained & {lesion.group for lesion in leaky.lesions if lesion.split == "internal"}
    assert read_dataset("isic2018-leaky", home).lesions == leaky.lesions


def test_the_leaky_2018_is_fetched_under_the_name_of_its_files(mirror: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"isic2018-leaky has no files of its own; run `attnmel fetch isic2018`"):
        fetch("isic2018-leaky", tmp_path, mirror=mirror.as_uri())
    with pytest.raises(ArchiveError, match=r"run `attnmel fetch isic2018`$"):
        read_dataset("isic2018-leaky", tmp_path)


def test_2018_has_masks_licence_and_attributes(
    fetched: Fetched, training_2018: Truth, test_ids_2018: list[str]
) -> None:
    dataset = read_dataset("isic2018", fetched("isic2018"))
    assert dataset.licence.startswith("CC BY-NC 4.0; cite Tschandl")
    by_id = {lesion.image_id: lesion for lesion in dataset.lesions}
    for image_id in training_2018:
        mask = by_id[image_id].mask
        assert mask is not None
        assert mask.name == f"{image_id}_segmentation.png"
    # The metadata of the first image says histo where the groupings say follow-up: the metadata counts.
    assert by_id["ISIC_0000000"].attributes == {"confirmation": "histopathology", "site": "lower extremity"}
    known = {"age": "55", "sex": "male", "site": "back", "confirmation": "follow-up"}
    assert by_id["ISIC_0000001"].attributes == known
    assert {by_id[image_id].mask for image_id in test_ids_2018} == {None}
    assert by_id[test_ids_2018[0]].attributes == {}


def test_a_mirror_without_masks_and_metadata_gives_lesions_without(
    mirror: Path, fetched: Fetched, tmp_path: Path
) -> None:
    whole = read_dataset("isic2018", fetched("isic2018")).lesions
    for name in ("HAM10000_segmentations_lesion_tschandl.zip", "HAM10000_metadata.csv"):
        (mirror / "2018" / name).unlink()
    fetch("isic2018", tmp_path / "other", mirror=mirror.as_uri())
    bare = read_dataset("isic2018", tmp_path / "other").lesions
    assert sides(bare) == sides(whole)
    assert {lesion.mask for lesion in bare} == {None}
    expected = {"confirmation": CONFIRMATIONS["serial imaging showing no change"]}
    assert all(lesion.attributes == expected for lesion in bare if lesion.split != "test")


def test_images_that_did_not_come_leave_the_others_on_their_sides(
    mirror: Path, fetched: Fetched, training_2018: Truth, test_ids_2018: list[str]
) -> None:
    whole = sides(read_dataset("isic2018", fetched("isic2018")).lesions)
    some = list(training_2018)[:50]
    write_zip(mirror / "2018" / "ISIC2018_Task3_Training_Input.zip", {f"{image_id}.jpg": "?" for image_id in some})
    short = sides(read_dataset("isic2018", fetched("isic2018")).lesions)
    assert short == {image_id: whole[image_id] for image_id in [*some, *test_ids_2018]}


def test_official_validation_images_change_nothing(mirror: Path, fetched: Fetched) -> None:
    without = read_dataset("isic2018", fetched("isic2018")).lesions
    start = mirror / "2018" / "ISIC2018_Task3_Validation"
    table = "image,MEL,NV,BCC,AKIEC,BKL,DF,VASC\nISIC_8,1,0,0,0,0,0,0\n"
    write_zip(Path(f"{start}_GroundTruth.zip"), {"ISIC2018_Task3_Validation_GroundTruth.csv": table})
    write_zip(Path(f"{start}_Input.zip"), {"ISIC_8.jpg": "?"})
    assert read_dataset("isic2018", fetched("isic2018")).lesions == without


def test_without_lesion_groups_the_training_images_are_refused(mirror: Path, fetched: Fetched) -> None:
    (mirror / "2018" / GROUPS).unlink()
    home = fetched("isic2018")
    refuse("isic2018", home, rf"{GROUPS} did not come, and without it images of one lesion would stand")
    (told,) = listed(home, "image without lesion")
    assert re.fullmatch(
        rf"none of \d+ images has a lesion, and the data set is refused, since {GROUPS} did not.*", told
    )


def test_without_lesion_groups_the_test_set_alone_is_read(mirror: Path, fetched: Fetched) -> None:
    for name in (GROUPS, "ISIC2018_Task3_Training_Input.zip"):
        (mirror / "2018" / name).unlink()
    assert set(sides(read_dataset("isic2018", fetched("isic2018")).lesions).values()) == {"test"}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("ISIC_0000003,", "ISIC_8,", r"labelled images without a lesion: ISIC_0000003\."),
        ("ISIC_0000003,HAM_0000002", "ISIC_0000003,", r"line 5, column lesion_id: found nothing, expected a lesion_id"),
        ("ISIC_0000003,", "ISIC_0000004,", r"line 6, column image: found 'ISIC_0000004', expected each image once"),
        ("image,lesion_id", "image_id,lesion_id", r"expected the header image,lesion_id,diagnosis_confirm_type"),
    ],
)
def test_lesion_groups_that_do_not_fit_are_named(fetched: Fetched, old: str, new: str, message: str) -> None:
    home = fetched("isic2018")
    table = home / "data" / "isic2018" / GROUPS
    content = table.read_text()
    assert old in content
    table.write_text(content.replace(old, new))
    refuse("isic2018", home, message)


def test_lesion_groups_of_unlabelled_images_are_named(fetched: Fetched) -> None:
    home = fetched("isic2018")
    with (home / "data" / "isic2018" / GROUPS).open("a") as table:
        table.write("ISIC_8,HAM_1,histopathology\n")
    refuse("isic2018", home, r"lesions of images without a label: ISIC_8\. Take them out")
    assert listed(home, "lesion without label") == ["no label of it"]


def test_what_a_short_archive_lacks_is_verified_as_it_is_read(
    mirror: Path, fetched: Fetched, training_2018: Truth
) -> None:
    some = list(training_2018)[:50]
    write_zip(mirror / "2018" / "ISIC2018_Task3_Training_Input.zip", {f"{image_id}.jpg": "?" for image_id in some})
    home = fetched("isic2018")
    table = home / "data" / "isic2018" / GROUPS
    last = list(training_2018)[-1]
    table.write_text("".join(line for line in table.read_text().splitlines(keepends=True) if f"{last}," not in line))
    refuse("isic2018", home, rf"labelled images without a lesion: {last}\.")
    assert listed(home, "image without lesion") == [f"no row of {GROUPS} names it"]
    masks = home / "data" / "isic2018" / "HAM10000_segmentations_lesion_tschandl"
    (masks / "ISIC_7_segmentation.png").touch()
    refuse("isic2018", home, r"masks of images without a label: ISIC_7\.")
    assert listed(home, "mask without image") == ["no image of it, and no label"]


@pytest.mark.parametrize(
    ("name", "path", "message"),
    [
        ("isic2016", "ISBI2016_ISIC_Part3_Test_Data/ISIC_7.jpg", r"without a label in ISBI2016_.*\.csv: ISIC_7\."),
        ("isic2018", "ISIC2018_Task3_Test_Input/ISIC_7.jpg", r"images without a label in ISIC2018_.*: ISIC_7\."),
        ("isic2018", "ISIC2018_Task3_Test_Input/ISIC_900.jpeg", r"doubled images: ISIC_900; expected each once"),
        ("isic2018", "HAM10000_segmentations_lesion_tschandl/ISIC_7_segmentation.png", r"without a label: ISIC_7\."),
        (
            "isic2018-task1",
            "ISIC2018_Task1-2_Training_Input/ISIC_7.jpg",
            r"holds 4 files, but 3 of ISIC2018_Task1-2_Training_Input\.zip were put there",
        ),
    ],
)
def test_a_stray_file_is_named(fetched: Fetched, name: str, path: str, message: str) -> None:
    home = fetched(name)
    (home / "data" / name / path).touch()
    refuse(name, home, message)


def test_task_1_has_masks_and_no_diagnosis(fetched: Fetched) -> None:
    dataset = read_dataset("isic2018-task1", fetched("isic2018-task1"))
    assert (dataset.title, dataset.licence) == ("ISIC 2018 task 1-2", "CC-0")
    assert sides(dataset.lesions) == dict.fromkeys(["ISIC_0", "ISIC_1", "ISIC_2"], "train")
    for lesion in dataset.lesions:
        assert (lesion.diagnosis, lesion.group) == (None, None)
        assert lesion.mask is not None
        assert lesion.mask.name == f"{lesion.image_id}_segmentation.png"
