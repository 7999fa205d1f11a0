"""Every kind of image file that strangers bring is read as every viewer shows it, or refused with its reason."""

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.factories import Recorder
from tests.strangers.images.make_images import (
    P3_XY,
    StrangeImage,
    blocks,
    icc,
    make_images,
    refused,
    shown,
    skin,
    to_light,
    turned,
)

from attnmel.data.image_files.reading import read_image
from attnmel.data.preprocess.images import Part, Square, image_size, prepared_image
from attnmel.errors import ImageError
from attnmel.pipeline.predict.predict import predict_images


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
        said = (found.reading.notes, found.reading.orientation)
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


def test_heic_is_read_by_the_extra(tmp_path: Path) -> None:
    heif = pytest.importorskip("pillow_heif")
    right = skin()
    for name, options in (("plain.heic", {}), ("p3.heif", {"icc_profile": icc("Display P3", P3_XY, None)})):
        heif.from_pillow(Image.fromarray(right)).save(tmp_path / name, quality=-1, chroma=444, **options)
    plain, p3 = read_image(tmp_path / "plain.heic"), read_image(tmp_path / "p3.heif")
    assert np.abs(np.asarray(plain.pixels).astype(float) - right).mean() < 1.5
    assert (plain.reading.format, plain.reading.notes) == ("HEIC", ())
    assert p3.reading.notes == ("colours converted from Display P3 to sRGB",)
    assert np.abs(np.asarray(p3.pixels) - shown(right / 255, P3_XY, to_light)).mean() < 1.5


def test_without_the_extra_a_heic_file_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    (tmp_path / "photo.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(40))
    with pytest.raises(ImageError, match=r"photo\.heic is a HEIC picture; to read it: pip install 'attnmel\[heic\]'"):
        read_image(tmp_path / "photo.heic")


@pytest.mark.parametrize("crop", [0.85, Square(192, 128, -9.5, 3.25, 120), None], ids=["central", "over", "squashed"])
def test_a_turned_file_is_prepared_to_the_bit_as_an_upright_one(crop: Part) -> None:
    """A JPEG too, decoded at half its size: its squares of one colour are stored exactly."""
    upright, off = turned(1, blocks()), {}
    for orientation in range(1, 9):
        for name, content in turned(orientation, blocks()).items():
            one = upright[name.replace(f"turned-{orientation}", "turned-1")]
            found, right = (prepared_image(file, crop=crop, side=40).astype(int) for file in (content, one))
            off[name] = int(np.abs(found - right).max())
    assert set(off.values()) == {0}


def test_predict_gives_every_file_of_one_picture_one_answer(images: list[StrangeImage], exported: Path) -> None:
    """One picture without loss in every format, orientation and depth; and one round view on white."""
    exact = [one.path for one in images if one.path.suffix != ".jpg" and one.path.name.startswith(("turned", "hidden"))]
    folder = exact[0].parent
    for orientation in range(1, 9):
        exact.append(folder / f"squares-{orientation}.jpg")
        exact[-1].write_bytes(turned(orientation, blocks())[f"turned-{orientation}.jpg"])
    progress = Recorder()
    results = list(predict_images(exported, exact, progress=progress))
    assert not [one.error for one in results if one.error]
    for kind in ("turned", "hidden", "squares"):
        assert len({one.probabilities for one in results if Path(one.image).name.startswith(kind)}) == 1, kind
    assert f"8 of {len(exact)} images: alpha channel laid on white" in progress.notes
