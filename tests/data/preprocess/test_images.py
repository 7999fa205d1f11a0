from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from tests.images import STORED, decoded_image

from attnmel.data.preprocess.images import (
    central_crop,
    central_square,
    image_size,
    normalised,
    prepared_image,
    prepared_mask,
    unsquashed,
    whole_frame,
)
from attnmel.errors import ConfigError, ImageError

WIDTH, HEIGHT = 90, 60


def saved(picture: Image.Image, path: Path, **options: Any) -> Path:  # noqa: ANN401 - whatever the writer takes
    picture.save(path, **options)
    return path


def disc(width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    y, x = np.mgrid[0:height, 0:width]
    return np.hypot(x - width / 2, y - height / 2) < height / 3


@given(st.integers(1, 5000), st.integers(1, 5000), st.floats(0.01, 1))
def test_the_central_square_lies_inside_and_in_the_middle(width: int, height: int, share: float) -> None:
    square = central_square(width, height, share)
    right, bottom = width - square.left - square.side, height - square.top - square.side
    assert min(square.left, square.top) >= 0
    assert (square.left, square.top) == (right, bottom)
    assert square.side == max(1, round(share * min(width, height)))


def test_a_png_is_cut_and_resized_as_pillow_does_it(tmp_path: Path, picture: Image.Image) -> None:
    path = saved(picture, tmp_path / "a.png")
    expected = picture.resize((24, 24), Image.Resampling.BILINEAR, box=(21, 6, 69, 54))
    np.testing.assert_array_equal(prepared_image(path, crop=0.8, side=24), np.asarray(expected))


@pytest.mark.parametrize("subsampling", [0, 2], ids=["4:4:4", "4:2:0"])
@pytest.mark.parametrize(("crop", "side"), [(0.8, 256), (0.8, 73), (1.0, 240), (0.64, 256)])
def test_a_large_jpeg_decoded_at_a_smaller_scale_is_close_to_the_whole(
    tmp_path: Path, picture: Image.Image, crop: float, side: int, subsampling: int
) -> None:
    # (0.64, 256) is the least favourable: the scaled picture already has the final size, so nothing smooths it further.
    large = picture.resize((1203, 801), Image.Resampling.BICUBIC)
    noise = np.random.default_rng(1).normal(0, 6, (801, 1203, 1))
    large = Image.fromarray((np.asarray(large) + noise).clip(0, 255).astype(np.uint8))
    path = saved(large, tmp_path / "a.jpg", quality=92, subsampling=subsampling)
    square = central_square(1203, 801, crop)
    box = (square.left, square.top, square.left + square.side, square.top + square.side)
    whole = Image.open(path).resize((side, side), Image.Resampling.BILINEAR, box=box)
    difference = prepared_image(path, crop=crop, side=side).astype(int) - np.asarray(whole)
    assert np.abs(difference).mean() < 1.5
    assert abs(difference.mean()) < 0.2


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_undone_in_size_and_pixels(tmp_path: Path, picture: Image.Image, orientation: int) -> None:
    upright_to_stored = STORED[orientation]
    # 89 x 59 decoded at half size leaves half a pixel on one side, wherever that is once upright.
    picture = picture.crop((0, 0, 89, 59))
    stored = picture if upright_to_stored is None else picture.transpose(upright_to_stored)
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(stored, tmp_path / "a.jpg", exif=exif, quality=98, subsampling=0)
    assert image_size(path) == (89, 59)
    assert np.abs(decoded_image(path).astype(int) - np.asarray(picture)).mean() < 2
    expected = prepared_image(saved(picture, tmp_path / "upright.png"), crop=0.85, side=20)
    assert np.abs(prepared_image(path, crop=0.85, side=20).astype(int) - expected).mean() < 1.5


def masks() -> dict[str, Image.Image]:
    """One disc, as masks come: grey, one bit, colour, palette, and the inverted palette of some HAM10000 masks."""
    grey = Image.fromarray(disc().astype(np.uint8) * 255)
    palette, inverted = (Image.fromarray(values.astype(np.uint8)) for values in (disc(), ~disc()))
    palette.putpalette([0, 0, 0, 255, 255, 255])
    inverted.putpalette([255, 255, 255, 0, 0, 0])
    return {
        "grey": grey,
        "bit": grey.convert("1"),
        "colour": grey.convert("RGB"),
        "palette": palette,
        "inverted": inverted,
    }


@pytest.mark.parametrize("kind", masks())
def test_every_kind_of_mask_reads_the_same(tmp_path: Path, kind: str) -> None:
    path = saved(masks()[kind], tmp_path / "mask.png")
    grey = Image.fromarray(disc().astype(np.uint8) * 255)
    expected = grey.crop((21, 6, 69, 54)).resize((24, 24), Image.Resampling.BILINEAR)
    found = prepared_mask(path, image_size=(WIDTH, HEIGHT), crop=0.8, side=24)
    np.testing.assert_array_equal(found, np.asarray(expected))


def test_a_mask_of_another_size_is_named_with_both_sizes(tmp_path: Path) -> None:
    path = saved(masks()["grey"], tmp_path / "mask.png")
    with pytest.raises(ImageError, match=r"mask mask\.png is 90 x 60 pixels, but its image is 60 x 90; expected"):
        prepared_mask(path, image_size=(HEIGHT, WIDTH), crop=1, side=8)


@pytest.mark.parametrize("brightest", [0, 1, 127])
def test_an_empty_mask_is_named_with_its_brightest_pixel(tmp_path: Path, brightest: int) -> None:
    path = saved(Image.new("L", (9, 9), brightest), tmp_path / "mask.png")
    with pytest.raises(ImageError, match=rf"mask mask\.png is empty: its brightest pixel is {brightest}, expected 255"):
        prepared_mask(path, image_size=(9, 9), crop=1, side=8)


def test_the_central_crop_leaves_equal_borders() -> None:
    images = np.arange(2 * 16 * 16 * 3).reshape(2, 16, 16, 3)
    np.testing.assert_array_equal(central_crop(images, 14), images[:, 1:-1, 1:-1])
    np.testing.assert_array_equal(central_crop(images[..., 0], 8), images[:, 4:12, 4:12, 0])


def test_a_crop_larger_than_the_image_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"cannot cut 17 pixels out of prepared images of 16"):
        central_crop(np.zeros((1, 16, 16)), 17)


