"""Obuchowski and Rockette's analysis: published numbers, covariances by other code, and what must not matter."""

from collections.abc import Callable
from dataclasses import astuple, replace
from typing import get_args

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.metrics import roc_auc_score

from attnmel.errors import ReadingsError
from attnmel.evaluation.readers.inference.covariance import CovarianceMethod, auc_covariance
from attnmel.evaluation.readers.inference.different_readers import independent_readers, machine_auc_against_readers
from attnmel.evaluation.readers.inference.estimates import NO_VARIANCE, ONE_READER, t_estimate
from attnmel.evaluation.readers.inference.obuchowski_rockette import ObuchowskiRockette, obuchowski_rockette
from attnmel.evaluation.readers.readings import Readings, reader_aucs
from attnmel.evaluation.statistics.delong import areas

METHODS = get_args(CovarianceMethod)


def analysed(readings: Readings, method: CovarianceMethod = "jackknife") -> ObuchowskiRockette:
    return obuchowski_rockette(reader_aucs(readings), auc_covariance(readings, method))


def close(found: npt.ArrayLike, published: npt.ArrayLike) -> None:
    np.testing.assert_allclose(np.asarray(found), np.asarray(published), rtol=0, atol=1e-8)


def test_the_complete_study_has_the_published_numbers(complete: Readings) -> None:
    close(
        reader_aucs(complete),
        [[0.631875, 0.72625, 0.893125, 0.484375, 0.78625], [0.675, 0.839375, 0.76375, 0.721875, 0.7925]],
    )
    found = analysed(complete)
    parts, test = found.components, found.random.test
    close((parts.ms_modality, parts.ms_interaction, parts.error), (0.00732378906, 0.00914908203, 0.00302308866))
    close((parts.cov1, parts.cov2, parts.cov3), (0.00154742013, 0.0015526506, 0.00087750692))
    close((test.statistic, test.df2, test.p), (0.5847429751, 7.496293413, 0.4678447683))
    one = found.random.differences[0, 1]
    close((one.error, one.low, one.high), (0.07078078955, -0.2192746828, 0.1110246829))
    close((found.fixed_readers.test.statistic, found.fixed_readers.test.p), (1.753678757, 0.185414929))
    np.testing.assert_allclose(found.fixed_cases.test.statistic, 0.8004944, atol=5e-8)
    np.testing.assert_allclose(found.fixed_cases.test.p, 0.4215169, atol=5e-8)


def test_the_machine_against_readers_has_the_published_numbers(with_machine: Readings) -> None:
    found = machine_auc_against_readers(with_machine, 0, 1)
    close((found.value, found.error, found.p), (0.134625, 0.04907344456, 0.009412524353))
    close((found.low, found.high), (0.03510663418, 0.2341433659))
    assert found.degrees == pytest.approx(36.0750905, abs=5e-8)
    square = np.var(reader_aucs(with_machine)[1, :5], ddof=1)
    close((square, found.error**2 - square / 5), (0.004009492187, 0.001606304523))  # MS and Cov2, which make the error
    close(found.value / found.error, 2.743337078)


def test_a_simulated_machine_against_ten_readers_has_the_published_numbers() -> None:
    """Of the test of Google's reader_study.py; the data by its rule, drawn by the old generator as there."""
    state = np.random.RandomState(1987)
    disease = np.repeat([1.0, 0.0], [200, 800])
    case = state.normal(size=1000)
    scores = np.full((2, 11, 1000), np.nan)
    scores[0, 10] = disease + case
    for reader in range(10):
        own = 0.075 * state.normal(size=2)
        scores[1, reader] = disease + np.where(disease, own[1], own[0]) + 0.6 * case + 0.8 * state.normal(size=1000)
    names = tuple(map(str, range(11))), tuple(map(str, range(1000)))
    found = machine_auc_against_readers(Readings(("machine", "readers"), *names, disease == 1, scores), 0, 1)
    close((found.value, found.low, found.high), (-0.00584125, -0.03233184, 0.02064934))
    assert (found.p, found.degrees) == (pytest.approx(0.6560453, abs=5e-8), pytest.approx(31.00905, abs=5e-6))


