import numpy as np
import pytest

from attnmel.errors import TrainingError
from attnmel.features.encoders.sparse_codes import fit_dictionary, sparse_code


def test_a_patch_that_is_an_atom_uses_that_atom_alone() -> None:
    patches = np.array([[10, 20, 30, 0], [0, 50, 0, 50]], dtype=np.uint8)
    centred = patches - patches.mean(axis=1, keepdims=True)
    atoms = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    np.testing.assert_allclose(sparse_code(patches[:1], atoms, used=1), [1, 0], atol=1e-9)
    # Brightness and contrast play no part, and of two patches each atom has its strongest use.
    np.testing.assert_allclose(sparse_code(patches * 2 + 5, atoms, used=1), [1, 1], atol=1e-9)


def test_an_image_without_contrast_uses_no_atom() -> None:
    assert not sparse_code(np.full((3, 4), 7, dtype=np.uint8), np.eye(4), used=2).any()


def test_a_dictionary_needs_as_many_patches_as_atoms() -> None:
    patches = np.random.default_rng(0).integers(0, 256, (12, 16), dtype=np.uint8)
    assert fit_dictionary(patches, atoms=4, seed=0)["atoms"].shape == (4, 16)
    flat = np.full((20, 16), 9, dtype=np.uint8)
    with pytest.raises(TrainingError) as refused:
        fit_dictionary(np.concatenate([patches[:3], flat]), atoms=4, seed=0)
    assert str(refused.value) == (
        "3 training patches with contrast cannot fit 4 atoms; lower `atoms`, or train on more images"
    )
