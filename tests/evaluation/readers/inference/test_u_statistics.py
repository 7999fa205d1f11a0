"""U- and V-statistics: the numbers of FDA's iMRMC 2.1.2, a plain loop over its definition, and what must not matter."""

from collections.abc import Callable
from dataclasses import replace
from itertools import product

import numpy as np
import numpy.typing as npt
import pytest

from attnmel.errors import ReadingsError
from attnmel.evaluation.readers.inference.different_readers import with_machine_for_every_reader
from attnmel.evaluation.readers.inference.estimates import NEGATIVE_VARIANCE, NO_VARIANCE
from attnmel.evaluation.readers.inference.u_statistics import Moments, UStatistic, difference, single_modality
from attnmel.evaluation.readers.readings import Readings, reader_aucs

DESIGNS = ("complete", "every_seventh_missing", "split_plot", "with_machine")
PUBLISHED = {
    "complete": (
        0.704375,
        0.7585,
        0.00498950905,
        7.350069734,
        0.4685759836,
        -0.2211536791,
        0.1129036791,
        0.004813113264,
        6.839557319,
    ),
    "every_seventh_missing": (
        0.7150629038,
        0.7563753825,
        0.004896793019,
        6.394449989,
        0.5764858762538,
        -0.2125402477,
        0.1299152902,
        0.00513286159,
        7.025848928,
    ),
    "split_plot": (
        0.7260,
        0.8085,
        0.004546234391,
        5.716420353,
        0.2756267634,
        -0.2558234583,
        0.0908234583,
        0.00541948101,
        8.123363898,
    ),
    "with_machine": (
        0.893125,
        0.7585,
        0.002353509297,
        27.05071670,
        0.009897052163,
        0.03508458574,
        0.2341654143,
        0.002690831818,
        35.36063445,
    ),
}
"""By design: both AUCs, then of the difference variance, degrees of freedom, p and interval; V variance and degrees."""


def close(found: npt.ArrayLike, published: npt.ArrayLike) -> None:
    np.testing.assert_allclose(np.asarray(found), np.asarray(published), rtol=0, atol=1e-8)


@pytest.mark.parametrize("design", DESIGNS)
def test_the_difference_of_two_modalities_is_that_of_imrmc(design: str, request: pytest.FixtureRequest) -> None:
    readings = request.getfixturevalue(design)
    moments = Moments(with_machine_for_every_reader(readings) if design == "with_machine" else readings)
    unbiased, biased = (found := difference(moments, 0, 1)).unbiased, found.biased
    auc_a, auc_b, variance, degrees, p, low, high, variance_v, degrees_v = PUBLISHED[design]
    close(moments.auc, (auc_a, auc_b))
    close((unbiased.value, unbiased.variance, unbiased.t.p), (auc_a - auc_b, variance, p))
    close((unbiased.t.low, unbiased.t.high, biased.variance), (low, high, variance_v))
    np.testing.assert_allclose((unbiased.degrees, biased.degrees), (degrees, degrees_v), rtol=1e-9)


def test_single_modalities_are_those_of_imrmc(complete: Readings, with_machine: Readings) -> None:
    moments = Moments(complete)
    first, second = (single_modality(moments, place).unbiased for place in (0, 1))
    close((first.variance, first.t.low, first.t.high), (0.006313930237, 0.5099427894, 0.8988072106))
    close((second.variance, second.t.low, second.t.high), (0.002372052761, 0.6585682122, 0.8584317878))
    np.testing.assert_allclose((first.degrees, second.degrees), (6.805221511, 27.408387638), rtol=1e-9)
    machine = single_modality(Moments(with_machine.of(["AI"])), 0).unbiased
    close(machine.variance, 0.00111079291)
    assert machine.degrees == pytest.approx(70.12, abs=5e-3)
    assert machine.t == machine.normal, "above 50 degrees of freedom"


def plain_variance(readings: Readings) -> float:
    """Return the unbiased variance of one modality's AUC by a loop over its definition."""
    sick = readings.diseased
    diseased, healthy = readings.scores[0][:, sick], readings.scores[0][:, ~sick]
    margins = diseased[:, :, None] - healthy[:, None]
    triples = [
        (reader, one, other, (1 + np.sign(margins[reader, one, other])) / 2)
        for reader, one, other in product(range(len(diseased)), range(diseased.shape[1]), range(healthy.shape[1]))
        if not np.isnan(margins[reader, one, other])
    ]
    apart = [a[3] * b[3] for a, b in product(triples, triples) if all(a[factor] != b[factor] for factor in (0, 1, 2))]
    return float(np.mean([value for *_, value in triples]) ** 2 - np.mean(apart))


