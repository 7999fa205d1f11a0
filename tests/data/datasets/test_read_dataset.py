"""Official layouts and own folders become lesions, or the images that do not fit are named."""

import zipfile
from pathlib import Path

import pytest

from attnmel.data.archives.catalog import ARCHIVES
from attnmel.data.archives.fetch import fetch
from attnmel.data.datasets.own.folder import TableReading
from attnmel.data.datasets.read_dataset import labelled_folder, own_folder_path, read_dataset
from attnmel.data.verify.own import own_inventory
from attnmel.errors import ArchiveError, ConfigError, LabelError
from attnmel.files.folders import dataset_folder
from attnmel.pipeline.run.results.results import results_name

PARTS = {"Training": ["ISIC_1", "ISIC_2", "ISIC_3"], "Validation": ["ISIC_4"], "Test_v2": ["ISIC_6", "ISIC_5"]}
TRUTH = {"ISIC_1": "1.0,0.0", "ISIC_2": "0.0,1.0"}


def write_mirror(folder: Path) -> None:
    for part, ids in PARTS.items():
        stem = folder / "2017" / f"ISIC-2017_{part}"
        stem.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(f"{stem}_Data.zip", "w") as images:
            for image_id in ids:
                images.writestr(f"{image_id}.jpg", "?")
                images.writestr(f"{image_id}_superpixels.png", "?")
        with zipfile.ZipFile(f"{stem}_Part1_GroundTruth.zip", "w") as masks:
            for image_id in ids:
                masks.writestr(f"{image_id}_{'S' if part == 'Training' else 's'}egmentation.png", "?")
        rows = [f"{image_id},{TRUTH.get(image_id, '0,0')}" for image_id in ids]
        table = "\n".join(["image_id,melanoma,seborrheic_keratosis", *rows, ""])
        Path(f"{stem}_Part3_GroundTruth.csv").write_text(table)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    write_mirror(tmp_path / "mirror")
    fetch("phantoms", tmp_path / "home", mirror=(tmp_path / "mirror").as_uri())
    return tmp_path / "home"


@pytest.fixture
def folder(home: Path) -> Path:
    return dataset_folder(home, "phantoms")


def test_the_official_layout_is_joined_by_image_id(home: Path, folder: Path) -> None:
    dataset = read_dataset("phantoms", home)
    assert (dataset.name, dataset.licence) == ("phantoms", "synthetic, Apache-2.0")
    assert [state.name for state in dataset.states] == [archive.name for archive in ARCHIVES["phantoms"]]
    assert [(lesion.image_id, lesion.diagnosis, lesion.split) for lesion in dataset.lesions] == [
        ("ISIC_1", "melanoma", "train"),
        ("ISIC_2", "seborrheic_keratosis", "train"),
        ("ISIC_3", "nevus", "train"),
        ("ISIC_4", "nevus", "validation"),
        ("ISIC_5", "nevus", "test"),
        ("ISIC_6", "nevus", "test"),
    ]
    for lesion in dataset.lesions:
        assert lesion.image.stem == lesion.image_id
        assert lesion.image.is_file()
        assert lesion.mask is not None
        assert lesion.mask.stem.lower() == f"{lesion.image_id}_segmentation".lower()
    assert dataset.lesions[0].mask == folder / "ISIC-2017_Training_Part1_GroundTruth" / "ISIC_1_Segmentation.png"


def test_a_missing_image_is_named(home: Path, folder: Path) -> None:
    (folder / "ISIC-2017_Test_v2_Data" / "ISIC_5.jpg").unlink()
    with pytest.raises(LabelError, match=r"labelled images that are not there: ISIC_5\. Delete this folder and run"):
        read_dataset("phantoms", home)


def test_an_unlabelled_image_is_named(home: Path, folder: Path) -> None:
    (folder / "ISIC-2017_Test_v2_Data" / "ISIC_9.jpg").touch()
    with pytest.raises(LabelError, match=r"images without a label in ISIC-2017_Test_v2_Part3_GroundTruth\.csv: ISIC_9"):
        read_dataset("phantoms", home)


