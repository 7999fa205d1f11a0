import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import precision_score, recall_score, roc_curve

from attnmel.errors import ConfigError, PredictionsError
from attnmel.evaluation.challenge.metrics import READ_OFF, official_measures
from attnmel.evaluation.classification.metric_intervals import metric_rows
from attnmel.evaluation.classification.metric_set import MetricSet
from attnmel.evaluation.classification.operating_points import Operating, operating_points
from attnmel.evaluation.classification.report import evaluate_classification
from attnmel.evaluation.statistics.bootstrap import Interval
from attnmel.records import Predictions

CLASSES = ("rest", "melanoma")


def binary(positives: int, negatives: int, *, seed: int, side: str = "ISIC", shift: float = 1.6) -> Predictions:
    """Two normal distributions of scores, `shift` standard deviations apart; two images a lesion."""
    labels = np.repeat([1, 0], [positives, negatives])
    share = 1 / (1 + np.exp(1 - np.random.default_rng(seed).normal(size=len(labels)) - shift * labels))
    names = tuple(f"{side}_{number:07d}" for number in range(len(labels)))
    groups = tuple(f"{side}-lesion-{number // 2}" for number in range(len(labels)))
    return Predictions(names, CLASSES, np.stack([1 - share, share], axis=1), labels, groups)


TEST, VALIDATION = binary(40, 100, seed=0), binary(30, 70, seed=1, side="validation")


def judged(**options: Any) -> Operating:  # noqa: ANN401 - any option of the function
    return operating_points(TEST, "melanoma", **{"validation": VALIDATION, "resamples": 100} | options)


def test_the_rates_at_a_chosen_threshold_are_those_of_scikit_learn() -> None:
    truth, scores = TEST.is_class("melanoma"), TEST.probability("melanoma")
    for point in judged().points:
        called = scores > point.threshold
        reached = point.reached
        assert reached.sensitivity.value == pytest.approx(recall_score(truth, called))
        assert reached.specificity.value == pytest.approx(recall_score(~truth, ~called))
        assert reached.ppv.value == pytest.approx(precision_score(truth, called))
        assert reached.npv.value == pytest.approx(precision_score(~truth, ~called))
        assert (point.true_positives, point.false_positives) == ((called & truth).sum(), (called & ~truth).sum())


@pytest.mark.parametrize("kind", ["both", "melanoma", "rest"])
def test_at_a_half_the_rates_have_the_intervals_of_the_judgement(kind: str) -> None:
    """Also of an external set of one class."""
    truth = TEST.is_class("melanoma")
    images = TEST.among({"both": np.ones_like(truth), "melanoma": truth, "rest": ~truth}[kind])
    judgement = evaluate_classification(images, ["melanoma"], resamples=5, one_sided=True)
    reached = operating_points(images, "melanoma", resamples=5).points[0].reached
    for name in ("sensitivity", "specificity"):
        row = judgement.row("melanoma", name)
        assert getattr(reached, name) == pytest.approx((row.value, row.low, row.high), abs=1e-12, nan_ok=True)


def test_of_positives_alone_there_is_no_average_precision() -> None:
    """It is 1 whatever is predicted; as in a subgroup."""
    images = TEST.among(TEST.is_class("melanoma"))
    report = evaluate_classification(images, ["melanoma"], resamples=5, one_sided=True)
    assert np.isnan(report.row("melanoma", "ap").interval).all()
    assert "auc, ap, specificity, balanced_accuracy are not defined" in report.notes[0]
    assert not [note for note in report.notes if "ap is 1" in note]


def test_at_a_half_the_four_rates_have_the_intervals_of_the_official_measures() -> None:
    reached = judged().points[0].reached
    metrics = MetricSet.of(TEST, ["melanoma"], official_measures("isic2018"))
    rows = {row.measure: row for row in metric_rows(metrics, TEST.groups, TEST.labels, resamples=5)}
    for name in ("sensitivity", "specificity", "ppv", "npv"):
        assert rows[name].method == "wilson"
        assert getattr(reached, name) == pytest.approx((rows[name].value, rows[name].low, rows[name].high), abs=1e-12)


