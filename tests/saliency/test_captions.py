"""The strip below an overlay holds a text and the scale of its colours, and leaves the picture as it is."""

import numpy as np
import pytest

from attnmel.saliency.captions import captioned
from attnmel.saliency.overlays import overlay


@pytest.mark.parametrize(("height", "width"), [(768, 1024), (90, 120), (40, 30)])
def test_the_picture_stays_and_the_strip_is_as_wide(height: int, width: int) -> None:
    picture = np.full((height, width, 3), (200, 150, 130), np.uint8)
    drawn = captioned(picture, "pool3, melanoma 0.812", (0.1, 0.9))
    assert (drawn[:height] == picture).all()
    assert drawn.shape[1] == width
    assert 15 < len(drawn) - height < max(60, height)
    assert (drawn[height:] == 255).mean() > 0.4, "text on paper"


def test_the_scale_runs_through_the_colours_of_the_overlay() -> None:
    picture = np.full((768, 1024, 3), (200, 150, 130), np.uint8)
    strip = captioned(picture, "pool3", (0.0, 1.0))[768:]
    ends = overlay(picture[:1, :2], np.array([[0.0, 1.0]], np.float32))[0]
    middle = strip[len(strip) // 2].astype(int)
    for colour in ends.astype(int):
        assert (np.abs(middle - colour).sum(axis=1) <= 3).any()
