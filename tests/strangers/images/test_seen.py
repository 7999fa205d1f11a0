"""Of every odd photograph, what the network did not see is said; from the file as from its pixels."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.strangers.images.make_seen import KINDS, Stranger, write_strangers

from attnmel.data.preprocess.framing import Framing
from attnmel.data.preprocess.network_input import mask_of, network_input


@pytest.fixture(scope="module")
def strangers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Stranger]:
    found = write_strangers(tmp_path_factory.mktemp("strangers") / "seen")
    return {one.image.stem: one for one in found}


@pytest.mark.parametrize("name", KINDS)
def test_shares_and_warnings_are_right(name: str, strangers: dict[str, Stranger]) -> None:
    one = strangers[name]
    mask = mask_of(one.mask, one.image)
    for source in (one.image, np.asarray(Image.open(one.image))):
        seen = network_input(source, Framing(0.8, 224, 256), mask=mask).seen
        assert seen.share_of_image == pytest.approx(one.share_of_image, abs=1e-3)
        assert seen.share_of_lesion == (
            None if one.share_of_lesion is None else pytest.approx(one.share_of_lesion, abs=1e-2)
        )
        assert seen.warnings == one.warnings


def test_a_crop_around_the_lesion_sees_what_the_central_one_cuts(
    strangers: dict[str, Stranger], tmp_path: Path
) -> None:
    one = strangers["border"]
    seen = network_input(one.image, Framing("lesion", 224, 256, margin=0.2), mask=mask_of(one.mask, one.image)).seen
    (square,) = seen.squares
    # The disc of radius 100 around (190, 300), with a fifth of its 200 pixels on each side.
    assert (square.left, square.top, square.side) == pytest.approx((50, 160, 280), abs=1)
    assert seen.share_of_lesion == pytest.approx(1)
    assert seen.warnings == ()
