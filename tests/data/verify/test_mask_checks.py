import numpy as np
import pytest
from PIL import Image, ImageDraw

from attnmel.data.verify.mask_checks import border_share, grey_share, mask_problems, middle_share, touches_every_border


def disc(radius: int, *, height: int = 60, width: int = 80) -> np.ndarray:
    mask = Image.new("L", (width, height))
    ImageDraw.Draw(mask).ellipse(
        (width // 2 - radius, height // 2 - radius, width // 2 + radius, height // 2 + radius), fill=255
    )
    return np.array(mask)


def kinds(mask: np.ndarray) -> list[str]:
    return [kind for kind, _ in mask_problems(mask)]


def test_a_lesion_in_the_middle_is_no_problem() -> None:
    assert kinds(disc(12)) == []


@pytest.mark.parametrize(
    ("mask", "expected"),
    [
        (np.zeros((60, 80), np.uint8), [("mask empty", "its brightest pixel is 0; 255 marks the lesion")]),
        (np.full((60, 80), 100, np.uint8), [("mask grey", "100 % of its pixels are grey"), ("mask empty", "its br")]),
        (np.full((60, 80), 255, np.uint8), [("mask full", "it marks 100.0 % of the frame")]),
        (255 - disc(20), [("mask inverted", "it marks 100 % of the frame's border and 0 % of its middle")]),
        (disc(43), [("mask at all borders", "it marks 9")]),
    ],
    ids=["empty", "grey and empty", "full", "inverted", "larger than the frame"],
)
def test_each_problem_is_told_with_what_was_measured(mask: np.ndarray, expected: list[tuple[str, str]]) -> None:
    found = mask_problems(mask)
    assert [kind for kind, _ in found] == [kind for kind, _ in expected]
    assert all(told.startswith(start) for (_, told), (_, start) in zip(found, expected, strict=True))


def test_a_lesion_that_touches_two_borders_is_no_problem() -> None:
    mask = np.zeros((60, 80), np.uint8)
    mask[:, 30:50] = 255
    assert kinds(mask) == []


def test_a_resized_border_is_not_yet_a_grey_mask() -> None:
    soft = np.asarray(Image.fromarray(disc(12)).resize((160, 120), Image.Resampling.BILINEAR))
    assert 0 < grey_share(soft) < 0.05
    assert kinds(soft) == []


def test_shares_are_those_of_a_plain_loop() -> None:
    mask = np.random.default_rng(3).random((17, 23)) < 0.4
    border = [mask[y, x] for y in range(17) for x in range(23) if y in (0, 16) or x in (0, 22)]
    corners = [mask[y, x] for y in (0, 16) for x in (0, 22)]
    assert border_share(mask) * (len(border) + 4) == pytest.approx(sum(border) + sum(corners)), "corners lie on two"
    assert middle_share(mask) == mask[7:10, 9:14].mean()


def test_touching_every_border_needs_all_four() -> None:
    mask = np.zeros((9, 9), dtype=bool)
    mask[4, :] = True
    assert not touches_every_border(mask)
    mask[:, 4] = True
    assert touches_every_border(mask)


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (2, 3)])
def test_the_smallest_masks_can_be_looked_at(shape: tuple[int, int]) -> None:
    assert kinds(np.full(shape, 255, np.uint8)) == ["mask full"]
    assert kinds(np.zeros(shape, np.uint8)) == ["mask empty"]
