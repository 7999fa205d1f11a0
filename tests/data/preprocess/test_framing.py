import numpy as np
import pytest

from attnmel.data.preprocess.framing import Framing
from attnmel.data.preprocess.images import Square, central_square


def test_the_network_sees_the_centre_of_the_central_square() -> None:
    framing = Framing(0.8, 224, 256)
    (square,) = framing.squares(400, 300)
    assert square == central_square(400, 300, 0.8) == Square(400, 300, 80, 30, 240)
    assert framing.seen(square) == Square(400, 300, 95, 45, 210)  # 7/8 of 240: a rim of 15


def test_the_rim_is_that_of_the_pixels_that_are_cut_off() -> None:
    # Of 37 pixels the central crop of 32 starts at 2, not at 2.5.
    seen = Framing(1.0, 32, 37).seen(Square(37, 37, 0, 0, 37))
    assert seen == Square(37, 37, 2, 2, 32)


def test_a_crop_around_the_lesion_shows_the_network_the_lesion_with_its_margin() -> None:
    mask = np.zeros((300, 400), dtype=bool)
    mask[100:140, 300:380] = True
    framing = Framing("lesion", 224, 256, margin=0.2)
    (square,) = framing.squares(400, 300, mask)
    seen = framing.seen(square)
    # Centre (340, 120), side 80 * 1.4 = 112, moved left by 0: 284 to 396.
    assert (seen.left, seen.top, seen.side) == pytest.approx((284, 64, 112))
    assert (square.left, square.top, square.side) == pytest.approx((276, 56, 128))


@pytest.mark.parametrize("mask", [None, np.zeros((300, 400), dtype=bool)], ids=["no mask", "empty"])
def test_without_a_lesion_the_network_sees_the_largest_central_square(mask: np.ndarray | None) -> None:
    framing = Framing("lesion", 224, 256)
    (square,) = framing.squares(400, 300, mask)
    seen = framing.seen(square)
    assert (seen.left, seen.top, seen.side) == pytest.approx((50, 0, 300))


def test_a_lesion_that_fills_a_square_image_is_shown_as_without_a_crop_around_it() -> None:
    framing, whole = Framing("lesion", 224, 256, margin=0.2), np.ones((300, 300), dtype=bool)
    assert framing.squares(300, 300, whole) == framing.squares(300, 300, None)
    (square,) = framing.squares(400, 300, np.ones((300, 400), dtype=bool))
    assert framing.seen(square)[2:] == pytest.approx((0, -50, 400)), "all of it, above and below its mirror image"


def test_an_image_that_is_moved_with_its_mask_gives_the_same_square_moved() -> None:
    framing, found = Framing("lesion", 224, 256, margin=0.2), []
    for left, top in ((100, 80), (137, 91)):
        mask = np.zeros((300, 400), dtype=bool)
        mask[top : top + 60, left : left + 90] = True
        (square,) = framing.squares(400, 300, mask)
        found.append((square.left - left, square.top - top, square.side))
    assert found[0] == pytest.approx(found[1])


def test_five_crops_are_the_centre_and_one_in_each_corner_of_the_image() -> None:
    framing = Framing(0.8, 224, 256, crops=5)
    squares = framing.squares(400, 300)
    assert squares[0] == central_square(400, 300, 0.8)
    corners = [framing.seen(one) for one in squares[1:]]
    found = [(round(one.left, 6), round(one.top, 6), round(one.side, 6)) for one in corners]
    assert found == [(0, 0, 210), (190, 0, 210), (0, 90, 210), (190, 90, 210)]
