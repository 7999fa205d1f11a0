"""The checks of Perronnin's vector: order, duplicates, descriptors of the mixture itself, the formula."""

import numpy as np
import pytest

from attnmel.errors import TrainingError
from attnmel.features.encoders.fisher import fisher_gradient, fisher_vector, fit_mixture


@pytest.fixture(scope="module")
def arrays() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    drawn = np.concatenate([rng.normal(at, 0.5, (200, 6)) for at in (-2, 0, 3)])
    return dict(fit_mixture(drawn, components=4, mixture=3, seed=0))


@pytest.fixture
def descriptors() -> np.ndarray:
    return np.random.default_rng(1).normal(0.5, 1.5, (40, 6))


def test_the_vector_is_the_formula_written_out(arrays: dict[str, np.ndarray], descriptors: np.ndarray) -> None:
    seen = (descriptors - arrays["centre"]) @ arrays["axes"].T
    w, mu, s = arrays["weights"], arrays["means"], arrays["deviations"]
    density = np.array([w[k] * np.prod(np.exp(-0.5 * ((seen - mu[k]) / s[k]) ** 2) / s[k], axis=1) for k in range(3)])
    q = density / density.sum(axis=0)
    by_mean = [(q[k][:, None] * (seen - mu[k]) / s[k]).sum(axis=0) / (40 * np.sqrt(w[k])) for k in range(3)]
    by_spread = [
        (q[k][:, None] * ((seen - mu[k]) ** 2 / s[k] ** 2 - 1)).sum(axis=0) / (40 * np.sqrt(2 * w[k])) for k in range(3)
    ]
    expected = np.concatenate([*by_mean, *by_spread])
    np.testing.assert_allclose(fisher_gradient(descriptors, arrays), expected, atol=1e-10)
    rooted = np.sign(expected) * np.sqrt(np.abs(expected))
    np.testing.assert_allclose(fisher_vector(descriptors, arrays), rooted / np.linalg.norm(rooted), atol=1e-8)


def test_order_and_duplicates_change_nothing(arrays: dict[str, np.ndarray], descriptors: np.ndarray) -> None:
    found = fisher_vector(descriptors, arrays)
    shuffled = np.random.default_rng(2).permutation(descriptors)
    np.testing.assert_allclose(fisher_vector(shuffled, arrays), found, atol=1e-9)
    np.testing.assert_allclose(fisher_vector(np.repeat(descriptors, 3, axis=0), arrays), found, atol=1e-9)


def test_descriptors_of_the_mixture_itself_give_a_gradient_near_0(arrays: dict[str, np.ndarray]) -> None:
    rng = np.random.default_rng(3)
    which = rng.choice(3, 40_000, p=arrays["weights"])
    seen = rng.normal(arrays["means"][which], arrays["deviations"][which])
    own = {**arrays, "centre": np.zeros(4), "axes": np.eye(4)}
    assert np.abs(fisher_gradient(seen, own)).max() < 0.03
    assert np.abs(fisher_gradient(seen + 1, own)).max() > 0.5


def test_a_vector_has_unit_length_and_two_numbers_a_gaussian_and_component(
    arrays: dict[str, np.ndarray], descriptors: np.ndarray
) -> None:
    found = fisher_vector(descriptors, arrays)
    assert found.shape == (2 * 3 * 4,)
    assert np.linalg.norm(found) == pytest.approx(1)


def test_too_few_descriptors_are_refused(descriptors: np.ndarray) -> None:
    with pytest.raises(TrainingError) as refused:
        fit_mixture(descriptors, components=4, mixture=64, seed=0)
    assert str(refused.value) == (
        "40 descriptors cannot fit 64 Gaussians of 4 components; lower `mixture` and `components`, or train on more "
        "images"
    )
    with pytest.raises(TrainingError, match="all 40 descriptors are the same; leave the feature out"):
        fit_mixture(np.ones((40, 6)), components=4, mixture=3, seed=0)
