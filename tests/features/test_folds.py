import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnmel.errors import LabelError
from attnmel.features.folds import draw_folds

CLASSES = ("rest", "melanoma")


@given(st.integers(0, 2**16))
def test_no_lesion_is_in_two_folds_and_every_fold_has_both_classes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    lesions = rng.integers(0, 20, 60)
    kind = np.arange(20) % 2
    groups = [f"lesion {one}" for one in lesions]
    labels = kind[lesions]
    if min(len(set(lesions[labels == one].tolist())) for one in (0, 1)) < 3:
        return
    folds = draw_folds(labels, groups, CLASSES, folds=3, seed=seed)
    assert all(len(set(folds[lesions == one].tolist())) <= 1 for one in range(20))
    assert all({0, 1} == set(labels[folds == fold].tolist()) for fold in range(3))
    np.testing.assert_array_equal(folds, draw_folds(labels, groups, CLASSES, folds=3, seed=seed))


def test_replicas_of_an_image_never_straddle_a_fold() -> None:
    labels = np.repeat([0, 1, 0, 1, 0, 1, 0, 1], 50)
    groups = [f"image {row // 50}" for row in range(400)]
    folds = draw_folds(labels, groups, CLASSES, folds=3, seed=0)
    assert all(len(set(folds[start : start + 50].tolist())) == 1 for start in range(0, 400, 50))


def test_a_fold_that_lacks_a_class_is_refused() -> None:
    labels = np.array([1, 1, 1, *[0] * 12])
    groups = ["one", "one", "two", *(f"{row}" for row in range(12))]
    with pytest.raises(LabelError) as refused:
        draw_folds(labels, groups, CLASSES, folds=5, seed=0)
    text = str(refused.value)
    assert "of 5 holds no training image of 'melanoma' (2 lesions of it in all)" in text
    assert text.endswith("set svm.folds to 2 or fewer, or train on more images")


def test_a_class_of_one_lesion_cannot_be_held_out() -> None:
    labels = np.array([1, 1, *[0] * 12])
    groups = ["one", "one", *(f"{row}" for row in range(12))]
    for folds in (2, 5):  # fewer would not help
        with pytest.raises(LabelError, match=r" 'melanoma' \(1 lesion of it in all\); train on more images$"):
            draw_folds(labels, groups, CLASSES, folds=folds, seed=0)