def test_normalising_follows_its_formula() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 5, 3), dtype=np.uint8)
    mean, std = (0.7, 0.5, 0.4), (0.1, 0.2, 0.3)
    expected = (pixels / 255 - mean) / std
    np.testing.assert_allclose(normalised(pixels, mean, std), expected.transpose(2, 0, 1), rtol=1e-5, atol=1e-5)


def test_a_map_of_ones_covers_what_the_network_saw_and_nothing_else() -> None:
    square = central_square(300, 200, 0.8)  # 160 pixels a side, from (70, 20); the crop is 140 of them
    frame = whole_frame(np.ones((7, 7), np.float32), square, size=224, side=256)
    expected = np.zeros((200, 300))
    expected[30:170, 80:220] = 1
    np.testing.assert_allclose(frame, expected, atol=1e-6)


def test_a_map_returns_to_the_place_it_was_computed_from(tmp_path: Path) -> None:
    original = np.zeros((200, 300), np.uint8)
    original[60:80, 150:190] = 255  # inside the crop, off its centre
    path = saved(Image.fromarray(original), tmp_path / "a.png")
    seen = central_crop(prepared_image(path, crop=0.8, side=64)[None], 56)[0, ..., 0] / 255.0
    frame = whole_frame(seen, central_square(300, 200, 0.8), size=56, side=64)
    y, x = np.mgrid[0:200, 0:300]
    centre = ((frame * y).sum() / frame.sum(), (frame * x).sum() / frame.sum())
    assert centre == pytest.approx((69.5, 169.5), abs=0.2)


def test_a_map_is_interpolated_as_torch_does_it() -> None:
    from torch import from_numpy
    from torch.nn.functional import interpolate

    heights = np.random.default_rng(0).random((7, 5), dtype=np.float32)
    expected = interpolate(from_numpy(heights)[None, None], size=(64, 64), mode="bilinear")[0, 0].numpy()
    square = central_square(64, 64, 1)
    np.testing.assert_allclose(whole_frame(heights, square, size=64, side=64), expected, atol=1e-6)


def cross(width: int, height: int) -> np.ndarray:
    """A cross away from the middle, 255 on 0."""
    mask = np.zeros((height, width), dtype=np.uint8)
    mask[height // 10 : height // 2, width // 5 : width // 3] = 255
    mask[height // 4 : height // 3, : width // 2] = 255
    return mask


def test_without_a_crop_the_whole_image_is_squashed_as_pillow_does_it(tmp_path: Path, picture: Image.Image) -> None:
    path = saved(picture, tmp_path / "a.png")
    expected = picture.resize((24, 24), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(prepared_image(path, crop=None, side=24), np.asarray(expected))


@pytest.mark.parametrize("size", [(301, 203), (120, 260), (64, 64)])
def test_a_squashed_cross_comes_back_at_its_place(size: tuple[int, int], tmp_path: Path) -> None:
    mask = cross(*size)
    path = saved(Image.fromarray(mask), tmp_path / "cross.png")
    squashed = prepared_mask(path, image_size=size, crop=None, side=64)
    back = unsquashed(squashed / 255.0, *size) > 0.5
    overlap = (back & (mask > 0)).sum() / (back | (mask > 0)).sum()
    assert back.shape == mask.shape
    assert overlap > 0.93


def test_a_turned_photograph_is_squashed_upright(tmp_path: Path, picture: Image.Image) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    path = saved(picture, tmp_path / "turned.jpg", exif=exif, quality=95)
    upright = saved(picture.transpose(Image.Transpose.ROTATE_270), tmp_path / "upright.png")
    expected = prepared_image(upright, crop=None, side=20)
    assert np.abs(prepared_image(path, crop=None, side=20).astype(int) - expected).mean() < 1.5
