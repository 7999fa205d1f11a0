"""Patches of an image -> sparse codes over a learnt dictionary, the strongest use of each atom. No torch.

Patches are brought to mean 0 and unit length; one without contrast is left out. Shapes: T patches of d pixels, A atoms.
"""

import numpy as np
from jaxtyping import Float64, UInt8

from attnmel.errors import TrainingError
from attnmel.features.packages import needed

Patches = UInt8[np.ndarray, "T d"]


def fit_dictionary(patches: Patches, *, atoms: int, seed: int) -> dict[str, Float64[np.ndarray, "A d"]]:
    """Learn a dictionary on training patches (scikit-learn's MiniBatchDictionaryLearning).

    Raises:
        TrainingError: fewer patches with contrast than atoms.
    """
    seen = _normalised(patches)
    if len(seen) < atoms:
        raise TrainingError(
            f"{len(seen)} training patches with contrast cannot fit {atoms} atoms; lower `atoms`, or train on more "
            "images"
        )
    learner = needed("sklearn.decomposition").MiniBatchDictionaryLearning(
        atoms, batch_size=512, max_iter=5, transform_algorithm="omp", random_state=seed
    )
    return {"atoms": learner.fit(seen).components_}


def sparse_code(patches: Patches, atoms: Float64[np.ndarray, "A d"], *, used: int) -> Float64[np.ndarray, " A"]:
    """Return the largest absolute coefficient of each atom over the patches of one image; 0 for an unused one."""
    seen = _normalised(patches)
    if not len(seen):
        return np.zeros(len(atoms))
    encode = needed("sklearn.decomposition").sparse_encode
    codes = encode(seen, atoms, algorithm="omp", n_nonzero_coefs=min(used, *atoms.shape), check_input=False)
    return np.abs(codes).max(axis=0)


def _normalised(patches: Patches) -> Float64[np.ndarray, "n d"]:
    centred = patches - patches.mean(axis=1, keepdims=True, dtype=np.float64)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    some = length[:, 0] > 0
    return centred[some] / length[some]
