"""Copies of phantoms are found whatever was done to them; phantoms that only look alike are not."""

import numpy as np
import pytest
from tests.data.audit.copies import COPIES, bordered, prepared, slightly_turned, squashed

from attnmel.data.audit.align import SAME_PICTURE, Match
from attnmel.data.audit.descriptors import COARSE, FINE, SIDE, signatures
from attnmel.data.audit.same_pictures import same_pictures
from attnmel.data.audit.search import candidates
from attnmel.data.audit.search.candidates import CandidateSearch, turned
from attnmel.data.phantoms import draw_phantom

PICTURES = 8


@pytest.fixture(scope="module")
def pictures() -> list[np.ndarray]:
    return [draw_phantom(5, index, height=150, width=200).image for index in range(PICTURES)]


def found_of(images: np.ndarray) -> tuple[Match, ...]:
    return same_pictures(signatures([images], len(images)), lambda rows: images[list(rows)])


@pytest.mark.parametrize("kind", COPIES)
def test_every_copy_is_found_and_nothing_else(pictures: list[np.ndarray], kind: str) -> None:
    only_copies_are_found(pictures, kind)


@pytest.mark.parametrize("kind", list(COPIES)[::4])
def test_it_is_among_more_images_than_are_compared_with_all(
    pictures: list[np.ndarray], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(candidates, "COMPARED_WITH_ALL", PICTURES)
    only_copies_are_found(pictures, kind)


def only_copies_are_found(pictures: list[np.ndarray], kind: str) -> None:
    images = [prepared(one) for one in pictures] + [
        prepared(np.ascontiguousarray(COPIES[kind](one))) for one in pictures
    ]
    found = found_of(np.stack(images))
    assert {(one.first, one.second) for one in found} == {(row, row + PICTURES) for row in range(PICTURES)}
    assert all(SAME_PICTURE <= one.likeness <= 1 + 1e-6 for one in found)


@pytest.mark.parametrize("symmetry", range(8))
def test_the_symmetry_of_a_match_lays_the_second_on_the_first(pictures: list[np.ndarray], symmetry: int) -> None:
    first = prepared(pictures[0])
    others = [prepared(one) for one in pictures[1:4]]
    # What `turned` must undo: the inverse of the symmetry.
    inverse = next(s for s in range(8) if np.array_equal(turned(turned(first[None], s), symmetry)[0], first))
    second = turned(first[None], inverse)[0]
    (match,) = found_of(np.stack([first, second, *others]))
    assert (match.first, match.second, match.symmetry) == (0, 1, symmetry)
    assert match.likeness == pytest.approx(1, abs=1e-3)


def test_pictures_through_a_round_opening_are_not_alike_for_it(pictures: list[np.ndarray]) -> None:
    place = np.arange(SIDE) - (SIDE - 1) / 2
    opening = np.hypot(place[:, None], place) < 0.47 * SIDE
    images = np.stack([prepared(one) * opening[..., None].astype(np.uint8) for one in pictures])
    described = signatures([images], len(images))
    assert not described.shown(np.arange(PICTURES))[:, 0, 0].any()
    assert described.shown(np.arange(PICTURES))[:, FINE // 2, FINE // 2].all()
    assert found_of(images) == ()


def test_images_that_come_in_parts_have_the_same_signatures(pictures: list[np.ndarray]) -> None:
    images = np.stack([prepared(one) for one in pictures])
    whole, parts = signatures([images], len(images)), signatures(iter([images[:5], images[5:]]), len(images))
    assert np.array_equal(whole.fine, parts.fine)
    assert np.allclose(whole.coarse(0), parts.coarse(0))


def test_coarse_structure_correlates_like_numpy(pictures: list[np.ndarray]) -> None:
    images = np.stack([prepared(one) for one in pictures])
    coarse = signatures([images], len(images)).coarse(0)
    assert coarse.shape == (PICTURES, COARSE**2)
    # The divisor's floor, which keeps a blank image from being amplified, takes a little off.
    assert np.allclose(coarse @ coarse.T, np.corrcoef(coarse), atol=0.05)


def test_a_blank_image_and_a_single_one_match_nothing(pictures: list[np.ndarray]) -> None:
    blank = np.full((2, SIDE, SIDE, 3), 128, dtype=np.uint8)
    assert found_of(blank) == ()
    single = prepared(pictures[0])[None]
    assert len(CandidateSearch(signatures([single], 1)).candidates()) == 0
    assert found_of(single) == ()


def test_pictures_in_a_border_are_not_alike_for_it(pictures: list[np.ndarray]) -> None:
    images = np.stack([prepared(bordered(one)) for one in pictures])
    assert found_of(images) == ()
    # Ten pixels of 120 + 20 at each side of the square.
    assert signatures([images], len(images)).frames[:, 2] == pytest.approx(1 - 2 * 15 / 180, abs=0.04)


@pytest.mark.parametrize("symmetry", range(8))
def test_the_symmetry_of_a_squashed_copy_lays_it_like_the_first(pictures: list[np.ndarray], symmetry: int) -> None:
    copy = turned(prepared(squashed(pictures[0]))[None], symmetry)[0]
    images = np.stack([prepared(one) for one in pictures[:4]] + [copy])
    (match,) = found_of(images)
    laid = turned(copy[None], match.symmetry)[0]
    assert (match.first, match.second) == (0, 4)
    assert np.array_equal(laid, prepared(squashed(pictures[0])))


def test_coarse_structure_is_that_of_what_is_seen_through_an_opening(pictures: list[np.ndarray]) -> None:
    images = np.stack([prepared(slightly_turned(pictures[0], 10)), prepared(pictures[0])])
    coarse = signatures([images], len(images)).coarse(0)
    assert coarse[0] @ coarse[1] > 0.5