def test_the_threshold_is_the_validation_images_affair_alone() -> None:
    thresholds = [point.threshold for point in judged().points]
    other = operating_points(binary(9, 50, seed=5), "melanoma", validation=VALIDATION, resamples=20)
    assert [point.threshold for point in other.points] == thresholds
    truth, scores = VALIDATION.is_class("melanoma"), VALIDATION.probability("melanoma")
    for target, threshold in zip((0.82, 0.89, 0.95), thresholds[1:], strict=True):
        needed = math.ceil(target * 30)
        completing = np.sort(scores[truth])[-needed]
        assert scores[scores < completing].max() <= threshold < completing


def test_the_targets_are_reached_on_validation_and_read_off_the_judged_curve_beside() -> None:
    found = judged(sensitivities=(0.9, 0.5, 0.9))
    false, true, _ = roc_curve(TEST.is_class("melanoma"), TEST.probability("melanoma"), drop_intermediate=False)
    assert [point.target for point in found.points[1:]] == [0.5, 0.9]
    for point in found.points[1:]:
        assert point.target <= point.validation_sensitivity < point.target + 1 / 30
        assert point.read_off.value == pytest.approx(1 - false[true >= point.target][0])
        assert point.read_off.low <= point.read_off.value <= point.read_off.high


def test_drawing_the_validation_images_again_widens_the_intervals() -> None:
    def width(interval: Interval) -> float:
        return interval.high - interval.low

    for point in judged(resamples=400).points[1:]:
        assert point.redrawn is not None
        assert point.redrawn.sensitivity.value == point.reached.sensitivity.value
        assert width(point.redrawn.sensitivity) > width(point.reached.sensitivity)
        assert width(point.redrawn.specificity) > width(point.reached.specificity)


@pytest.mark.parametrize("simulations", [30, pytest.param(100, marks=pytest.mark.slow)])
def test_the_whole_interval_covers_what_a_target_reaches_on_average(simulations: int) -> None:
    # The sensitivity that a threshold from so few images really has varies; its average lies near the target.
    covered, given = 0, 0
    for seed in range(simulations):
        test, chose = binary(60, 60, seed=seed), binary(30, 60, seed=seed + 1000, side="validation")
        point = operating_points(test, "melanoma", validation=chose, sensitivities=[0.8], resamples=200).points[1]
        assert point.redrawn is not None
        covered += point.redrawn.sensitivity.low <= 0.8 <= point.redrawn.sensitivity.high
        given += point.reached.sensitivity.low <= 0.8 <= point.reached.sensitivity.high
    assert covered >= 0.88 * simulations
    assert given < covered


def test_precision_at_a_prevalence_is_bayes_and_at_the_own_one_the_ppv() -> None:
    found = judged(prevalences=(0.5, 0.02, 40 / 140))
    assert found.prevalences == (0.02, 40 / 140, 0.5)
    for point in found.points:
        rare, own, even = point.precision
        assert own.value == pytest.approx(point.reached.ppv.value, abs=1e-12)
        assert own.low == pytest.approx(point.reached.ppv.low, abs=0.05)
        sensitivity, specificity = point.reached.sensitivity.value, point.reached.specificity.value
        expected = 0.02 * sensitivity / (0.02 * sensitivity + 0.98 * (1 - specificity))
        assert rare.value == pytest.approx(expected)
        assert rare.value < own.value < even.value


def test_a_precision_without_a_false_positive_is_not_certain() -> None:
    truth = np.repeat([1, 0], [20, 30])
    share = np.concatenate([np.linspace(0.3, 0.9, 20), np.linspace(0.0, 0.2, 30)])
    names = tuple(map(str, range(50)))
    clear = Predictions(names, CLASSES, np.stack([1 - share, share], axis=1), truth, names)
    point = operating_points(clear, "melanoma", resamples=50).points[0]
    lowest = binomtest(30, 30).proportion_ci(method="wilson").low
    assert point.reached.specificity == pytest.approx((1, lowest, 1))
    assert point.precision[0].value == 1
    assert point.precision[0].low < 0.2


def test_without_validation_images_only_what_is_read_off_is_known() -> None:
    alone = judged(validation=None)
    assert [point.read_off.value for point in alone.points[1:]] == [p.read_off.value for p in judged().points[1:]]
    assert (alone.validation_images, alone.validation_positives) == (0, 0)
    for point in alone.points[1:]:
        assert math.isnan(point.threshold)
        assert math.isnan(point.reached.sensitivity.value)
        assert (point.true_positives, point.redrawn) == (0, None)
    assert alone.points[0].reached.sensitivity.value > 0


