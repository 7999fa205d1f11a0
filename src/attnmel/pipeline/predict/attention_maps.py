"""Write the attention maps of an image: drawn over it in its own geometry, and as numbers. No torch."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from attnmel import NOTICE
from attnmel.data.dicom.frames import image_id
from attnmel.data.image_files.decode import decode_scaled, opened
from attnmel.data.image_files.picture import ImageSource, upright_size
from attnmel.data.image_files.reading import read_picture
from attnmel.data.preprocess.images import Square, scaled_box, whole_frame
from attnmel.data.preprocess.network_input import Seen
from attnmel.errors import ConfigError
from attnmel.files.folders import replacing
from attnmel.files.own_files import SOFTWARE, is_own, require_own_file
from attnmel.models.weights.card import Card
from attnmel.number_formats import fixed
from attnmel.pipeline.predict.image_files import distinct_names
from attnmel.saliency.captions import captioned
from attnmel.saliency.overlays import overlay, square_drawn, stretched_map
from attnmel.shapes import Float, UInt8

LONGEST = 1024
"""Longer side in pixels that an overlay has at most: a map of 8x8 to 28x28 values shows no more in a larger one."""

COMPRESSION = 4
"""Of the PNG files, 0 to 9: a third of the time of the usual 6, for files that are 2 % larger."""


def write_image_maps(
    folder: Path,
    path: Path,
    maps: Mapping[str, Float[np.ndarray, "_ _"]],
    card: Card,
    seen: Seen,
    *,
    probabilities: Sequence[float] = (),
) -> tuple[Path, ...]:
    """Write `<image>-<map>.png` for each map, and `<image>.npz`; return the paths.

    A PNG shows the image with the map over it, at most `LONGEST` pixels a side, the lesion's border where its mask is
    known, and the squares that the network saw;
    below it the probability of the target class and the scale of the colours, from the map's own lowest to its own
    highest value. The NPZ contains each map as it is ("pool3"), in [0, 1], and its place in the upright image: "frame"
    (height and width of the image) and "square" (left, top and side of the part that the map covers), in pixels;
    `enlarged` makes it as large as the image.

    Raises:
        ImageError: the file cannot be used.
        ConfigError: the folder holds files of these names that the program did not write.
    """
    own = image_id(path)
    arrays, pictures = folder / f"{own}.npz", {name: folder / f"{own}-{name}.png" for name in maps}
    if not (arrays.is_file() and is_own(arrays)):  # older pictures carry no mark of their own
        for one in (arrays, *pictures.values()):
            require_own_file(one)
    image, (width, height) = shown_image(path)
    square = seen.squares[0]
    marked = PngInfo()
    marked.add_text(*SOFTWARE)
    for name, one in maps.items():
        drawn = captioned_map(image, name, one, card, seen, probabilities)
        with replacing(pictures[name]) as part:
            Image.fromarray(drawn).save(part, compress_level=COMPRESSION, pnginfo=marked)
    place = {"frame": np.array([height, width]), "square": np.array([square.left, square.top, square.side])}
    terms = {"notice": np.array(NOTICE), "licence": np.array(card.licence)}
    with replacing(arrays) as part, part.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **maps, **place, **terms)
    return (*pictures.values(), arrays)


def captioned_map(
    image: UInt8[np.ndarray, "h w 3"],
    name: str,
    one: Float[np.ndarray, "_ _"],
    card: Card,
    seen: Seen,
    probabilities: Sequence[float],
) -> UInt8[np.ndarray, "_ _ 3"]:
    """Draw a map as `with_map`, with its name, the target class's probability and the scale of the colours below."""
    ends = float(one.min()), float(one.max())
    return captioned(with_map(image, one, seen), _caption(name, card, probabilities), ends)


def shown_image(source: ImageSource, longest: int = LONGEST) -> tuple[UInt8[np.ndarray, "h w 3"], tuple[int, int]]:
    """Return an upright image, reduced to a longer side of at most so many pixels, and its own width and height.

    Raises:
        ImageError: the file cannot be used.
    """
    with opened(source) as picture:
        size = upright_size(picture)
        scale = decode_scaled(picture, max(size) // longest)
        read = read_picture(picture)
        pixels = read.pixels
        if max(size) > longest:
            share = longest / max(size)
            reduced = tuple(max(1, round(side * share)) for side in size)
            box = scaled_box((0, 0, *size), scale, size, pixels.size, read.orientation)
            pixels = pixels.resize(reduced, Image.Resampling.BILINEAR, box=box)  # pyright: ignore[reportArgumentType] - two
        return np.asarray(pixels), size


def enlarged(path: Path, name: str) -> Float[np.ndarray, "H W"]:
    """Return a map of an NPZ file of `write_image_maps` in the geometry of its image, bilinear; 0 outside its square.

    Raises:
        KeyError: the file holds no map of that name.
    """
    with np.load(path) as arrays:
        (height, width), (left, top, side) = arrays["frame"].tolist(), arrays["square"].tolist()
        return whole_frame(arrays[name], Square(width, height, left, top, side), size=1, side=1)


def with_map(
    image: UInt8[np.ndarray, "h w 3"], one: Float[np.ndarray, "_ _"], seen: Seen
) -> UInt8[np.ndarray, "h w 3"]:
    """Draw a map, stretched over its own range, and what `with_lines` draws over a picture of an image.

    The picture may be smaller than the image.
    """
    return with_lines(overlay(image, map_on(image, one, seen)), seen)


def with_lines(picture: UInt8[np.ndarray, "h w 3"], seen: Seen) -> UInt8[np.ndarray, "h w 3"]:
    """Draw the lesion's border, where its mask is known, and the squares that the network saw over a picture.

    The picture may be smaller than the image.
    """
    if seen.lesion is not None:
        height, width = picture.shape[:2]
        mask = Image.fromarray(seen.lesion.astype(np.uint8) * np.uint8(255)).resize((width, height))
        picture = overlay(picture, mask=np.asarray(mask))
    for one in seen.squares:
        picture = square_drawn(picture, one, scale=picture.shape[1] / one.width)
    return picture


def map_on(image: UInt8[np.ndarray, "h w 3"], one: Float[np.ndarray, "_ _"], seen: Seen) -> Float[np.ndarray, "h w"]:
    """Return a map, stretched over its own range, in the geometry of an image, which may be reduced."""
    square, (height, width) = seen.squares[0], image.shape[:2]
    share = width / square.width
    reduced = Square(width, height, square.left * share, square.top * share, square.side * share)
    return whole_frame(stretched_map(one), reduced, size=1, side=1)


def _caption(name: str, card: Card, probabilities: Sequence[float]) -> str:
    if not probabilities:
        return name
    target_class = card.positives[0]
    return f"{name}, {target_class} {fixed(probabilities[card.classes.index(target_class)])}"


def require_own_names(paths: Sequence[Path], way_out: str) -> None:
    """Refuse files of one folder with equal names, or one file twice: their maps would replace each other.

    `way_out` is what a user may do besides renaming one, for the error.

    Raises:
        ConfigError: names two of them.
    """
    named = distinct_names(paths)
    by_name: dict[str, list[Path]] = {}
    for path in paths:
        by_name.setdefault(named[path].casefold(), []).append(path)
    for one, *others in by_name.values():
        if others:
            raise ConfigError(
                f"two images are called '{named[one]}', {one} and {others[0]}; their maps would replace each other: "
                f"rename one of them, or {way_out}"
            )
