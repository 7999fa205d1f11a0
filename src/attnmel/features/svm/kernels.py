"""Kernels of feature vectors, in numpy: what an SVM compares two images by. No torch.

A kernel is computed in two steps, so that one comparison serves many gammas: `compared` gives distances (rbf, chi2) or
similarities (the others), `kernel` divides them by a unit, the mean of the training images' own, so that gamma and the
cost of an SVM mean the same for each feature:

    linear          x . y                                     / mean of x . x
    intersection    sum of min(x, y)                          / mean of sum of x
    additive-chi2   sum of 2 x y / (x + y)                    / mean of sum of x
    rbf             exp(-gamma |x - y|^2                      / mean of |x - y|^2)
    chi2            exp(-gamma sum of (x - y)^2 / (x + y)     / its mean)

All are symmetric and positive semi-definite (chi2: Zhang, Marszalek, Lazebnik and Schmid 2007; additive-chi2 and
intersection: Vedaldi and Zisserman 2012). Shapes: N and M vectors of D numbers.
"""

import numpy as np
from jaxtyping import Float64
from scipy.spatial.distance import cdist

from attnmel.config.system import NONNEGATIVE, WITH_GAMMA, Kernel
from attnmel.errors import TrainingError
from attnmel.number_formats import significant

BLOCK = 2**18
"""Numbers compared at once: they stay in the processor's cache."""

Vectors = Float64[np.ndarray, "N D"]
Others = Float64[np.ndarray, "M D"]
Compared = Float64[np.ndarray, "N M"]


def compared(kind: Kernel, vectors: Vectors, others: Others) -> Compared:
    """Return the distances or similarities of every vector to every other one, not yet divided by the unit.

    Raises:
        TrainingError: numbers below 0 for a kernel that takes none, or so large that the kernel is not finite.
    """
    lowest = min(vectors.min(initial=0), others.min(initial=0))
    if kind in NONNEGATIVE and lowest < 0:
        raise TrainingError(
            f"the kernel '{kind}' takes no negative numbers, but a feature is {significant(lowest)}; "
            "set svm.scaling to 'sigmoid' or 'split'"
        )
    with np.errstate(over="ignore", invalid="ignore"):
        found = _COMPARED[kind](vectors, others)
    if not np.isfinite(found).all():
        largest = max(np.abs(vectors).max(initial=0), np.abs(others).max(initial=0))
        raise TrainingError(
            f"the kernel '{kind}' overflows: a feature is {significant(largest)}; set svm.scaling to 'zscore' or "
            "'sigmoid', or mend the feature"
        )
    return found


def unit_of(kind: Kernel, own: Float64[np.ndarray, "N N"]) -> float:
    """Return what the comparisons are divided by, of those of the training vectors with each other.

    Raises:
        TrainingError: all vectors are the same, or all are 0.
    """
    unit = float(own.mean() if kind in WITH_GAMMA else np.diag(own).mean())
    if unit <= 0:
        raise TrainingError(
            f"the kernel '{kind}' tells no two of the {len(own)} training images apart: the feature is constant; "
            "leave it out"
        )
    return unit


def kernel(kind: Kernel, comparisons: Compared, *, unit: float, gamma: float) -> Compared:
    """Return the kernel of comparisons; `gamma` matters for rbf and chi2 alone."""
    return np.exp(-gamma / unit * comparisons) if kind in WITH_GAMMA else comparisons / unit


def _linear(vectors: Vectors, others: Others) -> Compared:
    return vectors @ others.T


def _squared(vectors: Vectors, others: Others) -> Compared:
    return cdist(vectors, others, "sqeuclidean")


def _intersection(vectors: Vectors, others: Others) -> Compared:
    # min(x, y) = (x + y - |x - y|) / 2, and the last is compiled.
    return (vectors.sum(axis=1)[:, None] + others.sum(axis=1)[None] - cdist(vectors, others, "cityblock")) / 2


def _chi2(vectors: Vectors, others: Others) -> Compared:
    # (x - y)^2 / (x + y) = x + y - 4 x y / (x + y)
    sums = vectors.sum(axis=1)[:, None] + others.sum(axis=1)[None]
    return np.maximum(sums - 2 * _additive_chi2(vectors, others), 0)


def _additive_chi2(vectors: Vectors, others: Others) -> Compared:
    found = np.empty((len(vectors), len(others)))
    rows = max(1, BLOCK // max(1, vectors.shape[1]))
    for start in range(0, len(others), rows):
        some = others[start : start + rows]
        for row, one in enumerate(vectors):
            total = one + some
            total[total == 0] = 1
            found[row, start : start + rows] = np.einsum("d,md,md->m", one, some, 2 / total)
    return found


_COMPARED = {
    "linear": _linear,
    "rbf": _squared,
    "intersection": _intersection,
    "additive-chi2": _additive_chi2,
    "chi2": _chi2,
}
