"""Priors that attention maps and segmentation branches are trained toward, of the masks of `data.priors.sources`."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from attnmel.config.recipe import STRUCTURES, STRUCTURES_AND_LESION
from attnmel.data.preprocess.images import BLACK_TO_WHITE
from attnmel.data.priors.sources import DERMOSCOPIC_FEATURES

Prior = Callable[[Float[Tensor, "B 1 s s"]], Float[Tensor, "B P s s"]]
"""From the mask, augmented with its image, in [0, 1], to the prior in [0, 1]."""

NO_PRIOR = "none"
"""The name of a training without a prior; it is not among `PRIORS`."""


def lesion(mask: Float[Tensor, "B 1 s s"]) -> Float[Tensor, "B 1 s s"]:
    """Return the lesion itself."""
    return mask


def background(mask: Float[Tensor, "B 1 s s"]) -> Float[Tensor, "B 1 s s"]:
    """Return all but the lesion: one minus the mask."""
    return 1 - mask


def dermoscopic(mask: Float[Tensor, "B 1 s s"]) -> Float[Tensor, "B 1 s s"]:
    """Return what is marked: where at least one of four dermoscopic features is seen."""
    return mask


def structures(mask: Float[Tensor, "B 1 s s"]) -> Float[Tensor, "B P s s"]:
    """Return where each dermoscopic feature is seen: its bit in the bytes that `mask` was before it lay in [0, 1]."""
    return _bits(mask, len(DERMOSCOPIC_FEATURES))


def structures_and_lesion(mask: Float[Tensor, "B 1 s s"]) -> Float[Tensor, "B P s s"]:
    """Return the same, and last the lesion."""
    return _bits(mask, len(DERMOSCOPIC_FEATURES) + 1)


def _bits(mask: Float[Tensor, "B 1 s s"], count: int) -> Float[Tensor, "B P s s"]:
    marks = (mask * BLACK_TO_WHITE).round().to(torch.int32)
    return torch.cat([(marks >> place) & 1 for place in range(count)], dim=1).to(mask.dtype)


PRIORS: dict[str, Prior] = {
    "lesion": lesion,
    "background": background,
    "dermoscopic": dermoscopic,
    STRUCTURES: structures,
    STRUCTURES_AND_LESION: structures_and_lesion,
}
