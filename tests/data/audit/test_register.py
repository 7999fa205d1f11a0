"""Registration finds the affine map that one structure was warped by, and warps as scipy does."""

import numpy as np
import pytest
from scipy.ndimage import affine_transform, gaussian_filter

from attnmel.data.audit.register import identity, image_agreement, registered, warped

SIDE = 32


def structure(seed: int) -> np.ndarray:
    noise = gaussian_filter(np.random.default_rng(seed).normal(size=(SIDE, SIDE)), 2)
    return (noise / noise.std()).astype(np.float32)


def in_pixels(affine: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return matrix and offset of a map of places from -1 to 1, for pixels counted from 0."""
    centre = (SIDE - 1) / 2
    return affine[:, :2], affine[:, 2] * SIDE / 2 + centre - affine[:, :2] @ [centre, centre]


@pytest.mark.parametrize(
    "affine",
    [
        [[1, 0, 0.06], [0, 1, -0.06]],
        [[np.cos(0.12), -np.sin(0.12), 0], [np.sin(0.12), np.cos(0.12), 0]],
        [[0.9, 0, 0], [0, 1.1, 0]],
    ],
    ids=["moved", "turned by 7 degrees", "squashed"],
)
def test_a_warp_by_scipy_is_found_and_undone(affine: list[list[float]]) -> None:
    second = structure(1)
    map_ = np.array(affine, dtype=np.float32)
    matrix, offset = in_pixels(map_)
    first = np.asarray(affine_transform(second, matrix, tuple(offset), order=1), dtype=np.float32)  # pyright: ignore[reportArgumentType] - offsets of both axes
    moved, inside = warped(second[None], map_[None])
    assert np.allclose(moved[0][inside[0]], first[inside[0]], atol=2e-3)
    found = registered(first[None], second[None], identity(1), steps=12)
    assert np.allclose(found[0], map_, atol=0.01)
    likeness, common = image_agreement(first[None], second[None], found)
    assert likeness[0] > 0.99
    assert common[0] > 0.7


def test_structures_that_have_nothing_in_common_do_not_agree() -> None:
    first, second = (np.stack([structure(seed) for seed in seeds]) for seeds in (range(2, 6), range(6, 10)))
    found = registered(first, second, identity(4))
    assert image_agreement(first, second, found)[0].max() < 0.6


def test_blank_structures_and_none_at_all_are_no_error() -> None:
    blank = np.zeros((2, SIDE, SIDE), dtype=np.float32)
    found = registered(blank, blank, identity(2))
    assert np.array_equal(found, identity(2))
    assert image_agreement(blank, blank, found)[0].tolist() == [0, 0]
    assert registered(blank[:0], blank[:0], identity(0)).shape == (0, 2, 3)
