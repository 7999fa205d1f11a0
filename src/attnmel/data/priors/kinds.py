"""Pixel-level priors that attention maps are trained toward, computed from the masks of `data.priors.sources`."""

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor

Prior = Callable[[Float[Tensor, "B 1 s s"]], Float[Tensor, "B 1 s s"]]
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


PRIORS: dict[str, Prior] = {"lesion": lesion, "background": background, "dermoscopic": dermoscopic}
