"""Prepared images -> what two copies of one picture share: structure that survives recolouring, size and compression.

Legend of shapes: N images, K views of each, S prepared side, f side of the fine structure, m of the middle one, D
values of the coarse one, b bytes of bits.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float16, Float32, Int8, Int64, UInt8

from attnmel.compute.threads import available_processors
from attnmel.data.audit.chunks import threads
from attnmel.data.audit.frames import VIEWS, WHOLE, Boxes, content_boxes, resampled
from attnmel.data.preprocess.workers import taken_in_turn

SIDE = 128
"""Side in pixels of the prepared images that are audited: the whole central square."""

CROP = 1.0
"""Share of the shorter side that is audited."""

CHUNK = 256
"""Images that are read and described at once: bounds the memory."""

FINE, MIDDLE, COARSE = 64, 32, 16

# Luma of Rec. 601.
LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)

# Widths of the Gaussians, in pixels of each scale, beyond which light and shade are taken out.
FINE_WIDTH, MIDDLE_WIDTH, COARSE_WIDTH = 2.0, 3.0, 2.0

# Weights of a Gaussian, over the largest, that float32 cannot add to it.
FAINT = 1e-9

# Grey levels: contrast below this is noise of the sensor or of JPEG, and is not amplified.
NOISE = 0.5

# A picture through a round opening has a black frame, alike in pictures that have nothing else in common: what is
# darker than this and joined to the border is left out, with a seam as wide as the fine filter reaches.
DARK = 30
SEAM = 4

# Structure is kept as whole numbers: this many steps to one local deviation.
STEPS = 24.0


@dataclass(frozen=True)
class Signatures:
    """The structure of images at three scales, row by row the same images, each without its uniform border."""

    view_coarse: Float16[np.ndarray, "N K D"]
    """Of the `frames.VIEWS` of each image, of unit length, so that products are correlations."""
    view_middle: Int8[np.ndarray, "N K m m"]
    fine: Int8[np.ndarray, "N f f"]
    inside: UInt8[np.ndarray, "N b"]
    """Bits of the pixels of the fine structure; 0 in a black frame."""
    frames: Boxes
    """What of each image is described."""

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def middle(self) -> Int8[np.ndarray, "N m m"]:
        """Return the middle structure of the whole frames."""
        return self.view_middle[:, 0]

    def coarse(self, view: int) -> Float32[np.ndarray, "N D"]:
        """Return the coarse structure of one of the views; 0 is the whole frame."""
        return self.view_coarse[:, view].astype(np.float32)

    def shown(self, rows: Int64[np.ndarray, " P"]) -> Float32[np.ndarray, "P f f"]:
        """Return 1 for each pixel of the fine structure that is inside, else 0."""
        return np.unpackbits(self.inside[rows], axis=1).reshape(-1, FINE, FINE).astype(np.float32)


def signatures(chunks: Iterable[UInt8[np.ndarray, "B S S 3"]], count: int) -> Signatures:
    """Return the signatures of so many images that come some at a time, each `SIDE` pixels wide, in their order."""
    # Filled as they come: parts that are joined at the end take the memory of all twice.
    fields: dict[str, np.ndarray] = {}
    done = 0
    with threads() as pool:
        for part in taken_in_turn(pool, _signatures, chunks, available_processors()):
            for name, some in vars(part).items():
                if name not in fields:
                    fields[name] = np.empty((count, *some.shape[1:]), dtype=some.dtype)
                fields[name][done : done + len(some)] = some
            done += len(part)
    return Signatures(**fields)


def fine_structure(images: UInt8[np.ndarray, "B S S 3"], boxes: Boxes) -> Float32[np.ndarray, "B f f"]:
    """Return the fine structure of a box of each image; 0 in a black frame."""
    grey = resampled(images @ LUMA, boxes, FINE)
    return _structure(grey, FINE_WIDTH, _inside(grey))


def _signatures(images: UInt8[np.ndarray, "B S S 3"]) -> Signatures:
    grey = grey_levels(images)
    frames = content_boxes(grey)
    if len(bordered := np.flatnonzero((frames != WHOLE).any(axis=1))):
        grey[bordered] = resampled(images[bordered] @ LUMA, frames[bordered], FINE)
    inside = _inside(grey)
    views = [_small_views(grey, inside, view) for view in VIEWS]
    return Signatures(
        view_coarse=np.stack([_coarse(small, shown) for small, shown in views], axis=1).astype(np.float16),
        view_middle=np.stack([_steps(_structure(small, MIDDLE_WIDTH, shown > 0.5)) for small, shown in views], axis=1),
        fine=_steps(_structure(grey, FINE_WIDTH, inside)),
        inside=np.packbits(inside.reshape(len(inside), -1), axis=1),
        frames=frames,
    )


def _small_views(
    grey: Float32[np.ndarray, "B f f"], inside: Bool[np.ndarray, "B f f"], view: tuple[float, float, float, float]
) -> tuple[Float32[np.ndarray, "B m m"], Float32[np.ndarray, "B m m"]]:
    """Return a view of each image at the size of the middle structure, and the share of each pixel that is inside."""
    shown = inside.astype(np.float32)
    if view == WHOLE:
        return pooled(grey, MIDDLE), pooled(shown, MIDDLE)
    box = np.array([view], dtype=np.float32)
    return resampled(grey, box, MIDDLE), resampled(shown, box, MIDDLE)


def _coarse(small: Float32[np.ndarray, "B m m"], shown: Float32[np.ndarray, "B m m"]) -> Float32[np.ndarray, "B D"]:
    grey, within = pooled(small * shown, COARSE), pooled(shown, COARSE)
    around = smoothed(grey, COARSE_WIDTH) / smoothed(within, COARSE_WIDTH).clip(1e-3)
    coarse = (grey - within * around).reshape(len(grey), -1)
    coarse -= coarse.mean(axis=1, keepdims=True)
    return coarse / (np.linalg.norm(coarse, axis=1, keepdims=True) + NOISE)


def grey_levels(images: UInt8[np.ndarray, "B S S 3"]) -> Float32[np.ndarray, "B f f"]:
    """Return the grey levels of images at the size of the fine structure."""
    # Summed before they are mixed: a quarter of the work.
    block = images.shape[1] // FINE
    sums = sum(
        (images[:, row::block, column::block].astype(np.uint16) for row in range(block) for column in range(block)),
        start=np.zeros((), dtype=np.uint16),
    )
    return sums.astype(np.float32) @ (LUMA / block**2)


def pooled(images: Float32[np.ndarray, "B S S"], side: int) -> Float32[np.ndarray, "B s s"]:
    """Return the means of square blocks; the side is a divisor of the images'."""
    block = images.shape[1] // side
    return images.reshape(len(images), side, block, side, block).mean(axis=(2, 4), dtype=np.float32)


