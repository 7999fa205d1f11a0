"""Photographs that a network sees little of, or that are odd, with their lesion masks and the right warnings."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageFilter
from tests.images import spot_on_skin


class Stranger(NamedTuple):
    """One photograph, with what is to be said of it by a network of 224 pixels and the crop 0.8."""

    image: Path
    mask: Path
    share_of_image: float
    share_of_lesion: float | None
    warnings: tuple[str, ...]


KINDS: dict[str, tuple[tuple[int, int], tuple[int, int, int], float, float | None, tuple[str, ...]]] = {
    # name: width and height, centre and radius of the lesion, shares of image and lesion, warnings
    "good": ((800, 600), (400, 300, 100), 0.3675, 1.0, ()),
    "border": ((800, 600), (190, 300, 100), 0.3675, 0.5, ("outside the square",)),
    "small": ((300, 225), (150, 112, 40), 0.3677, 1.0, ("smaller than the input",)),
    "strip": ((1300, 600), (650, 300, 100), 0.2262, 1.0, ("strip",)),
    "blurred": ((800, 600), (400, 300, 100), 0.3675, 1.0, ("blurred",)),
    "black": ((800, 600), (400, 300, 100), 0.3675, 1.0, ("one colour",)),
    "lens cap": ((800, 600), (400, 300, 100), 0.3675, 1.0, ("one colour",)),
    "no-lesion": ((800, 600), (0, 0, 0), 0.3675, None, ("no lesion found",)),
}
"""The input is 0.7 of the shorter side: 420 x 420 of 800 x 600; the lesion "border" is cut in half by its left edge."""


def write_strangers(folder: Path) -> list[Stranger]:
    """Write the photographs into `folder`, their masks into `folder`/masks."""
    (folder / "masks").mkdir(parents=True)
    found = []
    for name, ((width, height), (x, y, radius), of_image, of_lesion, warnings) in KINDS.items():
        pixels, disc = spot_on_skin(width, height, centre=(x, y), radii=(radius, radius), grain=25)
        picture = Image.fromarray(pixels)
        if name == "blurred":
            picture = picture.filter(ImageFilter.GaussianBlur(6))
        if name in ("black", "lens cap"):
            noise = np.random.default_rng(0).integers(0, 9 if name == "lens cap" else 1, (height, width, 3))
            picture = Image.fromarray(noise.astype(np.uint8))
        image, mask = folder / f"{name}.png", folder / "masks" / f"{name}_segmentation.png"
        picture.save(image)
        Image.fromarray(disc.astype(np.uint8) * 255).save(mask)
        found.append(Stranger(image, mask, of_image, of_lesion, warnings))
    return found
