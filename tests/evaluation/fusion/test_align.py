"""Members with other names and orders of classes, images and truths are brought together or refused."""

import dataclasses

import numpy as np
import pytest

from attnmel.errors import PredictionsError
from attnmel.evaluation.fusion.align import align_members, common_names, in_classes
from attnmel.records import Predictions

THREE = ("nevus", "melanoma", "seborrheic_keratosis")
IDS = ("a", "b", "c")


def predictions(classes: tuple[str, ...], rows: list[list[float]], labels: tuple[int, ...]) -> Predictions:
    return Predictions(IDS, classes, np.array(rows), np.array(labels), IDS)


@pytest.fixture
def three() -> Predictions:
    return predictions(THREE, [[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.2, 0.2, 0.6]], (0, 1, 2))


@pytest.fixture
def two() -> Predictions:
    return predictions(("rest", "MEL"), [[0.9, 0.1], [0.3, 0.7], [0.6, 0.4]], (0, 1, 0))


def test_a_class_that_is_none_of_the_challenge_is_rest() -> None:
    names = {"ours": THREE, "file": ("melanoma", "seborrheic_keratosis", "rest")}
    assert common_names(names, "isic2017") == ("melanoma", "seborrheic_keratosis", "rest")
    assert common_names({"a": ("MEL", "rest"), "b": ("rest", "melanoma")}, "isic2017") == ("rest", "melanoma")


def test_other_classes_are_refused_with_the_class_that_all_have() -> None:
    names = {"ours": ("rest", "melanoma"), "file": THREE}
    with pytest.raises(PredictionsError) as refused:
        common_names(names, "isic2017")
    assert str(refused.value) == (
        "file has the classes nevus, melanoma, seborrheic_keratosis, and ours rest, melanoma; expected members of the "
        "same classes; --positive melanoma fuses that class against the rest"
    )
    assert common_names(names, "isic2017", ["melanoma"]) == ("rest", "melanoma")
    with pytest.raises(PredictionsError) as refused:
        common_names(names, "isic2017", ["seborrheic_keratosis"])
    assert str(refused.value) == "ours has no class seborrheic_keratosis; its classes are rest, melanoma"


def test_classes_of_own_folders_are_taken_as_they_are_in_the_first_order() -> None:
    names = {"a": ("benign", "malignant"), "b": ("malignant", "benign")}
    assert common_names(names, "clinic") == ("benign", "malignant")
    with pytest.raises(PredictionsError, match=r"expected members of the same classes$"):
        common_names({"a": ("benign", "malignant"), "b": ("x", "y")}, "clinic")


def test_rest_is_the_sum_of_the_other_classes_in_probabilities_and_labels(three: Predictions) -> None:
    found = in_classes(three, ("rest", "melanoma"), "isic2017")
    np.testing.assert_allclose(found.probabilities, [[0.8, 0.2], [0.4, 0.6], [0.8, 0.2]])
    assert found.labels.tolist() == [0, 1, 0]
    alone = Predictions(IDS, ("melanoma",), np.array([[0.2], [0.6], [1.0]]), np.full(3, -1), IDS)
    np.testing.assert_allclose(in_classes(alone, ("rest", "melanoma"), "isic2017").probability("rest"), [0.8, 0.4, 0])


def test_members_come_in_the_order_of_the_first_and_files_take_the_labels(two: Predictions, three: Predictions) -> None:
    file = dataclasses.replace(two, labels=np.full(3, -1)).take([2, 0, 1])
    found = align_members({"file": file, "run": three}, ("rest", "melanoma"), "isic2017")
    assert found.truth.image_ids == ("c", "a", "b")
    assert found.truth.labels.tolist() == [0, 0, 1]
    np.testing.assert_allclose(found.members[:, :, 1], [[0.4, 0.1, 0.7], [0.2, 0.2, 0.6]])


def test_another_truth_of_an_image_is_refused(two: Predictions, three: Predictions) -> None:
    other = dataclasses.replace(two, labels=np.array([1, 1, 0]))
    with pytest.raises(PredictionsError) as refused:
        align_members({"a": three, "b": other}, ("rest", "melanoma"), "isic2017")
    assert str(refused.value) == (
        "1 of 3 images have another label in b than in a (a): a is 'melanoma', not 'rest'. Evaluate both runs on the "
        "same truth."
    )


def test_a_member_of_other_images_is_refused(two: Predictions, three: Predictions) -> None:
    other = dataclasses.replace(two, image_ids=("a", "b", "x"))
    with pytest.raises(PredictionsError) as refused:
        align_members({"a": three, "b": other}, ("rest", "melanoma"), "isic2017")
    assert str(refused.value) == (
        "b was evaluated on other images than a: 1 only in a (c); 1 only in b (x). Evaluate both on the same split of "
        "the same data with `attnmel evaluate`."
    )
