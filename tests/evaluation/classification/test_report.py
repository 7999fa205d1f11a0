import json
import math
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import average_precision_score, balanced_accuracy_score, recall_score, roc_auc_score
from tests.factories import informed_probabilities

from attnmel.config.settings.training import Selection
from attnmel.errors import ConfigError, PredictionsError
from attnmel.evaluation.classification.metric_set import ALL_CLASSES, MEAN, MetricSet
from attnmel.evaluation.classification.ranking import MEASURES, average_precision, roc_auc, sensitivity
from attnmel.evaluation.classification.report import ClassificationReport, evaluate_classification, main_value
from attnmel.evaluation.statistics.bootstrap import bootstrap
from attnmel.evaluation.statistics.delong import areas
from attnmel.evaluation.statistics.sampling import Sampling
from attnmel.records import Predictions

THREE = ("nevus", "melanoma", "seborrheic_keratosis")
POSITIVES = THREE[1:]


def predicted(labels: np.ndarray, probabilities: np.ndarray, classes: tuple[str, ...] = THREE) -> Predictions:
    names = tuple(f"ISIC_{number:07d}" for number in range(len(labels)))
    return Predictions(names, classes, probabilities, labels, names)


def example(images: int = 120, *, lesions: int | None = None, decimals: int = 15) -> Predictions:
    """Probabilities that know something of three classes, with ties where they are rounded."""
    chance = np.random.default_rng(7)
    labels, shares = informed_probabilities(chance, images, [0.6, 0.25, 0.15])
    names = tuple(f"ISIC_{number:07d}" for number in range(images))
    groups = names if lesions is None else tuple(f"lesion-{number % lesions}" for number in range(images))
    return Predictions(names, THREE, shares.round(decimals), labels, groups)


def binary(positives: int, negatives: int, *, seed: int, shift: float = 1.6) -> Predictions:
    """Two normal distributions of scores, `shift` standard deviations apart."""
    labels = np.repeat([1, 0], [positives, negatives])
    scores = np.random.default_rng(seed).normal(size=len(labels)) + shift * labels
    share = 1 / (1 + np.exp(-scores))
    return predicted(labels, np.stack([1 - share, share], axis=1), ("rest", "melanoma"))


def plain_row(predictions: Predictions, times: np.ndarray) -> list[float]:
    """Every column of the panel on one resample, by copying images and asking scikit-learn."""
    labels, shares = predictions.labels.repeat(times), predictions.probabilities.repeat(times, axis=0)
    row, aucs = [], []
    for index in (1, 2):
        positive, scores = labels == index, shares[:, index]
        called = scores > 0.5
        aucs.append(roc_auc_score(positive, scores))
        row += [aucs[-1], average_precision_score(positive, scores), recall_score(positive, called)]
        row += [recall_score(positive, called, pos_label=0), balanced_accuracy_score(positive, called)]
    unique = (shares == shares.max(axis=1, keepdims=True)).sum(axis=1) == 1
    hit = unique & (shares.argmax(axis=1) == labels)
    recalls = [hit[labels == index].mean() for index in range(3)]
    return [*row, sum(aucs) / 2, sum(recalls) / 3, *recalls]


@pytest.mark.parametrize("lesions", [None, 70])
@pytest.mark.parametrize("decimals", [15, 1])
def test_the_bootstrap_is_a_plain_loop_over_scikit_learn(lesions: int | None, decimals: int) -> None:
    predictions = example(lesions=lesions, decimals=decimals)
    sampling = Sampling.of(predictions.groups, predictions.labels)
    draws = bootstrap(MetricSet.of(predictions, POSITIVES), sampling, resamples=15, seed=3)
    weights = sampling.weights(np.random.default_rng(3), 15).astype(int)
    assert draws == pytest.approx(np.array([plain_row(predictions, times) for times in weights]), abs=1e-12)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_images_with_a_probability_that_is_not_finite_are_named(value: float) -> None:
    predictions = example()
    predictions.probabilities[[3, 5], [0, 2]] = value
    message = r"2 of 120 images have a probability that is not finite \(ISIC_0000003, ISIC_0000005\); .* checkpoint"
    with pytest.raises(PredictionsError, match=message):
        evaluate_classification(predictions, POSITIVES)
    with pytest.raises(PredictionsError, match=message):
        main_value(predictions, POSITIVES, "auc")


