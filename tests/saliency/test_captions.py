"""The strip below an overlay holds a text and the scale of its colours, and leaves the picture as it is."""

import numpy as np
import pytest

from attnmel.saliency.captions import captioned
from attnmel.saliency.overlays import overlay

TEXT = "pool3, melanoma 0.812"


@pytest.mark.parametrize(("height", "width"), [(768, 1024), (90, 120), (110, 100), (70, 100)])
def test_the_picture_stays_and_the_strip_is_as_wide(height: int, width: int) -> None:
    picture = np.full((height, width, 3), (200, 150, 130), np.uint8)
    drawn = captioned(picture, TEXT, (0.1, 0.9))
    assert (drawn[:height] == picture).all()
    assert drawn.shape[1] == width
    assert 15 < len(drawn) - height < max(70, height)
    assert (drawn[height:] == 255).mean() > 0.4, "text on paper"


@pytest.mark.parametrize("width", [1, 30, 64, 80, 100, 120, 200])
@pytest.mark.parametrize("text", [TEXT, "pool4, seborrheic_keratosis 0.812", "pool4"])
def test_nothing_of_the_caption_is_cut_off_below_a_narrow_picture(width: int, text: str) -> None:
    picture = np.full((40, width, 3), 255, np.uint8)
    drawn = captioned(picture, text, (0.0, 0.0))
    wide = captioned(np.full((40, 1000, 3), 255, np.uint8), text, (0.0, 0.0))
    inked: list[np.ndarray] = [np.all(one[40:] < 128, axis=-1) for one in (drawn, wide)]
    assert not inked[0][:, :4].any()
    assert not inked[0][:, -4:].any()
    assert not inked[0][-2:].any()
    assert inked[0].sum() == pytest.approx(inked[1].sum(), rel=0.1), "as much ink as where there is room"
    assert (drawn[:40] == 255).all()


def test_the_scale_runs_through_the_colours_of_the_overlay() -> None:
    picture = np.full((768, 1024, 3), (200, 150, 130), np.uint8)
    strip = captioned(picture, "pool3", (0.0, 1.0))[768:]
    ends = overlay(picture[:1, :2], np.array([[0.0, 1.0]], np.float32))[0]
    middle = strip[len(strip) // 2].astype(int)
    for colour in ends.astype(int):
        assert (np.abs(middle - colour).sum(axis=1) <= 3).any()