def test_non_inferiority_is_the_one_sided_test_of_the_margin(with_machine: Readings) -> None:
    found = machine_auc_against_readers(with_machine, 0, 1)
    assert found.non_inferior(0) == pytest.approx(found.p / 2), "a margin of 0 is superiority"
    assert found.non_inferior(0.05) < found.p / 2
    worse = replace(found, value=-0.05)
    assert worse.non_inferior(0.05) == pytest.approx(0.5)


def test_the_covariances_are_those_of_other_code(complete: Readings, drawn: Callable[..., Readings]) -> None:
    for readings in (complete, drawn(readers=2)):
        flat = readings.scores.reshape(-1, len(readings.cases))
        delong = auc_covariance(readings, "delong").reshape(len(flat), -1)
        np.testing.assert_allclose(delong, areas(readings.diseased, flat.T).covariance, atol=1e-14)
    readings, cases = drawn(readers=2), 30
    flat = readings.scores.reshape(4, cases)
    left_out = [
        [roc_auc_score(np.delete(readings.diseased, place), np.delete(own, place)) for own in flat]
        for place in range(cases)
    ]
    jackknife = auc_covariance(readings).reshape(4, 4)
    np.testing.assert_allclose(jackknife, (cases - 1) ** 2 / cases * np.cov(np.transpose(left_out)), atol=1e-12)


def test_the_unbiased_covariance_is_its_mean_over_many_studies(drawn: Callable[..., Readings]) -> None:
    """Of small studies, where DeLong's and the jackknife's are too large."""
    studies = [drawn(readers=2, cases=15, seed=seed) for seed in range(150)]
    true = np.cov(np.transpose([reader_aucs(one).ravel() for one in studies]))
    found = {method: np.mean([auc_covariance(one, method) for one in studies], axis=0) for method in METHODS}
    unbiased = found["unbiased"].reshape(4, 4)
    np.testing.assert_allclose(unbiased.mean(), true.mean(), rtol=0.15)
    assert np.trace(found["jackknife"].reshape(4, 4)) > np.trace(unbiased)


@pytest.mark.parametrize("method", METHODS)
def test_what_must_not_matter_does_not(complete: Readings, method: CovarianceMethod) -> None:
    found = analysed(complete, method)
    scores = complete.scores.copy()
    scores[:, 3] = np.exp(scores[:, 3]) * 7 - 2
    assert analysed(replace(complete, scores=scores), method) == found, "an increasing transform of a reader's scores"
    swapped = analysed(replace(complete, scores=complete.scores[::-1]), method)
    one, other = found.random.differences[0, 1], swapped.random.differences[0, 1]
    np.testing.assert_allclose((one.low, one.high, one.p), (-other.high, -other.low, other.p), atol=1e-13)
    same = analysed(replace(complete, scores=complete.scores[[1, 1]]), method)
    for analysis in (same.random, same.fixed_readers, same.fixed_cases):
        assert analysis.differences[0, 1].value == pytest.approx(0, abs=1e-15)
        if method != "unbiased":  # whose variance is that of rounding, or a little below 0
            assert analysis.differences[0, 1].note == NO_VARIANCE
        assert np.isnan([analysis.test.statistic, analysis.test.p, *astuple(analysis.differences[0, 1])[3:6]]).all()


def test_equal_means_differ_by_nothing_but_for_rounding_and_that_has_no_minus() -> None:
    assert f"{t_estimate(-5e-17, 0.01, 3, difference=True).value:+.3f}" == "+0.000"
    assert t_estimate(-1e-9, 0.01, 3, difference=True).value == -1e-9


def test_a_negative_term_of_cases_counts_as_none() -> None:
    """As in Franken's study, where Cov2 is below Cov3: F is the mean squares' ratio on (t - 1) (r - 1) degrees."""
    figures = np.array([[0.85, 0.87, 0.86], [0.84, 0.88, 0.83]])
    covariance = np.full((2, 3, 2, 3), 0.0005)
    for modality in range(2):
        covariance[modality, :, modality] = 0.0004
        covariance[modality, range(3), modality, range(3)] = 0.0015
    found = obuchowski_rockette(figures, covariance)
    assert found.components.cov2 < found.components.cov3
    assert found.random.test.df2 == pytest.approx(2)
    ratio = found.components.ms_modality / found.components.ms_interaction
    assert found.random.test.statistic == pytest.approx(ratio)


