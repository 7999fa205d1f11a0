"""Miniature archives in the official layouts of ISIC 2016 and 2018, and one picture."""

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.data.crosses import draw_crosses

from attnmel.data.archives.catalog import FEATURES
from attnmel.data.archives.fetch import fetch
from attnmel.data.datasets.read_dataset import Dataset

DIAGNOSES = ("MEL", "NV", "BCC", "AKIEC", "BKL", "DF", "VASC")
TEST_2018 = [f"ISIC_9{i:02}" for i in range(7)]


def write_zip(path: Path, members: Mapping[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**members, "LICENSE.txt": "?", "ATTRIBUTION.txt": "?"}.items():
            archive.writestr(f"{path.stem}/{name}", content)


def one_hot(image_id: str, diagnosis: str) -> str:
    return ",".join([image_id, *("1.0" if name == diagnosis else "0.0" for name in DIAGNOSES)])


def write_2016(year: Path) -> None:
    """40 training images, every fifth malignant; 6 test images; the last of each without a mask."""
    for part, ids in (("Training", range(40)), ("Test", range(100, 106))):
        names = [f"ISIC_{i:07}" for i in ids]
        write_zip(year / f"ISBI2016_ISIC_Part3_{part}_Data.zip", {f"{name}.jpg": "?" for name in names})
        masks = {f"{name}_Segmentation.png": "?" for name in names[:-1]}
        write_zip(year / f"ISBI2016_ISIC_Part1_{part}_GroundTruth.zip", masks)
        words = ("benign", "malignant") if part == "Training" else ("0.0", "1.0")
        rows = [f"{name},{words[i % 5 == 0]}\r\n" for i, name in zip(ids, names, strict=True)]
        (year / f"ISBI2016_ISIC_Part3_{part}_GroundTruth.csv").write_text("".join(rows), newline="")


def lesions_2018() -> dict[str, tuple[str, str]]:
    """Image id -> lesion and diagnosis: 20 lesions a diagnosis, of one image, two or three."""
    images: dict[str, tuple[str, str]] = {}
    for number in range(20 * len(DIAGNOSES)):
        for _ in range(1 + number % 3):
            images[f"ISIC_{len(images):07}"] = (f"HAM_{number:07}", DIAGNOSES[number % len(DIAGNOSES)])
    return images


def write_2018(year: Path) -> None:
    images = lesions_2018()
    start = year / "ISIC2018_Task3"
    labels = ",".join(["image", *DIAGNOSES])
    training = "\n".join([labels, *(one_hot(image_id, name) for image_id, (_, name) in images.items()), ""])
    test = "\n".join([labels, *(one_hot(i, DIAGNOSES[n % 7]) for n, i in enumerate(TEST_2018)), ""])
    for part, table, ids in (("Training", training, list(images)), ("Test", test, TEST_2018)):
        write_zip(Path(f"{start}_{part}_GroundTruth.zip"), {f"ISIC2018_Task3_{part}_GroundTruth.csv": table})
        write_zip(Path(f"{start}_{part}_Input.zip"), {f"{image_id}.jpg": "?" for image_id in ids})
    confirmed = "serial imaging showing no change"
    groups = [f"{image_id},{lesion},{confirmed}\r\n" for image_id, (lesion, _) in images.items()]
    Path(f"{start}_Training_LesionGroupings.csv").write_text(
        "image,lesion_id,diagnosis_confirm_type\r\n" + "".join(groups), newline=""
    )
    masks = {f"{image_id}_segmentation.png": "?" for image_id in images}
    write_zip(year / "HAM10000_segmentations_lesion_tschandl.zip", masks)
    told = [f"{lesion},{image_id},nv,follow_up,55.0,male,back" for image_id, (lesion, _) in images.items()]
    told[0] = told[0].replace("follow_up,55.0,male,back", "histo,,unknown,lower extremity")
    metadata = "\n".join(["lesion_id,image_id,dx,dx_type,age,sex,localization", *told, ""])
    (year / "HAM10000_metadata.csv").write_text(metadata)


def write_task1(year: Path) -> None:
    names = [f"ISIC_{i}" for i in range(3)]
    write_zip(year / "ISIC2018_Task1-2_Training_Input.zip", {f"{name}.jpg": "?" for name in names})
    masks = {f"{name}_segmentation.png": "?" for name in names}
    write_zip(year / "ISIC2018_Task1_Training_GroundTruth.zip", masks)
    features = {f"{name}_attribute_{feature}.png": "?" for name in names for feature in FEATURES}
    write_zip(year / "ISIC2018_Task2_Training_GroundTruth_v3.zip", features)


@pytest.fixture
def training_2018() -> dict[str, tuple[str, str]]:
    """Image id -> lesion and diagnosis of the training images of 2018 task 3."""
    return lesions_2018()


@pytest.fixture
def test_ids_2018() -> list[str]:
    return TEST_2018


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    """Folder of a mirror of ISIC 2016, 2018 task 3 and 2018 task 1-2."""
    folder = tmp_path / "mirror"
    for year in ("2016", "2018"):
        (folder / year).mkdir(parents=True)
    write_2016(folder / "2016")
    write_2018(folder / "2018")
    write_task1(folder / "2018")
    return folder


@pytest.fixture
def fetched(mirror: Path, tmp_path: Path) -> Callable[[str], Path]:
    """Fetch a data set from the mirror as it is by then, and return the home."""

    def bring(dataset: str) -> Path:
        fetch(dataset, tmp_path / "home", mirror=mirror.as_uri())
        return tmp_path / "home"

    return bring


@pytest.fixture
def crosses(tmp_path: Path) -> Dataset:
    """Six images with a cross each; the last has no lesion mask."""
    return draw_crosses(tmp_path)


@pytest.fixture
def picture() -> Image.Image:
    """Smooth colours with some texture, 90 by 60 pixels."""
    y, x = np.mgrid[0:60, 0:90]
    noise = np.random.default_rng(0).normal(0, 8, (60, 90))
    rgb = np.stack([60 + 2 * x + noise, 40 + 3 * y + noise, 90 + x + y + noise], axis=-1)
    return Image.fromarray(rgb.clip(0, 255).astype(np.uint8))
