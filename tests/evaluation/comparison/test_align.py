from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attnmel.errors import PredictionsError
from attnmel.evaluation.comparison.align import (
    RecipeRuns,
    RunPredictions,
    aligned_runs,
    common_classes,
    halved,
    threshold_at,
)
from attnmel.records import Predictions

IDS = ("a", "b", "c", "d")


def predictions(labels: tuple[int, ...] = (1, 0, 1, 0), classes: tuple[str, ...] = ("rest", "melanoma")) -> Predictions:
    table = np.linspace(0.1, 0.9, len(IDS) * len(classes)).reshape(len(IDS), -1)
    return Predictions(IDS, classes, table, np.array(labels), IDS)


def entrant(name: str, *held: Predictions) -> RecipeRuns:
    return RecipeRuns(name, tuple(RunPredictions(f"{name}{n}", one) for n, one in enumerate(held)))


def turned(one: Predictions) -> Predictions:
    rows = [2, 0, 3, 1]
    return Predictions(
        tuple(one.image_ids[row] for row in rows),
        one.classes,
        one.probabilities[rows],
        one.labels[rows],
        tuple(one.groups[row] for row in rows),
        {name: tuple(column[row] for row in rows) for name, column in one.attributes.items()},
    )


def test_rows_are_joined_by_image_id() -> None:
    there = replace(predictions(), attributes={"sex": ("f", "m", "f", "m")})
    _, back = aligned_runs([entrant("x", predictions()), entrant("y", turned(there))])
    found = back.runs[0].predictions
    assert found.image_ids == IDS
    assert (found.probabilities == there.probabilities).all()
    assert (found.labels == there.labels).all()
    assert found.attributes == there.attributes


def test_other_images_are_refused_with_their_ids() -> None:
    other = replace(predictions(), image_ids=("a", "b", "c", "e"))
    message = r"y0 was evaluated on other images than x0: 1 only in x0 \(d\); 1 only in y0 \(e\)\. Evaluate both on"
    with pytest.raises(PredictionsError, match=message):
        aligned_runs([entrant("x", predictions()), entrant("y", other)])


def test_another_label_of_an_image_is_refused_with_both() -> None:
    other = turned(predictions((1, 0, 0, 0)))
    message = r"1 of 4 images have another label in y0 than in x0 \(c\): c is 'rest', not 'melanoma'"
    with pytest.raises(PredictionsError, match=message):
        aligned_runs([entrant("x", predictions()), entrant("y", other)])


def test_rest_stands_for_a_class_that_a_run_does_not_have() -> None:
    three = predictions((1, 0, 1, 2), ("rest", "melanoma", "nevus"))
    aligned_runs([entrant("x", predictions()), entrant("y", three)])
    with pytest.raises(PredictionsError, match="a is 'nevus', not 'melanoma'"):
        aligned_runs([entrant("x", predictions()), entrant("y", predictions((2, 0, 1, 2), three.classes))])


def test_a_run_without_a_label_is_refused() -> None:
    with pytest.raises(PredictionsError, match="b is without a label in y0"):
        aligned_runs([entrant("x", predictions()), entrant("y", predictions((1, -1, 1, 0)))])


def test_lesions_are_taken_from_the_run_that_knows_them() -> None:
    known = replace(predictions(), groups=("l", "m", "l", "m"))
    entrants = aligned_runs([entrant("x", predictions()), entrant("y", known)])
    assert [one.runs[0].predictions.groups for one in entrants] == [known.groups, known.groups]
    other = replace(predictions(), groups=("l", "m", "l", "n"))
    with pytest.raises(
        PredictionsError, match=r"1 of 4 images belong to another lesion or patient in y1 than in y0 \(d\)"
    ):
        aligned_runs([entrant("y", known, other)])


def test_common_classes_leave_out_the_rest() -> None:
    three = predictions((1, 0, 1, 2), ("nevus", "melanoma", "rest"))
    assert common_classes([entrant("x", three), entrant("y", predictions())]) == ("melanoma",)
    with pytest.raises(PredictionsError, match=r"no class is common to all runs \(x: rest, nevus; y: rest, melanoma\)"):
        common_classes([entrant("x", predictions(classes=("rest", "nevus"))), entrant("y", predictions())])


@settings(deadline=None, derandomize=True, max_examples=40)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=20), st.integers(-1, 7))
def test_halved_scores_keep_order_and_ties_and_lie_above_a_half_where_those_lay_above_the_threshold(
    scores: list[int], threshold: int
) -> None:
    before = np.array(scores) / 6
    after = halved(before, threshold / 6)
    assert ((after > 0.5) == (before > threshold / 6)).all()
    assert (np.sign(after[:, None] - after) == np.sign(before[:, None] - before)).all()
    assert after.min() >= 0
    assert after.max() <= 1


@pytest.mark.parametrize(
    ("sensitivity", "found"),
    [(0.5, 2), (0.51, 3), (0.75, 3), (1.0, 4), (0.01, 1)],
    ids=["half", "over", "most", "all", "one"],
)
def test_the_threshold_is_below_the_highest_score_that_completes_the_sensitivity(
    sensitivity: float, found: int
) -> None:
    table = np.array([0.9, 0.8, 0.3, 0.1, 0.85, 0.2])
    names = tuple("abcdef")
    held = Predictions(
        names, ("rest", "melanoma"), np.stack([1 - table, table], 1), np.array([1, 1, 1, 1, 0, 0]), names
    )
    threshold = threshold_at(held, "melanoma", sensitivity)
    assert (table[:4] > threshold).sum() == found
    completing = table[table > threshold].min()
    assert (table[:4] > completing).sum() < found, "a threshold above the next score is too high"


def test_a_share_that_comes_out_even_needs_no_image_more() -> None:
    table = np.linspace(0.01, 0.99, 100)
    names = tuple(map(str, range(100)))
    held = Predictions(names, ("rest", "melanoma"), np.stack([1 - table, table], 1), np.ones(100, int), names)
    for reached in range(1, 101):
        assert (table > threshold_at(held, "melanoma", reached / 100)).sum() == reached


def test_without_a_positive_there_is_no_threshold() -> None:
    with pytest.raises(PredictionsError, match="no image of melanoma among the validation images"):
        threshold_at(predictions((0, 0, 0, 0)), "melanoma", 0.9)
