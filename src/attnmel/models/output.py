"""The output of every classifier, and the class probabilities that follow from it.

One legend of shapes holds for the whole package: B batch, K classes, S prepared side, s crop side, h and w map size,
C channels, N images.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Float64
from torch import Tensor, nn

from attnmel.models.averaging import averaged

SQUARES_A_PASS = 32
"""Of images with several squares, so that memory does not grow with their number."""


class Output(NamedTuple):
    """Scores of the classes, and the attention maps that they were computed with."""

    logits: Float[Tensor, "B K"]
    """Scores before the softmax, in the precision of the last layer's weights."""
    attention: tuple[Float[Tensor, "B 1 h w"], ...] = ()
    """Maps in [0, 1] on pool-3, then on pool-4; empty for a network without gates."""
    masks: Float[Tensor, "B P h w"] | None = None
    """Scores, before the sigmoid, of the planes that a segmentation branch is trained toward; None without one."""
    without_lesion: Bool[Tensor, " B"] | None = None
    """Where a network whose polar grid follows the lesion found none, and took the disc; None of others."""
    margins: Float[Tensor, "B K"] | None = None
    """Of a hinge head; None without one."""
    softmax_scores: Float[Tensor, "B K"] | None = None
    """Of the softmax head where there is a hinge head, too; None elsewhere, where `logits` are all there is."""


class BatchPrediction(NamedTuple):
    """The prediction of a classifier for some images."""

    probabilities: Float64[np.ndarray, "B K"]
    attention: tuple[Float32[np.ndarray, "B h w"], ...]
    """Maps in [0, 1], pool-3 first; empty for a network without gates."""
    without_lesion: int = 0
    """Images in which a network that looks for the lesion found none."""


@torch.inference_mode()
def predict_batch(
    network: nn.Module, inputs: Float[Tensor, "B 3 s s"] | Mapping[int, Tensor], temperature: float | None = None
) -> BatchPrediction:
    """Return class probabilities and attention maps; `inputs` are what the network takes, on its device."""
    output: Output = network(inputs)
    shares = probabilities(output.logits, temperature)
    maps = tuple(one[:, 0].float().cpu().numpy() for one in output.attention)
    missed = 0 if output.without_lesion is None else int(output.without_lesion.sum())
    return BatchPrediction(shares.cpu().numpy(), maps, missed)


def predict_squares(
    network: nn.Module, inputs: Float[Tensor, "B 3 s s"], images: int, temperature: float | None = None
) -> BatchPrediction:
    """Return the predictions of images with several squares each, which follow each other; maps are of the first."""
    squares = len(inputs) // images
    if squares == 1:
        return predict_batch(network, inputs, temperature)
    passes = [predict_batch(network, some) for some in inputs.split(SQUARES_A_PASS)]
    shares = np.concatenate([one.probabilities for one in passes])
    maps = tuple(np.concatenate(one)[::squares] for one in zip(*(one.attention for one in passes), strict=True))
    return BatchPrediction(averaged(shares.reshape(images, squares, -1), temperature), maps)


def probabilities(logits: Float[Tensor, "B K"], temperature: float | None = None) -> Float64[Tensor, "B K"]:
    """Return softmax(logits / temperature), None for 1.

    In double precision, so that the probabilities of an image sum to 1 within far less than any measure resolves.
    """
    return (logits.double() / (1 if temperature is None else temperature)).softmax(dim=1)
