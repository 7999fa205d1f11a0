import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support

from attnmel.errors import PredictionsError
from attnmel.evaluation.classification.confusion_matrix import UNDECIDED, call, confusion
from attnmel.evaluation.classification.metric_set import ALL_CLASSES, RECALL
from attnmel.evaluation.classification.report import evaluate_classification
from attnmel.evaluation.statistics.sampling import Sampling
from attnmel.records import Predictions

THREE = ("nevus", "melanoma", "seborrheic_keratosis")


def predicted(labels: np.ndarray, probabilities: np.ndarray, classes: tuple[str, ...] = THREE) -> Predictions:
    names = tuple(f"ISIC_{number:07d}" for number in range(len(labels)))
    groups = tuple(f"lesion-{number // 2}" for number in range(len(labels)))
    return Predictions(names, classes, probabilities, labels, groups)


def example(images: int = 120, classes: int = 3, *, seed: int = 7) -> Predictions:
    chance = np.random.default_rng(seed)
    labels = chance.integers(0, classes, images)
    logits = chance.normal(size=(images, classes))
    logits[np.arange(images), labels] += 1.2
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return predicted(labels, shares, tuple(f"class-{number}" for number in range(classes)))


def by_scikit_learn(truth: np.ndarray, called: np.ndarray) -> list[np.ndarray]:
    undefined: Any = np.nan
    return [np.asarray(column) for column in precision_recall_fscore_support(truth, called, zero_division=undefined)]


@pytest.mark.parametrize("classes", [2, 3, 7])
def test_counts_and_figures_are_those_of_scikit_learn(classes: int) -> None:
    predictions = example(classes=classes)
    found = confusion(predictions, "class-1")
    truth, called = predictions.labels, predictions.probabilities.argmax(axis=1)
    assert np.array(found.counts).tolist() == confusion_matrix(truth, called).tolist()
    normalised = confusion_matrix(truth, called, normalize="true")
    assert np.array([[cell.value for cell in row] for row in found.shares]) == pytest.approx(normalised)
    precision, recall, f1, images = by_scikit_learn(truth, called)
    assert [one.images for one in found.by_class] == images.tolist()
    assert [one.called for one in found.by_class] == np.bincount(called, minlength=classes).tolist()
    assert [one.precision.value for one in found.by_class] == pytest.approx(precision)
    assert [one.recall.value for one in found.by_class] == pytest.approx(recall)
    assert [one.f1.value for one in found.by_class] == pytest.approx(f1)
    means = (found.mean_precision.value, found.mean_recall.value, found.mean_f1.value)
    assert means == pytest.approx((precision.mean(), recall.mean(), f1.mean()))
    assert found.accuracy.value == pytest.approx(accuracy_score(truth, called))


def test_the_recalls_have_the_intervals_of_the_judgement() -> None:
    predictions = example()
    judgement = evaluate_classification(predictions, ["class-1"], resamples=5)
    found = confusion(predictions, "class-1")
    for one in found.by_class:
        row = judgement.row(ALL_CLASSES, f"{RECALL}{one.name}")
        assert one.recall == pytest.approx((row.value, row.low, row.high), abs=1e-12)
    two = example(classes=2)
    row = evaluate_classification(two, ["class-1"], resamples=5).row("class-1", "specificity")
    assert confusion(two, "class-1").by_class[0].recall == pytest.approx((row.value, row.low, row.high), abs=1e-12)


@pytest.mark.parametrize("mixed", [True, False])
def test_the_mean_recall_has_the_interval_of_the_balanced_accuracy(mixed: bool) -> None:
    held = example()
    by_class = tuple(f"{one}-{label}" for one, label in zip(held.groups, held.labels, strict=True))
    predictions = held if mixed else dataclasses.replace(held, groups=by_class)
    row = evaluate_classification(predictions, ["class-1"], resamples=5).row(ALL_CLASSES, "balanced_accuracy")
    assert row.method == ("logit" if mixed else "wilson")
    assert confusion(predictions, "class-1").mean_recall == pytest.approx((row.value, row.low, row.high), abs=1e-12)


