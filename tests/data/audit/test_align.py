"""Copies of phantoms are found whatever was done to them; phantoms that only look alike are not."""

import numpy as np
import pytest
from tests.data.audit.copies import COPIES, prepared

from attnmel.data.audit.align import SAME_PICTURE, same_pictures
from attnmel.data.audit.candidates import candidates, turned
from attnmel.data.audit.descriptors import COARSE, FINE, SIDE, signatures
from attnmel.data.phantoms import draw_phantom

PICTURES = 12


@pytest.fixture(scope="module")
def pictures() -> list[np.ndarray]:
    return [draw_phantom(5, index, height=150, width=200).image for index in range(PICTURES)]


@pytest.mark.parametrize("kind", COPIES)
def test_every_copy_is_found_and_nothing_else(pictures: list[np.ndarray], kind: str) -> None:
    images = [prepared(one) for one in pictures] + [
        prepared(np.ascontiguousarray(COPIES[kind](one))) for one in pictures
    ]
    found = same_pictures(signatures([np.stack(images)]))
    assert {(one.first, one.second) for one in found} == {(row, row + PICTURES) for row in range(PICTURES)}
    assert all(SAME_PICTURE <= one.likeness <= 1 + 1e-6 for one in found)


@pytest.mark.parametrize("symmetry", range(8))
def test_the_symmetry_of_a_match_lays_the_second_on_the_first(pictures: list[np.ndarray], symmetry: int) -> None:
    first = prepared(pictures[0])
    others = [prepared(one) for one in pictures[1:4]]
    # What `turned` must undo: the inverse of the symmetry.
    inverse = next(s for s in range(8) if np.array_equal(turned(turned(first[None], s), symmetry)[0], first))
    second = turned(first[None], inverse)[0]
    (match,) = same_pictures(signatures([np.stack([first, second, *others])]))
    assert (match.first, match.second, match.symmetry) == (0, 1, symmetry)
    assert match.likeness == pytest.approx(1, abs=1e-3)


def test_pictures_through_a_round_opening_are_not_alike_for_it(pictures: list[np.ndarray]) -> None:
    place = np.arange(SIDE) - (SIDE - 1) / 2
    opening = np.hypot(place[:, None], place) < 0.47 * SIDE
    images = np.stack([prepared(one) * opening[..., None].astype(np.uint8) for one in pictures])
    described = signatures([images])
    assert not described.inside[:, 0, 0].any()
    assert described.inside[:, FINE // 2, FINE // 2].all()
    assert same_pictures(described) == ()


def test_images_that_come_in_parts_have_the_same_signatures(pictures: list[np.ndarray]) -> None:
    images = np.stack([prepared(one) for one in pictures])
    whole, parts = signatures([images]), signatures(iter([images[:5], images[5:]]))
    assert np.array_equal(whole.fine, parts.fine)
    assert np.allclose(whole.coarse, parts.coarse)


def test_coarse_structure_correlates_like_numpy(pictures: list[np.ndarray]) -> None:
    images = np.stack([prepared(one) for one in pictures])
    coarse = signatures([images]).coarse
    assert coarse.shape == (PICTURES, COARSE**2)
    # The divisor's floor, which keeps a blank image from being amplified, takes a little off.
    assert np.allclose(coarse @ coarse.T, np.corrcoef(coarse), atol=0.05)


def test_a_blank_image_and_a_single_one_match_nothing(pictures: list[np.ndarray]) -> None:
    blank = np.full((2, SIDE, SIDE, 3), 128, dtype=np.uint8)
    assert same_pictures(signatures([blank])) == ()
    one = signatures([prepared(pictures[0])[None]])
    assert len(candidates(one).pairs) == 0
    assert same_pictures(one) == ()