@pytest.mark.parametrize("measure", get_args(Selection))
def test_every_measure_that_settings_may_choose_by_is_measured(measure: str) -> None:
    assert measure in MEASURES
    assert 0 <= main_value(example(), POSITIVES, measure) <= 1


def test_the_rows_stand_by_task_and_hold_the_figures_of_all_images() -> None:
    predictions = example()
    judgement = evaluate_classification(predictions, POSITIVES, resamples=200)
    names = [(row.task, row.measure) for row in judgement.rows]
    single = ["auc", "ap", "sensitivity", "specificity", "balanced_accuracy"]
    assert names == [
        *((task, measure) for task in POSITIVES for measure in single),
        (MEAN, "auc"),
        (ALL_CLASSES, "balanced_accuracy"),
        *((ALL_CLASSES, f"recall {name}") for name in THREE),
    ]
    everything = plain_row(predictions, np.ones(120, dtype=int))
    assert [row.value for row in judgement.rows] == pytest.approx(everything, abs=1e-12)
    assert all(row.low <= row.value <= row.high for row in judgement.rows)
    melanoma = judgement.row("melanoma", "auc")
    assert (melanoma.positives, melanoma.images) == (int((predictions.labels == 1).sum()), 120)
    assert judgement.row(MEAN, "auc").positives is None


def test_one_positive_of_two_classes_has_neither_a_mean_nor_all_classes() -> None:
    tasks = {row.task for row in evaluate_classification(binary(30, 70, seed=0), ["melanoma"], resamples=20).rows}
    assert tasks == {"melanoma"}


def test_the_same_seed_gives_the_same_intervals_in_any_order_of_the_images() -> None:
    predictions = example(lesions=70)
    turn = np.random.default_rng(5).permutation(120)
    turned = Predictions(
        tuple(predictions.image_ids[i] for i in turn),
        THREE,
        predictions.probabilities[turn],
        predictions.labels[turn],
        tuple(predictions.groups[i] for i in turn),
    )
    first, again = (
        evaluate_classification(predictions, POSITIVES, resamples=100),
        evaluate_classification(turned, POSITIVES, resamples=100),
    )
    for one, two in zip(first.rows, again.rows, strict=True):
        assert list(one.intervals) == list(two.intervals)
        assert np.ravel(list(one.intervals.values())) == pytest.approx(np.ravel(list(two.intervals.values())), abs=1e-9)
    other = evaluate_classification(predictions, POSITIVES, resamples=100, seed=1)
    assert first.rows[0].intervals["bca"] != other.rows[0].intervals["bca"]


def test_an_auc_near_the_published_ones_has_the_width_of_sampling_theory() -> None:
    # Hanley and McNeil's standard error of an AUC of .87 on 117 melanomas and 483 others is .021: about +-.04.
    row = evaluate_classification(binary(117, 483, seed=1), ["melanoma"], resamples=2).row("melanoma", "auc")
    assert 0.03 < (row.high - row.low) / 2 < 0.05


def test_figures_read_back_from_the_predictions_file_are_the_same_to_the_last_bit(tmp_path: Path) -> None:
    predictions = example(lesions=70)
    predictions.write(tmp_path / "test.csv", "CC-0")
    again = Predictions.read(tmp_path / "test.csv")
    assert evaluate_classification(again, POSITIVES, resamples=50) == evaluate_classification(
        predictions, POSITIVES, resamples=50
    )


def test_a_judgement_survives_json() -> None:
    judgement = evaluate_classification(example(), POSITIVES, resamples=20)
    assert ClassificationReport.from_dict(json.loads(json.dumps(judgement.to_dict(), allow_nan=False))) == judgement


def test_an_end_that_is_not_defined_survives_json() -> None:
    plain = evaluate_classification(example(), POSITIVES, resamples=20).to_dict()
    plain["rows"][0]["low"] = None
    plain["rows"][0]["intervals"]["bca"] = [None, None]
    judgement = ClassificationReport.from_dict(plain)
    assert math.isnan(judgement.rows[0].low)
    assert np.isnan(judgement.rows[0].intervals["bca"]).all()
    assert judgement.to_dict() == plain


