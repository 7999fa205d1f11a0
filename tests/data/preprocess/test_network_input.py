"""Squares of a framing are cut alike from files of any orientation and from pixels; beyond the image it is mirrored."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.images import STORED

from attnmel.data.preprocess.framing import Framing
from attnmel.data.preprocess.images import Square, prepared_image, prepared_pixels
from attnmel.data.preprocess.network_input import mask_of, network_input
from attnmel.errors import ImageError


@pytest.fixture
def photograph() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (60, 90, 3), dtype=np.uint8)


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("square", [Square(90, 60, 60, 5, 20), Square(90, 60, 70.5, 45.25, 30)], ids=["in", "over"])
def test_a_square_is_the_same_part_of_the_upright_image(
    tmp_path: Path, photograph: np.ndarray, orientation: int, square: Square
) -> None:
    picture = Image.fromarray(photograph[::10, ::10]).resize((900, 600), Image.Resampling.BICUBIC)
    large = Square(900, 600, *(10 * value for value in square[2:]))
    turn, exif = STORED[orientation], Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "turned.jpg"
    (picture if turn is None else picture.transpose(turn)).save(path, exif=exif, quality=95, subsampling=0)
    expected = prepared_pixels(np.asarray(picture), crop=large, side=24).astype(int)
    assert np.abs(prepared_image(path, crop=large, side=24) - expected).mean() < 2


def test_beyond_the_image_it_is_continued_by_its_mirror_image(photograph: np.ndarray) -> None:
    found = prepared_pixels(photograph, crop=Square(90, 60, -10, -5, 40), side=40)
    expected = np.pad(photograph, ((5, 0), (10, 0), (0, 0)), mode="symmetric")[:40, :40]
    np.testing.assert_array_equal(found, expected)


def test_a_file_and_its_pixels_are_prepared_alike_with_what_is_seen(tmp_path: Path, photograph: np.ndarray) -> None:
    path, marked = tmp_path / "a.png", tmp_path / "a_segmentation.png"
    Image.fromarray(photograph).save(path)
    mask = np.zeros((60, 90), dtype=bool)
    mask[10:30, 65:90] = True
    Image.fromarray(mask.astype(np.uint8) * 255).save(marked)
    for framing in (Framing(0.8, 32, 37), Framing("lesion", 32, 37), Framing(0.8, 32, 37, crops=5)):
        of_file = network_input(path, framing, mask=mask_of(marked, path))
        of_pixels = network_input(photograph, framing, mask=mask)
        assert of_file.seen == of_pixels.seen
        assert len(of_file.prepared) == framing.crops
        for one, other in zip(of_file.prepared, of_pixels.prepared, strict=True):
            np.testing.assert_array_equal(one, other)
        # 48 pixels of 60 are prepared, of which 32 of 37 are seen: x from 23.6 to 65.1.
        if framing.crops == 1 and framing.crop != "lesion":
            assert of_file.seen.share_of_image == pytest.approx((48 * 32 / 37) ** 2 / 5400)
            assert of_file.seen.share_of_lesion == pytest.approx((21 + 48 * 34 / 37 - 65) * 20 / 500)
            assert "outside the square" in of_file.seen.warnings
        else:
            assert of_file.seen.share_of_lesion == pytest.approx(1)


def test_a_mask_of_another_size_is_refused(photograph: np.ndarray) -> None:
    with pytest.raises(
        ImageError, match=r"the mask is 60 x 90 pixels, but its image is 90 x 60; expected the same size"
    ):
        network_input(photograph, Framing(0.8, 32, 37), mask=np.zeros((90, 60), dtype=bool))
