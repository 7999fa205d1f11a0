"""Copies of a picture as archives make them, and what a prepared image is made of."""

import io
from collections.abc import Callable

import numpy as np
from PIL import Image

from attnmel.data.audit.descriptors import SIDE


def prepared(picture: np.ndarray) -> np.ndarray:
    """Return the central square as the cache holds it."""
    height, width = picture.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = Image.fromarray(picture[top : top + side, left : left + side])
    return np.asarray(square.resize((SIDE, SIDE), Image.Resampling.BILINEAR))


def poor_jpeg(picture: np.ndarray) -> np.ndarray:
    """Save with quality 40 and read again."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=40)
    return np.asarray(Image.open(file).convert("RGB"))


def recoloured(picture: np.ndarray) -> np.ndarray:
    """Bend each colour's curve by its own, as another white balance and contrast do."""
    bent = (picture / 255) ** np.array([0.8, 1.1, 1.4]) * np.array([0.95, 0.9, 0.85]) + np.array([0, 0.04, 0.08])
    return (255 * bent.clip(0, 1)).round().astype(np.uint8)


def half_size(picture: np.ndarray) -> np.ndarray:
    """Halve width and height."""
    height, width = picture.shape[:2]
    return np.asarray(Image.fromarray(picture).resize((width // 2, height // 2), Image.Resampling.BICUBIC))


def moved(picture: np.ndarray) -> np.ndarray:
    """Move by 4 % of the height each way; what leaves comes in on the other side."""
    distance = round(0.04 * picture.shape[0])
    return np.roll(picture, (distance, -distance), axis=(0, 1))


def cropped(picture: np.ndarray) -> np.ndarray:
    """Take 5 % off every side."""
    rows, columns = (round(0.05 * length) for length in picture.shape[:2])
    return picture[rows:-rows, columns:-columns]


COPIES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "as it is": np.copy,
    "turned by a quarter": np.rot90,
    "turned by a half": lambda picture: np.rot90(picture, 2),
    "turned by three quarters": lambda picture: np.rot90(picture, 3),
    "flipped": np.fliplr,
    "half the size": half_size,
    "JPEG of quality 40": poor_jpeg,
    "recoloured": recoloured,
    "moved": moved,
    "cropped": cropped,
    "turned, mirrored, recoloured, JPEG of quality 40": lambda picture: poor_jpeg(
        recoloured(np.ascontiguousarray(np.fliplr(np.rot90(picture))))
    ),
}
