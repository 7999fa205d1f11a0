import numpy as np
import pytest

from attnmel.data.phantoms import Phantom, draw_phantom
from attnmel.data.phantoms.superpixels import covered_superpixels, draw_superpixels, encoded


@pytest.fixture(scope="module")
def phantom() -> Phantom:
    return draw_phantom(2, 0, height=120, width=160, diagnosis="melanoma")


def test_numbers_run_from_zero_without_a_gap(phantom: Phantom) -> None:
    numbers = np.unique(phantom.superpixels)
    assert np.array_equal(numbers, np.arange(len(numbers)))
    assert 300 < len(numbers) < 800


def test_superpixels_are_small_patches(phantom: Phantom) -> None:
    for number in range(phantom.superpixels.max() + 1):
        rows, columns = np.nonzero(phantom.superpixels == number)
        assert max(np.ptp(rows), np.ptp(columns)) <= 3 * 120 / 20


def test_superpixels_keep_to_edges() -> None:
    """A strong edge between two grey levels is crossed by fewer patches than chance would give."""
    flat = np.full((100, 100, 3), 80, np.uint8)
    edged = flat.copy()
    edged[:, 47:] = 220

    def crossing(image: np.ndarray) -> int:
        numbers = draw_superpixels(np.random.default_rng(0), image)
        return len(np.intersect1d(numbers[:, :47], numbers[:, 47:]))

    assert crossing(edged) < crossing(flat) / 2


def test_a_number_is_written_as_the_archive_writes_it() -> None:
    numbers = np.array([[0, 255, 256], [65_535, 65_536, 1_000_000]], np.int32)
    colours = encoded(numbers).tolist()
    assert [[r + (g << 8) + (b << 16) for r, g, b in row] for row in colours] == numbers.tolist()


def test_covered_agrees_with_a_plain_loop(phantom: Phantom) -> None:
    marks = covered_superpixels(phantom.superpixels, phantom.mask)
    for number, mark in enumerate(marks):
        assert mark == (phantom.mask[phantom.superpixels == number].mean() > 0.5)


def test_exactly_half_is_not_most() -> None:
    numbers = np.array([[0, 0], [1, 1]], np.int32)
    area = np.array([[True, False], [True, True]])
    assert covered_superpixels(numbers, area).tolist() == [False, True]
