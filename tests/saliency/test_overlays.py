import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from matplotlib import colormaps

from attnmel.data.preprocess.images import Square
from attnmel.errors import ImageError
from attnmel.saliency.overlays import (
    STRONGEST,
    border_layer,
    legend_stops,
    map_layer,
    overlay,
    square_drawn,
    stretched_map,
)

SIDE = 96


def skin() -> np.ndarray:
    return np.random.default_rng(0).integers(120, 220, (SIDE, SIDE, 3), dtype=np.uint8)


def disc(radius: float) -> np.ndarray:
    rows, columns = np.ogrid[:SIDE, :SIDE]
    return np.hypot(rows - SIDE / 2, columns - SIDE / 2) < radius


def test_no_attention_leaves_the_image_as_it_is() -> None:
    image = skin()
    assert (overlay(image, np.zeros((7, 7), np.float32)) == image).all()


def test_full_attention_is_the_last_colour_at_the_strongest_opacity() -> None:
    image = skin()
    colour = np.array(colormaps["viridis"](1.0)[:3]) * 255
    expected = image * (1 - STRONGEST) + colour * STRONGEST
    assert np.abs(overlay(image, np.ones((7, 7), np.float32)) - expected).max() < 2


def test_a_map_is_enlarged_as_torch_enlarges_it() -> None:
    small = np.random.default_rng(1).random((14, 14), dtype=np.float32)
    large = torch.nn.functional.interpolate(torch.from_numpy(small)[None, None], SIDE, mode="bilinear")[0, 0].numpy()
    black = np.zeros((SIDE, SIDE, 3), np.uint8)
    difference = overlay(black, small).astype(int) - overlay(black, large)
    assert np.abs(difference).max() <= 2


def test_the_border_runs_along_the_lesion_and_nowhere_else() -> None:
    grey = np.full((SIDE, SIDE, 3), 128, np.uint8)
    drawn = overlay(grey, mask=disc(30))
    rows, columns = np.nonzero((drawn != 128).any(axis=2))
    away = np.abs(np.hypot(rows - SIDE / 2, columns - SIDE / 2) - 30)
    assert away.max() < 4
    light = np.nonzero((drawn > 230).all(axis=2))
    angles = np.arctan2(light[0] - SIDE / 2, light[1] - SIDE / 2)
    assert np.histogram(angles, 24, (-np.pi, np.pi))[0].min() > 0, "the line is closed"
    assert (drawn < 110).all(axis=2).any(), "a dark halo sets it off from light skin"


@pytest.mark.parametrize("lesion", [True, False])
def test_a_lesion_that_fills_the_frame_has_no_border_in_it(lesion: bool) -> None:
    image = skin()
    assert (overlay(image, mask=np.full((SIDE, SIDE), lesion)) == image).all()


def test_grey_masks_are_cut_above_127() -> None:
    soft = np.where(disc(30), 128, 127).astype(np.uint8)
    assert (overlay(skin(), mask=soft) == overlay(skin(), mask=disc(30))).all()


def test_the_image_given_is_not_written_to() -> None:
    image = skin()
    overlay(image, np.ones((7, 7), np.float32), disc(30))
    assert (image == skin()).all()


@pytest.mark.parametrize("value", [-0.5, 1.5, np.nan])
def test_a_map_outside_its_range_is_refused(value: float) -> None:
    attention = np.full((4, 4), 0.5, np.float32)
    attention[1, 2] = value
    with pytest.raises(ImageError, match=r"expected values in \[0, 1\]"):
        overlay(skin(), attention)


@given(arrays.arrays(np.float32, (3, 4), elements=st.floats(0, 1, width=32)))
def test_a_stretched_map_reaches_from_0_to_1_or_is_0(attention: np.ndarray) -> None:
    spread = stretched_map(attention)
    assert spread.shape == attention.shape
    if attention.max() > attention.min():
        assert (spread.min(), spread.max()) == (0, 1)
        assert (np.diff(spread.ravel()[np.argsort(attention.ravel())]) >= 0).all()
    else:
        assert not spread.any()


def test_the_legend_goes_from_nothing_to_the_strongest() -> None:
    stops = legend_stops()
    assert stops[0].endswith("/ 0.00)")
    assert stops[-1] == f"rgb(253 231 37 / {STRONGEST:.2f})"


def test_the_border_by_itself_laid_over_an_image_is_the_overlay_s() -> None:
    image, mask = skin(), disc(30)
    layer = border_layer(mask).astype(float)
    opacity = layer[..., 3:] / 255
    laid = layer[..., :3] * opacity + image * (1 - opacity)
    assert np.abs(laid - overlay(image, mask=mask)).max() < 3
    assert (layer[..., 3] == 0).mean() > 0.5


def test_a_map_by_itself_laid_over_an_image_at_its_strongest_is_the_overlay_s() -> None:
    image = skin()
    level = np.random.default_rng(0).integers(0, 256, image.shape[:2], dtype=np.uint8)
    layer = map_layer(level).astype(float)
    opacity = layer[..., 3:] / 255 * STRONGEST
    laid = layer[..., :3] * opacity + image * (1 - opacity)
    assert np.abs(laid - overlay(image, level.astype(np.float32) / 255)).max() < 3


def test_the_square_is_drawn_along_its_inside_and_nothing_else_changes() -> None:
    picture = np.full((90, 120, 3), 100, dtype=np.uint8)
    drawn = square_drawn(picture, Square(240, 180, 40, -10, 80), scale=0.5)
    changed = (drawn != picture).any(axis=2)
    expected = np.zeros((90, 120), dtype=bool)
    expected[:35, 20:60] = True  # from -5, of which the picture shows what begins at 0
    expected[:33, 22:58] = False  # lines of two pixels, the dark one under the light one
    assert np.array_equal(changed, expected)
    assert {tuple(pixel) for pixel in drawn[changed].tolist()} == {(255, 255, 255), (20, 20, 24)}
    assert (picture == 100).all()