def test_the_unbiased_variance_is_its_definition_where_readings_are_missing(drawn: Callable[..., Readings]) -> None:
    readings = drawn(modalities=1, readers=3, cases=12)
    scores = readings.scores.copy()
    scores[np.random.default_rng(1).random(scores.shape) < 0.3] = np.nan
    readings = replace(readings, scores=scores)
    found = Moments(readings).covariance(unbiased=True)[0, 0]
    assert found == pytest.approx(plain_variance(readings), abs=1e-12)


@pytest.mark.parametrize("design", DESIGNS[:3])
def test_an_increasing_transform_of_one_readers_scores_changes_nothing(
    design: str, request: pytest.FixtureRequest
) -> None:
    readings: Readings = request.getfixturevalue(design)
    scores = readings.scores.copy()
    scores[:, 1] = np.exp(scores[:, 1]) ** 3 + 5
    assert difference(Moments(replace(readings, scores=scores)), 0, 1) == difference(Moments(readings), 0, 1)


def test_swapped_modalities_change_the_sign_alone(split_plot: Readings) -> None:
    moments = Moments(split_plot)
    one, other = (difference(moments, *places).unbiased for places in ((0, 1), (1, 0)))
    assert (one.value, one.t.low, one.t.high) == (-other.value, -other.t.high, -other.t.low)
    assert (one.variance, one.degrees, one.t.p) == (other.variance, other.degrees, other.t.p)


def test_readers_entered_twice_leave_the_mean_and_shrink_the_variance_of_readers(complete: Readings) -> None:
    twice = replace(
        complete,
        readers=(*complete.readers, *(f"{name} again" for name in complete.readers)),
        scores=np.concatenate([complete.scores, complete.scores], axis=1),
    )
    once, doubled = Moments(complete), Moments(twice)
    np.testing.assert_allclose(doubled.auc, once.auc, atol=1e-15)
    for factor in "PH":
        np.testing.assert_allclose(doubled.first_order(factor), once.first_order(factor), atol=1e-15)
    assert doubled.covariance(unbiased=False)[0, 0] < once.covariance(unbiased=False)[0, 0]


def test_two_equal_modalities_differ_by_nothing_and_allow_no_test(complete: Readings) -> None:
    same = replace(complete, scores=complete.scores[[0, 0]])
    both = difference(Moments(same), 0, 1)
    for found in (both.unbiased, both.biased):
        for one in (found.t, found.normal):
            assert (one.value, one.note) == (0, NO_VARIANCE)
            assert np.isnan([one.error, one.low, one.high, one.p]).all()


def test_a_negative_variance_gives_a_sentence_and_no_interval(drawn: Callable[..., Readings]) -> None:
    found: list[UStatistic] = [difference(Moments(drawn(seed=seed, readers=2)), 0, 1).unbiased for seed in range(40)]
    negative = [one for one in found if one.variance < 0]
    assert negative, "some of so small studies have one"
    for one in negative:
        assert one.t.note == one.normal.note == NEGATIVE_VARIANCE
        assert np.isnan([one.t.low, one.t.high, one.t.p, one.degrees]).all()
        assert not np.isnan(one.value)


def test_a_single_reader_of_several_gives_no_interval_instead_of_a_crash(with_machine: Readings) -> None:
    found = difference(Moments(with_machine), 0, 1).unbiased
    assert found.value == pytest.approx(0.134625)
    assert np.isnan(found.variance)
    assert found.t.note


def test_a_modality_without_a_pair_is_refused(complete: Readings) -> None:
    scores = complete.scores.copy()
    scores[0, :, complete.diseased] = np.nan
    with pytest.raises(ReadingsError, match="with one modality no reader read both a diseased and a healthy case"):
        Moments(replace(complete, scores=scores))


def test_the_auc_of_a_complete_modality_is_the_mean_of_the_readers(complete: Readings) -> None:
    np.testing.assert_allclose(Moments(complete).auc, reader_aucs(complete).mean(axis=1), atol=1e-15)
