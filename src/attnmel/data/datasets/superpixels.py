"""Dermoscopic features as ISIC 2017 part 2 marks them: an image of numbered patches and a list of 0/1 a feature.

    <image>_superpixels.png    colour of a pixel -> number of its superpixel, R + (G << 8) + (B << 16), from 0
    <image>_features.json      feature -> 0 or 1 of each superpixel, in the order of their numbers

No torch.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Int32

from attnmel.data.image_files.decode import opened, stored_levels
from attnmel.data.image_files.picture import upright, upright_size
from attnmel.errors import ImageError
from attnmel.files.table_files import read_json

DERMOSCOPIC_FEATURES = ("pigment_network", "negative_network", "milia_like_cyst", "streaks")
"""Those that are marked; task 2 of 2018 marks globules too, which the slides' union has not."""

ENDING = "_features.json"

AGAIN = "take the file from the archive again"


def superpixel_pairs(images: Mapping[str, Path], folders: Iterable[Path]) -> dict[str, tuple[Path, Path]]:
    """Return superpixels and features of each image, by id, that has both: next to the image, and in a folder."""
    features = {path.name.removesuffix(ENDING): path for one in folders for path in sorted(one.glob(f"*{ENDING}"))}
    pairs = {
        image_id: (image.with_name(f"{image_id}_superpixels.png"), features[image_id])
        for image_id, image in images.items()
        if image_id in features
    }
    return {image_id: pair for image_id, pair in pairs.items() if pair[0].is_file()}


def read_superpixels(path: Path, image_size: tuple[int, int]) -> Int32[np.ndarray, "H W"]:
    """Return the number of each pixel's superpixel.

    Raises:
        ImageError: the file cannot be used, or is not of `image_size` (width, height).
    """
    with opened(path) as picture:
        found = upright_size(picture)
        if found != image_size:
            raise ImageError(
                f"{path.name} is {found[0]} x {found[1]} pixels, but its image is {image_size[0]} x {image_size[1]}; "
                f"expected the same size: {AGAIN}"
            )
        # Numbers, not colours: whatever profile a file carries, they are used as stored.
        numbers = upright(stored_levels(picture).convert("RGB"), picture)
        red, green, blue = np.moveaxis(np.asarray(numbers, dtype=np.int32), 2, 0)
    return red + (green << 8) + (blue << 16)


def read_features(path: Path, names: Sequence[str]) -> dict[str, Bool[np.ndarray, " superpixels"]]:
    """Return for each named feature whether it is seen in each superpixel; other features of the file are left out.

    Raises:
        ImageError: the file is not there, is no JSON of that form, or lacks a feature; lists of unequal length.
    """
    try:
        content = read_json(path)
    except (OSError, ValueError) as error:  # of which wrong UTF-8 and wrong JSON are kinds
        raise ImageError(f"{path.name} cannot be read ({error}); {AGAIN}") from None
    if not isinstance(content, dict):
        raise ImageError(f"{path.name} holds no features by name; {AGAIN}")
    if missing := [name for name in names if name not in content]:
        raise ImageError(f"{path.name} lacks {', '.join(missing)}; expected a list of 0 and 1 for each; {AGAIN}")
    features = {name: _marks(path, name, content[name]) for name in names}
    lengths = {name: len(marks) for name, marks in features.items()}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise ImageError(
            f"{path.name} has lists of unequal length ({listed}); expected one entry a superpixel; {AGAIN}"
        )
    return features


def marked_superpixels(
    superpixels: Path, features: Path, names: Sequence[str], image_size: tuple[int, int]
) -> Bool[np.ndarray, "H W"]:
    """Return the pixels of all superpixels in which at least one of the named features is seen.

    Raises:
        ImageError: as `read_superpixels` and `read_features`, or a superpixel that the lists do not reach.
    """
    numbers = read_superpixels(superpixels, image_size)
    marks = np.logical_or.reduce(list(read_features(features, names).values()))
    if (largest := int(numbers.max())) >= len(marks):
        raise ImageError(
            f"{superpixels.name} has a superpixel {largest}, but the lists of {features.name} end at "
            f"{len(marks) - 1}; the two are not of one image: take both from the archive again"
        )
    return marks[numbers]


def _marks(path: Path, name: str, values: object) -> Bool[np.ndarray, " superpixels"]:
    if not isinstance(values, list) or any(value not in (0, 1) for value in values):
        raise ImageError(f"{path.name}: {name} is no list of 0 and 1; {AGAIN}")
    return np.array(values, dtype=bool)
