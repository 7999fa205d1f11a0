"""Every prior from its files through augmentation: a cross drawn in image and prior is found at one place in both."""

import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from attnmel.data.archives import ArchiveState, fetch
from attnmel.data.cache import Cache, open_cache
from attnmel.data.images import image_size, prepared_mask
from attnmel.data.labels import Dataset, read_dataset
from attnmel.data.loader import TrainingBatches
from attnmel.data.official_files import FEATURES
from attnmel.data.prior_files import DERMOSCOPIC_FEATURES, MaskFiles, SuperpixelFiles, mask_flags, prior_files
from attnmel.data.prior_planes import Planes, open_planes
from attnmel.data.spoiling import dilated, shifted, swapped
from attnmel.errors import ImageError, LabelError
from attnmel.folders import MasksFolder, predicted_masks
from attnmel.records import Lesion

if TYPE_CHECKING:
    from tests.conftest import Phantoms

SIDE, SIZE, CROP = 36, 32, 0.8
MEAN, STD = (0.7, 0.5, 0.4), (0.1, 0.2, 0.3)
COUNT = 6
STATE = ArchiveState("a.zip", "file:///a.zip", 1, "", 1, 1, "complete")


def cross(number: int) -> Image.Image:
    """A cross off the centre of 90 x 60 pixels, which no turn and no flip leaves as it was."""
    picture = Image.new("L", (90, 60))
    x, y = 36 + 3 * number, 24 + 2 * number % 8
    ImageDraw.Draw(picture).rectangle((x, y - 8, x + 3, y + 16), fill=255)
    ImageDraw.Draw(picture).rectangle((x - 5, y, x + 12, y + 1), fill=255)
    return picture


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """Images with a cross each; the lesion masks cross the last image out."""
    folder = tmp_path / "images"
    folder.mkdir()
    lesions = []
    for number in range(COUNT):
        image, mask = folder / f"ISIC_{number}.png", folder / f"m{number}.png"
        cross(number).convert("RGB").save(image)
        cross(number).save(mask)
        last = number == COUNT - 1
        lesions.append(Lesion(image_id=image.stem, image=image, mask=None if last else mask, diagnosis="x", split=None))
    return Dataset("isic2017", "ISIC 2017", tuple(lesions), "CC-0", (STATE,))


def write_superpixels(folder: Path, features: Path, image_id: str, area: np.ndarray) -> None:
    """Superpixel 256 in the left part of an area, 2 in its right part, each with a feature of its own."""
    colours = np.zeros((*area.shape, 3), np.uint8)
    left = np.arange(area.shape[1]) < 40
    colours[area & left] = (0, 1, 0)
    colours[area & ~left] = (2, 0, 0)
    Image.fromarray(colours).save(folder / f"{image_id}_superpixels.png")
    marked = {"pigment_network": [256], "streaks": [2], "negative_network": [], "milia_like_cyst": [2, 7]}
    lists = {name: [int(place in places) for place in range(257)] for name, places in marked.items()}
    features.mkdir(parents=True, exist_ok=True)
    (features / f"{image_id}_features.json").write_text(json.dumps(lists))


def write_attributes(home: Path, areas: Mapping[str, Mapping[str, np.ndarray]]) -> None:
    """Fetch masks of every feature from a mirror of ISIC 2018 task 2."""
    year = home / "mirror" / "2018"
    year.mkdir(parents=True)
    with zipfile.ZipFile(year / "ISIC2018_Task2_Training_GroundTruth_v3.zip", "w") as archive:
        for image_id, of in areas.items():
            for name in FEATURES:
                with archive.open(f"t/{image_id}_attribute_{name}.png", "w") as file:
                    Image.fromarray(of[name].astype(np.uint8) * 255).save(file, "PNG")
    fetch("isic2018-task1", home, mirror=(home / "mirror").as_uri())


def superpixels_of(dataset: Dataset, home: Path) -> None:
    for number, lesion in enumerate(dataset.lesions[:-1]):
        features = home / "data" / "isic2017" / "ISIC-2017_Training_Part2_GroundTruth"
        write_superpixels(lesion.image.parent, features, lesion.image_id, np.asarray(cross(number)) > 0)


