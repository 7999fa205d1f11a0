import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from attnmel.errors import PredictionsError
from attnmel.evaluation.comparison.ablations import find_ablation
from attnmel.evaluation.statistics.delong import areas
from attnmel.records import Predictions


def predictions(scores: np.ndarray, labels: np.ndarray, first: int = 0) -> Predictions:
    ids = tuple(f"i{first + number:03}" for number in range(len(labels)))
    return Predictions(ids, ("rest", "melanoma"), np.stack([1 - scores, scores], axis=1), labels, ids)


@pytest.fixture
def judged() -> tuple[Predictions, Predictions, np.ndarray]:
    """A run of 120 images, an ablation of the last 90 in another order, and their labels."""
    generator = np.random.default_rng(5)
    labels = (generator.random(120) < 0.3).astype(np.int64)
    run = (generator.random(120) + labels) / 2
    order = generator.permutation(np.arange(30, 120))
    ablation = predictions(generator.random(90), labels[order])
    ablation = Predictions(
        tuple(f"i{row:03}" for row in order.tolist()), ablation.classes, ablation.probabilities, ablation.labels,
        tuple(f"i{row:03}" for row in order.tolist()),
    )  # fmt: skip
    return predictions(run, labels), ablation, order


def test_figures_are_of_the_images_that_both_have_joined_by_id(
    judged: tuple[Predictions, Predictions, np.ndarray],
) -> None:
    run, ablation, order = judged
    found = find_ablation(
        "background-only", ablation, run, "melanoma", {i: int(i[1:]) / 119 for i in ablation.image_ids}
    )
    truly = run.labels[order]
    assert found.auc.value == pytest.approx(roc_auc_score(truly, ablation.probability("melanoma")))
    assert found.run_auc.value == pytest.approx(roc_auc_score(truly, run.probability("melanoma")[order]))
    assert found.difference.value == pytest.approx(found.auc.value - found.run_auc.value)
    assert found.size_auc is not None
    assert found.beyond_size is not None
    assert found.size_auc.value == pytest.approx(roc_auc_score(truly, order))
    assert found.beyond_size.value == pytest.approx(found.auc.value - found.size_auc.value)
    assert found.beyond_size.low < found.beyond_size.value < found.beyond_size.high
    assert found.painted_whole == 1
    assert (found.images, found.left_out, found.positives) == (90, 30, int(truly.sum()))


def test_the_difference_has_the_paired_interval(judged: tuple[Predictions, Predictions, np.ndarray]) -> None:
    run, ablation, order = judged
    found = find_ablation("lesion-only", ablation, run, "melanoma")
    scores = np.stack([ablation.probability("melanoma"), run.probability("melanoma")[order]], axis=1)
    covariance = areas(ablation.is_class("melanoma"), scores).covariance
    half = 1.96 * np.sqrt(np.array([1, -1]) @ covariance @ np.array([1, -1]))
    assert found.difference.high - found.difference.low == pytest.approx(2 * half, rel=1e-4)
    assert found.size_auc is None
    assert found.beyond_size is None


def test_an_ablation_of_the_same_predictions_differs_by_nothing(
    judged: tuple[Predictions, Predictions, np.ndarray],
) -> None:
    run, _, _ = judged
    found = find_ablation("shuffled-labels", run, run, "melanoma")
    assert found.difference == pytest.approx((0, 0, 0), abs=1e-9)


def test_images_that_the_run_lacks_are_named(judged: tuple[Predictions, Predictions, np.ndarray]) -> None:
    run, ablation, _ = judged
    with pytest.raises(PredictionsError, match="30 images of the ablation were not evaluated with the run"):
        find_ablation("lesion-only", run, ablation, "melanoma")


def test_other_labels_are_refused(judged: tuple[Predictions, Predictions, np.ndarray]) -> None:
    run, _, _ = judged
    other = Predictions(run.image_ids, run.classes, run.probabilities, 1 - run.labels, run.groups)
    with pytest.raises(PredictionsError, match="lesion-only and the run differ in what is melanoma"):
        find_ablation("lesion-only", other, run, "melanoma")
