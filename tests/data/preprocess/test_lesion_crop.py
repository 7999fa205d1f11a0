import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnmel.data.preprocess.images import Square
from attnmel.data.preprocess.lesion_crop import largest_component, lesion_box, square_around


def test_the_box_is_that_of_the_largest_component_whose_pixels_touch_at_corners_too() -> None:
    mask = np.zeros((60, 80), dtype=bool)
    mask[10:20, 30:36] = True
    mask[20:24, 36:40] = True  # touches the first at a corner
    mask[50:55, 5:10] = True  # another, smaller
    assert lesion_box(mask) == (30.0, 10.0, 40.0, 24.0)
    component = largest_component(mask)
    assert component is not None
    assert component.sum() == 60 + 16


def test_a_mask_of_the_whole_square_image_is_the_whole_image() -> None:
    box = lesion_box(np.ones((30, 30), dtype=bool))
    assert box == (0, 0, 30, 30)
    assert box is not None
    assert all(square_around(box, 30, 30, margin) == Square(30, 30, 0, 0, 30) for margin in (0.0, 0.1, 1.0))


def test_moving_image_and_mask_together_moves_the_square() -> None:
    mask = np.zeros((40, 60), dtype=bool)
    mask[12:20, 20:26] = True
    (before, after) = (lesion_box(one) for one in (mask, np.roll(mask, (3, 5), axis=(0, 1))))
    assert before is not None
    assert after is not None
    first, second = (square_around(box, 60, 40, 0.1) for box in (before, after))
    assert (second.left - first.left, second.top - first.top) == pytest.approx((5, 3))
    assert second.side == first.side


def test_a_mask_of_less_than_a_thousandth_shows_no_lesion() -> None:
    mask = np.zeros((100, 100), dtype=bool)
    assert lesion_box(mask) is None
    mask[0, :9] = True
    assert lesion_box(mask) is None
    mask[0, :10] = True
    assert lesion_box(mask) == (0.0, 0.0, 10.0, 1.0)


@pytest.mark.parametrize(
    ("box", "margin", "expected"),
    [
        ((40, 30, 60, 40), 0.25, (35, 20, 30)),  # centre (50, 35), side 20 * 1.5
        ((40, 30, 60, 40), 0.0, (40, 25, 20)),
        ((0, 0, 20, 10), 0.25, (0, 0, 30)),  # moved into the image
        ((90, 70, 100, 80), 0.5, (80, 60, 20)),
        ((5, 0, 95, 80), 0.5, (0, -10, 100)),  # at most the longer side; centred where it exceeds
        ((0, 0, 100, 80), 0.2, (0, -10, 100)),
    ],
)
def test_the_square_has_the_margin_and_is_moved_into_the_image(
    box: tuple[float, float, float, float], margin: float, expected: tuple[float, float, float]
) -> None:
    square = square_around(box, 100, 80, margin)
    assert (square.left, square.top, square.side) == expected
    assert (square.width, square.height) == (100, 80)


@given(st.data())
def test_the_whole_box_is_inside_the_square(data: st.DataObject) -> None:
    width, height = data.draw(st.integers(1, 400)), data.draw(st.integers(1, 400))
    left, top = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    right, bottom = data.draw(st.integers(left + 1, width)), data.draw(st.integers(top + 1, height))
    square = square_around((left, top, right, bottom), width, height, data.draw(st.floats(0, 2)))
    tiny = 1e-9
    assert square.left <= left + tiny
    assert square.top <= top + tiny
    assert square.left + square.side >= right - tiny
    assert square.top + square.side >= bottom - tiny