def test_a_doubled_image_is_named(home: Path, folder: Path) -> None:
    (folder / "ISIC-2017_Training_Data" / "ISIC_1.jpeg").touch()
    with pytest.raises(LabelError, match=r"doubled images: ISIC_1; expected each once"):
        read_dataset("phantoms", home)


def test_an_image_of_two_splits_is_named(home: Path, folder: Path) -> None:
    (folder / "ISIC-2017_Validation_Data" / "ISIC_4.jpg").rename(folder / "ISIC-2017_Validation_Data" / "ISIC_1.jpg")
    table = folder / "ISIC-2017_Validation_Part3_GroundTruth.csv"
    table.write_text(table.read_text().replace("ISIC_4", "ISIC_1"))
    mask = folder / "ISIC-2017_Validation_Part1_GroundTruth" / "ISIC_4_segmentation.png"
    mask.rename(mask.with_name("ISIC_1_segmentation.png"))
    with pytest.raises(LabelError, match="images on two sides of the split: ISIC_1"):
        read_dataset("phantoms", home)


def test_a_lost_mask_is_told_and_not_taken_for_none(home: Path, folder: Path) -> None:
    (folder / "ISIC-2017_Training_Part1_GroundTruth" / "ISIC_1_Segmentation.png").unlink()
    with pytest.raises(LabelError, match=r"holds 2 files, but 3 of ISIC-2017_Training_Part1_GroundTruth\.zip were put"):
        read_dataset("phantoms", home)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ISIC_9_segmentation.png", "masks of images without a label: ISIC_9"),
        ("ISIC_1_segmentation.png", "images with two masks: ISIC_1"),
        ("photograph.png", r"is not the archive's: expected <image>_segmentation\.png, found photograph\.png"),
    ],
)
def test_a_stray_mask_is_named(home: Path, folder: Path, name: str, message: str) -> None:
    (folder / "ISIC-2017_Training_Part1_GroundTruth" / name).touch()
    with pytest.raises(LabelError, match=message):
        read_dataset("phantoms", home)


def test_what_the_archive_is_short_of_is_left_out_and_recorded(tmp_path: Path) -> None:
    write_mirror(tmp_path)
    year = tmp_path / "2017"
    with zipfile.ZipFile(year / "ISIC-2017_Training_Data.zip", "w") as images:
        images.writestr("ISIC_2.jpg", "?")
    with zipfile.ZipFile(year / "ISIC-2017_Test_v2_Part1_GroundTruth.zip", "w") as masks:
        masks.writestr("ISIC_5_segmentation.png", "?")
    (year / "ISIC-2017_Validation_Part1_GroundTruth.zip").unlink()
    fetch("isic2017", tmp_path / "home", mirror=tmp_path.as_uri())
    dataset = read_dataset("isic2017", tmp_path / "home")
    masks = {lesion.image_id: lesion.mask is not None for lesion in dataset.lesions}
    assert masks == {"ISIC_2": True, "ISIC_4": False, "ISIC_5": True, "ISIC_6": False}
    assert {state.status for state in dataset.states} == {"short", "absent"}


def test_a_split_without_images_or_labels_is_left_out(tmp_path: Path) -> None:
    write_mirror(tmp_path)
    (tmp_path / "2017" / "ISIC-2017_Training_Data.zip").unlink()
    (tmp_path / "2017" / "ISIC-2017_Validation_Part3_GroundTruth.csv").unlink()
    fetch("phantoms", tmp_path / "home", mirror=tmp_path.as_uri())
    assert {lesion.split for lesion in read_dataset("phantoms", tmp_path / "home").lesions} == {"test"}


def test_a_mirror_without_any_image_is_told(tmp_path: Path) -> None:
    write_mirror(tmp_path)
    for path in (tmp_path / "2017").glob("*_Data.zip"):
        path.unlink()
    fetch("phantoms", tmp_path / "home", mirror=tmp_path.as_uri())
    with pytest.raises(LabelError, match="holds no split with both images and labels"):
        read_dataset("phantoms", tmp_path / "home")


