import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from attnmel.evaluation.statistics.hypothesis_tests import (
    detectable_difference,
    discordant,
    holm,
    mcnemar_p,
)

P_VALUES = st.lists(st.floats(0, 1) | st.just(float("nan")), max_size=12)


def holm_by_loop(p_values: list[float]) -> list[float]:
    """Step down as Holm (1979) writes it, one hypothesis after another."""
    known = sorted((p, place) for place, p in enumerate(p_values) if p == p)
    corrected, highest = [float("nan")] * len(p_values), 0.0
    for step, (p, place) in enumerate(known):
        highest = max(highest, p * (len(known) - step))
        corrected[place] = min(highest, 1.0)
    return corrected


@settings(deadline=None, derandomize=True, max_examples=40)
@given(P_VALUES)
def test_holm_agrees_with_a_plain_loop(p_values: list[float]) -> None:
    assert holm(p_values) == pytest.approx(holm_by_loop(p_values), nan_ok=True)


@settings(deadline=None, derandomize=True, max_examples=40)
@given(P_VALUES)
def test_a_corrected_p_is_never_below_its_own_and_keeps_the_order(p_values: list[float]) -> None:
    known = [(p, q) for p, q in zip(p_values, holm(p_values), strict=True) if p == p]
    assert all(p <= q <= 1 for p, q in known)
    assert [q for _, q in sorted(known)] == sorted(q for _, q in known)


def test_one_test_alone_is_not_corrected_and_what_is_not_defined_does_not_count() -> None:
    assert holm([0.04]) == [0.04]
    assert holm([0.04, float("nan")]) == pytest.approx([0.04, float("nan")], nan_ok=True)
    assert holm([]) == []


@pytest.mark.parametrize(("first", "second"), [(0, 0), (5, 5), (0, 6), (9, 2), (3, 14), (120, 80)])
def test_mcnemar_is_the_exact_binomial_test_of_the_discordant(first: int, second: int) -> None:
    both = stats.binom.cdf(min(first, second), first + second, 0.5) * 2
    assert mcnemar_p(first, second) == pytest.approx(min(both, 1.0))
    assert mcnemar_p(first, second) == pytest.approx(mcnemar_p(second, first))


def test_discordant_images_are_counted_for_each_side() -> None:
    first = np.array([True, True, True, False, False])
    second = np.array([True, False, False, True, False])
    assert discordant(first, second) == (2, 1)


@pytest.mark.parametrize("freedom", [1.5, 2.0, 4.0, 18.0, math.inf])
@pytest.mark.parametrize("level", [0.05, 0.05 / 6])
def test_a_detectable_difference_is_found_by_eight_of_ten_simulated_tests(freedom: float, level: float) -> None:
    draws, generator = 200_000, np.random.default_rng(0)
    spread = 1.0 if math.isinf(freedom) else np.sqrt(generator.chisquare(freedom, draws) / freedom)
    least = detectable_difference(0.02, freedom, level)
    t = (generator.normal(size=draws) + least / 0.02) / spread
    assert (t > stats.t.isf(level / 2, freedom)).mean() == pytest.approx(0.8, abs=0.005)


def test_a_detectable_difference_is_1_43_times_the_half_width_of_a_normal_interval() -> None:
    assert detectable_difference(1, math.inf) / stats.norm.ppf(0.975) == pytest.approx(1.43, abs=0.005)


def test_without_an_error_no_difference_is_known_to_be_detectable() -> None:
    assert math.isnan(detectable_difference(0, 3))
    assert math.isnan(detectable_difference(math.nan, 3))
