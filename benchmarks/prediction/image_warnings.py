"""How often each warning of `attnmel predict` is given on images of ISIC 2017, and the scores that it is given by.

    python benchmarks/prediction/image_warnings.py [--home HOME] [--size 224] [--crop 0.8] [--limit 2000]
                                                   [--colours FILE]

Quantiles of the sharpness and the colour distance of training and test images, the sharpness after a Gaussian blur of
1, 2 and 4 pixels of the network's input, and how many images are warned of. `--colours` writes the colour statistics of
the training images, as a card holds them.
"""

import argparse
import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from attnmel.config.fields import prepared_side
from attnmel.data.datasets.read_dataset import read_dataset
from attnmel.data.preprocess.framing import Framing
from attnmel.data.preprocess.image_warnings import (
    LEAST_SHARPNESS,
    WARNINGS,
    colour_distances,
    colour_statistics,
    contrast,
    mean_colour,
    sharpness,
)
from attnmel.data.preprocess.images import central_crop
from attnmel.data.preprocess.network_input import mask_of, network_input
from attnmel.files.folders import home_folder
from attnmel.records import Lesion

QUANTILES = (0.001, 0.005, 0.01, 0.02, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 0.999)
BLURS = (1, 2, 4)


def seen_pixels(lesion: Lesion, framing: Framing) -> np.ndarray:
    """Return the pixels that the network sees."""
    return central_crop(network_input(lesion.image, framing).prepared[0][None], framing.size)[0]


def quantiles(values: Sequence[float]) -> str:
    """Return the quantiles as text."""
    return ", ".join(f"{q:g}: {v:.3g}" for q, v in zip(QUANTILES, np.quantile(values, QUANTILES), strict=True))


def main() -> None:
    """Print the scores and the rates."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--crop", type=float, default=0.8)
    parser.add_argument("--limit", type=int, default=2000)
    parser.add_argument("--colours", type=Path)
    options = parser.parse_args()
    framing = Framing(options.crop, options.size, prepared_side(options.size))
    lesions = read_dataset("isic2017", home_folder(options.home)).lesions
    train = [one for one in lesions if one.split == "train"][: options.limit]
    test = [one for one in lesions if one.split == "test"][: options.limit]
    pixels = [seen_pixels(one, framing) for one in train]
    colours = colour_statistics(np.stack([mean_colour(one) for one in pixels]))
    assert colours is not None
    print(json.dumps(dataclasses.asdict(colours)))
    if options.colours:
        options.colours.write_text(json.dumps(dataclasses.asdict(colours), indent=2) + "\n", encoding="utf-8")
    print(f"sharpness of {len(train)} training images: {quantiles([sharpness(one) for one in pixels])}")
    print(f"contrast of {len(train)} training images: {quantiles([contrast(one) for one in pixels])}")
    counts: dict[str, int] = dict.fromkeys(WARNINGS, 0)
    sharp, far = [], []
    blurred: dict[int, list[float]] = {blur: [] for blur in BLURS}
    for lesion in test:
        found = network_input(lesion.image, framing, mask=mask_of(lesion.mask, lesion.image), colours=colours)
        seen = central_crop(found.prepared[0][None], framing.size)[0]
        sharp.append(sharpness(seen))
        far.append(float(colour_distances(colours, mean_colour(seen)[None])[0]))
        for blur in BLURS:
            picture = Image.fromarray(seen).filter(ImageFilter.GaussianBlur(blur))
            blurred[blur].append(sharpness(np.asarray(picture)))
        for name in found.seen.warnings:
            counts[name] += 1
    print(f"sharpness of {len(test)} test images: {quantiles(sharp)}")
    print(f"colour distance of the test images: {quantiles(far)}; limit {colours.limit}")
    for blur, values in blurred.items():
        print(
            f"blurred by {blur} pixels: {np.mean(np.array(values) < LEAST_SHARPNESS):.3f} warned; {quantiles(values)}"
        )
    print(f"warnings on {len(test)} test images ({sum(one.mask is not None for one in test)} masks): {counts}")


if __name__ == "__main__":
    main()
