"""Every prior from its files through augmentation: a cross drawn in image and prior is found at one place in both."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.data.crosses import (
    COUNT,
    CROP,
    MEAN,
    SIDE,
    SIZE,
    STD,
    WAYS,
    attributes_of,
    cross,
    folder_of,
    opened,
    superpixels_of,
    write_attributes,
)

from attnmel.data.archives.catalog import FEATURES
from attnmel.data.batches.loader import TrainingBatches
from attnmel.data.batches.maker import BatchMaker
from attnmel.data.datasets.read_dataset import Dataset
from attnmel.data.preprocess.cache import Cache, open_cache
from attnmel.data.preprocess.framing import Framing
from attnmel.data.preprocess.images import MASK_THRESHOLD, image_size, prepared_mask
from attnmel.data.priors.cache import Planes, open_planes
from attnmel.data.priors.corrupt import dilated, shifted, swapped
from attnmel.data.priors.sources import DERMOSCOPIC_FEATURES, feature_files, prior_files
from attnmel.errors import ImageError, LabelError
from attnmel.files.folders import cache_folder


def batches_of(cache: Cache, planes: Planes | None, prior: str) -> TrainingBatches:
    rows = np.arange(COUNT)
    maker = BatchMaker(cache, rows, rows % 2, mean=MEAN, std=STD, prior=prior, device="cpu", planes=planes)
    return TrainingBatches(maker, size=SIZE, repeats={1: 2}, passes=3, batch=9, seed=3)


@pytest.mark.parametrize("way", WAYS)
def test_the_cross_of_image_and_prior_is_found_at_one_place(crosses: Dataset, tmp_path: Path, way: str) -> None:
    prior, masks, write = WAYS[way]
    if write is not None:
        write(crosses, tmp_path)
    cache, planes = opened(crosses, tmp_path, prior=prior, masks=str(tmp_path / masks) if masks == "drawn" else masks)
    lesion_masks = np.array(cache.masks)
    seen = set()
    for batch in (one for number in range(4) for one in batches_of(cache, planes, prior).epoch(number)):
        assert batch.has_prior.tolist() == [row < COUNT - 1 for row in batch.rows.tolist()]
        assert not batch.priors[~batch.has_prior].any()
        shown = (batch.images[:, :1] * STD[0] + MEAN[0])[batch.has_prior]
        found = batch.priors[batch.has_prior]
        np.testing.assert_allclose(1 - found if prior == "background" else found, shown, atol=1e-5)
        assert (shown > 0.5).flatten(1).sum(1).min() > 20
        seen |= {one.numpy().tobytes() for one in found}
    assert len(seen) > 40, "hardly anything was moved"
    np.testing.assert_array_equal(cache.masks, lesion_masks)


def test_planes_of_the_own_masks_are_the_mask_channel(crosses: Dataset, tmp_path: Path) -> None:
    cache, planes = opened(crosses, tmp_path)
    np.testing.assert_array_equal(planes.gather(np.arange(COUNT)), cache.masks)
    assert planes.has_prior.tolist() == cache.has_mask.tolist()
    np.testing.assert_allclose(planes.shares, cache.masks.mean(axis=(1, 2)) / 255)


def test_an_annotation_of_nothing_is_a_prior_that_is_empty(crosses: Dataset, tmp_path: Path) -> None:
    nothing: dict[str, np.ndarray] = dict.fromkeys(FEATURES, np.zeros((60, 90), bool))
    write_attributes(tmp_path, {"ISIC_0": nothing, "ISIC_2": nothing | {"streaks": np.asarray(cross(2)) > 0}})
    _, planes = opened(crosses, tmp_path, prior="dermoscopic")
    assert planes.has_prior.tolist() == [True, False, True, False, False, False]
    assert planes.is_empty.tolist() == [True, False, False, False, False, False]


def test_masks_that_do_not_fit_their_images_are_told_together(crosses: Dataset, tmp_path: Path) -> None:
    folder_of(crosses, tmp_path)
    Image.new("L", (60, 90), 255).save(tmp_path / "drawn" / "ISIC_0.png")
    (tmp_path / "drawn" / "ISIC_2.png").write_bytes(b"text")
    with pytest.raises(ImageError, match=r"^2 of 6 images cannot be used:\n  ISIC_0: mask ISIC_0\.png is 60 x 90 pix"):
        opened(crosses, tmp_path, masks=str(tmp_path / "drawn"))


@pytest.mark.parametrize("spoil", ["shifted", "dilated", "swapped"])
def test_spoilt_planes_are_the_spoilt_masks_and_the_cache_stays(crosses: Dataset, tmp_path: Path, spoil: str) -> None:
    cache, planes = opened(crosses, tmp_path, spoil=spoil)
    having = [lesion.image_id for lesion in crosses.lesions if lesion.mask is not None]
    masks = {
        lesion.image_id: prepared_mask(lesion.mask, image_size=image_size(lesion.image), crop=CROP, side=SIDE)
        for lesion in crosses.lesions
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
    assert cache.key == open_cache(crosses.lesions, crop=CROP, side=SIDE, home=tmp_path).key


def test_planes_are_built_once_and_anew_for_other_content_geometry_or_spoiling(
    crosses: Dataset, tmp_path: Path
) -> None:
    files = prior_files("lesion", "", crosses, crosses.lesions, tmp_path)

    def key(**changed: Any) -> str:  # noqa: ANN401 - any of the settings
        settings: dict[str, Any] = {"crop": CROP, "side": SIDE, "spoil": "none"} | changed
        return open_planes(crosses.lesions, files, home=tmp_path, **settings).key

    keys = [key(), key(crop=0.7), key(side=8), *(key(spoil=one) for one in ("shifted", "dilated", "swapped"))]
    assert len(set(keys)) == len(keys)
    assert key() == keys[0]
    mask = crosses.lesions[0].mask
    assert mask is not None
    mask.write_bytes(mask.read_bytes() + b" ")
    assert key() != keys[0]


def test_a_folder_of_an_earlier_version_opens_as_it_is(crosses: Dataset, tmp_path: Path) -> None:
    files = prior_files("lesion", "", crosses, crosses.lesions, tmp_path)

    def digest(path: Path) -> str:
        return hashlib.sha256(path.read_bytes()).hexdigest()

    # As version 1 wrote it: the key, the names of both files, the values in the contents.
    rows = [
        [one.image_id, digest(one.image), digest(one.mask)] if one.mask is not None else [one.image_id]
        for one in crosses.lesions
    ]
    key = hashlib.sha256(json.dumps([1, CROP, SIDE, "none", rows]).encode()).hexdigest()
    folder = cache_folder(tmp_path) / f"prior-{key}"
    folder.mkdir(parents=True)
    stored = np.random.default_rng(1).integers(0, 256, (COUNT, SIDE, SIDE), dtype=np.uint8)
    stored.tofile(folder / "planes.bin")
    contents = {
        "key": key,
        "side": SIDE,
        "image_ids": [one.image_id for one in crosses.lesions],
        "has_prior": [one.mask is not None for one in crosses.lesions],
        "shares": [0.5] * COUNT,
    }
    (folder / "contents.json").write_text(json.dumps(contents))
    planes = open_planes(crosses.lesions, files, crop=CROP, side=SIDE, home=tmp_path)
    np.testing.assert_array_equal(planes.gather(np.arange(COUNT)), stored)
    assert (planes.key, planes.path, planes.shares.tolist()) == (key, folder, contents["shares"])


def test_damaged_planes_are_built_again_and_told_while_in_use(crosses: Dataset, tmp_path: Path) -> None:
    _, planes = opened(crosses, tmp_path)
    before = planes.gather(np.arange(COUNT))
    (planes.path / "planes.bin").write_bytes(b"short")
    with pytest.raises(ImageError, match=r"planes\.bin is damaged: delete the folder"):
        planes.gather(np.array([0]))
    np.testing.assert_array_equal(opened(crosses, tmp_path)[1].gather(np.arange(COUNT)), before)


def test_planes_of_other_images_are_refused(crosses: Dataset, tmp_path: Path) -> None:
    cache, _ = opened(crosses, tmp_path)
    files = prior_files("lesion", "", crosses, crosses.lesions, tmp_path)
    others = open_planes(crosses.lesions[::-1], files, crop=CROP, side=SIDE, home=tmp_path)
    with pytest.raises(LabelError, match="planes of the prior are not of the images of the rows"):
        batches_of(cache, others, "lesion")


@pytest.mark.parametrize("write", [superpixels_of, attributes_of])
def test_structures_are_the_planes_of_each_feature(
    crosses: Dataset, tmp_path: Path, write: Callable[[Dataset, Path], None]
) -> None:
    write(crosses, tmp_path)
    rows = np.arange(COUNT)
    _, together = opened(crosses, tmp_path, prior="structures")
    bytes_ = together.gather(rows)
    for place, name in enumerate(DERMOSCOPIC_FEATURES):
        files = feature_files(crosses, crosses.lesions, tmp_path)[name]
        alone = open_planes(crosses.lesions, files, crop=CROP, side=SIDE, home=tmp_path)
        np.testing.assert_array_equal(bytes_ >> place & 1, alone.gather(rows) > MASK_THRESHOLD)
        assert alone.has_prior.tolist() == together.has_prior.tolist()
    _, union = opened(crosses, tmp_path, prior="dermoscopic")
    assert union.key != together.key
    _, with_lesion = opened(crosses, tmp_path, prior="structures+lesion")
    _, lesions = opened(crosses, tmp_path, prior="lesion")
    both = with_lesion.has_prior
    assert both.tolist() == [
        marked and bool(one.mask) for marked, one in zip(together.has_prior, crosses.lesions, strict=True)
    ]
    np.testing.assert_array_equal(with_lesion.gather(rows)[both] & 15, bytes_[both])
    np.testing.assert_array_equal(with_lesion.gather(rows)[both] >> 4, (lesions.gather(rows) > MASK_THRESHOLD)[both])


def test_planes_around_the_lesion_are_built_anew_for_another_mask_to_follow(crosses: Dataset, tmp_path: Path) -> None:
    folder_of(crosses, tmp_path)
    files = prior_files("lesion", str(tmp_path / "drawn"), crosses, crosses.lesions, tmp_path)
    masks = {one.image_id: one.mask for one in crosses.lesions if one.mask is not None}
    crop = Framing("lesion", SIZE, SIDE, 0.2)

    def planes() -> Planes:
        return open_planes(crosses.lesions, files, crop=crop, side=SIDE, masks=masks, home=tmp_path)

    before, row = planes(), np.array([0])
    shown = before.gather(row)
    cross(3).save(masks["ISIC_0"])
    assert planes().key != before.key
    assert not np.array_equal(planes().gather(row), shown)
