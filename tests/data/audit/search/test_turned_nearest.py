"""The nearest squares in eight symmetries are those of comparing every turn of every pair in full."""

import numpy as np
import pytest

from attnmel.data.audit.search import bounded_search, turned_nearest
from attnmel.data.audit.search.candidates import SYMMETRIES, turned, undone
from attnmel.data.audit.search.flip_parts import (
    best_correlation,
    correlations,
    flip_parts,
    pairs_of_parts,
    products_of_parts,
)
from attnmel.data.audit.search.nearest import Nearest, NearestPairs
from attnmel.data.audit.search.turned_nearest import TurnedNearest

SIDE = 8


def squares(count: int, seed: int = 0) -> np.ndarray:
    """Return smooth squares of unit length, some of which are turns of others with noise."""
    generator = np.random.default_rng(seed)
    waves = np.cos(np.pi * np.outer(np.arange(SIDE) + 0.5, np.arange(4)) / SIDE)
    made = np.einsum("xk,nkl,yl->nxy", waves, generator.normal(size=(count, 4, 4)), waves)
    for place in range(0, count - 1, 5):
        way = int(generator.integers(SYMMETRIES))
        made[place + 1] = turned(made[place : place + 1], way)[0] + generator.normal(size=(SIDE, SIDE)) * 0.3
    made -= made.mean(axis=(1, 2), keepdims=True)
    return (made / np.linalg.norm(made, axis=(1, 2), keepdims=True)).astype(np.float32)


def in_full(those: np.ndarray, others: np.ndarray, most: int, least: float) -> NearestPairs:
    """Compare every turn of every pair."""
    turns = [turned(those, way).reshape(len(those), -1) for way in undone(np.arange(SYMMETRIES)).tolist()]
    return Nearest([others.reshape(len(others), -1)]).of_each(turns, most, least)


def test_products_of_parts_are_the_products_of_turned_squares() -> None:
    first, second = squares(20), squares(20, seed=1)
    pairs = pairs_of_parts(flip_parts(first), flip_parts(second))
    found = correlations(*(np.einsum("md,md->m", one, other) for one, other in pairs))
    for way in range(SYMMETRIES):
        assert found[way] == pytest.approx((first * turned(second, way)).sum(axis=(1, 2)), abs=1e-5)


def test_the_largest_of_the_correlations_is_that_of_few_passes() -> None:
    first, second = flip_parts(squares(20)), flip_parts(squares(30, seed=1))
    columns = flip_parts(squares(30, seed=1))
    columns = type(columns)(*(one.T for one in columns.values()))
    room = np.empty((11, 20, 30), dtype=np.float32)
    products_of_parts(first, columns, room)
    every = correlations(*(one @ other.T for one, other in pairs_of_parts(first, second)))
    assert best_correlation(room) == pytest.approx(np.max(every, axis=0), abs=1e-5)


@pytest.mark.parametrize("kept", [(0.3,), (0.6, 0.9, 0.95), (1.0,)])
@pytest.mark.parametrize(("most", "least"), [(1, -1.0), (4, 0.5), (3, 0.9)])
def test_no_neighbour_is_missed(
    kept: tuple[float, ...], most: int, least: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (turned_nearest, bounded_search):
        monkeypatch.setattr(module, "COLUMNS", 32)
    monkeypatch.setattr(turned_nearest, "TOGETHER", 50)
    monkeypatch.setattr(bounded_search, "ROWS", 48)  # the last rows and columns are fewer
    others = squares(205)
    for those in (others, squares(205, seed=2)):
        found, wanted = (
            TurnedNearest(others, kept=kept).of_each(those, most, least),
            in_full(those, others, most, least),
        )
        for one, other in zip(found[:3], wanted[:3], strict=True):
            assert np.array_equal(one, other)
        assert found.likeness == pytest.approx(wanted.likeness, abs=1e-5)


def test_turned_copies_are_found_in_their_turn() -> None:
    others = squares(1)
    every = np.concatenate([turned(others, way) for way in range(SYMMETRIES)])
    found = TurnedNearest(every).of_each(every, SYMMETRIES, 0.999)
    assert len(found.first) == SYMMETRIES * (SYMMETRIES - 1)
    for first, second, way in zip(*(column.tolist() for column in found[:3]), strict=True):
        assert turned(every[second : second + 1], way)[0] == pytest.approx(every[first], abs=1e-5)


def test_blank_squares_have_no_neighbour() -> None:
    blank = np.zeros((3, SIDE, SIDE), dtype=np.float32)
    assert len(TurnedNearest(blank).of_each(blank, 2, 0.5).first) == 0
