"""Grey images -> the content of each without a uniform border, and parts of it that a copy may show in full.

Legend of shapes: N images, s side of an image in pixels, t of the result. A box is top, left, height and width, as
shares of the image's side.
"""

import numpy as np
from jaxtyping import Float32, Int64

WHOLE = (0.0, 0.0, 1.0, 1.0)

COPY_SHARE = 0.75
"""Height of a 4:3 photograph over its width: squashed to a square, its central square is that much of the width;
padded to a square by its own mirror image, it is that much of the side each way. An enlarged copy shows a part, too."""

_START = (1 - COPY_SHARE) / 2

VIEWS = (
    WHOLE,
    (_START, _START, COPY_SHARE, COPY_SHARE),
    (0.0, _START, 1.0, COPY_SHARE),
    (_START, 0.0, COPY_SHARE, 1.0),
)
"""All of a frame, its middle, the level band and the upright band."""

# Mean difference in grey levels of a line of a uniform border from its first line: the noise of JPEG.
UNIFORM = 2.0

# And of the first line that is all content: skin fades, a border ends.
JUMP = 12.0

# Share of the side that a border may cover at one side; a picture with more of it is one of something small.
MOST_BORDER = 0.4

Boxes = Float32[np.ndarray, "N 4"]


def content_boxes(grey: Float32[np.ndarray, "N s s"]) -> Boxes:
    """Return the central square of what a uniform border surrounds; all of an image without one."""
    side = grey.shape[1]
    sideways = grey.transpose(0, 2, 1)
    top, bottom, left, right = (_border(lines) for lines in (grey, grey[:, ::-1], sideways, sideways[:, ::-1]))
    height, width = side - top - bottom, side - left - right
    square = np.minimum(height, width)
    boxes = np.stack([top + (height - square) / 2, left + (width - square) / 2, square, square], axis=1) / side
    return np.where((square > 0)[:, None], boxes, WHOLE).astype(np.float32)


def boxes_within(frames: Boxes, views: Boxes) -> Boxes:
    """Return the boxes of a view of each frame, as shares of the image's side."""
    return np.concatenate([frames[:, :2] + frames[:, 2:] * views[:, :2], frames[:, 2:] * views[:, 2:]], axis=1)


def resampled(
    images: Float32[np.ndarray, "N s s"], boxes: Float32[np.ndarray, "#N 4"], side: int
) -> Float32[np.ndarray, "N t t"]:
    """Return the box of each image, or one box of all, at `side` pixels, smoothed where it has more of them."""
    down = _weights(boxes[:, 0], boxes[:, 2], images.shape[1], side)
    across = _weights(boxes[:, 1], boxes[:, 3], images.shape[1], side)
    return down @ images @ across.transpose(0, 2, 1)


def _weights(start: np.ndarray, length: np.ndarray, pixels: int, side: int) -> Float32[np.ndarray, "N t s"]:
    step = length * pixels / side
    places = start[:, None] * pixels + (np.arange(side) + 0.5) * step[:, None] - 0.5
    weights = (1 - np.abs(places[..., None] - np.arange(pixels)) / np.maximum(step, 1)[:, None, None]).clip(0)
    return (weights / weights.sum(axis=2, keepdims=True)).astype(np.float32)


def _border(lines: Float32[np.ndarray, "N s s"]) -> Int64[np.ndarray, " N"]:
    """Return how many lines from the first on are the border's, with the one that is partly so; 0 without a border."""
    level = lines[:, :1].mean(axis=2, keepdims=True)
    distance = np.abs(lines - level).mean(axis=2)
    count = np.argmin(distance < UNIFORM, axis=1)  # 0 also where all lines are uniform
    within = distance[np.arange(len(lines)), np.minimum(count + 1, lines.shape[1] - 1)]
    return np.where((count > 0) & (count <= MOST_BORDER * lines.shape[1]) & (within >= JUMP), count + 1, 0)
