"""One phantom as the contents of its official files; drawn in a worker process, so it travels as bytes."""

import dataclasses
import io
import json

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from attnmel.data.phantoms.phantom import Phantom, draw_phantom
from attnmel.data.phantoms.structures import OFFICIAL_FEATURES
from attnmel.data.phantoms.superpixels import covered_superpixels, encoded
from attnmel.data.phantoms.traits import Diagnosis

_JPEG_QUALITY = 90
_FIRST_NUMBER = 9_000_000  # far above the archive's own


@dataclasses.dataclass(frozen=True)
class Order:
    """One phantom that is to be drawn."""

    seed: int
    index: int
    height: int
    width: int
    diagnosis: Diagnosis

    @property
    def image_id(self) -> str:
        """The name that joins its files and its rows."""
        return f"ISIC_{_FIRST_NUMBER + self.index}"


@dataclasses.dataclass(frozen=True)
class Contents:
    """The bytes of one phantom's files."""

    image: bytes
    superpixels: bytes
    mask: bytes
    features: bytes


def drawn_contents(order: Order) -> Contents:
    """Draw one phantom and encode it."""
    phantom = draw_phantom(order.seed, order.index, height=order.height, width=order.width, diagnosis=order.diagnosis)
    return Contents(
        image=_encoded(phantom.image, "JPEG", quality=_JPEG_QUALITY),
        superpixels=_encoded(encoded(phantom.superpixels), "PNG", compress_level=1),
        mask=_encoded(phantom.mask.astype(np.uint8) * np.uint8(255), "PNG", compress_level=1),
        features=_features(phantom),
    )


def _encoded(picture: UInt8[np.ndarray, "H W *colours"], kind: str, **options: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, kind, **options)
    return buffer.getvalue()


def _features(phantom: Phantom) -> bytes:
    """Say of each superpixel whether the feature covers most of it."""
    marks = {name: covered_superpixels(phantom.superpixels, phantom.features[name]) for name in OFFICIAL_FEATURES}
    return json.dumps({name: mark.astype(int).tolist() for name, mark in marks.items()}, separators=(",", ":")).encode()
