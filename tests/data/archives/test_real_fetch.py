"""The reduced real archives of 2016 and 2018, fetched and read; skipped without ../shared/data."""

import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from attnmel.data.archives.catalog import ARCHIVES, OPTIONAL
from attnmel.data.archives.fetch import archive_states, fetch
from attnmel.data.datasets.mask_files import feature_masks
from attnmel.data.datasets.read_dataset import read_dataset
from attnmel.records import Lesion

MADE_BY = Path(__file__).parents[3] / "shared" / "data" / "make_mirror.py"

pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.skipif(not MADE_BY.is_file(), reason="no real images beside the project"),
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    mirror, home = tmp_path_factory.mktemp("mirror"), tmp_path_factory.mktemp("home")
    subprocess.run([sys.executable, str(MADE_BY), str(mirror)], check=True, stdout=subprocess.DEVNULL)
    for dataset in ("isic2016", "isic2017", "isic2018", "isic2018-task1"):
        fetch(dataset, home, mirror=mirror.as_uri())
    return home


def counts(lesions: tuple[Lesion, ...], *, masks: bool = False) -> dict[str | None, int]:
    return dict(Counter(lesion.split for lesion in lesions if lesion.mask or not masks))


def not_complete(dataset: str, home: Path) -> dict[str, int]:
    """What a mirror must have and has not whole."""
    states = zip(ARCHIVES[dataset], archive_states(dataset, home), strict=True)
    return {one.name: one.found for of, one in states if of.role not in OPTIONAL and one.status != "complete"}


def test_2016(home: Path) -> None:
    lesions = read_dataset("isic2016", home).lesions
    assert counts(lesions) == {"train": 724, "validation": 128, "test": 354}
    assert 724 + 128 == 852
    assert counts(lesions, masks=True) == {"train": 720, "validation": 126, "test": 352}
    malignant = Counter(lesion.split for lesion in lesions if lesion.diagnosis == "malignant")
    assert malignant == {"train": 142, "validation": 25, "test": 71}


def test_2017(home: Path) -> None:
    assert not_complete("isic2017", home) == {"ISIC-2017_Test_v2_Part1_GroundTruth.zip": 529}
    lesions = read_dataset("isic2017", home).lesions
    assert counts(lesions) == {"train": 2000, "validation": 150, "test": 600}
    assert counts(lesions, masks=True) == {"train": 2000, "validation": 150, "test": 529}
    melanomas = Counter(lesion.split for lesion in lesions if lesion.diagnosis == "melanoma")
    assert melanomas == {"train": 374, "validation": 30, "test": 117}
    assert sum("age" in lesion.attributes for lesion in lesions if lesion.split == "train") == 2000 - 256
    assert not any(lesion.attributes for lesion in lesions if lesion.split == "test")  # the mirror has no such table


def test_2018_task_3(home: Path) -> None:
    assert not_complete("isic2018", home) == {"ISIC2018_Task3_Validation_Input.zip": 0}
    lesions = read_dataset("isic2018", home).lesions
    assert counts(lesions) == {"train": 8011, "validation": 1005, "internal": 999, "test": 1512}
    training = [lesion for lesion in lesions if lesion.split != "test"]
    assert len(training) == 10_015
    assert all(lesion.mask for lesion in training)
    sizes = Counter(lesion.group for lesion in training)
    assert len(sizes) == 7470
    assert sum(2 <= size <= 6 for size in sizes.values()) == 1956
    assert max(sizes.values()) == 6
    where = defaultdict(set)
    for lesion in training:
        where[lesion.group].add(lesion.split)
    assert {len(splits) for splits in where.values()} == {1}
    total = Counter(lesion.diagnosis for lesion in training)
    assert total == {"NV": 6705, "MEL": 1113, "BKL": 1099, "BCC": 514, "AKIEC": 327, "VASC": 142, "DF": 115}
    held = Counter((lesion.split, lesion.diagnosis) for lesion in training)
    for diagnosis, images in total.items():
        for split in ("validation", "internal"):
            assert abs(held[split, diagnosis] - images / 10) < 3  # the last lesions drawn have up to six images
    for split in ("train", "validation", "internal"):
        images = [lesion for lesion in training if lesion.split == split]
        assert sum(sizes[lesion.group] > 1 for lesion in images) / len(images) == pytest.approx(0.45, abs=0.03)
    assert Counter(lesion.attributes["confirmation"] for lesion in training) == {
        "histopathology": 5340,
        "follow-up": 3704,
        "consensus": 902,
        "confocal": 69,
    }


def test_2018_task_1_and_2(home: Path) -> None:
    assert not_complete("isic2018-task1", home) == {}
    lesions = read_dataset("isic2018-task1", home).lesions
    assert counts(lesions) == counts(lesions, masks=True) == {"train": 2594}
    assert set(feature_masks("isic2018-task1", home)) == {lesion.image_id for lesion in lesions}
