"""Which files a prior is made of: both dermoscopic routes, folders, and everything that can be missing."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from tests.data.crosses import (
    COUNT,
    CROP,
    SIDE,
    attributes_of,
    cross,
    folder_of,
    superpixels_of,
    write_attributes,
)

from attnmel.data.archives.catalog import FEATURES
from attnmel.data.datasets.read_dataset import Dataset, read_dataset
from attnmel.data.priors.cache import open_planes
from attnmel.data.priors.sources import (
    DERMOSCOPIC_FEATURES,
    MaskFiles,
    StructureFiles,
    SuperpixelFiles,
    feature_files,
    mask_flags,
    prior_files,
)
from attnmel.errors import LabelError
from attnmel.files.folders import MasksFolder
from attnmel.records import Lesion, Split

if TYPE_CHECKING:
    from tests.conftest import Phantoms


def test_both_routes_give_the_same_map_on_the_same_truth(phantoms: "Phantoms", tmp_path: Path) -> None:
    drawn = read_dataset("phantoms", phantoms.home)
    lesions = [lesion for lesion in drawn.lesions if lesion.split == "train"]
    by_superpixels = prior_files("dermoscopic", "", drawn, lesions, phantoms.home)
    assert {type(files) for files in by_superpixels.values()} == {SuperpixelFiles}
    areas = {}
    for image_id, files in by_superpixels.items():
        assert isinstance(files, SuperpixelFiles)
        colours = np.asarray(Image.open(files.superpixels)).astype(int)
        numbers = colours[..., 0] + 256 * colours[..., 1] + 65_536 * colours[..., 2]
        marked = {name: np.flatnonzero(of) for name, of in json.loads(files.features.read_text()).items()}
        areas[image_id] = {name: np.isin(numbers, marked.get(name, [])) for name in FEATURES}
    write_attributes(tmp_path, areas)
    as_2017 = Dataset("isic2017", "ISIC 2017", tuple(lesions), "CC-0")
    by_attributes = prior_files("dermoscopic", "", as_2017, lesions, tmp_path)
    assert {type(files) for files in by_attributes.values()} == {MaskFiles}
    planes = [
        open_planes(lesions, files, crop=CROP, side=SIDE, home=tmp_path) for files in (by_superpixels, by_attributes)
    ]
    rows = np.arange(len(lesions))
    np.testing.assert_array_equal(planes[0].gather(rows), planes[1].gather(rows))
    assert planes[0].key != planes[1].key
    assert 0 < planes[0].shares.max() < 0.9


def test_superpixels_come_first_and_attribute_masks_fill_in(crosses: Dataset, tmp_path: Path) -> None:
    superpixels_of(crosses, tmp_path)
    attributes_of(crosses, tmp_path)
    crosses.lesions[1].image.with_name("ISIC_1_superpixels.png").unlink()
    files = prior_files("dermoscopic", "", crosses, crosses.lesions, tmp_path)
    kinds = {image_id: type(one) for image_id, one in files.items()}
    assert kinds == {f"ISIC_{n}": MaskFiles if n == 1 else SuperpixelFiles for n in range(COUNT - 1)}


def test_each_feature_has_masks_of_its_own(crosses: Dataset, tmp_path: Path) -> None:
    assert feature_files(crosses, crosses.lesions, tmp_path) == {}
    attributes_of(crosses, tmp_path)
    found = feature_files(crosses, crosses.lesions, tmp_path)
    assert tuple(found) == FEATURES
    for feature, files in found.items():
        assert all(one.paths[0].stem == f"{image_id}_attribute_{feature}" for image_id, one in files.items())
    elsewhere = Dataset("isic2018", "ISIC 2018", crosses.lesions, "CC-0")
    assert feature_files(elsewhere, crosses.lesions, tmp_path) == {}


def test_each_feature_is_of_its_own_superpixels_and_attribute_masks_fill_in(crosses: Dataset, tmp_path: Path) -> None:
    superpixels_of(crosses, tmp_path)
    found = feature_files(crosses, crosses.lesions, tmp_path)
    assert {*found} == {*DERMOSCOPIC_FEATURES}
    left = np.arange(90) < 40
    for number in range(COUNT - 1):
        area = np.asarray(cross(number)) > 0
        right = area & ~left
        expected = {"pigment_network": area & left, "streaks": right, "milia_like_cyst": right}
        for feature, files in found.items():
            one = files[f"ISIC_{number}"]
            assert not isinstance(one, StructureFiles)
            marks = one.marked((90, 60))
            np.testing.assert_array_equal(marks, expected.get(feature, np.zeros_like(area)))
    planes = [open_planes(crosses.lesions, files, crop=CROP, side=SIDE, home=tmp_path) for files in found.values()]
    # All four are read from the same files.
    assert len({one.key for one in planes}) == len(found)
    attributes_of(crosses, tmp_path)
    kinds = {name: type(of["ISIC_0"]) for name, of in feature_files(crosses, crosses.lesions, tmp_path).items()}
    assert kinds == {**dict.fromkeys(DERMOSCOPIC_FEATURES, SuperpixelFiles), "globules": MaskFiles}


def test_without_any_features_the_files_and_the_commands_are_told(crosses: Dataset, tmp_path: Path) -> None:
    with pytest.raises(LabelError) as caught:
        prior_files("dermoscopic", "", crosses, crosses.lesions, tmp_path)
    for told in ("ISIC-2017_*_Part2", "fetch isic2017", "ISIC2018_Task2_Training", "fetch isic2018`", "is not in"):
        assert told in str(caught.value)
    elsewhere = Dataset("isic2018", "ISIC 2018", crosses.lesions, "CC-0")
    with pytest.raises(LabelError, match="those of ISIC 2018 task 2 are of images of isic2016, isic2017, isic2018-tas"):
        prior_files("dermoscopic", "", elsewhere, crosses.lesions, tmp_path)


def test_a_missing_folder_of_masks_is_told(crosses: Dataset, tmp_path: Path) -> None:
    with pytest.raises(LabelError, match=r"no predicted masks of isic2017 in .*; write them with `attnmel segment pre"):
        prior_files("lesion", "predicted", crosses, crosses.lesions, tmp_path)
    with pytest.raises(LabelError, match=r"loss\.masks = 'nowhere' is no folder; expected one with <image>_segmentati"):
        prior_files("lesion", "nowhere", crosses, crosses.lesions, tmp_path)
    own = Dataset("clinic", "own images", crosses.lesions, "")
    with pytest.raises(LabelError, match="the masks of a known data set, and clinic is a folder; name the folder that"):
        prior_files("lesion", "predicted", own, crosses.lesions, tmp_path)


def test_two_masks_of_an_image_are_refused(crosses: Dataset, tmp_path: Path) -> None:
    folder_of(crosses, tmp_path)
    cross(0).save(tmp_path / "drawn" / "ISIC_0_segmentation.png")
    with pytest.raises(LabelError, match=r"images with two masks: ISIC_0"):
        prior_files("lesion", str(tmp_path / "drawn"), crosses, crosses.lesions, tmp_path)


def test_a_mask_that_may_be_of_an_image_of_another_split_is_refused(tmp_path: Path) -> None:
    (tmp_path / "masks").mkdir()
    (tmp_path / "masks/1.png").touch()
    images: dict[str, Split] = {"2019": "train", "2020": "test"}
    lesions = tuple(
        Lesion(image_id=f"{year}/1", image=tmp_path / year / "1.jpg", diagnosis="melanoma", split=split)
        for year, split in images.items()
    )
    own = Dataset("own", "Own", lesions, "CC-0")
    with pytest.raises(LabelError, match=r"1\.png fits 2 images"):
        prior_files("lesion", str(tmp_path / "masks"), own, lesions[:1], tmp_path)
    for year in images:
        (tmp_path / "masks" / year).mkdir()
    (tmp_path / "masks/1.png").rename(tmp_path / "masks/2020/1.png")
    assert prior_files("lesion", str(tmp_path / "masks"), own, lesions[:1], tmp_path) == {}


def test_a_damaged_table_of_masks_is_told(tmp_path: Path) -> None:
    (tmp_path / "masks.csv").write_text("id,sign\n1,2\n")
    with pytest.raises(LabelError, match=r"masks\.csv is damaged; expected a table with the columns image and flag"):
        mask_flags(MasksFolder(tmp_path))


def test_the_four_features_are_those_that_phantoms_and_task_2_have_but_globules() -> None:
    assert {*FEATURES} - {*DERMOSCOPIC_FEATURES} == {"globules"}
