"""Sums without a unit are those of the weights of the images that stay."""

import numpy as np
import pytest

from attnmel.evaluation.statistics.bootstrap import sums_in_cells
from attnmel.evaluation.statistics.left_out import sums_without
from attnmel.evaluation.statistics.sampling import Sampling


@pytest.mark.parametrize("groups", [60, 25, 3])
def test_sums_without_a_unit_are_those_of_the_images_that_stay(groups: int) -> None:
    generator = np.random.default_rng(groups)
    labels, columns = generator.integers(3, size=60), generator.random((60, 4))
    labels[0] = 3  # the only unit of its stratum stays
    sampling = Sampling.of([f"g{number % groups}" for number in range(60)], labels)
    units = generator.permutation(sampling.units)
    assert sums_without(columns, sampling)(units) == pytest.approx(sampling.without(units) @ columns, abs=1e-12)


def test_what_no_other_unit_adds_is_exactly_nothing_without_it() -> None:
    columns, sampling = np.eye(7), Sampling.of(list("abcdefg"))
    assert np.array_equal(np.diag(sums_without(columns, sampling)(sampling.unit)), np.zeros(7))


def test_sums_in_cells_are_products_with_members() -> None:
    generator = np.random.default_rng(0)
    weights, cells = generator.random((5, 40)), generator.integers(6, size=40)
    members = (cells[:, None] == np.arange(7)).astype(np.float64)  # nobody is in the last
    assert sums_in_cells(weights, cells, 7) == pytest.approx(weights @ members, abs=1e-12)


def test_strata_and_units_are_counted() -> None:
    sampling = Sampling.of(list("aabcde"), np.array([0, 0, 0, 1, 1, 1]))
    assert sum(size for _, size in sampling.strata) == sampling.units == 5
    assert sorted(size for _, size in sampling.strata) == [2, 3]
    assert sampling.among(np.array([True, True, True, False, False, False])) == 2
