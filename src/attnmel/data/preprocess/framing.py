"""Which squares of an image a network is given, by its recipe or card. No torch.

The prepared square is `side` pixels, of which the network sees the central `size`: the rim is for random crops in
training. Where a square exceeds the image, the image is continued by its mirror image (`prepared_image`).
"""

from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import numpy as np

from attnmel.data.preprocess.images import Square, central_square, crop_offset
from attnmel.data.preprocess.lesion_crop import lesion_box, square_around
from attnmel.shapes import Bool


@runtime_checkable
class FramingSettings(Protocol):
    """What a recipe's data and a network's card both say of the part of an image that the network sees."""

    # ruff: noqa: D102 - the same words as in `Framing`
    @property
    def crop(self) -> float | Literal["lesion"]: ...
    @property
    def crop_margin(self) -> float: ...
    @property
    def crops(self) -> int: ...
    @property
    def size(self) -> int: ...
    @property
    def side(self) -> int: ...


def framing_of(settings: FramingSettings) -> "Framing":
    """Return the framing of a recipe's data or of a card."""
    return Framing(settings.crop, settings.size, settings.side, settings.crop_margin, settings.crops)


@dataclass(frozen=True)
class Framing:
    """The part of an image that is prepared, and the part of it that the network sees."""

    crop: float | Literal["lesion"]
    """Side of the central square as a share of the image's shorter side, or "lesion"."""
    size: int
    """Side of the network's input in pixels."""
    side: int
    """Side of the prepared square in pixels."""
    margin: float = 0.0
    """Around the lesion; see `square_around`."""
    crops: int = 1
    """1: one square; 5: the central one and one in each corner of the image, whose probabilities are averaged."""

    def squares(self, width: int, height: int, mask: Bool[np.ndarray, "H W"] | None = None) -> tuple[Square, ...]:
        """Return the squares of an image that are prepared; the first is the one that maps are of.

        `mask` is the lesion's, of which a crop that does not follow the lesion makes no use. Without a lesion, that
        crop is the largest central square, all of which the network sees.
        """
        if self.crop == "lesion":
            box = None if mask is None else lesion_box(mask)
            seen = central_square(width, height, 1.0) if box is None else square_around(box, width, height, self.margin)
            return (self._prepared(seen),)
        first = central_square(width, height, self.crop)
        if self.crops == 1:
            return (first,)
        seen = self.seen(first)
        right, bottom = width - seen.side, height - seen.side
        corners = ((0.0, 0.0), (right, 0.0), (0.0, bottom), (right, bottom))
        return (first, *(self._prepared(seen._replace(left=left, top=top)) for left, top in corners))

    def seen(self, square: Square) -> Square:
        """Return the part of a prepared square that the network sees, as `central_crop` cuts it."""
        pixel = square.side / self.side
        rim = crop_offset(self.side, self.size) * pixel
        return square._replace(left=square.left + rim, top=square.top + rim, side=self.size * pixel)

    def _prepared(self, seen: Square) -> Square:
        """Return the prepared square of which the network sees `seen`."""
        pixel = seen.side / self.size
        rim = crop_offset(self.side, self.size) * pixel
        return seen._replace(left=seen.left - rim, top=seen.top - rim, side=self.side * pixel)
