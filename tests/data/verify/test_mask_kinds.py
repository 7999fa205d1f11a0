"""Outlines, colours and dark levels are reported as what they are; filled black and white masks are not."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from attnmel.data.verify.mask_checks import mask_problems
from attnmel.data.verify.mask_kinds import colour_problem, outline_problem


def drawn(*, width: int = 0, fill: bool = False, height: int = 300) -> np.ndarray:
    mask = Image.new("L", (400, height))
    ImageDraw.Draw(mask).ellipse((120, 80, 260, 200), fill=255 if fill else None, outline=255, width=width or 1)
    return np.array(mask)


@pytest.mark.parametrize("width", [1, 2, 6])
def test_a_closed_line_is_an_outline(width: int) -> None:
    ((kind, text),) = mask_problems(drawn(width=width))
    assert kind == "mask outline"
    assert text.endswith("of the frame around 12 %; the line alone is read as lesion")


def test_filled_masks_and_scattered_ones_are_no_outline() -> None:
    ring = drawn(width=35)
    scattered = np.random.default_rng(0).random((300, 400)) < 0.02
    for lesion in (drawn(fill=True) > 0, ring > 0, scattered, np.ones((3, 2), dtype=bool)):
        assert outline_problem(lesion) is None


@pytest.mark.parametrize(
    ("colour", "level", "read_as"), [((255, 0, 0), 76, "skin"), ((0, 255, 0), 150, "lesion"), ((0, 0, 255), 29, "skin")]
)
@pytest.mark.parametrize("mode", ["RGB", "P", "RGBA"])
def test_a_coloured_mask_is_reported_with_what_it_counts_as(
    colour: tuple[int, int, int], level: int, read_as: str, mode: str
) -> None:
    mask = Image.new("RGB", (40, 30))
    mask.paste(colour, (10, 10, 30, 20))
    found = colour_problem(mask.convert(mode))
    expected = f"of its pixels are coloured, most of them {colour}: read as grey {level}, which counts as {read_as}"
    assert found is not None
    assert found[0] == "mask coloured"
    assert found[1].endswith(expected)


def test_grey_masks_of_any_mode_are_not_coloured() -> None:
    grey = Image.fromarray(drawn(fill=True))
    assert all(colour_problem(grey.convert(mode)) is None for mode in ("1", "L", "P", "RGB", "RGBA"))


def test_a_mask_whose_shape_is_drawn_in_its_transparency_is_not_coloured() -> None:
    mask = Image.new("RGBA", (40, 30), (255, 0, 0, 0))
    mask.paste((255, 0, 0, 255), (10, 10, 30, 20))
    assert colour_problem(mask) is None


def test_a_mask_of_class_numbers_is_empty_and_its_levels_are_named() -> None:
    classes = drawn(fill=True) // 255
    ((kind, text),) = mask_problems(classes)
    assert kind == "mask empty"
    assert text == (
        "its brightest pixel is 1; 255 marks the lesion; its levels are 0 (89 %) and 1 (11 %), and up to 127 counts as "
        "skin"
    )
