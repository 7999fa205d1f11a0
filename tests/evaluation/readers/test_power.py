"""Simulated studies after Roe and Metz: their expected variances, power by formula, and coverage of the intervals."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from attnmel.errors import ConfigError
from attnmel.evaluation.readers.inference.estimates import Estimate
from attnmel.evaluation.readers.inference.obuchowski_rockette import mean_covariances
from attnmel.evaluation.readers.inference.u_statistics import Moments, difference
from attnmel.evaluation.readers.power import (
    case_ratio,
    expected_against_machine,
    expected_difference,
    machine_compared,
    modalities_compared,
    scaled_components,
    simulated,
)
from attnmel.evaluation.readers.readings import Readings, reader_aucs
from attnmel.evaluation.readers.roe_metz import RoeMetz

MODEL = RoeMetz((0.75, 0.82), reader=0.02, reader_modality=0.01)


def test_the_expected_covariances_are_those_of_many_studies() -> None:
    generator = np.random.default_rng(0)
    aucs = np.array([reader_aucs(MODEL.draw(3, 12, 10, generator)) for _ in range(500)])
    np.testing.assert_allclose(aucs.mean(axis=(0, 2)), MODEL.aucs, atol=0.015)
    found = mean_covariances(np.cov(aucs.reshape(500, -1).T).reshape(2, 3, 2, 3))
    parts = MODEL.components(12, 10)
    reader, both = parts.var_reader, parts.var_reader + parts.var_interaction
    expected = (parts.error + both, parts.cov1 + reader, parts.cov2, parts.cov3)
    np.testing.assert_allclose(found, expected, rtol=0.2)


def test_the_formula_agrees_with_simulated_studies() -> None:
    parts = MODEL.components(60, 40)
    formula = expected_difference(parts, -0.07, 5)
    drawn = simulated(MODEL, 5, 60, 40, studies=60, seed=1)
    assert drawn.half_width == pytest.approx(formula.half_width, rel=0.08)
    assert drawn.power == pytest.approx(formula.power, abs=0.17)
    against = expected_against_machine(parts, -0.07, 5)
    assert simulated(MODEL, 5, 60, 40, studies=60, seed=1, machine=True).half_width == pytest.approx(
        against.half_width, rel=0.08
    )


def test_more_readers_and_cases_give_narrower_intervals_and_more_power() -> None:
    few, many = MODEL.components(60, 40), MODEL.components(120, 80)
    start = expected_difference(few, -0.07, 4)
    for better in (expected_difference(few, -0.07, 8), expected_difference(many, -0.07, 4)):
        assert better.half_width < start.half_width
        assert better.power > start.power
    assert expected_difference(few, 0, 4).power == pytest.approx(0.05)
    margin = expected_difference(few, 0, 4, margin=0.1)
    assert margin.non_inferiority < expected_difference(few, 0, 4, margin=0.15).non_inferiority
    assert math.isnan(expected_difference(few, 0, 1).power)


def test_a_pilots_covariances_shrink_with_the_cases() -> None:
    parts = MODEL.components(60, 40)
    twice = scaled_components(parts, case_ratio(120, 80, 60, 40))
    exact = MODEL.components(120, 80)
    for name in ("error", "cov1", "cov2", "cov3"):
        assert getattr(twice, name) == pytest.approx(getattr(exact, name), rel=0.02)
    assert twice.var_reader == parts.var_reader


def test_what_no_study_can_have_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"an AUC of 1; expected one between 0 and 1, such as 0\.8"):
        RoeMetz((1.0, 0.8))
    with pytest.raises(ConfigError, match="the variances of cases must not be negative and add up to 1"):
        RoeMetz((0.8, 0.8), case=0.5)


def u_statistic(readings: Readings) -> Estimate:
    return difference(Moments(readings), 0, 1).unbiased.t


def coverage(compare: Callable[[Readings], Estimate], model: RoeMetz, readers: int, studies: int) -> float:
    generator, true = np.random.default_rng(0), model.aucs[0] - model.aucs[1]
    machine = compare is machine_compared
    found = [compare(model.draw(readers, 60, 40, generator, machine=machine)) for _ in range(studies)]
    return float(np.mean([one.low <= true <= one.high for one in found if not math.isnan(one.low)]))


@pytest.mark.parametrize("compare", [modalities_compared, machine_compared])
def test_the_intervals_hold_the_true_difference(compare: Callable[[Readings], Estimate]) -> None:
    """In small; a coverage of 95 % of 60 studies is below 86 % in one of 500 tries."""
    assert coverage(compare, RoeMetz((0.855, 0.80)), 4, 60) > 0.86


@pytest.mark.slow
@pytest.mark.parametrize("compare", [modalities_compared, u_statistic, machine_compared])
@pytest.mark.parametrize("aucs", [(0.855, 0.855), (0.855, 0.80)], ids=["null", "different"])
@pytest.mark.parametrize("readers", [3, 5, 10])
def test_the_coverage_of_500_studies(
    compare: Callable[[Readings], Estimate], aucs: tuple[float, float], readers: int
) -> None:
    assert 0.93 <= coverage(compare, RoeMetz(aucs), readers, 500) <= 0.97
