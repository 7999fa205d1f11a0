"""Fingerprints know copies of a phantom again; they take no other phantom for one."""

import numpy as np
import pytest
from tests.data.audit.copies import COPIES, prepared

from attnmel.data.audit.descriptors import SIDE
from attnmel.data.audit.fingerprints import BYTES, SAME, fingerprints, most_alike
from attnmel.data.phantoms import draw_phantom

PICTURES = 12

MISSED = {"moved", "cropped", "turned by 5 degrees", "enlarged by 30 %"}
"""What an audit of both files finds and fingerprints do not."""


@pytest.fixture(scope="module")
def pictures() -> list[np.ndarray]:
    return [draw_phantom(5, index, height=150, width=200).image for index in range(PICTURES)]


@pytest.fixture(scope="module")
def known(pictures: list[np.ndarray]) -> np.ndarray:
    return fingerprints(np.stack([prepared(one) for one in pictures[: PICTURES // 2]]))


@pytest.mark.parametrize("kind", sorted(COPIES.keys() - MISSED))
def test_a_copy_is_known_again(pictures: list[np.ndarray], known: np.ndarray, kind: str) -> None:
    copies = np.stack([prepared(np.ascontiguousarray(COPIES[kind](one))) for one in pictures])
    place, likeness = most_alike(copies, known)
    assert place[: len(known)].tolist() == list(range(len(known)))
    assert (likeness[: len(known)] > SAME).all()
    assert (likeness[len(known) :] < SAME).all()


@pytest.mark.parametrize("kind", sorted(MISSED))
def test_no_picture_is_taken_for_another_that_was_cropped_or_moved(
    pictures: list[np.ndarray], known: np.ndarray, kind: str
) -> None:
    copies = np.stack([prepared(np.ascontiguousarray(COPIES[kind](one))) for one in pictures])
    place, likeness = most_alike(copies, known)
    taken = np.flatnonzero(likeness > SAME)
    assert place[taken].tolist() == taken.tolist()


def test_the_likeness_is_the_share_of_places_that_agree_less_that_of_those_that_differ() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (1, SIDE, SIDE, 3), dtype=np.uint8)
    found = fingerprints(noise)
    assert found.shape == (1, BYTES)
    assert most_alike(noise, found)[1][0] == pytest.approx(1)
    turned_over = found.copy()
    turned_over[:, : BYTES // 4] ^= 255
    assert most_alike(noise, turned_over)[1][0] == pytest.approx(0.5, abs=0.01)


def test_an_image_without_structure_is_like_no_other(known: np.ndarray) -> None:
    plain = np.full((1, SIDE, SIDE, 3), 120, dtype=np.uint8)
    assert most_alike(plain, known)[1][0] < SAME
    assert most_alike(np.zeros_like(plain), known)[1][0] < SAME
    assert most_alike(plain, fingerprints(plain))[1][0] < SAME
