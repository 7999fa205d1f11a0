"""What is no model, image or mask is refused in one sentence: what was found, what is expected, what to do."""

import io
from inspect import unwrap
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from attnmel.compute.threads import requested_threads
from attnmel.deploy.checked_inputs import check_mask, model_file, model_name, one_image, several
from attnmel.errors import CheckpointError, ConfigError, ImageError
from attnmel.pretrained.examples import example_images

FORMS = "a path, example:ID, the bytes of a file, a picture of Pillow, or pixels, uint8 [height, width, 3], RGB"


class Named:
    """What has a path by Python's own rule, as a temporary file has."""

    def __fspath__(self) -> str:
        return "a.jpg"


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (None, f"the image is None; expected {FORMS}"),
        (7, f"the image is a value of the type int; expected {FORMS}"),
        (["a.jpg"], f"the image is a value of the type list; expected {FORMS}; for several images call predict_many"),
        (
            io.BytesIO(b"a"),
            f"the image is a value of the type BytesIO; expected {FORMS}; of an open file give its bytes, FILE.read()",
        ),
        (np.zeros((4, 4)), "the image is an array of float64 [4, 4]; expected uint8 [height, width, 3], RGB"),
        ("example:all", "example:all names 6 images; expected one, predict_many takes several"),
    ],
)
def test_what_is_no_image(given: object, sentence: str) -> None:
    with pytest.raises(ImageError) as caught:
        one_image(given)
    assert str(caught.value) == sentence


def test_every_form_of_an_image_is_taken() -> None:
    assert one_image("a.jpg") == one_image(Named()) == one_image(Path("a.jpg")) == Path("a.jpg")
    assert one_image(b"a") == one_image(bytearray(b"a")) == one_image(memoryview(b"a")) == b"a"
    assert one_image("example:ISIC_0012395") == (example_images("example:ISIC_0012395") or [None])[0]
    picture, pixels = Image.new("RGB", (4, 4)), np.zeros((4, 4, 3), np.uint8)
    assert one_image(picture) is picture
    assert one_image(pixels) is pixels


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (None, f"the images are None; expected one image or a list of them, each {FORMS}"),
        ({"a": 1}, f"the images are a value of the type dict; expected one image or a list of them, each {FORMS}"),
        (
            io.BytesIO(b"a"),
            f"the images are a value of the type BytesIO; expected one image or a list of them, each {FORMS}; of an "
            "open file give its bytes, FILE.read()",
        ),
    ],
)
def test_what_are_no_images_is_refused_at_once(given: object, sentence: str) -> None:
    with pytest.raises(ImageError) as caught:
        several(given)
    assert str(caught.value) == sentence


def test_several_images_are_named_by_path_or_place() -> None:
    assert [one.name for one in several(["a.jpg", b"", Named()])] == ["a.jpg", "images[1]", "a.jpg"]
    assert [one.name for one in several(np.zeros((2, 4, 4, 3), np.uint8))] == ["images[0]", "images[1]"]
    for single in (b"", Image.new("RGB", (4, 4)), np.zeros((4, 4, 3), np.uint8)):
        assert [one.name for one in several(single)] == ["the image"]
    assert len(list(several("example:all"))) == 6


@pytest.mark.parametrize(
    ("mask", "sentence"),
    [
        (7, "the mask is a value of the type int; expected a file, or pixels, bool [height, width]"),
        (np.zeros((9, 8), np.uint8), "the mask is an array of uint8 [9, 8]; expected bool [height, width]"),
    ],
)
def test_what_is_no_mask(mask: object, sentence: str) -> None:
    with pytest.raises(ImageError) as caught:
        check_mask(mask)
    assert str(caught.value) == sentence
    check_mask(np.zeros((9, 8), bool))
    check_mask(None)


def test_what_is_no_model() -> None:
    with pytest.raises(ConfigError) as caught:
        model_name(None)
    assert str(caught.value) == (
        "the model is None; expected the path of an ONNX file of `attnmel export`, or a name of `attnmel models` such "
        "as 'pretrained'"
    )
    with pytest.raises(ConfigError, match=r"^the model is an empty text; expected the path of an ONNX file"):
        model_name("")
    with pytest.raises(CheckpointError) as missing:
        model_file("pretraned")
    assert str(missing.value) == (
        "no file pretraned (did you mean 'pretrained'?); expected one that `attnmel export RUN --onnx` wrote, or a "
        "name of `attnmel models`"
    )
    assert model_file("nowhere.onnx") == Path("nowhere.onnx"), "its reader says that there is none"


@pytest.mark.parametrize("threads", ["x", 0, 1.5, True])
def test_threads_are_a_whole_number(threads: object) -> None:
    with pytest.raises(ConfigError) as caught:
        unwrap(requested_threads)(threads)  # pyright: ignore[reportArgumentType] - what is tested
    assert str(caught.value) == f"threads is {threads!r}, expected a whole number above 0"
