"""Every kind of image file that strangers bring is read as every viewer shows it, or refused with its reason."""

from pathlib import Path

import numpy as np
import pytest
from tests.strangers.make_images import StrangeImage, make_images, refused

from attnmel.data.preprocess.images import image_size
from attnmel.data.preprocess.reading import read_image
from attnmel.errors import ImageError


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> list[StrangeImage]:
    return make_images(tmp_path_factory.mktemp("images"))


def test_every_file_shows_what_a_viewer_shows(images: list[StrangeImage]) -> None:
    wrong = []
    for one in images:
        found = read_image(one.path)
        height, width = one.pixels.shape[:2]
        off = (
            np.abs(np.asarray(found.pixels).astype(float) - one.pixels).mean()
            if found.pixels.size == (width, height) == image_size(one.path)
            else np.inf
        )
        said = (found.reading.changes, found.reading.orientation)
        if off > one.off or said != (one.changes, one.orientation):
            wrong.append((one.path.name, off, said))
    assert not wrong


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data", "ignore:Truncated File Read")
@pytest.mark.parametrize("name", refused())
def test_other_files_are_refused_in_one_sentence(tmp_path: Path, name: str) -> None:
    content, reason = refused()[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ImageError, match=rf"^{name} {reason}"):
        read_image(tmp_path / name)
