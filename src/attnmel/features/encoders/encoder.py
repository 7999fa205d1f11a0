"""Local descriptors -> one vector an image, by an encoder that is fitted on training images. No torch."""

from collections.abc import Iterable, Mapping

import numpy as np
from jaxtyping import Float32

from attnmel.config.system import Feature, FisherSettings, SparseSettings
from attnmel.features.encoders.fisher import fisher_vector, fit_mixture
from attnmel.features.encoders.sparse_codes import fit_dictionary, sparse_code

Arrays = Mapping[str, np.ndarray]
"""What was fitted, by name; empty for a feature of whole images."""


def fit_encoder(settings: Feature, parts: Iterable[np.ndarray], images: int, *, seed: int) -> Arrays:
    """Fit the encoder of a feature on the descriptors [B T d] of `images` training images, given in parts.

    Of each image as many descriptors are drawn as make up the number of the settings together.
    """
    if isinstance(settings, FisherSettings):
        drawn = _drawn(parts, settings.descriptors, images, seed)
        return fit_mixture(drawn, components=settings.components, mixture=settings.mixture, seed=seed)
    if isinstance(settings, SparseSettings):
        drawn = _drawn(parts, settings.patches, images, seed)
        return fit_dictionary(drawn, atoms=settings.atoms, seed=seed)
    return {}


def encode(settings: Feature, arrays: Arrays, described: np.ndarray) -> Float32[np.ndarray, "B D"]:
    """Return the vector of each image; a feature of whole images is its own."""
    if isinstance(settings, FisherSettings):
        return np.stack([fisher_vector(one, arrays) for one in described]).astype(np.float32)
    if isinstance(settings, SparseSettings):
        codes = [sparse_code(one, arrays["atoms"], used=settings.used) for one in described]
        return np.stack(codes).astype(np.float32)
    return described.astype(np.float32)


def _drawn(parts: Iterable[np.ndarray], most: int, images: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    chosen = []
    for part in parts:
        count = min(part.shape[1], -(-most // images))
        chosen += [one[np.sort(rng.choice(len(one), count, replace=False))] for one in part]
    return np.concatenate(chosen)[:most]