def test_an_own_folder_is_read_wherever_a_data_set_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "clinic"
    folder.mkdir()
    (folder / "labels.csv").write_text("image,label\na,1\n")
    (folder / "a.jpg").touch()
    monkeypatch.chdir(folder)
    for name in (str(folder), "."):
        dataset = read_dataset(name, tmp_path / "home", reading=TableReading(("rest", "melanoma")))
        assert (dataset.name, dataset.licence, dataset.states) == ("clinic", "own data, licence not stated", ())
        assert [(lesion.image, lesion.diagnosis) for lesion in dataset.lesions] == [(folder / "a.jpg", "melanoma")]


@pytest.mark.parametrize("known", ["isic2018", "ISIC2017"])
def test_own_images_in_a_folder_that_is_called_like_a_known_data_set_have_another_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: str
) -> None:
    folder = tmp_path / known
    folder.mkdir()
    (folder / "labels.csv").write_text("image,label\na,1\n")
    (folder / "a.jpg").touch()
    monkeypatch.chdir(tmp_path)
    reading = TableReading(("rest", "melanoma"))
    assert read_dataset(f"./{known}", tmp_path / "home", reading=reading).name == f"{known}-folder"
    assert own_inventory(folder, reading).dataset == f"{known}-folder"
    assert results_name(str(folder), "test", None)[1] == f"{known}-folder-test"
    assert results_name(known.lower(), "test", None)[1] == f"{known.lower()}-test"


def test_a_group_on_two_sides_of_an_own_split_is_named(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("image,label,group,split\na,1,one,train\nb,0,one,test\n")
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).touch()
    with pytest.raises(LabelError, match="groups on two sides of the split: one"):
        read_dataset(str(tmp_path), tmp_path / "home")


def test_an_unknown_data_set_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError,
        match=r"'isic2071' \(did you mean 'isic2017'\?\); known: derm7pt, isic2016, .*, phantoms, or a folder",
    ):
        read_dataset("isic2071", tmp_path)
    (tmp_path / "scan.dcm").touch()
    with pytest.raises(
        ConfigError, match=r"scan\.dcm is a file; name its folder, which holds the images and their lab"
    ):
        labelled_folder(str(tmp_path / "scan.dcm"))
    with pytest.raises(ConfigError, match=r"there is no folder clinics/north; name the one"):
        labelled_folder("clinics/north")
    with pytest.raises(ConfigError, match=r"unknown data set 'clinik'; known: .* \(there is none of that name\)"):
        labelled_folder("clinik")
    with pytest.raises(ConfigError, match=r"the folder .* has no labels\.csv"):
        read_dataset(str(tmp_path), tmp_path)


def test_a_folder_one_level_beside_the_one_with_the_table_says_which_to_name(tmp_path: Path) -> None:
    labelled, images = tmp_path / "my clinic" / "data", tmp_path / "my clinic" / "data" / "images"
    images.mkdir(parents=True)
    (labelled / "labels.csv").touch()
    for wrong in (labelled.parent, images):
        with pytest.raises(ConfigError, match=rf"has no labels\.csv, but {labelled} has one; name that folder"):
            labelled_folder(str(wrong))
    (labelled.parent / "other").mkdir()
    (labelled.parent / "other" / "labels.csv").touch()
    with pytest.raises(ConfigError, match=r"has no labels\.csv; expected one with a row an image"):
        labelled_folder(str(labelled.parent))


def test_a_data_set_that_was_not_fetched_is_told(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match=r"isic2017 is not in .*; run `attnmel fetch isic2017`"):
        read_dataset("isic2017", tmp_path)


def test_a_known_name_means_the_data_set_whatever_folder_lies_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("isic2017", "clinic"):
        (tmp_path / name).mkdir()
    assert own_folder_path("isic2017") is None
    assert own_folder_path("clinic") == tmp_path / "clinic"
    assert own_folder_path("elsewhere") is None
