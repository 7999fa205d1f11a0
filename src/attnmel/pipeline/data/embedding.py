"""Prepared images -> the embeddings of a network's trunk, and the pairs of images with similar ones."""

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32
from torch import nn

from attnmel.compute import runtime
from attnmel.data.audit.descriptors import FINE
from attnmel.data.audit.search.candidates import SYMMETRIES, turned
from attnmel.data.audit.search.nearest import Nearest
from attnmel.data.preprocess.images import normalised
from attnmel.models.trunks.registry import TRUNKS
from attnmel.models.weights.checkpoints import load_checkpoint

RANDOM = "random"
RANDOM_WIDTH = 0.25
RANDOM_SEED = 0

ALIKE = 0.95
"""Cosine of two standardised embeddings from which a pair is reported."""

NEAREST = 3
"""Neighbours of each image that are reported at most."""

MIDDLE_GREY, SPREAD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
"""Normalisation for the random trunk."""

Pairs = list[tuple[int, int, float]]


def embedded(model: str) -> tuple[str, Callable[[Iterable[np.ndarray]], Pairs]]:
    """Return a name for a trunk (by the content of its file) and the function that finds pairs by its embedding.

    "random" is a trunk with random weights, which still separates pictures by their texture.

    Raises:
        CheckpointError: the model cannot be used.
    """
    device = runtime.choose_device()
    if model == RANDOM:
        runtime.seed_everything(RANDOM_SEED)
        trunk, mean, std, source = TRUNKS["vgg16_bn"](RANDOM_WIDTH), MIDDLE_GREY, SPREAD, RANDOM
    else:
        network, card = load_checkpoint(Path(model))
        trunk, mean, std = network.get_submodule("trunk"), card.mean, card.std
        weights = b"".join(value.cpu().numpy().tobytes() for value in trunk.state_dict().values())
        source = f"{card.recipe}, weights {hashlib.sha256(weights).hexdigest()[:12]}"
    trunk = trunk.to(device).eval()
    return source, lambda chunks: close_pairs(
        np.concatenate([_embedding(trunk, images, mean, std, device) for images in chunks])
    )


def close_pairs(embeddings: Float32[np.ndarray, "N D"]) -> Pairs:
    """Return the pairs of neighbours whose standardised embeddings have a cosine of `ALIKE` or more, closest first."""
    spread = embeddings.std(axis=0)
    known = (embeddings - embeddings.mean(axis=0))[:, spread > 0] / spread[spread > 0]
    known /= np.linalg.norm(known, axis=1, keepdims=True).clip(1e-6)
    found = Nearest([known]).of_each([known], NEAREST, ALIKE)
    pairs = {
        (min(first, second), max(first, second)): min(cosine, 1.0)
        for first, second, _, cosine in zip(*(column.tolist() for column in found), strict=True)
    }
    return sorted(((*pair, cosine) for pair, cosine in pairs.items()), key=lambda one: -one[2])


@torch.inference_mode()
def _embedding(
    trunk: nn.Module,
    images: np.ndarray,
    mean: tuple[float, float, float],
    std: tuple[float, float, float],
    device: torch.device,
) -> Float32[np.ndarray, "B D"]:
    """Return the means of the two deepest maps over place and over the eight symmetries of the square."""
    block = images.shape[1] // FINE
    small = images.reshape(len(images), FINE, block, FINE, block, 3).mean(axis=(2, 4)).round().astype(np.uint8)
    sums = []
    for symmetry in range(SYMMETRIES):
        inputs = np.stack([normalised(image, mean, std) for image in turned(small, symmetry)])
        maps = trunk(torch.from_numpy(inputs).to(device))
        sums.append(torch.cat([maps.stride16.mean((2, 3)), maps.stride32.mean((2, 3))], dim=1))
    return torch.stack(sums).mean(dim=0).float().cpu().numpy()
