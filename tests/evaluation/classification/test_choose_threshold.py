import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix, roc_auc_score, roc_curve

from attnmel.evaluation.classification.choose_threshold import (
    called_at,
    chosen_threshold,
    partial_area,
    precision_at,
    rates_at,
    specificity_at,
)
from attnmel.evaluation.classification.ranking import Counts, Ranking, roc_auc
from attnmel.number_formats import in_full

Images = list[tuple[bool, float]]
IMAGES = st.lists(st.tuples(st.booleans(), st.integers(0, 12).map(lambda tenth: tenth / 12)), min_size=2, max_size=30)
BOTH_KINDS = IMAGES.filter(lambda images: len({positive for positive, _ in images}) == 2)
TARGETS = st.sampled_from([0.01, 0.5, 0.82, 0.89, 0.95, 1.0])


def of(images: Images) -> tuple[np.ndarray, np.ndarray]:
    return np.array([positive for positive, _ in images]), np.array([score for _, score in images])


def counted(images: Images) -> Counts:
    return Ranking.of(*of(images)).counts()


@settings(max_examples=40)
@given(BOTH_KINDS, TARGETS)
def test_the_chosen_threshold_is_below_the_highest_score_that_completes_the_target(
    images: Images, target: float
) -> None:
    positive, scores = of(images)
    threshold = chosen_threshold(counted(images), target)[0]
    assert (scores[positive] > threshold).mean() >= target
    completing = scores[scores > threshold].min()
    assert (scores[positive] > completing).mean() < target


def test_the_chosen_threshold_is_short_and_far_from_the_scores_beside_it() -> None:
    images = [(True, 0.7341278), (True, 0.5128341), (False, 0.51), (False, 0.2)]
    assert chosen_threshold(counted(images), 0.9)[0] == 0.511
    assert chosen_threshold(counted(images[:2]), 0.9)[0] == 0.3
    assert chosen_threshold(counted([(True, 0.0)]), 0.9)[0] == np.nextafter(0, -1)
    close = [(True, 0.5), (False, np.nextafter(0.5, 0))]
    assert chosen_threshold(counted(close), 0.9)[0] == np.nextafter(0.5, 0)


@given(st.floats(0, 1), st.floats(0, 1))
def test_the_chosen_threshold_decides_the_same_when_it_is_printed_and_read(one: float, other: float) -> None:
    high, low = max(one, other), min(one, other)
    threshold = chosen_threshold(counted([(True, high), (False, low)]), 0.5)[0].item()
    assert float(in_full(threshold)) == threshold
    assert threshold < high
    assert low <= threshold or low == high


def test_a_share_that_is_the_target_to_the_last_bit_reaches_it() -> None:
    images = [(True, 1 - place / 100) for place in range(50)] + [(False, 0.0)]
    threshold = chosen_threshold(counted(images), 0.82)[0]
    assert sum(score > threshold for positive, score in images if positive) == 41


@settings(max_examples=40)
@given(BOTH_KINDS, TARGETS)
def test_specificity_is_read_off_where_the_roc_curve_first_has_the_sensitivity(images: Images, target: float) -> None:
    positive, scores = of(images)
    false, true, _ = roc_curve(positive, scores, drop_intermediate=False)
    assert specificity_at(counted(images), target)[0] == pytest.approx(1 - false[true >= target][0], abs=1e-12)


@settings(max_examples=40)
@given(BOTH_KINDS, st.floats(0, 1))
def test_rates_are_those_of_the_confusion_matrix(images: Images, threshold: float) -> None:
    positive, scores = of(images)
    (cleared, false), (missed, true) = confusion_matrix(positive, scores > threshold, labels=[False, True])
    called = called_at(counted(images), np.array([threshold]))
    assert (called[0][0], called[1][0]) == (true, false)
    found = [rate[0] for rate in rates_at(counted(images), np.array([threshold]))]
    pairs = [(true, true + missed), (cleared, cleared + false), (true, true + false), (cleared, cleared + missed)]
    expected = [part / whole if whole else math.nan for part, whole in pairs]
    assert found == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_every_resample_has_its_own_threshold() -> None:
    ranking = Ranking.of(np.array([True, False, True, False]), np.array([0.9, 0.8, 0.3, 0.1]))
    weights = np.array([[1.0, 1, 1, 1], [2, 0, 0, 2], [1, 1, 1, 1]])
    found = rates_at(ranking.counts(weights), np.array([0.5, 0.5, math.nan]))
    assert np.array(found)[:, 0] == pytest.approx([0.5, 0.5, 0.5, 0.5])
    assert np.array(found)[:, 1] == pytest.approx([1, 1, 1, 1])
    assert np.isnan(np.array(found)[:, 2]).all()


