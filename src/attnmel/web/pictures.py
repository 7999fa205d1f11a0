"""What the page shows of a case: the image upright, and as layers over it the attention maps and the mask's border."""

import base64
from collections.abc import Mapping
from functools import cache
from io import BytesIO

import numpy as np
from jaxtyping import Bool, UInt8
from PIL import Image

from attnmel.data.preprocess.network_input import Mask, Seen
from attnmel.errors import ConfigError, ImageError, require_known
from attnmel.pipeline.predict.attention_maps import COMPRESSION, captioned_map, map_on, shown_image
from attnmel.pipeline.predict.table import ImageResult
from attnmel.saliency.overlays import border_layer, map_layer
from attnmel.web.models import Case, ServedModel

LONGEST = 1600
"""Longer side in pixels of the image at most: enough to zoom in, and a few hundred kilobytes."""

LONGEST_LAYER = 800
"""Longer side of a layer at most: a map has 8x8 to 28x28 values, drawn smoothly by the browser."""

QUALITY = 90


def pictures(case: Case) -> dict[str, object] | None:
    """Return image, layers and squares of a case as plain values with data URLs; None where it could not be used.

    Every layer covers the whole image, and is nothing where the network did not look.
    """
    found = {name: one for name, one in case.results.items() if one.seen is not None}
    if not found:
        return None
    image, (width, height) = shown_image(case.source, LONGEST)
    small = _small(image)
    return {
        "width": width,
        "height": height,
        "image": _url(image, "JPEG"),
        "mask": None if case.mask is None else _url(border_layer(_on(case.mask, image)), "PNG"),
        "maps": {name: _layers(one, small) for name, one in found.items()},
        "squares": {name: _squares(one.seen) for name, one in found.items() if one.seen is not None},
    }


def overlay_png(case: Case, model: ServedModel, name: str, longest: int) -> bytes:
    """Return an attention map drawn over the image as `attnmel predict --maps` does, as PNG.

    Raises:
        ConfigError: the model has no such map.
        ImageError: the image cannot be used.
    """
    result = case.results[model.name]
    if result.seen is None:
        raise ImageError(result.error)
    if not result.attention:
        raise ConfigError(f"{model.name} is a {model.card.network}, which has no attention maps")
    require_known("attention map", name, result.attention)
    image, _ = shown_image(case.source, longest)
    return _encoded(
        captioned_map(image, name, result.attention[name], model.card, result.seen, result.probabilities), "PNG"
    )


@cache
def map_colours() -> str:
    """Return the colours of a map's layer from its lowest value on the left to its highest, as a data URL."""
    return _url(map_layer(np.arange(256, dtype=np.uint8)[None]), "PNG")


def _layers(result: ImageResult, image: UInt8[np.ndarray, "h w 3"]) -> Mapping[str, object]:
    assert result.seen is not None
    layers = {}
    for name, one in result.attention.items():
        level = (map_on(image, one, result.seen).clip(0, 1) * 255).round().astype(np.uint8)
        layers[name] = {"layer": _url(map_layer(level), "PNG"), "low": float(one.min()), "high": float(one.max())}
    return layers


def _squares(seen: Seen) -> list[list[float]]:
    return [[one.left, one.top, one.side] for one in seen.squares]


def _small(image: UInt8[np.ndarray, "H W 3"]) -> UInt8[np.ndarray, "h w 3"]:
    height, width = image.shape[:2]
    share = min(1.0, LONGEST_LAYER / max(height, width))
    return np.zeros((max(1, round(height * share)), max(1, round(width * share)), 3), np.uint8)


def _on(mask: Mask, image: UInt8[np.ndarray, "H W 3"]) -> Bool[np.ndarray, "H W"]:
    height, width = image.shape[:2]
    grey = Image.fromarray(mask.astype(np.uint8) * np.uint8(255))
    return np.asarray(grey.resize((width, height), Image.Resampling.BILINEAR)) > 127


def _url(pixels: UInt8[np.ndarray, "h w c"], kind: str) -> str:
    return f"data:image/{kind.lower()};base64,{base64.b64encode(_encoded(pixels, kind)).decode()}"


def _encoded(pixels: UInt8[np.ndarray, "h w c"], kind: str) -> bytes:
    file = BytesIO()
    how = {"quality": QUALITY} if kind == "JPEG" else {"compress_level": COMPRESSION}
    Image.fromarray(pixels).save(file, kind, **how)
    return file.getvalue()