def test_validation_images_without_a_positive_choose_nothing() -> None:
    negatives = dataclasses.replace(VALIDATION, labels=np.zeros(100, dtype=np.int64))
    assert judged(validation=negatives).validation_images == 0


def test_images_that_chose_their_own_threshold_are_counted() -> None:
    own = judged(validation=TEST)
    assert own.shared == 140
    assert all(point.redrawn is None for point in own.points)
    for point in own.points[1:]:
        assert point.reached.specificity.value == point.read_off.value
    assert judged().shared == 0


def test_copies_of_validation_images_under_another_name_chose_the_threshold_too() -> None:
    found = operating_points(
        TEST, "melanoma", validation=VALIDATION, copies={*TEST.image_ids[:3], "an image elsewhere"}, resamples=20
    )
    assert found.shared == 3
    assert all(point.redrawn is None for point in found.points)
    assert found.notes[0].startswith("3 of the 140 images evaluated here also chose the thresholds of melanoma")


def test_what_is_read_off_a_perfect_order_has_no_interval_here_and_in_the_official_table() -> None:
    truth = TEST.is_class("melanoma")
    shares = np.where(truth, 0.9, 0.1) + np.linspace(0, 0.05, len(truth))
    perfect = dataclasses.replace(TEST, probabilities=np.stack([1 - shares, shares], axis=1))
    found = operating_points(perfect, "melanoma", resamples=20)
    assert (found.partial_area.value, found.points[1].read_off.value) == (pytest.approx(0.2), 1)
    assert np.isnan([*found.partial_area[1:], *found.points[1].read_off[1:]]).all()
    metrics = MetricSet.of(perfect, ["melanoma"], official_measures("isic2017"))
    rows = metric_rows(metrics, perfect.groups, perfect.labels, percentile_only=READ_OFF, resamples=20)
    ends = {row.measure: (row.value, row.low, row.high) for row in rows}
    assert ends["specificity_at_sensitivity_89"] == pytest.approx((1, np.nan, np.nan), nan_ok=True)


def test_the_partial_area_is_told_as_a_share_of_the_most_there_can_be() -> None:
    found = judged()
    assert 0 < found.partial_area.low < found.partial_area.value < found.partial_area.high < 0.2
    assert found.partial_share == pytest.approx(np.array(found.partial_area) / 0.2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sensitivities": [0.0]}, "a sensitivity of 0 cannot be aimed at; expected a number above 0, at most 1"),
        ({"sensitivities": [0.9, 95.0]}, "a sensitivity of 95 cannot"),
        ({"prevalences": [2.0]}, "a prevalence of 2 is none; expected a number between 0 and 1, 0.02 for 2 %"),
        ({"prevalences": [math.nan]}, "a prevalence of nan is none"),
    ],
)
def test_what_is_no_share_is_refused(options: dict[str, list[float]], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        judged(**options)


def test_what_cannot_be_judged_is_refused() -> None:
    with pytest.raises(PredictionsError, match="no probability of nevus"):
        operating_points(TEST, "nevus")


def test_an_image_at_the_threshold_is_not_called_positive() -> None:
    truth, shares = np.array([1, 1, 1, 0, 0, 0, 0]), np.array([0.5, 0.6, 0.5, 0.5, 0.7, 0.2, 0.5])
    names = tuple(map(str, range(7)))
    tied = Predictions(names, CLASSES, np.stack([1 - shares, shares], axis=1), truth, names)
    point = operating_points(tied, "melanoma", resamples=5).points[0]
    assert (point.true_positives, point.false_positives) == (1, 1)
    reached = point.reached
    values = [one.value for one in (reached.sensitivity, reached.specificity, reached.ppv, reached.npv)]
    assert values == pytest.approx([1 / 3, 3 / 4, 1 / 2, 3 / 5])


def test_another_seed_draws_other_images() -> None:
    first, second, again = judged(seed=0), judged(seed=1), judged(seed=0)
    assert first.partial_area == again.partial_area != second.partial_area
    for one, other in zip(first.points[1:], second.points[1:], strict=True):
        assert one.precision != other.precision
        assert one.read_off != other.read_off
        assert one.redrawn != other.redrawn
        assert one.reached == other.reached
