import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import roc_auc_score

from attnmel.errors import PredictionsError
from attnmel.evaluation.classification.ranking import Ranking, roc_auc
from attnmel.evaluation.statistics.bootstrap import bootstrap
from attnmel.evaluation.statistics.delong import Areas, areas, logit_interval
from attnmel.evaluation.statistics.sampling import Sampling


def by_loops(positive: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Structural components pair by pair, as DeLong, DeLong and Clarke-Pearson (1988) write them."""
    ones, zeros = np.flatnonzero(positive), np.flatnonzero(~positive)
    wins = np.zeros((scores.shape[1], len(ones), len(zeros)))
    for predictor in range(scores.shape[1]):
        for i, one in enumerate(ones):
            for j, zero in enumerate(zeros):
                gap = scores[one, predictor] - scores[zero, predictor]
                wins[predictor, i, j] = 1.0 if gap > 0 else 0.5 if gap == 0 else 0.0
    auc = wins.mean(axis=(1, 2))
    covariance = np.zeros((len(auc), len(auc)))
    for a in range(len(auc)):
        for b in range(len(auc)):
            ten = sum((wins[a, i].mean() - auc[a]) * (wins[b, i].mean() - auc[b]) for i in range(len(ones)))
            one = sum((wins[a, :, j].mean() - auc[a]) * (wins[b, :, j].mean() - auc[b]) for j in range(len(zeros)))
            covariance[a, b] = ten / (len(ones) - 1) / len(ones) + one / (len(zeros) - 1) / len(zeros)
    return auc, covariance


@st.composite
def tasks(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Two of each kind at least, scores of three predictors with many ties."""
    truths = [True, True, False, False, *draw(st.lists(st.booleans(), max_size=12))]
    scores = draw(st.lists(st.tuples(*[st.integers(0, 5)] * 3), min_size=len(truths), max_size=len(truths)))
    return np.array(truths), np.array(scores) / 5


@settings(deadline=None, derandomize=True, max_examples=40)
@given(tasks())
def test_areas_and_covariance_agree_with_a_plain_loop_on_ties(task: tuple[np.ndarray, np.ndarray]) -> None:
    found = areas(*task)
    auc, covariance = by_loops(*task)
    assert found.auc == pytest.approx(auc, abs=1e-12)
    assert found.covariance == pytest.approx(covariance, abs=1e-12)
    assert found.auc == pytest.approx([roc_auc_score(task[0], column) for column in task[1].T], abs=1e-12)


@settings(deadline=None, derandomize=True, max_examples=40)
@given(tasks())
def test_the_interval_lies_within_0_and_1_about_the_value(task: tuple[np.ndarray, np.ndarray]) -> None:
    value, low, high = areas(*task).interval(1)
    if not math.isnan(low):
        assert 0 <= low <= value <= high <= 1
    else:
        assert value in (0, 1) or areas(*task).covariance[1, 1] <= 0


def correlated(
    generator: np.random.Generator, apart: tuple[float, float], images: int = 400
) -> tuple[np.ndarray, np.ndarray]:
    positive = np.arange(images) < images // 4
    shared = generator.normal(size=images)
    columns = [positive * one + 0.7 * shared + 0.7 * generator.normal(size=images) for one in apart]
    return positive, np.stack(columns, axis=1)


def test_variances_are_near_those_of_a_bootstrap() -> None:
    positive, scores = correlated(np.random.default_rng(3), (1.0, 1.6))
    rankings = [Ranking.of(positive, column) for column in scores.T]
    draws = bootstrap(
        lambda weights: np.stack([roc_auc(one.counts(weights)) for one in rankings], axis=1),
        Sampling.of([str(i) for i in range(400)], positive.astype(int)),
        resamples=4000,
    )
    assert areas(positive, scores).covariance == pytest.approx(np.cov(draws, rowvar=False), rel=0.12)


def test_groups_of_one_image_are_no_groups() -> None:
    positive, scores = correlated(np.random.default_rng(4), (1.0, 1.0), images=60)
    each = areas(positive, scores, [str(i) for i in range(60)])
    assert (each.covariance == areas(positive, scores).covariance).all()


def test_clustered_variance_agrees_with_a_loop_over_the_groups() -> None:
    generator = np.random.default_rng(5)
    positive, scores = correlated(generator, (1.0, 1.4), images=40)
    groups = generator.integers(0, 15, 40)
    ones, zeros = int(positive.sum()), int((~positive).sum())
    found = areas(positive, scores, [str(one) for one in groups.tolist()])
    above = (scores[positive][:, None] > scores[~positive][None]).mean(axis=1)
    below = (scores[positive][:, None] > scores[~positive][None]).mean(axis=0)
    expected = np.zeros((2, 2))
    names = sorted(set(groups.tolist()))
    holding = [len({int(g) for g in groups[kind]}) for kind in (positive, ~positive)]
    for name in names:
        of_one = (above[groups[positive] == name] - found.auc).sum(axis=0)
        of_zero = (below[groups[~positive] == name] - found.auc).sum(axis=0)
        expected += np.outer(of_one, of_one) * holding[0] / (holding[0] - 1) / ones**2
        expected += np.outer(of_zero, of_zero) * holding[1] / (holding[1] - 1) / zeros**2
        mixed = np.outer(of_one, of_zero) * len(names) / (len(names) - 1) / ones / zeros
        expected += mixed + mixed.T
    assert found.covariance == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("simulations", [100, pytest.param(400, marks=pytest.mark.slow)])
def test_where_lesions_repeat_the_clustered_error_is_right_and_the_naive_one_too_small(simulations: int) -> None:
    generator = np.random.default_rng(6)
    lesions = np.arange(160).repeat(3)
    positive = (np.arange(160) < 60).repeat(3)
    found, clustered, naive = [], [], []
    for _ in range(simulations):
        alike = generator.normal(size=160)[lesions]
        scores = (positive * 1.2 + 0.9 * alike + 0.45 * generator.normal(size=480))[:, None]
        known = areas(positive, scores, [str(one) for one in lesions.tolist()])
        found.append(float(known.auc[0]))
        clustered.append(known.covariance[0, 0] ** 0.5)
        naive.append(areas(positive, scores).covariance[0, 0] ** 0.5)
    true = np.std(found, ddof=1)
    assert np.mean(clustered) == pytest.approx(true, rel=2 / simulations**0.5)
    assert np.mean(naive) < 0.75 * true


def test_the_paired_test_is_the_normal_one_of_the_loop() -> None:
    positive, scores = correlated(np.random.default_rng(7), (1.0, 1.5), images=120)
    auc, covariance = by_loops(positive, scores)
    error = (covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]) ** 0.5
    (value, low, high), p = areas(positive, scores).difference(0, 1)
    assert value == pytest.approx(auc[1] - auc[0])
    assert (low, high) == pytest.approx(stats.norm.interval(0.95, value, error))
    assert p == pytest.approx(2 * stats.norm.sf(abs(value) / error))


