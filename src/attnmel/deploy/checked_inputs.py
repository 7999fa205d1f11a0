"""What users hand over to `Predictor`, checked: a model by its name, one image or several, a mask. No torch."""

import os
import shlex
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL.Image import Image as PillowImage

from attnmel.data.image_files.picture import UNNAMED, ImageSource, NamedBytes
from attnmel.data.preprocess.network_input import Mask
from attnmel.errors import CheckpointError, ConfigError, ImageError, did_you_mean
from attnmel.pretrained.catalogue import ANY, model_names
from attnmel.pretrained.examples import example_images
from attnmel.pretrained.named import exported_file

IMAGE_DIMENSIONS = 3

Image = str | Path | bytes | np.ndarray | PillowImage
"""A file by its path or as its bytes, RGB pixels, or a picture of Pillow with the profile and EXIF that it carries."""

LesionMask = str | Path | Mask
"""File of a lesion mask, or its pixels, bool [H W]."""

PIXELS = "uint8 [height, width, 3], RGB"

SINGLE = (str, os.PathLike, bytes, bytearray, memoryview, PillowImage)
"""Types of an image that could be iterated over as well, or could not."""

FORMS = f"a path, example:ID, the bytes of a file, a picture of Pillow, or pixels, {PIXELS}"


class Given(NamedTuple):
    """One of several images, with its name."""

    image: object
    name: str
    """The path of a file; of another image its place, images[0]."""

    def __str__(self) -> str:
        return self.name


def model_name(model: object) -> str | Path:
    """Return a model's name or path.

    Raises:
        ConfigError: it is neither.
    """
    if isinstance(model, str | os.PathLike) and model != "":
        return model if isinstance(model, str) else Path(model)
    found = "an empty text" if model == "" else _kind(model)
    raise ConfigError(
        f"the model is {found}; expected the path of an ONNX file of `attnmel export`, or a name of `attnmel "
        f"models` such as '{ANY}'"
    )


def model_file(model: str | Path) -> Path:
    """Return the exported file of a model, or a path as it is.

    Raises:
        CheckpointError: there is nothing, and a model has a similar name; or a folder of a model that was not exported.
    """
    path = exported_file(model) or Path(model)
    if path.is_dir():
        command = shlex.join(["attnmel", "export", str(model), "--onnx"])
        raise CheckpointError(f"{model} is no exported file; write one first: {command}")
    meant = ""
    if isinstance(model, str) and not path.exists():
        meant = did_you_mean(model, (ANY, *model_names()))
    if meant:
        raise CheckpointError(
            f"no file {model}{meant}; expected one that `attnmel export RUN --onnx` wrote, or a name of `attnmel "
            "models`"
        )
    return path


def one_image(image: object) -> ImageSource | np.ndarray:
    """Return an image as it is read: a text as the path that it names.

    Raises:
        ImageError: it is no image, several, or no array of RGB pixels.
    """
    if isinstance(image, str):
        examples = example_images(image) or [Path(image)]
        if len(examples) > 1:
            raise ImageError(f"{image} names {len(examples)} images; expected one, predict_many takes several")
        return examples[0]
    if isinstance(image, np.ndarray):
        if image.dtype != np.uint8 or image.ndim != IMAGE_DIMENSIONS or image.shape[2] != 3 or not image.size:
            raise ImageError(f"the image is an array of {image.dtype} {list(image.shape)}; expected {PIXELS}")
        return image
    if isinstance(image, bytes | PillowImage | Path):
        return image
    if isinstance(image, bytearray | memoryview):
        return bytes(image)
    if isinstance(image, os.PathLike):
        return Path(image)
    raise ImageError(f"the image is {_kind(image)}; expected {FORMS}{_way_out(image)}")


def several(images: object) -> Iterable[Given]:
    """Return images with their names, as they are needed; a single one, which could be iterated over, as one of one.

    Raises:
        ImageError: neither.
    """
    if isinstance(images, str) and (examples := example_images(images)):
        return _in_order(examples)
    if isinstance(images, SINGLE) or (isinstance(images, np.ndarray) and images.ndim == IMAGE_DIMENSIONS):
        return [Given(images, name_of(images))]
    if hasattr(images, "read") or isinstance(images, Mapping) or not isinstance(images, Iterable):
        raise ImageError(
            f"the images are {_kind(images)}; expected one image or a list of them, each {FORMS}{_way_out(images)}"
        )
    return _in_order(images)


def _in_order(images: Iterable[object]) -> Iterator[Given]:
    for place, image in enumerate(images):
        name = name_of(image)
        yield Given(image, f"images[{place}]" if name == UNNAMED else name)


def name_of(image: object) -> str:
    """Return the name of an image for a message: the path of a file."""
    if isinstance(image, NamedBytes):
        return image.name
    return os.fspath(image) if isinstance(image, str | os.PathLike) else UNNAMED


def check_mask(mask: object) -> None:
    """Refuse pixels that are no lesion mask.

    Raises:
        ImageError: says what was found.
    """
    if isinstance(mask, np.ndarray) and (mask.dtype != bool or mask.ndim != 2):
        raise ImageError(f"the mask is an array of {mask.dtype} {list(mask.shape)}; expected bool [height, width]")
    if not (mask is None or isinstance(mask, np.ndarray | str | Path)):
        raise ImageError(f"the mask is {_kind(mask)}; expected a file, or pixels, bool [height, width]")


def _kind(thing: object) -> str:
    return "None" if thing is None else f"a value of the type {type(thing).__name__}"


def _way_out(thing: object) -> str:
    if hasattr(thing, "read"):
        return "; of an open file give its bytes, FILE.read()"
    return "; for several images call predict_many" if isinstance(thing, list | tuple) else ""