def attributes_of(dataset: Dataset, home: Path) -> None:
    areas = {}
    for number, lesion in enumerate(dataset.lesions[:-1]):
        area, nothing = np.asarray(cross(number)) > 0, np.zeros((60, 90), bool)
        left = area & (np.arange(90) < 40)
        # Globules, all over, are none of the four.
        areas[lesion.image_id] = {
            "pigment_network": left,
            "streaks": area & ~left,
            "negative_network": nothing,
            "milia_like_cyst": nothing,
            "globules": ~nothing,
        }
    write_attributes(home, areas)


def folder_of(dataset: Dataset, home: Path) -> None:
    (home / "drawn").mkdir(parents=True)
    for number, lesion in enumerate(dataset.lesions[:-1]):
        ending = "_Segmentation" if number % 2 else ""
        cross(number).save(home / "drawn" / f"{lesion.image_id}{ending}.png")
    cross(0).save(home / "drawn" / "ISIC_of_another_data_set.png")


def predicted_of(dataset: Dataset, home: Path) -> None:
    folder = predicted_masks(home, "isic2017")
    folder.path.mkdir(parents=True)
    rows = ["# a notice", "image,confidence,area,pieces,flag,error"]
    for number, lesion in enumerate(dataset.lesions):
        cross(number).save(folder.mask(lesion.image_id))
        rows.append(f"{lesion.image_id},0.9,0.1,1,{'empty' if lesion == dataset.lesions[-1] else ''},")
    folder.table.write_text("\n".join([*rows, ""]))


Way = tuple[str, str, Callable[[Dataset, Path], None] | None]
WAYS: dict[str, Way] = {
    "lesion": ("lesion", "", None),
    "background": ("background", "", None),
    "dermoscopic, superpixels": ("dermoscopic", "", superpixels_of),
    "dermoscopic, attribute masks": ("dermoscopic", "", attributes_of),
    "lesion, a folder": ("lesion", "drawn", folder_of),
    "background, a folder": ("background", "drawn", folder_of),
    "lesion, predicted": ("lesion", "predicted", predicted_of),
}


def opened(dataset: Dataset, home: Path, **changed: Any) -> tuple[Cache, Planes]:  # noqa: ANN401 - any of the settings
    settings: dict[str, Any] = {"prior": "lesion", "masks": "", "spoil": "none"} | changed
    cache = open_cache(dataset.lesions, crop=CROP, side=SIDE, home=home)
    files = prior_files(settings["prior"], settings["masks"], dataset, dataset.lesions, home)
    planes = open_planes(dataset.lesions, files, crop=CROP, side=SIDE, spoil=settings["spoil"], home=home)
    return cache, planes


def batches_of(cache: Cache, planes: Planes | None, prior: str) -> TrainingBatches:
    return TrainingBatches(
        cache,
        np.arange(COUNT),
        np.arange(COUNT) % 2,
        size=SIZE,
        repeats={1: 2},
        passes=3,
        batch=9,
        mean=MEAN,
        std=STD,
        prior=prior,
        seed=3,
        device="cpu",
        planes=planes,
    )


@pytest.mark.parametrize("way", WAYS)
def test_the_cross_of_image_and_prior_is_found_at_one_place(dataset: Dataset, tmp_path: Path, way: str) -> None:
    prior, masks, write = WAYS[way]
    if write is not None:
        write(dataset, tmp_path)
    cache, planes = opened(dataset, tmp_path, prior=prior, masks=str(tmp_path / masks) if masks == "drawn" else masks)
    lesion_masks = np.array(cache.masks)
    seen = set()
    for batch in (one for number in range(4) for one in batches_of(cache, planes, prior).epoch(number)):
        assert batch.has_prior.tolist() == [row < COUNT - 1 for row in batch.rows.tolist()]
        assert not batch.priors[~batch.has_prior].any()
        crosses = (batch.images[:, :1] * STD[0] + MEAN[0])[batch.has_prior]
        found = batch.priors[batch.has_prior]
        np.testing.assert_allclose(1 - found if prior == "background" else found, crosses, atol=1e-5)
        assert (crosses > 0.5).flatten(1).sum(1).min() > 20
        seen |= {one.numpy().tobytes() for one in found}
    assert len(seen) > 40, "hardly anything was moved"
    np.testing.assert_array_equal(cache.masks, lesion_masks)


