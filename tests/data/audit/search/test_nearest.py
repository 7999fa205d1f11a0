"""The nearest images are those of a plain comparison of each with every other."""

import numpy as np
import pytest

from attnmel.data.audit.search import bounded_search, nearest, ways_nearest
from attnmel.data.audit.search.nearest import Nearest
from attnmel.data.audit.search.ways_nearest import WaysNearest


def described(count: int, ways: int, seed: int = 0) -> list[np.ndarray]:
    """Unit vectors of images that lie in clusters, as real ones do."""
    generator = np.random.default_rng(seed)
    centres = generator.normal(size=(8, 12))
    made = []
    for _ in range(ways):
        rows = centres[generator.integers(8, size=count)] + generator.normal(size=(count, 12))
        made.append((rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32))
    return made


def plain(rows: list[np.ndarray], table: list[np.ndarray], most: int, least: float) -> set[tuple[int, int, int]]:
    """Compare each image with every other, in every way."""
    products = np.stack([one @ other.T for one in rows for other in table])
    best, way = products.max(axis=0), products.argmax(axis=0)
    np.fill_diagonal(best, -np.inf)
    order = np.argsort(-best, axis=1)[:, :most]
    return {
        (row, int(column), int(way[row, column]))
        for row, line in enumerate(order)
        for column in line
        if best[row, column] >= least
    }


@pytest.mark.parametrize(("turned", "tables"), [(1, 1), (3, 1), (1, 3)])
@pytest.mark.parametrize("least", [-1, 0.75])
def test_every_image_is_compared_with_every_other(turned: int, tables: int, least: float) -> None:
    table = described(60, tables)
    rows = table if turned == 1 and tables == 1 else described(60, turned, seed=1)
    found = Nearest(table).of_each(rows, 4, least)
    assert set(zip(*(column.tolist() for column in found[:3]), strict=True)) == plain(rows, table, 4, least)
    products = np.stack([one @ other.T for one in rows for other in table])
    assert found.likeness == pytest.approx(products[found.way, found.first, found.second], abs=1e-5)


def test_few_images_have_fewer_nearest_than_wanted() -> None:
    found = Nearest(described(3, 1)).of_each(described(3, 1), 5, -1)
    assert sorted(zip(found.first.tolist(), found.second.tolist(), strict=True)) == [
        (0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1),
    ]  # fmt: skip


def test_images_that_come_in_parts_have_the_same_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = described(50, 2)
    whole = Nearest(rows[:1]).of_each(rows, 3, -1)
    monkeypatch.setattr(nearest, "ROWS", 7)
    parts = Nearest(rows[:1]).of_each(rows, 3, -1)
    assert all(np.array_equal(one, other) for one, other in zip(whole[:3], parts[:3], strict=True))


@pytest.mark.parametrize("alike", [0.0, 0.99])
@pytest.mark.parametrize("least", [-1, 0.75])
def test_a_bounded_search_finds_the_same(alike: float, least: float, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (ways_nearest, bounded_search):
        monkeypatch.setattr(module, "COLUMNS", 8)
    monkeypatch.setattr(bounded_search, "ROWS", 20)
    monkeypatch.setattr(ways_nearest, "TOGETHER", 50)
    table, rows = described(90, 4), described(90, 1, seed=1)
    # Of pictures turned by quarters the ways hold the same numbers in other places, nearly.
    table = [(1 - alike) * one + alike * np.roll(table[0], way, axis=1) for way, one in enumerate(table)]
    found, wanted = WaysNearest(table).of_each(rows[0], 4, least), Nearest(table).of_each(rows, 4, least)
    assert all(np.array_equal(one, other) for one, other in zip(found[:3], wanted[:3], strict=True))
    assert found.likeness == pytest.approx(wanted.likeness, abs=1e-5)
