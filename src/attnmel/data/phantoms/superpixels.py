"""Superpixels as ISIC 2017 part 2 has them: small patches that keep to colour edges, numbered from 0."""

import numpy as np
from jaxtyping import Bool, Int, UInt8

# Patches along the shorter side of the frame.
_PATCHES = 20
# Difference in grey levels that weighs as much as the distance of one patch: edges bend the patches, no more.
_CONTRAST = 40


def draw_superpixels(rng: np.random.Generator, image: UInt8[np.ndarray, "H W 3"]) -> Int[np.ndarray, "H W"]:
    """Give every pixel to the nearest of its nine neighbouring seeds, in place and grey level together.

    One step of SLIC (Achanta 2012) from seeds on a shaken grid. The numbers run from 0 without a gap.
    """
    height, width = image.shape[:2]
    patch = max(2.0, min(height, width) / _PATCHES)
    y, x = np.ogrid[0 : height / patch : 1 / patch, 0 : width / patch : 1 / patch]
    y, x = y[:height].astype(np.float32), x[:, :width].astype(np.float32)
    rows, columns = int(y[-1, 0]) + 1, int(x[0, -1]) + 1
    seed_y = np.arange(rows)[:, None] + rng.uniform(0.2, 0.8, (rows, columns)).astype(np.float32)
    seed_x = np.arange(columns)[None, :] + rng.uniform(0.2, 0.8, (rows, columns)).astype(np.float32)
    grey = image.mean(axis=2, dtype=np.float32) / np.float32(_CONTRAST)
    nearby = np.minimum(seed_y * patch, height - 1).astype(int), np.minimum(seed_x * patch, width - 1).astype(int)
    seeds = np.stack([seed_y, seed_x, grey[nearby]]).astype(np.float32)

    nearest = np.zeros((height, width), np.int32)
    least = np.full((height, width), np.inf, np.float32)
    for down in (-1, 0, 1):
        row = np.clip(y.astype(np.int32) + down, 0, rows - 1)
        for right in (-1, 0, 1):
            number = row * columns + np.clip(x.astype(np.int32) + right, 0, columns - 1)
            seed = np.take(seeds.reshape(3, -1), number, axis=1)
            distance = (y - seed[0]) ** 2 + (x - seed[1]) ** 2 + (grey - seed[2]) ** 2
            np.copyto(nearest, number, where=distance < least, casting="same_kind")
            np.minimum(least, distance, out=least)
    used = np.bincount(nearest.ravel()) > 0
    return (np.cumsum(used, dtype=np.int32) - 1)[nearest]


def encoded(superpixels: Int[np.ndarray, "H W"]) -> UInt8[np.ndarray, "H W 3"]:
    """Write each number as a colour, index = R + (G << 8) + (B << 16), the archive's way."""
    return np.stack([superpixels >> shift & 255 for shift in (0, 8, 16)], axis=-1).astype(np.uint8)


def covered_superpixels(
    superpixels: Int[np.ndarray, "H W"], area: Bool[np.ndarray, "H W"]
) -> Bool[np.ndarray, " superpixels"]:
    """Whether the area covers more than half of each superpixel."""
    sizes = np.bincount(superpixels.ravel())
    return 2 * np.bincount(superpixels[area], minlength=len(sizes)) > sizes
