"""Occlusion: where covering the image takes from the class's score."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from attnmel.errors import ConfigError
from attnmel.progress import SILENT, Progress
from attnmel.saliency.methods.class_scores import evaluation_mode, scores_of
from attnmel.saliency.methods.scaling import positive

PATCHES_A_SIDE = 7
"""A patch is a seventh of the side, 32 of 224 pixels, and moves by half of that: 169 positions."""

COVER = 0.0
"""Value of a covered pixel: the mean colour that normalisation takes away. It hides what was there whatever its size,
while a blur would leave a lesion larger than the patch as dark as it is."""


@torch.no_grad()
def occlusion(
    network: nn.Module,
    images: Float[Tensor, "B 3 s s"],
    classes: Int[Tensor, " B"],
    *,
    patch: int | None = None,
    stride: int | None = None,
    batch: int = 32,
    progress: Progress = SILENT,
) -> Float[Tensor, "B s s"]:
    """Return the mean loss of score over the patches that cover a pixel, what is above 0, divided by the highest.

    After Zeiler and Fergus, ECCV 2014. `patch` and `stride` are in pixels. Each image passes once a position of the
    patch and once uncovered, `batch` at a time over positions and images. A map that is constant or nowhere above 0
    becomes 0.
    """
    side = images.shape[-1]
    patch = _usual_patch(side) if patch is None else patch
    covers = patch_covers(side, patch, _usual_stride(patch) if stride is None else stride).to(images.device)
    losses = score_losses(network, images, classes, covers, batch=batch, progress=progress)
    shape = covers.to(losses.dtype)
    return positive(torch.einsum("bp,phw->bhw", losses, shape) / shape.sum(0))


def patch_covers(side: int, patch: int, stride: int) -> Bool[Tensor, "P s s"]:
    """Return where each patch lies, row by row; the last of a row or column ends at the border, so all is covered.

    Raises:
        ConfigError: a patch larger than the image, or a stride that leaves gaps.
    """
    if not 1 <= stride <= patch <= side:
        raise ConfigError(
            f"a patch of {patch} pixels that moves by {stride} does not cover an image of {side}; expected 1 <= stride "
            "<= patch <= side"
        )
    starts = patch_starts(side, patch, stride)
    pixels = torch.arange(side)
    spans = torch.stack([(pixels >= start) & (pixels < start + patch) for start in starts])
    return (spans[:, None, :, None] & spans[None, :, None, :]).flatten(0, 1)


def patch_starts(side: int, patch: int, stride: int) -> list[int]:
    """Return where the patches of one row start."""
    return [*range(0, side - patch, stride), side - patch]


def occlusion_passes(side: int) -> int:
    """Return how often each image passes through the network, with the usual patch and stride."""
    patch = _usual_patch(side)
    return len(patch_starts(side, patch, _usual_stride(patch))) ** 2 + 1


def _usual_patch(side: int) -> int:
    return max(1, side // PATCHES_A_SIDE)


def _usual_stride(patch: int) -> int:
    return max(1, patch // 2)


def score_losses(
    network: nn.Module,
    images: Float[Tensor, "B 3 s s"],
    classes: Int[Tensor, " B"],
    covers: Bool[Tensor, "P s s"],
    *,
    batch: int,
    progress: Progress = SILENT,
) -> Float[Tensor, "B P"]:
    """Return by how much each cover lowers the score of each image's class."""
    # The first cover hides nothing: the image's own score comes with the others'.
    covers = torch.cat([torch.zeros_like(covers[:1]), covers])
    passes = len(images) * len(covers)
    scores: list[Tensor] = []
    with evaluation_mode(network), progress.bar("occluding", passes, "passes") as advance:
        for chosen in torch.arange(passes, device=images.device).split(batch):
            image, cover = chosen // len(covers), chosen % len(covers)
            covered = torch.where(covers[cover][:, None], COVER, images[image])
            scores.append(scores_of(network(covered), classes.to(image.device)[image]))
            advance(len(chosen))
    table = torch.cat(scores).reshape(len(images), len(covers))
    table = table.to(torch.promote_types(table.dtype, torch.float32))
    return table[:, :1] - table[:, 1:]
