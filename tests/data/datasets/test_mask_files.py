"""Masks of dermoscopic features are found by image and feature, or the files that do not fit are named."""

from collections.abc import Callable
from pathlib import Path

import pytest

from attnmel.data.archives.catalog import FEATURES
from attnmel.data.datasets.mask_files import feature_masks
from attnmel.errors import ArchiveError, ConfigError, LabelError

FOLDER = "ISIC2018_Task2_Training_GroundTruth_v3"

Fetched = Callable[[str], Path]


@pytest.fixture
def folder(fetched: Fetched) -> Path:
    return fetched("isic2018-task1") / "data" / "isic2018-task1" / FOLDER


def home_of(folder: Path) -> Path:
    return folder.parents[2]


def test_every_image_has_a_mask_of_every_feature(folder: Path) -> None:
    masks = feature_masks("isic2018-task1", home_of(folder))
    assert set(masks) == {"ISIC_0", "ISIC_1", "ISIC_2"}
    for image_id, by_feature in masks.items():
        assert set(by_feature) == set(FEATURES)
        for feature, path in by_feature.items():
            assert path == folder / f"{image_id}_attribute_{feature}.png"


def test_a_lost_and_a_strange_file_are_told(folder: Path) -> None:
    lost = folder / "ISIC_1_attribute_streaks.png"
    lost.unlink()
    with pytest.raises(LabelError, match=r"holds 14 files, but 15 of ISIC2018_Task2.*were put there"):
        feature_masks("isic2018-task1", home_of(folder))
    lost.with_name("ISIC_1_attribute_dots.png").touch()
    with pytest.raises(LabelError, match=r"expected <image>_attribute_<feature>\.png, found ISIC_1_attribute_dots"):
        feature_masks("isic2018-task1", home_of(folder))


def test_other_data_sets_have_none(fetched: Fetched) -> None:
    with pytest.raises(ConfigError, match="isic2016 has no feature masks; expected one of: isic2018-task1"):
        feature_masks("isic2016", fetched("isic2016"))


def test_a_mirror_without_them_is_told(mirror: Path, fetched: Fetched) -> None:
    (mirror / "2018" / f"{FOLDER}.zip").unlink()
    with pytest.raises(ArchiveError, match=rf"{FOLDER}\.zip is not at file:.*from another mirror"):
        feature_masks("isic2018-task1", fetched("isic2018-task1"))


def test_what_macos_keeps_beside_a_file_is_none_of_the_archive(folder: Path) -> None:
    (folder / "._ISIC_1_attribute_streaks.png").touch()
    assert len(feature_masks("isic2018-task1", home_of(folder))) == 3
