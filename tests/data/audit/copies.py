"""Copies of a picture as archives make them, and what a prepared image is made of."""

import io
from collections.abc import Callable
from typing import Literal

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


def squashed(picture: np.ndarray) -> np.ndarray:
    """Resize the whole photograph to a square, as sets for classification come."""
    return np.asarray(Image.fromarray(picture).resize((140, 140), Image.Resampling.BICUBIC))


def padded(picture: np.ndarray, mode: Literal["black", "reflect"]) -> np.ndarray:
    """Make a level photograph square by black or mirrored bars above and below."""
    height, width = picture.shape[:2]
    bars = (((width - height) // 2,) * 2, (0, 0), (0, 0))
    return np.pad(picture, bars) if mode == "black" else np.pad(picture, bars, mode="reflect")


def bordered(picture: np.ndarray) -> np.ndarray:
    """Put a white border around it."""
    distance = round(0.1 * picture.shape[0])
    return np.pad(picture, ((distance, distance), (distance, distance), (0, 0)), constant_values=255)


def slightly_turned(picture: np.ndarray, degrees: float = 5) -> np.ndarray:
    """Turn by a few degrees; the corners become black."""
    return np.asarray(Image.fromarray(picture).rotate(degrees, Image.Resampling.BICUBIC))


def enlarged(picture: np.ndarray, share: float = 0.3) -> np.ndarray:
    """Enlarge by a share; what leaves the frame is gone."""
    image = Image.fromarray(picture)
    width, height = image.size
    left, top = (length * (1 - 1 / (1 + share)) / 2 for length in image.size)
    return np.asarray(image.resize(image.size, Image.Resampling.BICUBIC, box=(left, top, width - left, height - top)))


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
    "squashed to a square": squashed,
    "padded to a square, black": lambda picture: padded(picture, "black"),
    "padded to a square, mirrored": lambda picture: padded(picture, "reflect"),
    "with a white border": bordered,
    "turned by 5 degrees": slightly_turned,
    "enlarged by 30 %": enlarged,
    "squashed, turned by a quarter, recoloured": lambda picture: recoloured(np.rot90(squashed(picture))),
    "turned, mirrored, recoloured, JPEG of quality 40": lambda picture: poor_jpeg(
        recoloured(np.ascontiguousarray(np.fliplr(np.rot90(picture))))
    ),
}