def test_a_judgement_of_an_earlier_version_holds_percentile_intervals() -> None:
    plain = evaluate_classification(example(), POSITIVES, resamples=20).to_dict()
    for row in plain["rows"]:
        del row["method"], row["intervals"]
    assert {row.method for row in ClassificationReport.from_dict(plain).rows} == {"percentile"}


@pytest.mark.parametrize("lesions", [None, 70])
def test_each_measure_has_its_own_interval_beside_the_bootstraps(lesions: int | None) -> None:
    predictions = example(lesions=lesions)
    judgement = evaluate_classification(predictions, POSITIVES, resamples=200)
    mixed = "logit" if lesions else "wilson"
    methods = ["delong", "logit", "wilson", "wilson", mixed, *["delong", "logit", "wilson", "wilson", mixed]]
    assert [row.method for row in judgement.rows] == [*methods, "logit", mixed, *["wilson"] * 3]
    for row in judgement.rows:
        assert {"percentile", "bca", "logit"} <= row.intervals.keys()
        assert row.intervals[row.method] == (row.low, row.high)
        assert all(low < row.value < high for low, high in row.intervals.values())
    melanoma = predictions.probability("melanoma")[:, None]
    own = areas(predictions.is_class("melanoma"), melanoma, predictions.groups).interval()
    assert judgement.row("melanoma", "auc").intervals["delong"] == own[1:]


def test_the_jackknifes_error_of_an_auc_is_delongs_where_no_lesion_repeats() -> None:
    row = evaluate_classification(binary(20, 60, seed=4), ["melanoma"], resamples=2).row("melanoma", "auc")
    assert row.intervals["logit"] == pytest.approx(row.intervals["delong"], abs=1e-12)


def test_a_perfect_row_of_shares_still_has_an_interval() -> None:
    shares = np.eye(2)[np.repeat([0, 1], [40, 20])]
    judgement = evaluate_classification(
        predicted(np.repeat([0, 1], [40, 20]), shares, ("rest", "melanoma")), ["melanoma"], resamples=20
    )
    lows = {row.measure: row.low for row in judgement.rows}
    assert lows["sensitivity"] == pytest.approx(20 / (20 + 1.96**2), abs=1e-4)
    assert lows["sensitivity"] < lows["balanced_accuracy"] < lows["specificity"] < 1
    assert [row.measure for row in judgement.rows if math.isnan(row.low)] == ["auc", "ap"]
    plain = judgement.to_dict()  # since Python 3.13 two equal records of NaN are not equal
    assert ClassificationReport.from_dict(json.loads(json.dumps(plain, allow_nan=False))).to_dict() == plain
    assert "melanoma: auc is 1, whichever images are drawn; how uncertain that is cannot be shown" in judgement.notes


def test_measures_of_the_callers_have_the_intervals_that_any_measure_has() -> None:
    given = {
        "auc": lambda counts: roc_auc(counts) / 2,
        "gain": lambda counts: average_precision(counts) - 1,
        "sensitivity": sensitivity,
    }
    rows = evaluate_classification(binary(30, 70, seed=0), ["melanoma"], measures=given, resamples=50).rows
    assert [(row.measure, row.method) for row in rows] == [
        ("auc", "logit"),
        ("gain", "percentile"),
        ("sensitivity", "wilson"),
    ]
    assert all(row.low < row.value < row.high for row in rows)


@pytest.mark.parametrize("truth", [0, 1])
def test_a_truth_of_one_class_is_refused_with_its_counts(truth: int) -> None:
    shares = np.full((4, 2), 0.5)
    predictions = predicted(np.full(4, truth), shares, ("rest", "melanoma"))
    counts = ["4 rest, 0 melanoma", "0 rest, 4 melanoma"][truth]
    with pytest.raises(PredictionsError, match=rf"{4 * truth} of 4 images are melanoma \({counts}\); .*both kinds"):
        evaluate_classification(predictions, ["melanoma"])