def test_turning_a_pair_round_turns_the_difference_and_keeps_p() -> None:
    positive, scores = correlated(np.random.default_rng(8), (1.0, 1.5), images=120)
    (value, low, high), p = areas(positive, scores).difference(0, 1)
    (turned, *ends), other = areas(positive, scores).difference(1, 0)
    assert (turned, *ends, other) == pytest.approx((-value, -high, -low, p))


@pytest.mark.parametrize("simulations", [300, pytest.param(1500, marks=pytest.mark.slow)])
def test_the_paired_test_makes_five_false_claims_in_a_hundred(simulations: int) -> None:
    generator = np.random.default_rng(9)
    p_values = [areas(*correlated(generator, (1.2, 1.2), images=240)).difference(0, 1)[1] for _ in range(simulations)]
    # Three Monte Carlo standard errors of 5 % in 1,500 are 1.7 %.
    assert np.mean(np.array(p_values) < 0.05) == pytest.approx(0.05, abs=3 * (0.05 * 0.95 / simulations) ** 0.5)


def test_two_predictors_that_rank_alike_do_not_differ() -> None:
    positive, scores = correlated(np.random.default_rng(1), (1.0, 1.0), images=50)
    both = np.stack([scores[:, 0], np.exp(scores[:, 0])], axis=1)
    (value, low, high), p = areas(positive, both).difference(0, 1)
    assert (value, p) == (0, 1)
    assert (low, high) == pytest.approx((0, 0), abs=1e-7)


def test_without_variance_nothing_is_known_of_the_uncertainty() -> None:
    known = Areas(np.array([0.5, 1.0]), np.zeros((2, 2)))
    interval, p = known.difference(0, 1)
    assert interval.value == 0.5
    assert np.isnan([interval.low, interval.high, p]).all()
    assert np.isnan(known.interval(1)[1:]).all()
    alone = areas(np.array([True, False, False]), np.array([[0.4], [0.3], [0.6]]))
    assert np.isnan(alone.interval()[1:]).all(), "a single positive has no variance"


def test_the_logit_interval_is_the_delta_method_s() -> None:
    value, low, high = logit_interval(0.9, 0.0004, 1.96)
    centre, error = math.log(9), 0.02 / 0.09
    assert (low, high) == pytest.approx([1 / (1 + math.exp(-centre + k * 1.96 * error)) for k in (1, -1)])
    assert value == 0.9


@pytest.mark.parametrize("truth", [True, False])
def test_one_kind_alone_has_no_area(truth: bool) -> None:
    with pytest.raises(PredictionsError, match="an AUC needs at least one of each"):
        areas(np.full(3, truth), np.zeros((3, 1)))