def smoothed(images: Float32[np.ndarray, "B s s"], width: float) -> Float32[np.ndarray, "B s s"]:
    """Return the images under a Gaussian of that deviation in pixels, weights renormalised at the border."""
    place = np.arange(images.shape[1])
    weights = np.exp(-((place[:, None] - place) ** 2) / (2 * width**2))
    weights[weights < FAINT] = 0  # some would be subnormal in float32, and are multiplied far more slowly
    weights = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return weights @ images @ weights.T


def _structure(
    grey: Float32[np.ndarray, "B s s"], width: float, inside: Bool[np.ndarray, "B s s"]
) -> Float32[np.ndarray, "B s s"]:
    """Return what is lighter or darker than its surroundings, in units of the contrast there; 0 outside.

    Dividing by local contrast lets a hair count as much as the lesion's border, and undoes most of a recolouring.
    """
    detail = grey - smoothed(grey, width)
    contrast = np.sqrt(smoothed(detail**2, width))
    within = inside.astype(np.float32)
    typical = (contrast * within).sum(axis=(1, 2), keepdims=True) / within.sum(axis=(1, 2), keepdims=True).clip(1)
    return within * detail / (contrast + typical / 2 + NOISE)


def _steps(structure: Float32[np.ndarray, "B s s"]) -> Int8[np.ndarray, "B s s"]:
    return (structure * STEPS).round().clip(-127, 127).astype(np.int8)


def _inside(grey: Float32[np.ndarray, "B f f"]) -> Bool[np.ndarray, "B f f"]:
    from scipy.ndimage import binary_dilation, label  # a third of a second, while the next images are read

    inside = np.ones(grey.shape, dtype=bool)
    dark = grey < DARK
    edges = dark[:, [0, -1]].any(axis=(1, 2)) | dark[:, :, [0, -1]].any(axis=(1, 2))
    for row in np.flatnonzero(edges):
        areas = np.zeros(dark[row].shape, dtype=np.int32)
        label(dark[row], output=areas)
        border = np.unique(np.concatenate([areas[[0, -1]].ravel(), areas[:, [0, -1]].ravel()]))
        frame = np.isin(areas, border[border > 0])
        inside[row] = ~np.asarray(binary_dilation(frame, iterations=SEAM), dtype=bool)
    return inside
