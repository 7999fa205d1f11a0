"""Fitted SVMs against scikit-learn's own, and what each step of the fit may see."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from attnmel.config.system import SvmSettings
from attnmel.errors import TrainingError
from attnmel.features.svm.classifier import Fit, costs_to_try, fit_svm
from attnmel.features.svm.logistic import fit_logistic

FOLD_OF = np.arange(60) % 3
LABELS = np.random.default_rng(5).integers(0, 3, 60)
ONE = (LABELS == 1)[:, None]
EACH = LABELS[:, None] == np.arange(3)


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    rng = np.random.default_rng(4)
    return rng.normal(LABELS[:, None] * [1, 0, -1, 0.5, 0], [1, 2, 1, 30, 0.1]).astype(np.float32)


def fitted(vectors: np.ndarray, positive: np.ndarray = ONE, **settings: object) -> Fit:
    return fit_svm(vectors, positive, FOLD_OF, SvmSettings.model_validate({"folds": 3, **settings}))


def test_scores_are_those_of_scikit_learns_own_rbf_svm(vectors: np.ndarray) -> None:
    found = fitted(vectors, kernel="rbf", costs=[3.0], gammas=[0.8]).svm
    seen = StandardScaler().fit(vectors.astype(np.float64))
    scaled = seen.transform(vectors.astype(np.float64))
    # gamma is of the mean squared distance, which of z-scores is twice their number.
    gamma: Any = 0.8 / (2 * 5)  # stubs of scikit-learn know its names alone
    reference = SVC(C=3.0, gamma=gamma, class_weight="balanced", tol=1e-10).fit(scaled, ONE[:, 0])
    new = np.random.default_rng(6).normal(size=(30, 5)).astype(np.float32)
    expected = reference.decision_function(seen.transform(new.astype(np.float64)))
    # The SVM on our kernel stops at scikit-learn's default tolerance.
    np.testing.assert_allclose(found.scores(new)[:, 0], expected, atol=2e-2)


def test_scores_by_numpy_are_scikit_learns_to_nine_digits(vectors: np.ndarray) -> None:
    for kernel, scaling in (("rbf", "zscore"), ("linear", "zscore"), ("intersection", "sigmoid"), ("chi2", "split")):
        found = fitted(vectors, EACH, kernel=kernel, scaling=scaling, costs=[3.0], gammas=[0.8]).svm
        with_all = dataclasses.replace(found, vectors=vectors, coefficients=np.zeros((60, 3))).kernel_with_support
        own, new = with_all(vectors), np.random.default_rng(6).normal(size=(30, 5)).astype(np.float32)
        for at in range(3):
            reference = SVC(C=3.0, kernel="precomputed", class_weight="balanced").fit(own, EACH[:, at])
            np.testing.assert_allclose(
                found.scores(new)[:, at], reference.decision_function(with_all(new)), rtol=0, atol=1e-9
            )


def test_a_pca_before_a_linear_svm_is_scikit_learns(vectors: np.ndarray) -> None:
    found = fitted(vectors, kernel="linear", scaling="none", components=2, costs=[1.0]).svm
    assert found.scaling(vectors).shape == (60, 2)
    expected = PCA(2).fit_transform(vectors.astype(np.float64))
    np.testing.assert_allclose(np.abs(found.scaling(vectors)), np.abs(expected), atol=1e-9)


def test_a_held_out_score_is_of_an_svm_without_the_fold(vectors: np.ndarray) -> None:
    before = fitted(vectors, costs=[1.0], gammas=[1.0])
    changed = vectors.copy()
    changed[FOLD_OF == 2] += 100
    after = fitted(changed, costs=[1.0], gammas=[1.0])
    # What scores the images of the last fold was fitted on the others, which are as they were.
    same = fit_svm(
        np.concatenate([changed[FOLD_OF < 2], vectors[FOLD_OF == 2]]),
        np.concatenate([ONE[FOLD_OF < 2], ~ONE[FOLD_OF == 2]]),
        np.concatenate([FOLD_OF[FOLD_OF < 2], FOLD_OF[FOLD_OF == 2]]),
        SvmSettings(folds=3, costs=(1.0,), gammas=(1.0,)),
    )
    np.testing.assert_array_equal(before.held_out[FOLD_OF == 2], same.held_out[40:])
    assert not np.allclose(before.held_out[FOLD_OF == 0], after.held_out[FOLD_OF == 0])


def test_the_calibration_is_fitted_on_held_out_scores(vectors: np.ndarray) -> None:
    found = fitted(vectors, EACH)
    for at in range(3):
        assert found.svm.logistics[at] == fit_logistic(found.held_out[:, at], EACH[:, at])
    shares = found.svm.probabilities(vectors)
    np.testing.assert_allclose(shares[:, 1], found.svm.logistics[1](found.svm.scores(vectors)[:, 1]))


def test_a_sigmoid_of_the_score_needs_no_fit(vectors: np.ndarray) -> None:
    found = fitted(vectors, calibration="sigmoid").svm
    np.testing.assert_allclose(found.probabilities(vectors), 1 / (1 + np.exp(-found.scores(vectors))))


def test_cost_and_gamma_are_those_of_the_best_held_out_auc(vectors: np.ndarray) -> None:
    found = fitted(vectors, costs=[0.1, 1.0, 10.0], gammas=[0.5, 2.0])
    each = {
        (cost, gamma): fitted(vectors, costs=[cost], gammas=[gamma]).auc
        for cost in (0.1, 1.0, 10.0)
        for gamma in (0.5, 2.0)
    }
    assert found.auc == max(each.values()) == each[found.svm.cost, found.svm.gamma]


def test_drawn_costs_are_even_in_their_power_and_the_same_again() -> None:
    settings = SvmSettings(draws=200)
    powers = np.log2(costs_to_try(settings, seed=1))
    assert powers.min() < -14
    assert powers.max() > 14
    assert abs(powers.mean()) < 2
    assert costs_to_try(settings, seed=1) == costs_to_try(settings, seed=1) != costs_to_try(settings, seed=2)


def test_a_constant_number_changes_nothing(vectors: np.ndarray) -> None:
    more = np.concatenate([vectors, np.full((60, 1), 0.1, dtype=np.float32)], axis=1)
    np.testing.assert_allclose(fitted(more).svm.scores(more), fitted(vectors).svm.scores(vectors), atol=1e-9)


def test_a_constant_feature_is_refused() -> None:
    with pytest.raises(TrainingError) as refused:
        fitted(np.full((60, 4), 2.5, dtype=np.float32))
    assert str(refused.value) == "the feature is the same for all 40 training images; leave it out"


def test_a_feature_that_is_not_finite_is_refused(vectors: np.ndarray) -> None:
    broken = vectors.copy()
    broken[7, 2] = np.inf
    with pytest.raises(TrainingError) as refused:
        fitted(broken)
    assert str(refused.value) == (
        "the feature has values that are not finite, as of weights that diverged; use other weights or leave it out"
    )
