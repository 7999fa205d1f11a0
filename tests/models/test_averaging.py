import numpy as np
from scipy.special import softmax

from attnmel.models.averaging import averaged


def test_the_mean_over_squares_is_brought_to_the_temperature() -> None:
    shares = softmax(np.random.default_rng(0).normal(size=(4, 5, 3)) * 4, axis=2)
    mean = shares.mean(axis=1)
    np.testing.assert_allclose(averaged(shares), mean, rtol=1e-12)
    np.testing.assert_allclose(averaged(shares, 1.7), softmax(np.log(mean) / 1.7, axis=1), rtol=1e-12)


def test_a_certain_mean_stays_certain() -> None:
    assert averaged(np.array([[[1.0, 0.0], [1.0, 0.0]]]), 2.0).tolist() == [[1.0, 0.0]]
