"""Write the attention maps of an image: drawn over it in its own geometry, and as numbers. No torch."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float32
from PIL import Image

from attnmel import NOTICE
from attnmel.data.preprocess.images import decoded_image, whole_frame
from attnmel.data.preprocess.network_input import Seen
from attnmel.errors import ConfigError
from attnmel.folders import replacing
from attnmel.models.weights.card import Card
from attnmel.saliency.overlays import overlay, square_drawn, stretched


def write_image_maps(
    folder: Path, path: Path, maps: Mapping[str, Float[np.ndarray, "_ _"]], card: Card, seen: Seen
) -> Iterator[Path]:
    """Write `<image>-<map>.png` for each map, and `<image>.npz`; yield the paths.

    In the PNG each map is scaled to its own range. The NPZ contains each map as it is ("pool3"), in [0, 1], and in the
    frame of the original image ("pool3_frame"), where it is 0 outside the part that the network saw. The squares that
    it saw are drawn in the PNG.

    Raises:
        ImageError: the file cannot be used.
    """
    image = decoded_image(path)
    frames = {name: _frame(one, card, seen) for name, one in maps.items()}
    for name, one in maps.items():
        drawn = overlay(image, _frame(stretched(one), card, seen))
        for square in seen.squares:
            drawn = square_drawn(drawn, square)
        picture = folder / f"{path.stem}-{name}.png"
        with replacing(picture) as part:
            Image.fromarray(drawn).save(part)
        yield picture
    arrays = folder / f"{path.stem}.npz"
    held = {**maps, **{f"{name}_frame": one.astype(np.float32) for name, one in frames.items()}}
    held |= {"notice": np.array(NOTICE), "licence": np.array(card.licence)}
    with replacing(arrays) as part, part.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **held)
    yield arrays


def _frame(one: Float[np.ndarray, "h w"], card: Card, seen: Seen) -> Float32[np.ndarray, "H W"]:
    """Return a map of the first square that the network saw in the frame of the image."""
    return whole_frame(one, seen.squares[0], size=card.size, side=card.size)


def require_own_names(paths: Sequence[Path]) -> None:
    """Refuse files with equal names, whose maps would replace each other.

    Raises:
        ConfigError: names one of them.
    """
    stems = [path.stem for path in paths]
    if len(set(stems)) < len(stems):
        doubled = next(stem for stem in sorted(stems) if stems.count(stem) > 1)
        raise ConfigError(f"two images are called '{doubled}'; their maps would replace each other")