def test_one_reader_allows_fixed_readers_only(complete: Readings) -> None:
    alone = complete.of_readers(np.arange(5) == 2)
    found = analysed(alone)
    for analysis in (found.random, found.fixed_cases):
        assert np.isnan(analysis.differences[0, 1].low)
        assert analysis.differences[0, 1].note == analysis.test.note == ONE_READER
    paired = found.fixed_readers.differences[0, 1]
    interval, p = areas(alone.diseased, alone.scores[:, 0].T).difference(1, 0)
    delong = analysed(alone, "delong").fixed_readers.differences[0, 1]
    np.testing.assert_allclose((delong.low, delong.high, delong.p), (interval.low, interval.high, p), atol=1e-12)
    assert paired.error == pytest.approx(delong.error, rel=0.05)


def test_one_modality_has_a_mean_and_no_test(complete: Readings) -> None:
    found = analysed(complete.of(["testB"]))
    assert found.random.means[0].value == pytest.approx(0.7585)
    assert found.random.means[0].low < 0.7585 < found.random.means[0].high
    assert found.random.test.note == "one modality: nothing to compare"
    assert not found.random.differences


def test_a_reader_without_a_figure_is_refused(with_machine: Readings) -> None:
    with pytest.raises(ReadingsError, match="a reader lacks a figure with a modality; leave the reader out"):
        obuchowski_rockette(reader_aucs(with_machine), auc_covariance(with_machine))


def test_cases_of_each_modality_or_reader_alone_have_no_covariance_between_them(complete: Readings) -> None:
    """Cases nested in modalities, and in readers: the same scores, as if of other cases."""
    for axis, none in ((0, ("cov1", "cov3")), (1, ("cov2", "cov3"))):
        copies = complete.scores.shape[axis]
        scores = np.full((*complete.scores.shape[:2], copies, 80), np.nan)
        for place in range(copies):
            where = (place, slice(None)) if axis == 0 else (slice(None), place)
            scores[(*where, place)] = complete.scores[where]
        nested = replace(
            complete,
            cases=tuple(map(str, range(copies * 80))),
            diseased=np.tile(complete.diseased, copies),
            scores=scores.reshape(*complete.scores.shape[:2], -1),
        )
        found = analysed(nested)
        for name in none:
            assert getattr(found.components, name) == pytest.approx(0, abs=1e-15)
        # The jackknife of so many more cases has a factor nearer to 1.
        ratio = (copies * 80 - 1) / (copies * 80) / (79 / 80)
        assert found.components.error == pytest.approx(analysed(complete).components.error * ratio)


def test_a_split_plot_study_is_analysed_as_by_the_u_statistics(split_plot: Readings) -> None:
    found = analysed(split_plot).random.differences[0, 1]
    assert found.value == pytest.approx(-0.0825)
    assert found.error**2 == pytest.approx(0.004546, rel=0.1), "the U-statistic's variance"


def test_readers_of_one_modality_each_are_compared(complete: Readings) -> None:
    scores = np.full((2, 10, 80), np.nan)
    scores[0, :5], scores[1, 5:] = complete.scores
    apart = replace(complete, readers=tuple(map(str, range(10))), scores=scores)
    found = independent_readers(apart)
    assert found.value == pytest.approx(-0.054125)
    # The variances of both means, without twice their covariance over cases.
    means = analysed(complete).random.means
    parts = analysed(complete).components
    between = (parts.cov1 + 4 * parts.cov3) / 5
    assert found.error**2 <= means[0].error ** 2 + means[1].error ** 2
    assert found.error**2 == pytest.approx(means[0].error ** 2 + means[1].error ** 2 - 2 * between, rel=1e-6)
