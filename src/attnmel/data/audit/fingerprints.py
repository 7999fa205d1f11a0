"""Prepared images -> fingerprints of 512 bytes, by which a picture is known again where its own file is not at hand.

A bit says whether a place is lighter than its surroundings: the sign of the fine structure. It survives resizing,
compression, recolouring, quarter turns, flips, and squashing or padding to a square; a copy that was cropped or moved
by more than a few per cent is only found by an audit of both files.
"""

import numpy as np
from jaxtyping import Float32, Int64, UInt8

from attnmel.data.audit.descriptors import FINE, fine_structure, grey_levels
from attnmel.data.audit.frames import VIEWS, WHOLE, boxes_within, content_boxes
from attnmel.data.audit.search.candidates import SYMMETRIES, turned

BYTES = FINE * FINE // 8
"""Length of a fingerprint."""

SAME = 0.5
"""Correlation of signs above which two pictures are the same. Of ISIC 2018's 11,527 images the one that is most like
one of ISIC 2017's 2,150 has 0.40; copies at 224 pixels, JPEG of quality 60, have 0.68 and more."""

# Places with a sign that the correlation is at least over: few of them agree by chance.
LEAST_PLACES = FINE * FINE // 2

# In units of the local contrast: fainter structure has no sign, so that images without any are like no other.
FAINT = 0.05


def fingerprints(images: UInt8[np.ndarray, "B S S 3"]) -> UInt8[np.ndarray, "B b"]:
    """Return the fingerprints of images that are `descriptors.SIDE` pixels wide."""
    return np.packbits(_signs(images, WHOLE) > 0, axis=None).reshape(len(images), BYTES)


def most_alike(
    images: UInt8[np.ndarray, "B S S 3"], known: UInt8[np.ndarray, "K b"]
) -> tuple[Int64[np.ndarray, " B"], Float32[np.ndarray, " B"]]:
    """Return the fingerprint that each image is most like, in any turn or part of it, and their correlation."""
    signs_known = (np.unpackbits(known, axis=1).astype(np.float32) * 2 - 1).T
    place, likeness = np.zeros(len(images), dtype=np.int64), np.full(len(images), -1, dtype=np.float32)
    for view in VIEWS:
        signs = _signs(images, view)
        places = np.abs(signs).sum(axis=(1, 2)).clip(LEAST_PLACES)
        for symmetry in range(SYMMETRIES):
            products = turned(signs, symmetry).reshape(len(images), -1) @ signs_known
            best = products.argmax(axis=1)
            reached = products[np.arange(len(images)), best] / places
            place = np.where(reached > likeness, best, place)
            likeness = np.maximum(reached, likeness)
    return place, likeness


def _signs(
    images: UInt8[np.ndarray, "B S S 3"], view: tuple[float, float, float, float]
) -> Float32[np.ndarray, "B f f"]:
    """Return 1 where a view of each image is lighter than its surroundings, -1 where darker, 0 elsewhere."""
    frames = content_boxes(grey_levels(images))
    views = np.tile(np.array(view, dtype=np.float32), (len(images), 1))
    structure = fine_structure(images, boxes_within(frames, views))
    return np.sign(structure) * (np.abs(structure) > FAINT)
