"""Plain warnings on an image that a network was given: one score and one threshold each; no torch is loaded.

The rates are of images of ISIC 2017, measured by `benchmarks/prediction/crops.py`. The warnings are explained in
docs/prediction/predict.md.
"""

import dataclasses

import numpy as np
from PIL import Image

from attnmel.data.preprocess.coverage import Covered
from attnmel.records import ColourStatistics
from attnmel.shapes import Float32, Float64, UInt8

OUTSIDE = "outside the square"
SMALL = "smaller than the input"
STRIP = "strip"
ONE_COLOUR = "one colour"
BLURRED = "blurred"
NO_LESION = "no lesion found"
COLOURS = "colours far from training"
WARNINGS = (OUTSIDE, SMALL, STRIP, ONE_COLOUR, BLURRED, NO_LESION, COLOURS)
"""Every warning, in the order in which they are given."""

LEAST_SEEN = 0.75
"""Share of the lesion's area that the network saw at least, or else the lesion is outside the square."""

LONGEST_STRIP = 2.0
"""Longer over shorter side of an image above which it is a strip: cameras give 1.78 (16:9) at most."""

LEAST_CONTRAST = 2.0
"""Deviation of the brightness, in levels, below which an image shows one colour: nothing can be seen on it."""

SHARPNESS_SIDE = 224
"""Side in pixels at which sharpness is measured, whatever the size of the input; a smaller one is not checked."""

NOT_BLURRED = (
    f"'{BLURRED}' is not checked: the input has fewer than {SHARPNESS_SIDE} pixels a side, where no image is sharp"
)

LEAST_SHARPNESS = 6.5
"""Sharpness below which an image is blurred: 1 % of the training images of ISIC 2017 have less."""

FAR_QUANTILE = 0.99
"""Share of a network's training images whose colours are not far from training."""

GREY = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in the brightness (ITU-R BT.601)."""


def colour_distances(colours: ColourStatistics, found: Float64[np.ndarray, "n 3"]) -> Float64[np.ndarray, " n"]:
    """Return the Mahalanobis distance of mean colours in [0, 1] from those of the training images."""
    apart = found - np.array(colours.mean)
    return np.sqrt(((apart @ np.linalg.inv(np.array(colours.covariance))) * apart).sum(axis=1))


def colour_statistics(colours: Float64[np.ndarray, "n 3"]) -> ColourStatistics | None:
    """Return the statistics of the mean colours of training images; None of fewer than 30, or if they hardly differ."""
    if len(colours) < 30:
        return None
    mean, covariance = colours.mean(axis=0), np.cov(colours, rowvar=False)
    if np.linalg.eigvalsh(covariance)[0] < 1e-8:
        return None
    found = ColourStatistics(
        mean=tuple(mean.round(6).tolist()),
        covariance=tuple(map(tuple, covariance.round(10).tolist())),  # pyright: ignore[reportArgumentType] - three each
        limit=1.0,
        images=len(colours),
    )
    limit = float(np.quantile(colour_distances(found, colours), FAR_QUANTILE))
    return dataclasses.replace(found, limit=round(limit, 4))


def mean_colour(pixels: UInt8[np.ndarray, "s s 3"]) -> Float64[np.ndarray, " 3"]:
    """Return the mean red, green and blue of the pixels that a network saw, in [0, 1]."""
    return pixels.mean(axis=(0, 1)) / 255


def sharpness(pixels: UInt8[np.ndarray, "s s 3"]) -> float:
    """Return the variance of the Laplacian of the brightness, at `SHARPNESS_SIDE` pixels; lower is more blurred.

    Pech-Pacheco et al., Diatom autofocusing in brightfield microscopy, ICPR 2000 (there LAPV); the Laplacian is of the
    four neighbours.
    """
    if len(pixels) != SHARPNESS_SIDE:
        resized = Image.fromarray(pixels).resize((SHARPNESS_SIDE, SHARPNESS_SIDE), Image.Resampling.BILINEAR)
        pixels = np.asarray(resized)
    grey = _brightness(pixels)
    neighbours = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    return float((neighbours - 4 * grey[1:-1, 1:-1]).var())


def contrast(pixels: UInt8[np.ndarray, "s s 3"]) -> float:
    """Return the standard deviation of the brightness of the pixels that a network saw, in levels of 0..255."""
    return float(_brightness(pixels).std())


def _brightness(pixels: UInt8[np.ndarray, "s s 3"]) -> Float32[np.ndarray, "s s"]:
    return pixels.astype(np.float32) @ np.array(GREY, dtype=np.float32)


def image_warnings(
    pixels: UInt8[np.ndarray, "s s 3"], covered: Covered, colours: ColourStatistics | None
) -> tuple[str, ...]:
    """Return the names of the warnings on an image, in the order of `WARNINGS`; `pixels` are those the network saw.

    An image of one colour is not called blurred too, nor one of which a network saw less than `SHARPNESS_SIDE` pixels:
    enlarged to that size all images are smooth.
    """
    is_empty = contrast(pixels) < LEAST_CONTRAST
    longer, shorter = max(covered.width, covered.height), min(covered.width, covered.height)
    holds = {
        OUTSIDE: covered.of_lesion is not None and covered.of_lesion < LEAST_SEEN,
        SMALL: covered.side < len(pixels),
        STRIP: longer > LONGEST_STRIP * shorter,
        ONE_COLOUR: is_empty,
        BLURRED: not is_empty and len(pixels) >= SHARPNESS_SIDE and sharpness(pixels) < LEAST_SHARPNESS,
        NO_LESION: covered.found is False,
        COLOURS: colours is not None and colour_distances(colours, mean_colour(pixels)[None])[0] > colours.limit,
    }
    return tuple(name for name in WARNINGS if holds[name])


def not_checked(colours: ColourStatistics | None, size: int, *, masks: bool) -> tuple[str, ...]:
    """Return a sentence for each warning that cannot be given, and why; `size` is the side of the input in pixels."""
    sentences = [NOT_BLURRED] if size < SHARPNESS_SIDE else []
    if not masks:
        options = "--segmenter, or --masks of predict"
        sentences.append(f"'{OUTSIDE}' and '{NO_LESION}' are not checked: they need lesion masks ({options})")
    if colours is None:
        sentences.append(f"'{COLOURS}' is not checked: the network has no colour statistics of its training images")
    return tuple(sentences)
