"""Maps that do not depend on the network: the baseline that a method is compared with."""

import hashlib

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from attnmel.saliency.methods.scaling import stretched, upsampled

DEVIATION = 0.25
"""Of the centred Gaussian, as a share of the side: above one half it marks 27 % of the square."""

CELLS = 7
"""Random values a side, as coarse as pool-5 at 224 pixels."""


def centred_gaussian(
    network: nn.Module, images: Float[Tensor, "B 3 s s"], classes: Int[Tensor, " B"]
) -> Float[Tensor, "B s s"]:
    """Return a bell at the centre, where photographers put the lesion; the same for every image, 1 at its top."""
    side = images.shape[-1]
    pixels = torch.arange(side, device=images.device, dtype=torch.float32)
    bell = torch.exp(-(((pixels - (side - 1) / 2) / (DEVIATION * side)) ** 2) / 2)
    return stretched((bell[:, None] * bell[None, :])[None]).repeat(len(images), 1, 1)


def random_map(
    network: nn.Module, images: Float[Tensor, "B 3 s s"], classes: Int[Tensor, " B"]
) -> Float[Tensor, "B s s"]:
    """Return smooth noise spread over [0, 1], drawn for each image from its own pixels: the same in any order."""
    cells = torch.stack([torch.rand(CELLS, CELLS, generator=_generator(image)) for image in images])
    return stretched(upsampled(cells, images.shape[-1])).to(images.device)


def _generator(image: Float[Tensor, "3 s s"]) -> torch.Generator:
    digest = hashlib.sha256(image.detach().float().cpu().contiguous().numpy().tobytes()).digest()
    # A torch seed is a signed number of 64 bits.
    return torch.Generator().manual_seed(int.from_bytes(digest[:7]))
