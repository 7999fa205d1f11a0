"""Priors that attention maps and segmentation branches are trained toward, of the masks of `data.priors.sources`."""

from collections.abc import Callable
from functools import partial

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


def marked(mask: Float[Tensor, "B 1 s s"]) -> Float[Tensor, "B 1 s s"]:
    """Return what is marked: the lesion, or where at least one of four dermoscopic features is seen."""
    return mask


def background(mask: Float[Tensor, "B 1 s s"]) -> Float[Tensor, "B 1 s s"]:
    """Return all but the lesion: one minus the mask."""
    return 1 - mask


def structures(mask: Float[Tensor, "B 1 s s"], *, planes: int) -> Float[Tensor, "B P s s"]:
    """Return where each dermoscopic feature is seen, perhaps with the lesion last: its bit in the mask's bytes."""
    marks = (mask * BLACK_TO_WHITE).round().to(torch.int32)
    return torch.cat([(marks >> place) & 1 for place in range(planes)], dim=1).to(mask.dtype)


PRIORS: dict[str, Prior] = {
    "lesion": marked,
    "background": background,
    "dermoscopic": marked,
    STRUCTURES: partial(structures, planes=len(DERMOSCOPIC_FEATURES)),
    STRUCTURES_AND_LESION: partial(structures, planes=len(DERMOSCOPIC_FEATURES) + 1),
}
