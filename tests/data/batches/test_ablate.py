from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnmel.data.batches.ablate import (
    BACKGROUND_ONLY,
    BORDER,
    LESION_ONLY,
    NO_ABLATION,
    SHUFFLED_LABELS,
    ablation_of,
    paint_out_background,
    paint_out_lesion,
    painted_shares,
    painter,
    shuffled,
)
from attnmel.errors import ConfigError

SIDE = 40
MARGIN = round(BORDER * SIDE)
OTHERWISE = np.array([1, 2, 3], dtype=np.uint8)


def noise(count: int = 3, seed: int = 0) -> np.ndarray:
    pixels = np.random.default_rng(seed).integers(0, 256, (count, SIDE, SIDE, 4), dtype=np.uint8)
    pixels[..., 3] = 0
    return pixels


def ellipse(pixels: np.ndarray, centre: tuple[int, int], radii: tuple[int, int]) -> None:
    down, across = np.mgrid[:SIDE, :SIDE]
    inside = ((down - centre[0]) / radii[0]) ** 2 + ((across - centre[1]) / radii[1]) ** 2 <= 1
    pixels[inside, 3] = 255


def boxed(image: np.ndarray) -> tuple[int, int, int, int]:
    """Find the box by a plain loop: the first and last marked row and column, and the border beyond."""
    marked = [(y, x) for y in range(SIDE) for x in range(SIDE) if image[y, x, 3]]
    rows, columns = zip(*marked, strict=True)
    top, left = max(0, min(rows) - MARGIN), max(0, min(columns) - MARGIN)
    return top, min(SIDE, max(rows) + 1 + MARGIN), left, min(SIDE, max(columns) + 1 + MARGIN)


@given(st.integers(0, 39), st.integers(0, 39), st.integers(1, 25), st.integers(1, 25), st.integers(0, 99))
def test_the_lesion_and_its_border_are_gone_and_all_else_is_as_it_was(
    y: int, x: int, height: int, width: int, seed: int
) -> None:
    pixels = noise(1, seed)
    ellipse(pixels[0], (y, x), (height, width))
    painted = pixels.copy()
    paint_out_lesion(painted, OTHERWISE)
    top, bottom, left, right = boxed(pixels[0])
    inside = np.zeros((SIDE, SIDE), dtype=bool)
    inside[top:bottom, left:right] = True
    assert len(np.unique(painted[0, inside, :3], axis=0)) == 1, "one colour, so neither pigment nor outline is left"
    assert (painted[0, ~inside] == pixels[0, ~inside]).all()
    assert (painted[..., 3] == pixels[..., 3]).all(), "a prior stays what it is"


def test_the_box_has_the_mean_colour_of_the_skin_beside_it() -> None:
    pixels = noise(1)
    pixels[0, 15:22, 18:30, 3] = 255
    painted = pixels.copy()
    paint_out_lesion(painted, OTHERWISE)
    ring = np.zeros((SIDE, SIDE), dtype=bool)
    ring[15 - 2 * MARGIN : 22 + 2 * MARGIN, 18 - 2 * MARGIN : 30 + 2 * MARGIN] = True
    ring[15 - MARGIN : 22 + MARGIN, 18 - MARGIN : 30 + MARGIN] = False
    expected = pixels[0, ring, :3].astype(np.float64).mean(axis=0)
    np.testing.assert_allclose(painted[0, 20, 20, :3], expected, atol=0.5)


def test_two_lesions_of_one_box_look_alike_whatever_their_outline_and_colour() -> None:
    round_one, square_one = noise(1), noise(1)
    ellipse(round_one[0], (20, 20), (6, 9))
    square_one[0, 14:27, 11:30, 3] = 255
    square_one[0, 14:27, 11:30, :3] = (40, 10, 10)
    for pixels in (round_one, square_one):
        paint_out_lesion(pixels, OTHERWISE)
    assert (round_one[..., :3] == square_one[..., :3]).all()


def test_a_faint_mark_counts_as_lesion_and_a_full_frame_takes_the_other_colour() -> None:
    pixels = noise(2)
    pixels[0, 10, 10, 3] = 1
    pixels[1, ..., 3] = 255
    painted = pixels.copy()
    paint_out_lesion(painted, OTHERWISE)
    assert (painted[0, 10, 10, :3] != pixels[0, 10, 10, :3]).any()
    assert (painted[1, ..., :3] == OTHERWISE).all()


def test_an_image_without_a_mark_is_not_painted() -> None:
    pixels = noise(1)
    painted = pixels.copy()
    paint_out_lesion(painted, OTHERWISE)
    assert (painted == pixels).all()
    assert painted_shares(pixels).tolist() == [0]


def test_the_lesion_alone_stays_and_all_else_is_one_colour() -> None:
    pixels = noise(1)
    ellipse(pixels[0], (20, 25), (9, 6))
    painted = pixels.copy()
    paint_out_background(painted, OTHERWISE)
    lesion = pixels[..., 3] > 127
    assert (painted[lesion] == pixels[lesion]).all()
    assert (painted[~lesion][:, :3] == OTHERWISE).all()
    assert (painted[..., 3] == pixels[..., 3]).all()


def test_painted_shares_are_the_areas_of_the_boxes() -> None:
    pixels = noise(3)
    for number, radii in enumerate([(3, 5), (10, 12), (30, 30)]):
        ellipse(pixels[number], (20, 18), radii)
    boxes = [boxed(image) for image in pixels]
    expected = [(bottom - top) * (right - left) / SIDE**2 for top, bottom, left, right in boxes]
    np.testing.assert_allclose(painted_shares(pixels), expected)


def test_what_is_painted_is_zero_once_normalised() -> None:
    paint, mean = painter(LESION_ONLY, (0.682, 0.5312, 0.4736)), np.array([0.682, 0.5312, 0.4736])
    pixels = noise(1)
    assert paint is not None
    paint(pixels)
    assert np.abs(pixels[0, 0, 0, :3] / 255 - mean).max() <= 0.5 / 255


@pytest.mark.parametrize("ablation", [NO_ABLATION, SHUFFLED_LABELS])
def test_without_an_ablation_that_paints_nothing_is_painted(ablation: str) -> None:
    assert painter(ablation, (0.5, 0.5, 0.5)) is None


def test_an_unknown_ablation_is_answered_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match=f"unknown ablation 'noise'; known: {BACKGROUND_ONLY}, {LESION_ONLY}, none"):
        painter("noise", (0.5, 0.5, 0.5))


def test_shuffled_labels_are_as_many_of_each_class_and_elsewhere() -> None:
    labels = np.array([0] * 70 + [1] * 30)
    dealt = shuffled(labels, 3)
    assert Counter(dealt.tolist()) == Counter(labels.tolist())
    assert (dealt != labels).sum() > 10
    assert (dealt == shuffled(labels, 3)).all()
    assert (dealt != shuffled(labels, 4)).any()


@pytest.mark.parametrize(
    ("fingerprint", "ablation"),
    [({}, None), ({"ablation": "lesion-only"}, "lesion-only"), ({"control": "lesion-only"}, "lesion-only")],
)
def test_an_ablation_is_read_from_fingerprints_of_every_version(
    fingerprint: dict[str, str], ablation: str | None
) -> None:
    assert ablation_of(fingerprint) == ablation
