"""Write the attention maps of an image: drawn over it in its own geometry, and as numbers. No torch."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float
from PIL import Image

from attnmel import NOTICE
from attnmel.data.dicom.frames import image_id
from attnmel.data.preprocess.images import central_square, decoded_image, whole_frame
from attnmel.errors import ConfigError
from attnmel.folders import replacing
from attnmel.models.weights.card import Card
from attnmel.pipeline.predict.image_files import distinct_names
from attnmel.saliency.overlays import overlay, stretched


def write_image_maps(
    folder: Path, path: Path, maps: Mapping[str, Float[np.ndarray, "_ _"]], card: Card
) -> Iterator[Path]:
    """Write `<image>-<map>.png` for each map, and `<image>.npz`; yield the paths.

    In the PNG each map is scaled to its own range. The NPZ contains each map as it is ("pool3"), in [0, 1], and in the
    frame of the original image ("pool3_frame"), where it is 0 outside the part that the network saw.

    Raises:
        ImageError: the file cannot be used.
    """
    image = decoded_image(path)
    height, width = image.shape[:2]
    square = central_square(width, height, card.crop)
    frames = {name: whole_frame(one, square, size=card.size, side=card.side) for name, one in maps.items()}
    for name, one in maps.items():
        shown = whole_frame(stretched(one), square, size=card.size, side=card.side)
        picture = folder / f"{image_id(path)}-{name}.png"
        with replacing(picture) as part:
            Image.fromarray(overlay(image, shown)).save(part)
        yield picture
    arrays = folder / f"{image_id(path)}.npz"
    held = {**maps, **{f"{name}_frame": one.astype(np.float32) for name, one in frames.items()}}
    held |= {"notice": np.array(NOTICE), "licence": np.array(card.licence)}
    with replacing(arrays) as part, part.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **held)
    yield arrays


def require_own_names(paths: Sequence[Path]) -> None:
    """Refuse files of one folder with equal names, or one file twice: their maps would replace each other.

    Raises:
        ConfigError: names one of them.
    """
    named = distinct_names(paths)
    names = [named[path] for path in paths]
    times = Counter(name.casefold() for name in names)
    if doubled := [name for name in sorted(names) if times[name.casefold()] > 1]:
        raise ConfigError(f"two images are called '{doubled[0]}'; their maps would replace each other")