@settings(max_examples=40)
@given(BOTH_KINDS, st.sampled_from([0.0, 0.3, 0.8, 0.95]))
def test_the_partial_area_is_the_area_below_the_interpolated_curve(images: Images, least: float) -> None:
    positive, scores = of(images)
    false, true, _ = roc_curve(positive, scores, drop_intermediate=False)
    # Turn the curve: specificity over sensitivity, cut off at `least` by interpolation, and integrate the other way.
    above = true[true > least]
    kept = np.concatenate([[_right_end(true, false, least)], false[true > least]])
    expected = np.trapezoid(1 - kept, np.concatenate([[least], above]))
    assert partial_area(counted(images), least)[0] == pytest.approx(expected, abs=1e-12)


def _right_end(true: np.ndarray, false: np.ndarray, least: float) -> float:
    """False positive rate where the curve leaves the sensitivity `least` for good."""
    place = int(np.flatnonzero(true > least)[0])
    share = (least - true[place - 1]) / (true[place] - true[place - 1])
    return float(false[place - 1] + share * (false[place] - false[place - 1]))


@settings(max_examples=40)
@given(BOTH_KINDS)
def test_the_partial_area_above_nothing_is_the_whole_area(images: Images) -> None:
    assert partial_area(counted(images), 0.0) == pytest.approx(roc_auc(counted(images)), abs=1e-12)
    assert roc_auc(counted(images))[0] == pytest.approx(roc_auc_score(*of(images)), abs=1e-12)


def test_a_perfect_ranking_has_the_most_that_there_can_be_and_a_guess_a_tenth_of_it() -> None:
    perfect = [(True, 0.9), (True, 0.8), (False, 0.2)]
    assert partial_area(counted(perfect), 0.8)[0] == pytest.approx(0.2)
    assert partial_area(counted([(True, 0.5), (False, 0.5)]), 0.8)[0] == pytest.approx(0.02)


def test_without_a_positive_or_a_negative_nothing_is_defined() -> None:
    no_positive, no_negative = counted([(False, 0.5), (False, 0.2)]), counted([(True, 0.5), (True, 0.2)])
    assert math.isnan(chosen_threshold(no_positive, 0.9)[0])
    for counts in (no_positive, no_negative):
        assert math.isnan(specificity_at(counts, 0.9)[0])
        assert math.isnan(partial_area(counts)[0])


@settings(max_examples=40)
@given(st.floats(0.01, 1), st.floats(0, 0.99), st.floats(0.001, 0.999))
def test_precision_at_a_prevalence_is_bayes(sensitivity: float, specificity: float, prevalence: float) -> None:
    likelihood = sensitivity / (1 - specificity)
    odds = prevalence / (1 - prevalence) * likelihood
    found = precision_at(np.array([sensitivity]), np.array([specificity]), prevalence)[0]
    assert found == pytest.approx(odds / (1 + odds), rel=1e-9)


def test_the_partial_area_is_that_of_the_official_program_less_what_lies_below() -> None:
    # The program of ISIC 2018 takes all that lies below the curve where its sensitivity is above 0.8, down to 0.
    official = pytest.importorskip("isic_challenge_scoring.metrics")
    pandas = pytest.importorskip("pandas")
    chance = np.random.default_rng(0)
    for decimals in (1, 15):
        truth = chance.random(80) < 0.3
        scores = (chance.random(80) + 0.3 * truth).clip(0, 1).round(decimals)
        columns = [pandas.Series(column) for column in (truth.astype(float), scores, np.ones(80))]
        false, true, _ = roc_curve(truth, scores, drop_intermediate=False)
        expected = official.auc_above_sensitivity(*columns, 0.8) - 0.8 * (1 - _right_end(true, false, 0.8))
        assert partial_area(Ranking.of(truth, scores).counts())[0] == pytest.approx(expected, abs=1e-12)
