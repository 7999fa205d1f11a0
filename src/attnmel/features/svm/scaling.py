"""How feature vectors are brought to one scale before a kernel: fitted on training vectors, then applied. No torch."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64
from scipy.special import expit

from attnmel.config.system import Scaling
from attnmel.errors import TrainingError
from attnmel.features.packages import needed


@dataclass(frozen=True)
class FittedScaling:
    """A PCA without whitening, if there is one, then a scaling."""

    kind: Scaling
    arrays: dict[str, Float64[np.ndarray, "..."]]
    """`centre` [D] and `axes` [C D] of the PCA; `mean` and `spread` of the z-score, the spread of constants 1."""

    def __call__(self, vectors: Float[np.ndarray, "N D"]) -> Float64[np.ndarray, "N E"]:
        """Scale vectors, in double precision."""
        scaled = vectors.astype(np.float64)
        if "axes" in self.arrays:
            scaled = (scaled - self.arrays["centre"]) @ self.arrays["axes"].T
        if "mean" in self.arrays:
            scaled = (scaled - self.arrays["mean"]) / self.arrays["spread"]
        if self.kind == "sigmoid":
            return expit(scaled)
        return np.concatenate([scaled.clip(0), (-scaled).clip(0)], axis=1) if self.kind == "split" else scaled


def fit_scaling(vectors: Float[np.ndarray, "N D"], kind: Scaling, *, components: int | None = None) -> FittedScaling:
    """Fit on training vectors; a PCA keeps no more components than there are numbers or images less one."""
    check_varied(vectors)
    arrays: dict[str, np.ndarray] = {}
    if components is not None:
        kept = min(components, vectors.shape[1], len(vectors) - 1)
        pca = needed("sklearn.decomposition").PCA(kept, svd_solver="full").fit(vectors.astype(np.float64))
        arrays = {"centre": pca.mean_, "axes": pca.components_}
    if kind in ("zscore", "sigmoid"):
        seen = FittedScaling("none", arrays)(vectors)
        spread = seen.std(axis=0)
        # Of a constant the standard deviation may be a rounding error in place of 0.
        constant = spread <= 1e-12 * np.abs(seen).max(axis=0)
        arrays |= {"mean": seen.mean(axis=0), "spread": np.where(constant, 1, spread)}
    return FittedScaling(kind, arrays)


def check_varied(vectors: Float[np.ndarray, "N D"]) -> None:
    """Refuse vectors that tell no two images apart.

    Raises:
        TrainingError: they are all the same, or not finite.
    """
    if not np.isfinite(vectors).all():
        raise TrainingError(
            "the feature has values that are not finite, as of weights that diverged; use other weights or leave it out"
        )
    if (vectors == vectors[0]).all():
        raise TrainingError(f"the feature is the same for all {len(vectors)} training images; leave it out")
