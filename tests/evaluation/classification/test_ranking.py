import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, balanced_accuracy_score, recall_score, roc_auc_score

from attnmel.errors import PredictionsError
from attnmel.evaluation.classification.ranking import MEASURES, Ranking, TopOneHits
from attnmel.evaluation.statistics.proportions import mean_of_defined


def measured(positive: np.ndarray, scores: np.ndarray) -> dict[str, float]:
    counts = Ranking.of(positive, scores).counts()
    return {name: float(measure(counts)[0]) for name, measure in MEASURES.items()}


def by_scikit_learn(positive: np.ndarray, scores: np.ndarray) -> dict[str, float]:
    called = scores > 0.5
    return {
        "auc": float(roc_auc_score(positive, scores)),
        "ap": float(average_precision_score(positive, scores)),
        "sensitivity": float(recall_score(positive, called)),
        "specificity": float(recall_score(positive, called, pos_label=0)),
        "balanced_accuracy": float(balanced_accuracy_score(positive, called)),
    }


@st.composite
def tasks(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Draw truths with both kinds and scores with many ties."""
    rest = draw(st.lists(st.tuples(st.booleans(), st.integers(0, 8)), max_size=30))
    rows = [(True, draw(st.integers(0, 8))), (False, draw(st.integers(0, 8))), *rest]
    return np.array([truth for truth, _ in rows]), np.array([score / 8 for _, score in rows])


@settings(deadline=None, derandomize=True, max_examples=40)
@given(tasks())
def test_every_measure_agrees_with_scikit_learn_on_ties(task: tuple[np.ndarray, np.ndarray]) -> None:
    assert measured(*task) == pytest.approx(by_scikit_learn(*task), abs=1e-12)


@settings(deadline=None, derandomize=True, max_examples=40)
@given(tasks())
def test_the_auc_of_turned_scores_is_the_rest_to_one(task: tuple[np.ndarray, np.ndarray]) -> None:
    positive, scores = task
    assert measured(positive, 1 - scores)["auc"] == pytest.approx(1 - measured(positive, scores)["auc"], abs=1e-12)


@settings(deadline=None, derandomize=True, max_examples=40)
@given(tasks())
def test_a_weight_is_a_number_of_copies(task: tuple[np.ndarray, np.ndarray]) -> None:
    positive, scores = task
    times = np.arange(len(positive)) % 3
    times[:2] = 1
    counts = Ranking.of(positive, scores).counts(times[None].astype(float))
    weighted = {name: float(measure(counts)[0]) for name, measure in MEASURES.items()}
    assert weighted == pytest.approx(measured(positive.repeat(times), scores.repeat(times)), abs=1e-12)


def test_a_hand_made_case_with_a_tie_between_the_kinds() -> None:
    positive = np.array([True, False, True, False])
    found = measured(positive, np.array([0.9, 0.6, 0.6, 0.1]))
    # Pairs: 0.9 beats both, 0.6 ties with 0.6 and beats 0.1. Precision: 1 at recall .5, then 2/3 at recall 1.
    assert found["auc"] == pytest.approx(3.5 / 4)
    assert found["ap"] == pytest.approx(0.5 + 0.5 * 2 / 3)
    assert (found["sensitivity"], found["specificity"], found["balanced_accuracy"]) == (1, 0.5, 0.75)


def test_one_half_is_not_called_positive() -> None:
    found = measured(np.array([True, False]), np.array([0.5, 0.5]))
    assert (found["sensitivity"], found["specificity"]) == (0, 1)


def test_constant_scores_know_nothing() -> None:
    found = measured(np.array([True, False, False, False]), np.full(4, 0.3))
    assert (found["auc"], found["ap"]) == (0.5, 0.25)


@pytest.mark.parametrize(
    ("truth", "undefined"),
    [
        (True, {"auc", "specificity", "balanced_accuracy"}),
        (False, {"auc", "ap", "sensitivity", "balanced_accuracy"}),
    ],
)
def test_a_measure_without_one_kind_is_nan(truth: bool, undefined: set[str]) -> None:
    found = measured(np.full(3, truth), np.array([0.1, 0.4, 0.9]))
    assert {name for name, value in found.items() if np.isnan(value)} == undefined


def test_single_precision_probabilities_are_taken() -> None:
    positive, scores = np.array([True, False, True]), np.array([0.7, 0.6, 0.2], dtype=np.float32)
    assert measured(positive, scores) == pytest.approx(by_scikit_learn(positive, scores), abs=1e-12)


def test_no_image_and_scores_that_are_not_finite_are_refused() -> None:
    with pytest.raises(PredictionsError, match="no image to measure"):
        Ranking.of(np.zeros(0, dtype=bool), np.zeros(0))
    with pytest.raises(PredictionsError, match=r"1 of 2 scores are not finite \(places 1\)"):
        Ranking.of(np.array([True, False]), np.array([0.5, np.nan]))


def test_mean_recall_agrees_with_scikit_learn() -> None:
    chance = np.random.default_rng(3)
    labels, probabilities = chance.integers(0, 4, 200), chance.dirichlet(np.ones(4), 200)
    times = chance.integers(0, 3, (5, 200))
    found = mean_of_defined(TopOneHits.of(labels, probabilities).recalls(times.astype(float)), axis=1)
    expected = [balanced_accuracy_score(labels.repeat(t), probabilities.argmax(axis=1).repeat(t)) for t in times]
    assert found == pytest.approx(expected, abs=1e-12)


def test_a_shared_highest_probability_is_a_miss() -> None:
    hits = TopOneHits.of(np.array([0, 1]), np.array([[0.4, 0.4, 0.2], [0.1, 0.8, 0.1]]))
    assert hits.hit.tolist() == [False, True]


def test_a_class_that_was_not_drawn_is_left_out_of_the_mean_recall() -> None:
    hits = TopOneHits.of(np.array([0, 1, 2]), np.array([[0.8, 0.1, 0.1], [0.8, 0.1, 0.1], [0.1, 0.1, 0.8]]))
    assert mean_of_defined(hits.recalls(np.array([[1.0, 1.0, 0.0], [1.0, 0.0, 1.0]])), axis=1).tolist() == [0.5, 1]
