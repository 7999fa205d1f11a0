import numpy as np
import pytest
from sklearn.metrics.pairwise import additive_chi2_kernel, chi2_kernel, linear_kernel, rbf_kernel

from attnmel.config.system import Kernel
from attnmel.errors import TrainingError
from attnmel.features.svm.kernels import compared, kernel, unit_of

KINDS: tuple[Kernel, ...] = ("linear", "rbf", "intersection", "additive-chi2", "chi2")


@pytest.fixture
def vectors() -> np.ndarray:
    drawn = np.random.default_rng(1).random((20, 7))
    drawn[drawn < 0.2] = 0  # where both numbers are 0, chi-squared divides by 0
    return drawn


def own_kernel(kind: Kernel, vectors: np.ndarray, gamma: float = 0.7) -> np.ndarray:
    own = compared(kind, vectors, vectors)
    return kernel(kind, own, unit=unit_of(kind, own), gamma=gamma)


@pytest.mark.parametrize("kind", KINDS)
def test_a_kernel_is_symmetric_and_positive_semi_definite(kind: Kernel, vectors: np.ndarray) -> None:
    found = own_kernel(kind, vectors)
    np.testing.assert_allclose(found, found.T, atol=1e-14)
    assert np.linalg.eigvalsh(found).min() > -1e-10


@pytest.mark.parametrize("kind", ["linear", "intersection", "additive-chi2"])
def test_a_similarity_has_a_mean_diagonal_of_1(kind: Kernel, vectors: np.ndarray) -> None:
    assert np.diag(own_kernel(kind, vectors)).mean() == pytest.approx(1)


def test_comparisons_are_those_of_scikit_learn(vectors: np.ndarray) -> None:
    some = vectors[:4]
    np.testing.assert_allclose(compared("linear", some, vectors), linear_kernel(some, vectors), atol=1e-12)
    np.testing.assert_allclose(np.exp(-compared("rbf", some, vectors)), rbf_kernel(some, vectors, gamma=1), atol=1e-12)
    distance = compared("chi2", some, vectors)
    np.testing.assert_allclose(distance, -additive_chi2_kernel(some, vectors), atol=1e-12)
    np.testing.assert_allclose(np.exp(-0.3 * distance), chi2_kernel(some, vectors, gamma=0.3), atol=1e-12)


def test_the_intersection_is_the_sum_of_the_smaller_numbers(vectors: np.ndarray) -> None:
    expected = np.minimum(vectors[:, None], vectors[None]).sum(axis=2)
    np.testing.assert_allclose(compared("intersection", vectors, vectors), expected, atol=1e-12)


def test_the_additive_chi_squared_kernel_of_histograms_is_1_with_themselves(vectors: np.ndarray) -> None:
    shares = vectors / vectors.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(np.diag(compared("additive-chi2", shares, shares)), 1)


@pytest.mark.parametrize("kind", ["intersection", "additive-chi2", "chi2"])
def test_negative_numbers_are_refused_where_they_have_no_meaning(kind: Kernel, vectors: np.ndarray) -> None:
    vectors[3, 2] = -2.5
    with pytest.raises(TrainingError) as refused:
        compared(kind, vectors, vectors)
    assert str(refused.value) == (
        f"the kernel '{kind}' takes no negative numbers, but a feature is -2.5; set svm.scaling to 'sigmoid' or 'split'"
    )


@pytest.mark.parametrize("kind", ["linear", "rbf"])
def test_a_kernel_that_overflows_is_refused(kind: Kernel, vectors: np.ndarray) -> None:
    with pytest.raises(TrainingError) as refused:
        compared(kind, vectors * 1e200, vectors * 1e200)
    assert str(refused.value).startswith(f"the kernel '{kind}' overflows: a feature is ")
    assert str(refused.value).endswith("set svm.scaling to 'zscore' or 'sigmoid', or mend the feature")


@pytest.mark.parametrize("kind", KINDS)
def test_images_that_are_all_alike_are_refused(kind: Kernel) -> None:
    same = np.zeros((5, 3))
    with pytest.raises(TrainingError) as refused:
        unit_of(kind, compared(kind, same, same))
    assert str(refused.value) == (
        f"the kernel '{kind}' tells no two of the 5 training images apart: the feature is constant; leave it out"
    )
