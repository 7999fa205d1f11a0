"""What a mask says of itself: confidence against the expected Dice, area, pieces, flags."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnmel.evaluation.masks.quality import expected_dice, signs


def rectangle(height: int, width: int, *, of: tuple[int, int] = (100, 100)) -> np.ndarray:
    mask = np.zeros(of, dtype=bool)
    mask[10 : 10 + height, 10 : 10 + width] = True
    return mask


def test_a_map_of_zeros_and_ones_is_wholly_confident() -> None:
    mask = rectangle(20, 30)
    assert expected_dice(mask.astype(np.float32), mask) == 1


def test_no_mask_has_no_confidence() -> None:
    assert expected_dice(np.full((8, 8), 0.4), np.zeros((8, 8), dtype=bool)) == 0


@given(st.integers(0, 2**32 - 1))
def test_confidence_lies_between_zero_and_one(seed: int) -> None:
    probability = np.random.default_rng(seed).random((9, 7))
    assert 0 <= expected_dice(probability, probability > 0.5) <= 1


def test_confidence_is_about_the_dice_with_truths_drawn_from_the_map() -> None:
    y, x = np.mgrid[0:60, 0:80]
    probability = 1 / (1 + np.exp((np.hypot(x - 40, y - 30) - 18) / 3))
    mask, generator = probability > 0.5, np.random.default_rng(0)
    truths = [generator.random(probability.shape) < probability for _ in range(200)]
    dice = [2 * (mask & truth).sum() / (mask.sum() + truth.sum()) for truth in truths]
    assert expected_dice(probability, mask) == pytest.approx(np.mean(dice), abs=0.005)


@pytest.mark.parametrize(
    ("mask", "flag"),
    [
        (rectangle(3, 3), "empty"),
        (rectangle(4, 3), ""),
        (np.ones((100, 100), dtype=bool), "full frame"),
        (rectangle(50, 50), ""),
        (rectangle(0, 0), "empty"),
    ],
    ids=["9 of 10,000", "12 of 10,000", "all", "a quarter", "none"],
)
def test_flags_go_by_the_share_of_the_frame(mask: np.ndarray, flag: str) -> None:
    found = signs(mask.astype(np.float32), mask)
    assert found.flag == flag
    assert found.area == mask.sum() / 10_000


@pytest.mark.parametrize(("second", "flag"), [(10, ""), (12, "fragmented")])
def test_a_mask_whose_largest_piece_is_less_than_nine_tenths_is_fragmented(second: int, flag: str) -> None:
    mask = rectangle(10, 10)
    mask[60, 60 : 60 + second] = True
    found = signs(mask.astype(np.float32), mask)
    assert (found.pieces, found.flag) == (2, flag)


def test_pixels_that_touch_at_a_corner_are_one_piece() -> None:
    mask = rectangle(10, 10)
    mask[20:30, 20:30] = True
    assert signs(mask.astype(np.float32), mask).pieces == 1
