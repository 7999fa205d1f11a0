"""A uniform border is found and left out; skin that fades is not taken for one."""

import numpy as np
import pytest
from PIL import Image

from attnmel.data.audit.frames import WHOLE, boxes_within, content_boxes, resampled

SIDE = 64


def skin(seed: int = 0) -> np.ndarray:
    chance = np.random.default_rng(seed)
    return (150 + 40 * np.linspace(-1, 1, SIDE)[:, None] + chance.normal(0, 8, (SIDE, SIDE))).astype(np.float32)


@pytest.mark.parametrize("level", [0, 128, 255])
def test_the_central_square_of_what_a_border_surrounds(level: int) -> None:
    image = np.full((SIDE, SIDE), level, dtype=np.float32)
    image[8:56] = 60 + skin()[8:56] / 10
    # A line more is left out at each end, since it may be half border.
    assert content_boxes(image[None])[0] == pytest.approx(np.array([9, 9, 46, 46]) / SIDE)
    assert content_boxes(image.T[None])[0] == pytest.approx(np.array([9, 9, 46, 46]) / SIDE)


@pytest.mark.parametrize(
    "image",
    [
        skin(),
        np.full((SIDE, SIDE), 7, dtype=np.float32),
        np.tile(np.linspace(90, 200, SIDE, dtype=np.float32), (SIDE, 1)),
    ],
    ids=["skin", "blank", "fading"],
)
def test_an_image_without_a_border_stays_whole(image: np.ndarray) -> None:
    assert tuple(content_boxes(image[None])[0]) == WHOLE


def test_a_view_lies_in_its_frame() -> None:
    frame, view = (np.array([box], dtype=np.float32) for box in ((0.1, 0.2, 0.5, 0.4), (0.25, 0, 0.5, 1)))
    assert boxes_within(frame, view)[0] == pytest.approx([0.225, 0.2, 0.25, 0.4])


def test_a_part_is_resampled_as_pillow_does() -> None:
    image = skin(1)
    box = np.array([[0.125, 0.25, 0.75, 0.5]], dtype=np.float32)
    expected = Image.fromarray(image).resize((24, 24), Image.Resampling.BILINEAR, box=(16, 8, 48, 56))
    # Pillow cuts the filter off at the box, the other looks a little beyond it.
    assert resampled(image[None], box, 24)[0][2:-2, 2:-2] == pytest.approx(np.asarray(expected)[2:-2, 2:-2], abs=0.01)
