"""The embedding of a trunk puts copies close together, and says which trunk it is of."""

from pathlib import Path

import numpy as np
import pytest

from attnmel.data.audit.descriptors import SIDE
from attnmel.data.phantoms import draw_phantom
from attnmel.errors import CheckpointError
from attnmel.files.folders import RunFolder
from attnmel.pipeline.data.embedding import close_pairs, embedded

PICTURES = 10


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    drawn = np.stack([draw_phantom(11, index, height=SIDE, width=SIDE).image for index in range(PICTURES)])
    return np.concatenate([drawn, np.rot90(drawn[:3, :, ::-1], axes=(1, 2))])


def test_a_turned_copy_is_close_by_the_embedding_of_a_random_trunk(images: np.ndarray) -> None:
    source, find = embedded("random")
    assert source == "random"
    pairs = find([images[:7], images[7:]])
    assert {(first, second) for first, second, _ in pairs[:3]} == {(0, 10), (1, 11), (2, 12)}
    assert all(cosine == pytest.approx(1, abs=1e-3) for _, _, cosine in pairs[:3])


def test_the_trunk_of_a_run_is_named_by_its_weights(trained: RunFolder, images: np.ndarray) -> None:
    source, find = embedded(str(trained.path))
    assert source.startswith("demo, weights ")
    assert {(first, second) for first, second, _ in find([images])} >= {(0, 10), (1, 11), (2, 12)}


def test_a_model_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError):
        embedded(str(tmp_path / "nothing.safetensors"))


def test_close_pairs_are_those_of_numpy() -> None:
    random = np.random.default_rng(0)
    embeddings = random.normal(size=(30, 8)).astype(np.float32)
    embeddings[7] = embeddings[3] + 1e-3
    cosines = np.corrcoef((embeddings - embeddings.mean(axis=0)) / embeddings.std(axis=0))
    ((first, second, cosine),) = close_pairs(embeddings)
    assert (first, second) == (3, 7)
    assert cosine == pytest.approx(cosines[3, 7], abs=1e-2)
