"""Each way of spoiling masks against a plain reference."""

import math

import numpy as np
import pytest
from PIL import Image, ImageFilter

from attnmel.data.priors.corrupt import DILATION, SHIFT, SPOILINGS, dilated, shifted, spoilt, swapped
from attnmel.errors import ConfigError, LabelError

SIDE = 40
IDS = [f"ISIC_{number:07}" for number in range(50)]


@pytest.fixture
def plane() -> np.ndarray:
    """A soft mask that is no square's symmetry of itself."""
    rng = np.random.default_rng(5)
    plane = np.zeros((SIDE, SIDE), np.uint8)
    plane[12:29, 9:22] = rng.integers(1, 256, (17, 13), dtype=np.uint8)
    return plane


def moved_by_loop(plane: np.ndarray, down: int, right: int) -> np.ndarray:
    moved = np.zeros_like(plane)
    for row in range(SIDE):
        for column in range(SIDE):
            if 0 <= row - down < SIDE and 0 <= column - right < SIDE:
                moved[row, column] = plane[row - down, column - right]
    return moved


def shift_of(image_id: str) -> tuple[int, int]:
    """Where a single pixel in the middle goes."""
    single = np.zeros((SIDE, SIDE), np.uint8)
    single[SIDE // 2, SIDE // 2] = 255
    ((row, column),) = np.argwhere(shifted(single, image_id))
    return int(row) - SIDE // 2, int(column) - SIDE // 2


def test_a_shifted_mask_is_moved_by_a_quarter_of_the_side_and_nothing_wraps(plane: np.ndarray) -> None:
    for image_id in IDS:
        down, right = shift_of(image_id)
        assert math.hypot(down, right) == pytest.approx(SHIFT * SIDE, abs=0.75)
        np.testing.assert_array_equal(shifted(plane, image_id), moved_by_loop(plane, down, right))


def test_what_leaves_the_frame_is_lost() -> None:
    everywhere = np.full((SIDE, SIDE), 255, np.uint8)
    for image_id in IDS:
        down, right = shift_of(image_id)
        assert np.count_nonzero(shifted(everywhere, image_id)) == (SIDE - abs(down)) * (SIDE - abs(right))


def test_each_image_has_a_direction_of_its_own_to_all_sides() -> None:
    shifts = [shift_of(image_id) for image_id in IDS]
    assert len(set(shifts)) > 20
    assert {(down > 0, right > 0) for down, right in shifts} == {(a, b) for a in (True, False) for b in (True, False)}


def test_a_dilated_mask_is_that_of_pillows_filter(plane: np.ndarray) -> None:
    reach = round(DILATION * SIDE)
    expected = Image.fromarray(plane).filter(ImageFilter.MaxFilter(2 * reach + 1))
    found = dilated(plane)
    # At the border Pillow repeats the outermost pixels, which this mask does not reach.
    np.testing.assert_array_equal(found, np.asarray(expected))
    rows, columns = np.nonzero(found)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (12 - 4, 28 + 4, 9 - 4, 21 + 4)


@pytest.mark.parametrize("count", [2, 3, 50])
def test_swapped_masks_are_a_derangement_through_all_images(count: int) -> None:
    givers = swapped(IDS[:count])
    assert sorted(givers) == sorted(givers.values()) == IDS[:count]
    assert all(image_id != giver for image_id, giver in givers.items())


def test_swapping_depends_on_the_images_alone() -> None:
    assert swapped(IDS) == swapped(IDS[::-1])
    assert swapped(IDS) != swapped(IDS[1:])


def test_a_single_mask_cannot_be_swapped() -> None:
    with pytest.raises(LabelError, match=r"1 training images have a mask, so masks cannot be swapped; .* needs two"):
        swapped(IDS[:1])


def test_an_unknown_spoiling_is_answered_with_the_known_ones(plane: np.ndarray) -> None:
    with pytest.raises(ConfigError, match="unknown spoiling 'blurred'; known: dilated, none, shifted, swapped"):
        spoilt(plane, IDS[0], "blurred")


@pytest.mark.parametrize("spoil", ["none", "swapped"])
def test_what_does_not_change_a_mask_itself_leaves_it(plane: np.ndarray, spoil: str) -> None:
    assert spoilt(plane, IDS[0], spoil) is plane


def test_spoilings_are_those_of_the_settings() -> None:
    from typing import get_args

    from attnmel.config.recipe import Spoiling

    assert {"none", *SPOILINGS} == set(get_args(Spoiling))
