"""Six small real images come along, credited, and are named by their ids."""

from pathlib import Path

import pytest
from PIL import Image

from attnmel.errors import ImageError
from attnmel.pretrained.examples import FOLDER, example_images, example_names

MOST_BYTES = 40_000


def test_there_are_six_small_images_each_with_its_credit() -> None:
    credits_ = (FOLDER / "CREDITS.md").read_text(encoding="utf-8")
    assert len(example_names()) == 6
    for name in example_names():
        path = FOLDER / f"{name}.jpg"
        assert path.stat().st_size <= MOST_BYTES
        with Image.open(path) as image:
            assert (image.format, image.size) == ("JPEG", (320, 320))
        assert f"| {name} |" in credits_
    assert credits_.count("| melanoma |") == 3
    assert "CC-0" in credits_


def test_an_id_means_its_file_and_all_means_all() -> None:
    first = example_names()[0]
    assert example_images(f"example:{first}") == [FOLDER / f"{first}.jpg"]
    assert example_images("example:all") == [FOLDER / f"{one}.jpg" for one in example_names()]


@pytest.mark.parametrize("text", ["lesion.jpg", "./example:all", "examples"])
def test_all_else_is_a_path(text: str) -> None:
    assert example_images(text) is None


def test_an_unknown_id_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ImageError) as error:
        example_images("example:nevus")
    known = ", ".join(f"example:{one}" for one in (*example_names(), "all"))
    assert str(error.value) == f"no example image 'example:nevus'; known: {known}"


def test_no_example_trained_the_model_that_comes_along() -> None:
    learnt = (Path(FOLDER).parent / "attnmel-lite0-isic2017" / "images.csv").read_text(encoding="utf-8")
    assert "ISIC_0000000," in learnt
    assert not [name for name in example_names() if f"{name}," in learnt]
