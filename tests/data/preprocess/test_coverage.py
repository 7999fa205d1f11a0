import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnmel.data.preprocess.coverage import covered, share_of_image, share_of_lesion
from attnmel.data.preprocess.images import Square, central_square


def test_the_published_crop_covers_48_percent_of_a_frame_of_4_to_3() -> None:
    assert share_of_image([central_square(1024, 768, 0.8)]) == pytest.approx(614**2 / (1024 * 768))
    assert share_of_image([central_square(1000, 750, 0.8)]) == pytest.approx(0.48)


def test_overlapping_squares_count_once_and_what_exceeds_the_image_not() -> None:
    # 100 x 60: two of 40 x 40 share 20 x 40; a third sticks out by 10 at the left.
    squares = [Square(100, 60, 30, 0, 40), Square(100, 60, 50, 0, 40), Square(100, 60, -10, 20, 20)]
    assert share_of_image(squares) == pytest.approx((40 * 40 + 20 * 40 + 10 * 20) / 6000)


@given(st.lists(st.tuples(st.integers(-20, 60), st.integers(-20, 60), st.integers(1, 60)), min_size=1, max_size=5))
def test_the_shares_are_those_of_counted_pixels(places: list[tuple[int, int, int]]) -> None:
    squares = [Square(50, 40, *place) for place in places]
    pixels = np.zeros((40, 50), dtype=bool)
    for left, top, side in places:
        pixels[max(top, 0) : max(top + side, 0), max(left, 0) : max(left + side, 0)] = True
    mask = np.hypot(np.arange(50) - 20, np.arange(40)[:, None] - 15) < 12
    assert share_of_image(squares) == pytest.approx(pixels.mean())
    assert share_of_lesion(mask, squares) == pytest.approx(pixels[mask].mean())


def test_a_pixel_on_the_edge_counts_by_its_part() -> None:
    mask = np.zeros((10, 10), dtype=bool)
    mask[4, 4:6] = True
    assert share_of_lesion(mask, [Square(10, 10, 4.5, 0, 10)]) == pytest.approx(0.75)
    assert share_of_lesion(np.zeros((10, 10), dtype=bool), [Square(10, 10, 0, 0, 10)]) is None


def test_only_the_largest_component_of_a_mask_counts() -> None:
    mask = np.zeros((60, 80), dtype=bool)
    mask[20:40, 0:40] = True  # half of it left of the square
    mask[0:5, 75:80] = True
    found = covered([Square(80, 60, 20, 0, 60)], mask)
    assert (found.width, found.height, found.side) == (80, 60, 60)
    assert (found.of_image, found.of_lesion, found.found) == (0.75, 0.5, True)
    nothing = covered([Square(80, 60, 20, 0, 60)], np.zeros((60, 80), dtype=bool))
    assert (nothing.of_lesion, nothing.found) == (None, False)
    assert covered([Square(80, 60, 20, 0, 60)], None).found is None
