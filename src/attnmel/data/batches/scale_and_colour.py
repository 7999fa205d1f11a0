"""Random crops of any scale and angle, and random colours: drawn once from a generator, then applied to a batch.

Unlike an `Augmentation`, which only moves pixels, a warp interpolates between them.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float32, UInt8
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

from attnmel.compute.runtime import sent
from attnmel.data.preprocess.images import BLACK_TO_WHITE

TINT = 0.25
"""How far one of the three colour channels varies, as a share of how far brightness does."""


@dataclass(frozen=True)
class WarpRange:
    """What a warp is drawn from."""

    smallest: float
    """Share of the prepared square's area that a crop has at least, in (0, 1]."""
    largest: float
    """At most."""
    any_angle: bool
    """Whether a crop is turned by any angle, or by quarter turns alone."""
    colour: float
    """How far brightness, contrast and saturation vary around 1, in [0, 1)."""

    @classmethod
    def of(cls, smallest_crop: float | None, any_angle: bool, colour: float, side: float) -> "WarpRange | None":
        """Return the range of a recipe; None where nothing but crops of one `side`, quarter turns and flips is wanted.

        `side` is the crop's as a share of the prepared square's. With a smallest crop the largest is the whole square.
        """
        if smallest_crop is None:
            return cls(side**2, side**2, any_angle, colour) if any_angle or colour > 0 else None
        return cls(smallest_crop, 1.0, any_angle, colour)


@dataclass(frozen=True, eq=False)
class Warp:
    """One square of any place, size and angle for each image, flipped or not, and a change of its colours."""

    size: int
    """Of the images that come out, in pixels."""
    squares: Float32[Tensor, "B 2 3"]
    """From the result's coordinates to the image's, both -1 to 1 from edge to edge."""
    colours: Float32[Tensor, "B 6"]
    """Factors of brightness, contrast, saturation, red, green and blue."""

    @classmethod
    def draw(cls, count: int, within: WarpRange, *, size: int, generator: torch.Generator) -> "Warp":
        """Draw for `count` images: areas, places, angles, flips and factors are each uniform.

        Where a turned square leaves the image, the image is continued by its mirror image.
        """

        def uniform(*shape: int) -> Tensor:
            return torch.rand(count, *shape, generator=generator)

        side = (within.smallest + (within.largest - within.smallest) * uniform()).sqrt()
        angle = (
            2 * math.pi * uniform()
            if within.any_angle
            else math.pi / 2 * torch.randint(4, (count,), generator=generator)
        )
        place = (2 * uniform(2) - 1) * (1 - side)[:, None]
        flip = 2.0 * torch.randint(2, (count,), generator=generator) - 1
        cosine, sine = angle.cos() * side, angle.sin() * side
        squares = torch.stack([cosine * flip, -sine, place[:, 0], sine * flip, cosine, place[:, 1]], dim=1)
        far = within.colour * torch.tensor([1, 1, 1, TINT, TINT, TINT])
        return cls(size, squares.view(-1, 2, 3), 1 + (2 * uniform(6) - 1) * far)

    def __getitem__(self, chosen: slice) -> "Warp":
        """Return the warp of some of the images."""
        return Warp(self.size, self.squares[chosen], self.colours[chosen])

    def __len__(self) -> int:
        return len(self.squares)

    def __call__(self, pixels: UInt8[Tensor, "B S S 4"], *, bits: bool = False) -> Float32[Tensor, "B 4 s s"]:
        """Return red, green, blue and mask of each square, 0 to 255; colours change, masks only move.

        Where a mask is `bits`, as of several structures, the nearest pixel's are taken, not a mean of several.
        """
        grid = affine_grid(sent(self.squares, pixels.device), [len(self), 4, self.size, self.size], align_corners=False)

        def sampled(planes: Float32[Tensor, "B P S S"], mode: str) -> Float32[Tensor, "B P s s"]:
            return grid_sample(planes, grid, mode=mode, padding_mode="reflection", align_corners=False)

        planes = pixels.permute(0, 3, 1, 2).float()
        moved = sampled(planes, "bilinear")
        if bits:
            moved[:, 3:] = sampled(planes[:, 3:], "nearest")
        colours = sent(self.colours, pixels.device)
        if bool((self.colours != 1).any()):
            moved[:, :3] = _recoloured(moved[:, :3], colours)
        return moved


def _recoloured(rgb: Float32[Tensor, "B 3 s s"], colours: Float32[Tensor, "B 6"]) -> Float32[Tensor, "B 3 s s"]:
    """Change brightness, contrast about the mean of all pixels, saturation about each pixel's mean, then the tint."""
    brightness, contrast, saturation = (colours[:, at].view(-1, 1, 1, 1) for at in range(3))
    rgb = rgb * brightness
    mean = rgb.mean(dim=(1, 2, 3), keepdim=True)
    rgb = mean + (rgb - mean) * contrast
    grey = rgb.mean(dim=1, keepdim=True)
    rgb = grey + (rgb - grey) * saturation
    return (rgb * colours[:, 3:, None, None]).clamp(0, BLACK_TO_WHITE)
