"""The nearest among groups are the nearest of all where all groups are near, and most of them where few are."""

import numpy as np
import pytest
from tests.data.audit.search.test_nearest import described
from tests.data.audit.search.test_turned_nearest import in_full, squares

from attnmel.data.audit.search import bounded_search, grouped_nearest
from attnmel.data.audit.search.candidates import SYMMETRIES, every_turn, turned
from attnmel.data.audit.search.grouped_nearest import GroupedNearest
from attnmel.data.audit.search.nearest import Nearest

ALL = 1e6
"""Compares each image with all others."""


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let everything come in several parts, of which the last is smaller."""
    for name, size in {"QUERIES": 48, "BLOCK": 7, "SAMPLE": 20, "PRODUCTS": 40, "TOGETHER": 50}.items():
        monkeypatch.setattr(grouped_nearest, name, size)
    monkeypatch.setattr(bounded_search, "START", 30)


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("groups", [0.5, 4.0, 100.0])
@pytest.mark.parametrize(("most", "least"), [(1, -1.0), (4, 0.5), (3, 0.9)])
def test_no_neighbour_is_missed_where_all_groups_are_near(
    groups: float, most: int, least: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grouped_nearest, "GROUPS", groups)
    others = squares(205)
    for those in (others, squares(205, seed=2)):
        found = GroupedNearest(others, every_turn, ALL).of_each(those, most, least)
        wanted = in_full(those, others, most, least)
        assert all(np.array_equal(one, other) for one, other in zip(found[:3], wanted[:3], strict=True))
        assert found.likeness == pytest.approx(wanted.likeness, abs=1e-5)


@pytest.mark.usefixtures("small_parts")
def test_ways_may_be_given_as_they_are() -> None:
    # As spectra are: a turn of a turn is a turn.
    every = np.stack([np.roll(described(90, 1)[0], 3 * way, axis=1) for way in range(4)], axis=1)
    found = GroupedNearest(every, lambda some: some, ALL).of_each(every, 4, -1)
    wanted = Nearest(list(every.swapaxes(0, 1))).of_each([every[:, 0]], 4, -1)
    assert all(np.array_equal(one, other) for one, other in zip(found[:3], wanted[:3], strict=True))
    assert found.likeness == pytest.approx(wanted.likeness, abs=1e-5)


def test_few_of_the_neighbours_are_missed_where_few_groups_are_near(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grouped_nearest, "SAMPLE", 64)
    others, compared = squares(4000), 0
    products = np.matmul

    def counted(first: np.ndarray, second: np.ndarray, out: np.ndarray) -> np.ndarray:
        nonlocal compared
        compared += out.size
        return products(first, second, out=out)

    monkeypatch.setattr(grouped_nearest.np, "matmul", counted)
    found = GroupedNearest(others, every_turn, 12).of_each(others, 2, 0.5)
    wanted = in_full(others, others, 2, 0.5)
    pairs, all_pairs = ({*zip(*(column.tolist() for column in some[:2]), strict=True)} for some in (found, wanted))
    assert len(all_pairs - pairs) < 0.02 * len(all_pairs)
    assert compared < 0.6 * SYMMETRIES * len(others) ** 2  # centres and members
    # What is found is as near as it is said to be.
    turns = every_turn(others[found.second])[np.arange(len(found.way)), found.way]
    likeness = (others[found.first].reshape(len(turns), -1) * turns).sum(axis=1)
    assert found.likeness == pytest.approx(likeness, abs=1e-5)


def test_turned_copies_are_found_in_their_turn() -> None:
    every = np.concatenate([turned(squares(1), way) for way in range(SYMMETRIES)])
    found = GroupedNearest(every, every_turn, ALL).of_each(every, SYMMETRIES, 0.999)
    assert len(found.first) == SYMMETRIES * (SYMMETRIES - 1)
    for first, second, way in zip(*(column.tolist() for column in found[:3]), strict=True):
        assert turned(every[second : second + 1], way)[0] == pytest.approx(every[first], abs=1e-5)


@pytest.mark.parametrize("count", [2, 3, 300])
def test_blank_squares_have_no_neighbour(count: int) -> None:
    blank = np.zeros((count, 8, 8), dtype=np.float32)
    assert len(GroupedNearest(blank, every_turn, 12).of_each(blank, 2, 0.5).first) == 0


def test_the_same_images_have_the_same_neighbours_each_time() -> None:
    others = squares(500)
    first, again = (GroupedNearest(others, every_turn, 2).of_each(others, 3, 0.5) for _ in range(2))
    assert all(np.array_equal(one, other) for one, other in zip(first, again, strict=True))