def test_what_is_no_share_of_given_images_is_as_uncertain_as_the_bootstrap_says() -> None:
    predictions = example(600)
    found = confusion(predictions, "class-1")
    sampling = Sampling.of(predictions.groups, predictions.labels)
    rows = []
    for times in sampling.weights(np.random.default_rng(5), 200).astype(int):
        truth, shares = predictions.labels.repeat(times), predictions.probabilities.repeat(times, axis=0)
        precision, _, f1, _ = by_scikit_learn(truth, shares.argmax(axis=1))
        rows.append([*precision, *f1, precision.mean(), f1.mean()])
    shown = [getattr(one, name) for name in ("precision", "f1") for one in found.by_class]
    shown += [found.mean_precision, found.mean_f1]
    half = [(one.high - one.low) / 2 for one in shown]
    assert half == pytest.approx(1.96 * np.std(rows, axis=0), rel=0.15)


def test_two_classes_are_called_strictly_above_a_half() -> None:
    share = np.array([0.5, np.nextafter(0.5, 1), 0.7, 0.2])
    predictions = predicted(np.array([1, 1, 0, 0]), np.stack([1 - share, share], axis=1), ("rest", "melanoma"))
    assert confusion(predictions, "melanoma").counts == ((1, 1), (1, 1))


def test_a_highest_probability_that_two_classes_share_calls_none() -> None:
    shares = np.array([[0.4, 0.4, 0.2], [0.5, 0.3, 0.2], [0.1, 0.45, 0.45], [0.2, 0.2, 0.6]])
    found = confusion(predicted(np.array([0, 0, 1, 2]), shares), "melanoma")
    assert found.called == (*THREE, UNDECIDED)
    assert found.counts == ((1, 0, 0, 1), (0, 0, 0, 1), (0, 0, 1, 0))
    assert [one.recall.value for one in found.by_class] == [0.5, 0, 1]
    assert found.accuracy.value == 0.5
    assert call(shares, None).tolist() == [3, 0, 3, 2]


def test_a_class_that_is_never_called_has_no_precision_and_one_without_images_no_recall() -> None:
    shares = np.array([[0.8, 0.1, 0.1], [0.7, 0.2, 0.1], [0.8, 0.1, 0.1], [0.9, 0.05, 0.05]])
    nevus, melanoma, keratosis = confusion(predicted(np.array([0, 0, 1, 0]), shares), "melanoma").by_class
    assert math.isnan(melanoma.precision.value)
    assert melanoma.recall.value == 0
    assert melanoma.recall.high > 0.79, "one image alone says next to nothing"
    assert math.isnan(keratosis.recall.value)
    assert math.isnan(keratosis.f1.value)
    assert (nevus.images, nevus.called, keratosis.images) == (3, 4, 0)


def test_the_shares_of_a_row_add_up_to_one_and_to_its_images() -> None:
    found = confusion(example(classes=4), "class-0")
    for counts, shares, figures in zip(found.counts, found.shares, found.by_class, strict=True):
        assert sum(counts) == figures.images
        assert sum(share.value for share in shares) == pytest.approx(1)


def test_what_cannot_be_confused_is_refused() -> None:
    with pytest.raises(PredictionsError, match="1 of 3 images have no label; a confusion matrix needs the truth"):
        confusion(predicted(np.array([0, 1, -1]), np.full((3, 3), 1 / 3)), "melanoma")
    with pytest.raises(PredictionsError, match=r"one class alone \(melanoma\) cannot be taken for another"):
        confusion(predicted(np.array([0]), np.ones((1, 1)), ("melanoma",)), "melanoma")
    with pytest.raises(PredictionsError, match="no probability of angioma; known: nevus, melanoma"):
        confusion(predicted(np.array([0]), np.full((1, 3), 1 / 3)), "angioma")
