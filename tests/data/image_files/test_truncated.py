"""JPEG files that lack their last bytes are refused, and read up to a bound where the user switches it on."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.images import decoded_image

from attnmel.data.image_files.reading import read_image
from attnmel.data.preprocess.images import prepared_image
from attnmel.errors import ImageError


@pytest.fixture
def whole(tmp_path: Path, picture: Image.Image) -> Path:
    picture.resize((360, 240)).save(tmp_path / "whole.jpg", quality=90)
    return tmp_path / "whole.jpg"


def cut(whole: Path, share: float) -> Path:
    content = whole.read_bytes()
    path = whole.with_name("cut.jpg")
    path.write_bytes(content[: round(len(content) * share)])
    return path


def test_the_error_names_the_switch(whole: Path) -> None:
    with pytest.raises(ImageError, match=r"cut\.jpg is truncated .*, or set ATTNMEL_TRUNCATED=read to read"):
        decoded_image(cut(whole, 0.97))


@pytest.mark.parametrize("share", [0.3, 0.7])
def test_the_switch_is_not_named_where_it_would_not_help(whole: Path, share: float) -> None:
    with pytest.raises(ImageError, match=r"cut\.jpg is truncated or damaged \(.*\); replace it with a whole file$"):
        decoded_image(cut(whole, share))


def test_the_switch_is_not_named_to_someone_who_sent_bytes(whole: Path) -> None:
    with pytest.raises(ImageError, match=r"replace it with a whole file$"):
        read_image(cut(whole, 0.97).read_bytes())


def test_what_is_there_is_read_and_said(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTNMEL_TRUNCATED", "read")
    found = read_image(cut(whole, 0.97))
    assert found.reading.notes == ("last bytes are missing, and what is there was read",)
    assert not read_image(whole).reading.notes
    np.testing.assert_array_equal(np.asarray(found.pixels)[:200], decoded_image(whole)[:200])


@pytest.mark.parametrize("share", [0.3, 0.7])
def test_a_file_that_lacks_more_than_a_tenth_is_refused(
    whole: Path, share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATTNMEL_TRUNCATED", "read")
    with pytest.raises(ImageError, match=r"cut\.jpg is truncated or damaged \(\d+ % of its rows are missing"):
        prepared_image(cut(whole, share), crop=0.8, side=32)