def test_planes_of_the_own_masks_are_the_mask_channel(dataset: Dataset, tmp_path: Path) -> None:
    cache, planes = opened(dataset, tmp_path)
    np.testing.assert_array_equal(planes.gather(np.arange(COUNT)), cache.masks)
    assert planes.has_prior.tolist() == cache.has_mask.tolist()
    np.testing.assert_allclose(planes.shares, cache.masks.mean(axis=(1, 2)) / 255)


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


def test_superpixels_come_first_and_attribute_masks_fill_in(dataset: Dataset, tmp_path: Path) -> None:
    superpixels_of(dataset, tmp_path)
    attributes_of(dataset, tmp_path)
    dataset.lesions[1].image.with_name("ISIC_1_superpixels.png").unlink()
    files = prior_files("dermoscopic", "", dataset, dataset.lesions, tmp_path)
    kinds = {image_id: type(one) for image_id, one in files.items()}
    assert kinds == {f"ISIC_{n}": MaskFiles if n == 1 else SuperpixelFiles for n in range(COUNT - 1)}


def test_without_any_features_the_files_and_the_commands_are_told(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(LabelError) as caught:
        prior_files("dermoscopic", "", dataset, dataset.lesions, tmp_path)
    for told in ("ISIC-2017_*_Part2", "fetch isic2017", "ISIC2018_Task2_Training", "fetch isic2018`", "is not in"):
        assert told in str(caught.value)
    elsewhere = Dataset("isic2018", "ISIC 2018", dataset.lesions, "CC-0")
    with pytest.raises(LabelError, match="those of ISIC 2018 task 2 are of images of isic2016, isic2017, isic2018-tas"):
        prior_files("dermoscopic", "", elsewhere, dataset.lesions, tmp_path)


def test_an_annotation_of_nothing_is_a_prior_that_is_empty(dataset: Dataset, tmp_path: Path) -> None:
    nothing: dict[str, np.ndarray] = dict.fromkeys(FEATURES, np.zeros((60, 90), bool))
    write_attributes(tmp_path, {"ISIC_0": nothing, "ISIC_2": nothing | {"streaks": np.asarray(cross(2)) > 0}})
    _, planes = opened(dataset, tmp_path, prior="dermoscopic")
    assert planes.has_prior.tolist() == [True, False, True, False, False, False]
    assert planes.is_empty.tolist() == [True, False, False, False, False, False]


def test_a_missing_folder_of_masks_is_told(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(LabelError, match=r"no predicted masks of isic2017 in .*; write them with `attnmel segment pre"):
        prior_files("lesion", "predicted", dataset, dataset.lesions, tmp_path)
    with pytest.raises(LabelError, match=r"loss\.masks = 'nowhere' is no folder; expected one with <image>_segmentati"):
        prior_files("lesion", "nowhere", dataset, dataset.lesions, tmp_path)
    own = Dataset("clinic", "own images", dataset.lesions, "")
    with pytest.raises(LabelError, match="the masks of a known data set, and clinic is a folder; name the folder that"):
        prior_files("lesion", "predicted", own, dataset.lesions, tmp_path)


def test_two_masks_of_an_image_are_refused(dataset: Dataset, tmp_path: Path) -> None:
    folder_of(dataset, tmp_path)
    cross(0).save(tmp_path / "drawn" / "ISIC_0_segmentation.png")
    with pytest.raises(LabelError, match=r"images with two masks: ISIC_0"):
        prior_files("lesion", str(tmp_path / "drawn"), dataset, dataset.lesions, tmp_path)


def test_a_damaged_table_of_masks_is_told(tmp_path: Path) -> None:
    (tmp_path / "masks.csv").write_text("id,sign\n1,2\n")
    with pytest.raises(LabelError, match=r"masks\.csv is damaged; expected a table with the columns image and flag"):
        mask_flags(MasksFolder(tmp_path))


def test_masks_that_do_not_fit_their_images_are_told_together(dataset: Dataset, tmp_path: Path) -> None:
    folder_of(dataset, tmp_path)
    Image.new("L", (60, 90), 255).save(tmp_path / "drawn" / "ISIC_0.png")
    (tmp_path / "drawn" / "ISIC_2.png").write_bytes(b"text")
    with pytest.raises(ImageError, match=r"^2 of 6 images cannot be used:\n  ISIC_0: mask ISIC_0\.png is 60 x 90 pix"):
        opened(dataset, tmp_path, masks=str(tmp_path / "drawn"))


@pytest.mark.parametrize("spoil", ["shifted", "dilated", "swapped"])
def test_spoilt_planes_are_the_spoilt_masks_and_the_cache_stays(dataset: Dataset, tmp_path: Path, spoil: str) -> None:
    cache, planes = opened(dataset, tmp_path, spoil=spoil)
    having = [lesion.image_id for lesion in dataset.lesions if lesion.mask is not None]
    masks = {
        lesion.image_id: prepared_mask(lesion.mask, image_size=image_size(lesion.image), crop=CROP, side=SIDE)
        for lesion in dataset.lesions
        if lesion.mask is not None
    }
    givers = swapped(having)
    expected = {
        "shifted": {one: shifted(masks[one], one) for one in having},
        "dilated": {one: dilated(masks[one]) for one in having},
        "swapped": {one: masks[givers[one]] for one in having},
    }[spoil]
    for row, image_id in enumerate(planes.image_ids):
        (plane,) = planes.gather(np.array([row]))
        np.testing.assert_array_equal(plane, expected.get(image_id, np.zeros((SIDE, SIDE), np.uint8)))
    assert planes.has_prior.tolist() == cache.has_mask.tolist()
    assert cache.key == open_cache(dataset.lesions, crop=CROP, side=SIDE, home=tmp_path).key


def test_planes_are_built_once_and_anew_for_other_content_geometry_or_spoiling(
    dataset: Dataset, tmp_path: Path
) -> None:
    files = prior_files("lesion", "", dataset, dataset.lesions, tmp_path)

    def key(**changed: Any) -> str:  # noqa: ANN401 - any of the settings
        settings: dict[str, Any] = {"crop": CROP, "side": SIDE, "spoil": "none"} | changed
        return open_planes(dataset.lesions, files, home=tmp_path, **settings).key

    keys = [key(), key(crop=0.7), key(side=8), *(key(spoil=one) for one in ("shifted", "dilated", "swapped"))]
    assert len(set(keys)) == len(keys)
    assert key() == keys[0]
    mask = dataset.lesions[0].mask
    assert mask is not None
    mask.write_bytes(mask.read_bytes() + b" ")
    assert key() != keys[0]


def test_damaged_planes_are_built_again_and_told_while_in_use(dataset: Dataset, tmp_path: Path) -> None:
    _, planes = opened(dataset, tmp_path)
    before = planes.gather(np.arange(COUNT))
    (planes.path / "planes.bin").write_bytes(b"short")
    with pytest.raises(ImageError, match=r"planes\.bin is damaged: delete the folder"):
        planes.gather(np.array([0]))
    np.testing.assert_array_equal(opened(dataset, tmp_path)[1].gather(np.arange(COUNT)), before)


def test_planes_of_other_images_are_refused(dataset: Dataset, tmp_path: Path) -> None:
    cache, _ = opened(dataset, tmp_path)
    files = prior_files("lesion", "", dataset, dataset.lesions, tmp_path)
    others = open_planes(dataset.lesions[::-1], files, crop=CROP, side=SIDE, home=tmp_path)
    with pytest.raises(LabelError, match="planes of the prior are not of the images of the rows"):
        batches_of(cache, others, "lesion")


def test_the_four_features_are_those_that_phantoms_and_task_2_have_but_globules() -> None:
    assert {*FEATURES} - {*DERMOSCOPIC_FEATURES} == {"globules"}
