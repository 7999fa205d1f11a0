import numpy as np
import pytest
from sklearn.metrics import average_precision_score, balanced_accuracy_score, recall_score, roc_auc_score

from attnmel.evaluation.classification.metric_set import ALL_CLASSES, MEAN, MetricSet, class_counts
from attnmel.evaluation.classification.ranking import MEASURES, average_precision, roc_auc
from attnmel.evaluation.statistics.bootstrap import bootstrap
from attnmel.evaluation.statistics.sampling import Sampling
from attnmel.records import Predictions

SEVEN = ("melanoma", "nevus", "carcinoma", "keratosis", "benign", "fibroma", "vascular")
COUNTS = (171, 908, 93, 44, 217, 35, 44)
"""As in the official test set of ISIC 2018's task 3: 1,512 images."""


def seven_classes(images_a_lesion: int = 1) -> Predictions:
    labels = np.repeat(np.arange(7), COUNTS)
    chance = np.random.default_rng(11)
    logits = chance.normal(size=(1512, 7)) + 2 * np.eye(7)[labels]
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    names = tuple(f"ISIC_{number:07d}" for number in range(1512))
    groups = tuple(f"lesion-{number // images_a_lesion}" for number in range(1512))
    return Predictions(names, SEVEN, shares, labels, groups)


def by_scikit_learn(predictions: Predictions, weight: np.ndarray) -> list[float]:
    """Every column of the panel of seven classes on one resample, which scikit-learn is given as weights."""
    row, aucs = [], []
    for index in range(7):
        positive, scores = predictions.labels == index, predictions.probabilities[:, index]
        called = scores > 0.5
        aucs.append(roc_auc_score(positive, scores, sample_weight=weight))
        row += [aucs[-1], average_precision_score(positive, scores, sample_weight=weight)]
        row += [recall_score(positive, called, pos_label=kind, sample_weight=weight) for kind in (1, 0)]
        row.append(balanced_accuracy_score(positive, called, sample_weight=weight))
    chosen = predictions.probabilities.argmax(axis=1)
    hit = chosen == predictions.labels
    recalls = [
        float(np.average(hit[truly], weights=weight[truly])) for truly in np.arange(7)[:, None] == predictions.labels
    ]
    mean = balanced_accuracy_score(predictions.labels, chosen, sample_weight=weight)
    return [*row, float(np.mean(aucs)), mean, *recalls]


@pytest.mark.parametrize("images_a_lesion", [1, 2])
def test_the_bootstrap_of_1512_images_and_7_classes_is_a_plain_loop_over_scikit_learn(images_a_lesion: int) -> None:
    predictions = seven_classes(images_a_lesion)
    sampling = Sampling.of(predictions.groups, predictions.labels)
    draws = bootstrap(MetricSet.of(predictions, SEVEN), sampling, resamples=17, seed=2)
    weights = sampling.weights(np.random.default_rng(2), 17)[::8]
    expected = [by_scikit_learn(predictions, weight) for weight in weights]
    assert draws[::8] == pytest.approx(np.array(expected), abs=1e-12)


def test_measures_are_taken_as_they_are_given() -> None:
    given = {"twice": lambda counts: 2 * average_precision(counts), "auc": roc_auc}
    found = MetricSet.of(seven_classes(), SEVEN[:2], given).values()
    plain = MetricSet.of(seven_classes(), SEVEN[:2]).values()
    assert found["nevus", "twice"] == 2 * plain["nevus", "ap"]
    assert found[MEAN, "auc"] == plain[MEAN, "auc"]
    assert (MEAN, "auc") not in MetricSet.of(seven_classes(), SEVEN[:2], {"ap": average_precision}).values()


def test_a_class_without_an_image_has_no_recall() -> None:
    predictions = Predictions(("a", "b"), ("x", "y", "z"), np.eye(3)[[0, 2]], np.array([0, 2]), ("a", "b"))
    names = MetricSet.of(predictions, ["x"]).names
    assert [measure for task, measure in names if task == ALL_CLASSES] == ["balanced_accuracy", "recall x", "recall z"]
    assert class_counts(predictions) == {"x": 1, "y": 0, "z": 1}


def test_the_panel_judges_by_the_measures_of_the_tables_unless_told_otherwise() -> None:
    names = MetricSet.of(seven_classes(), ["melanoma"]).names
    assert [measure for task, measure in names if task == "melanoma"] == list(MEASURES)
