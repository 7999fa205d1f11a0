"""Local descriptors -> one improved Fisher vector an image: PCA and diagonal Gaussian mixture. No torch.

Perronnin, Sánchez and Mensink, "Improving the Fisher kernel for large-scale image classification" (ECCV 2010): of the
T descriptors x_t of an image, with posteriors q_tk of a mixture of weights w, means mu and deviations s,

    G_mu,k    = 1 / (T sqrt(w_k))   * sum_t q_tk (x_t - mu_k) / s_k
    G_sigma,k = 1 / (T sqrt(2 w_k)) * sum_t q_tk ((x_t - mu_k)^2 / s_k^2 - 1)

then sign(z) sqrt|z|, then unit length. Shapes: T descriptors of d numbers, C components, K Gaussians.
"""

import warnings
from collections.abc import Mapping
from contextlib import AbstractContextManager

import numpy as np
from jaxtyping import Float, Float64
from scipy.special import logsumexp

from attnmel.errors import TrainingError
from attnmel.features.packages import needed

Descriptors = Float[np.ndarray, "T d"]
Arrays = Mapping[str, Float64[np.ndarray, "..."]]
"""`centre` [d] and `axes` [C d] of the PCA; `weights` [K], `means` [K C] and `deviations` [K C] of the mixture."""


def fit_mixture(descriptors: Descriptors, *, components: int, mixture: int, seed: int) -> Arrays:
    """Fit PCA (no more components than d) and mixture (k-means start, 100 steps at most) on training descriptors.

    Raises:
        TrainingError: fewer descriptors than Gaussians or components, or descriptors that are all the same.
    """
    count, numbers = descriptors.shape
    kept = min(components, numbers)
    if count < max(mixture, kept + 1):
        raise TrainingError(
            f"{count} descriptors cannot fit {mixture} Gaussians of {kept} components; lower `mixture` and "
            "`components`, or train on more images"
        )
    if (descriptors == descriptors[0]).all():
        raise TrainingError(f"all {count} descriptors are the same; leave the feature out")
    pca = needed("sklearn.decomposition").PCA(kept, svd_solver="covariance_eigh").fit(descriptors.astype(np.float64))
    model = needed("sklearn.mixture").GaussianMixture(
        mixture, covariance_type="diag", random_state=seed, max_iter=100, reg_covar=1e-6
    )
    with _quiet():
        model.fit(pca.transform(descriptors.astype(np.float64)))
    return {
        "centre": pca.mean_,
        "axes": pca.components_,
        "weights": model.weights_,
        "means": model.means_,
        "deviations": np.sqrt(model.covariances_),
    }


def fisher_vector(descriptors: Descriptors, arrays: Arrays) -> Float64[np.ndarray, " F"]:
    """Return the improved Fisher vector of one image, 2 K C numbers of unit length; their order plays no part.

    An image whose descriptors all lie on the mixture as expected gives a vector near 0 before it is brought to length.
    """
    raw = fisher_gradient(descriptors, arrays)
    rooted = np.sign(raw) * np.sqrt(np.abs(raw))
    length = np.linalg.norm(rooted)
    return rooted / length if length > 0 else rooted


def fisher_gradient(descriptors: Descriptors, arrays: Arrays) -> Float64[np.ndarray, " F"]:
    """Return G_mu and G_sigma, one after another, as in the formulas above."""
    seen = (descriptors.astype(np.float64) - arrays["centre"]) @ arrays["axes"].T
    weights, means, deviations = arrays["weights"], arrays["means"], arrays["deviations"]
    posterior = _posteriors(seen, weights, means, deviations)
    zeroth, first, second = posterior.sum(axis=0)[:, None], posterior.T @ seen, posterior.T @ seen**2
    # The sums over t of the formulas, multiplied out.
    by_mean = (first - zeroth * means) / deviations
    by_spread = (second - 2 * means * first + zeroth * means**2) / deviations**2 - zeroth
    count, root = len(seen), np.sqrt(weights)[:, None]
    return np.concatenate([(by_mean / (count * root)).ravel(), (by_spread / (count * np.sqrt(2) * root)).ravel()])


def _posteriors(
    seen: Float64[np.ndarray, "T C"],
    weights: Float64[np.ndarray, " K"],
    means: Float64[np.ndarray, "K C"],
    deviations: Float64[np.ndarray, "K C"],
) -> Float64[np.ndarray, "T K"]:
    precision = deviations**-2
    squared = seen**2 @ precision.T - 2 * seen @ (means * precision).T + (means**2 * precision).sum(axis=1)
    logs = np.log(weights) - np.log(deviations).sum(axis=1) - squared / 2
    return np.exp(logs - logsumexp(logs, axis=1, keepdims=True))


def _quiet() -> AbstractContextManager[object]:
    """A mixture that has not converged after its steps is as good an encoder."""
    return warnings.catch_warnings(action="ignore")