def test_unlabelled_images_are_refused_by_name() -> None:
    predictions = predicted(np.array([0, 1, -1]), np.full((3, 3), 1 / 3))
    with pytest.raises(PredictionsError, match=r"1 of 3 images have no label \(ISIC_0000002\)"):
        evaluate_classification(predictions, ["melanoma"])


def test_classes_that_are_not_predicted_are_refused_with_the_known_ones() -> None:
    with pytest.raises(PredictionsError, match="no probability of angioma; known: nevus, melanoma"):
        evaluate_classification(example(), ["angioma"])
    with pytest.raises(PredictionsError, match="no class to measure; name one of: nevus"):
        evaluate_classification(example(), [])
    with pytest.raises(PredictionsError, match="no measure 'melanoma/kappa'; known: melanoma/auc"):
        evaluate_classification(example(), ["melanoma"], resamples=2).row("melanoma", "kappa")
    with pytest.raises(ConfigError, match="resamples must be at least 1"):
        evaluate_classification(example(), ["melanoma"], resamples=0)


def test_constant_scores_and_few_images_are_noted() -> None:
    shares = np.tile([0.7, 0.3], (30, 1))
    judgement = evaluate_classification(
        predicted(np.repeat([0, 1], [25, 5]), shares, ("rest", "melanoma")), ["melanoma"], resamples=20
    )
    row = judgement.row("melanoma", "auc")
    assert (row.value, row.intervals["percentile"], row.intervals["bca"]) == (0.5, (0.5, 0.5), (0.5, 0.5))
    assert np.isnan([row.low, row.high]).all()
    assert any("melanoma: 5 images against 25" in note for note in judgement.notes)
    assert any("auc is 0.5, whichever images are drawn" in note for note in judgement.notes)
    sensitivity = judgement.row("melanoma", "sensitivity")
    assert (sensitivity.value, sensitivity.low) == (0, 0)
    assert sensitivity.high == pytest.approx(1.96**2 / (5 + 1.96**2), abs=1e-4), "Wilson's at none of 5"


def test_a_single_positive_is_not_said_to_give_one_figure_whichever_images_are_drawn() -> None:
    judgement = evaluate_classification(binary(1, 30, seed=3, shift=-0.5), ["melanoma"], resamples=50)
    row = judgement.row("melanoma", "auc")
    low, high = row.intervals["percentile"]
    assert (math.isnan(row.low), low < high) == (True, True)
    told = f"melanoma: auc is {row.value:g} of a single lesion or patient of one kind; how uncertain that is cannot be"
    assert any(note.startswith(told) for note in judgement.notes)


def test_the_figure_that_chooses_an_epoch_is_the_mean_over_the_positives() -> None:
    predictions = example()
    judgement = evaluate_classification(predictions, POSITIVES, resamples=2)
    mean = (judgement.row("melanoma", "ap").value + judgement.row("seborrheic_keratosis", "ap").value) / 2
    assert main_value(predictions, POSITIVES, "ap") == pytest.approx(mean)
    assert main_value(predictions, POSITIVES, "auc") == judgement.row(MEAN, "auc").value
    recall = judgement.row(ALL_CLASSES, "balanced_accuracy").value
    assert main_value(predictions, POSITIVES, "balanced_accuracy") == recall
    two = binary(30, 70, seed=0)
    expected = evaluate_classification(two, ["melanoma"], resamples=2).row("melanoma", "balanced_accuracy").value
    assert main_value(two, ["melanoma"], "balanced_accuracy") == expected


def test_the_recall_of_each_class_that_occurs_has_the_interval_of_its_own_images() -> None:
    """Also where a class before it has no image."""
    labels = np.repeat([0, 2], [30, 9])
    shares = np.full((39, 3), 0.2)
    shares[np.arange(39), np.where(np.arange(39) % 3, labels, 1)] = 0.6
    report = evaluate_classification(predicted(labels, shares), ["nevus"], resamples=5)
    for name, images, hits in (("nevus", 30, 20), ("seborrheic_keratosis", 9, 6)):
        row = report.row(ALL_CLASSES, f"recall {name}")
        expected = binomtest(hits, images).proportion_ci(method="wilson")
        assert row.method == "wilson"
        assert row.interval == pytest.approx((hits / images, expected.low, expected.high), abs=1e-9)
