"""What is taken away from the images or labels to see what a network lives on. No torch.

    background-only    the lesion is gone: a box around it is filled with the colour of the skin next to the box
    lesion-only        all but the lesion is gone: filled with the mean colour, which is 0 once normalised
    shuffled-labels    the images stay, the training labels are permuted at random: nothing can be learnt then

Why a box: a hole of the lesion's own form would still tell its outline, the sign that dermatologists read first, and a
tight one would leave the pigment that fades out beyond the drawn border. Why the colour of the skin around it: black
or grey would stand out against dark and fair skin differently. What the box cannot hide is how large the lesion is and
where it lies, so `painted_shares` gives its area, whose AUC the report shows next to the ablation's. A box was painted
before, in black, by Bissoto, Fornaciali, Valle and Avila, "(De)Constructing Bias on Skin Lesion Datasets" (2019).

Shapes: B images, S prepared side; the four channels are red, green, blue and the lesion mask, which is never painted.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from attnmel.data.preprocess.images import BLACK_TO_WHITE, MASK_THRESHOLD
from attnmel.errors import require_known
from attnmel.shapes import Bool, Float64, Int64, UInt8

BACKGROUND_ONLY, LESION_ONLY, SHUFFLED_LABELS = "background-only", "lesion-only", "shuffled-labels"
ABLATIONS = (BACKGROUND_ONLY, LESION_ONLY, SHUFFLED_LABELS)
NO_ABLATION = "none"
PAINTED = (BACKGROUND_ONLY, LESION_ONLY)
"""Ablations that need the lesion mask of every image."""

BORDER = 0.05
"""Of the side: how far the box reaches beyond the lesion, and how far beyond the box the skin is looked at."""

SHUFFLING = 0x5487
"""Keeps the draw of the labels apart from what else is drawn from a run's seed."""

Paint = Callable[[UInt8[np.ndarray, "B S S 4"]], None]
"""Paints prepared images in place: copies of rows of the cache, as `gather` gives them."""

Window = tuple[slice, slice]


def ablation_of(fingerprint: Mapping[str, Any]) -> str | None:
    """Return the ablation that a fingerprint of data names, or None; earlier versions called it "control"."""
    return fingerprint.get("ablation") or fingerprint.get("control")


def painter(ablation: str, mean: Sequence[float]) -> Paint | None:
    """Return what an ablation does to prepared images; None where it leaves them as they are.

    `mean` is that of the normalisation, of RGB in [0, 1].
    """
    require_known("ablation", ablation, (NO_ABLATION, *ABLATIONS))
    colour = np.array([round(level * BLACK_TO_WHITE) for level in mean], dtype=np.uint8)
    if ablation == BACKGROUND_ONLY:
        return lambda pixels: paint_out_lesion(pixels, colour)
    if ablation == LESION_ONLY:
        return lambda pixels: paint_out_background(pixels, colour)
    return None


def paint_out_lesion(pixels: UInt8[np.ndarray, "B S S 4"], otherwise: UInt8[np.ndarray, " 3"]) -> None:
    """Fill a box around each lesion with the mean colour of the skin around the box.

    The box holds every pixel that the mask marks at all, and `BORDER` more on each side. A box that covers the whole
    image has nothing around it and takes the colour `otherwise`. A mask that marks nothing paints nothing.
    """
    for image, box in zip(pixels, _boxes(pixels), strict=True):
        if box is not None:
            for channel, level in enumerate(_colour_beside(image, box, otherwise)):
                image[box][..., channel] = level  # four times as fast as all three at once


def paint_out_background(pixels: UInt8[np.ndarray, "B S S 4"], colour: UInt8[np.ndarray, " 3"]) -> None:
    """Fill every pixel outside the lesion with one colour."""
    outside = pixels[..., 3] <= MASK_THRESHOLD
    for channel, level in enumerate(colour):
        np.copyto(pixels[..., channel], level, where=outside)


def painted_shares(pixels: UInt8[np.ndarray, "B S S 4"]) -> Float64[np.ndarray, " B"]:
    """Return the share of each image that `paint_out_lesion` fills."""
    side = pixels.shape[1]
    areas = [0 if box is None else _length(box[0]) * _length(box[1]) for box in _boxes(pixels)]
    return np.array(areas, dtype=np.float64) / side**2


def shuffled(labels: Int64[np.ndarray, " n"], seed: int) -> Int64[np.ndarray, " n"]:
    """Return the labels dealt out anew, as many of each class as before; the same seed deals the same."""
    return np.random.default_rng([SHUFFLING, seed]).permutation(labels)


def _boxes(pixels: UInt8[np.ndarray, "B S S 4"]) -> list[Window | None]:
    """Return the rows and columns of each lesion with its border; None where nothing is marked."""
    # The four bytes of a pixel as one number: twenty times as fast as picking the mask out first.
    whole = np.ascontiguousarray(pixels).view(np.uint32)[..., 0]
    rows, columns = (np.bitwise_or.reduce(whole, axis=axis)[..., None].view(np.uint8)[..., 3] > 0 for axis in (2, 1))
    return [_box(*pair) for pair in zip(rows, columns, strict=True)]


def _box(rows: Bool[np.ndarray, " S"], columns: Bool[np.ndarray, " S"]) -> Window | None:
    if not rows.any():
        return None
    edges = (np.flatnonzero(marked)[[0, -1]].tolist() for marked in (rows, columns))
    down, across = (_widened(first, last + 1, len(rows)) for first, last in edges)
    return down, across


def _widened(start: int, stop: int, side: int) -> slice:
    margin = max(1, round(BORDER * side))
    return slice(max(0, start - margin), min(side, stop + margin))


def _length(edge: slice) -> int:
    return edge.stop - edge.start


def _colour_beside(
    image: UInt8[np.ndarray, "S S 4"], box: Window, otherwise: UInt8[np.ndarray, " 3"]
) -> UInt8[np.ndarray, " 3"]:
    down, across = box
    below, beyond = (_widened(edge.start, edge.stop, len(image)) for edge in box)
    frame = (
        image[below.start : down.start, beyond],
        image[down.stop : below.stop, beyond],
        image[down, beyond.start : across.start],
        image[down, across.stop : beyond.stop],
    )
    skin = np.concatenate([strip.reshape(-1, 4) for strip in frame]).astype(np.float32)
    if not len(skin):
        return otherwise
    mean = np.ones(len(skin), dtype=np.float32) @ skin / len(skin)  # six times as fast as `mean`
    return mean[:3].round().astype(np.uint8)
