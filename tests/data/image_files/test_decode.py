import contextlib
import io
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from attnmel.data.image_files.decode import decode_scaled, opened
from attnmel.data.image_files.masks import mask_levels
from attnmel.data.image_files.picture import upright_size
from attnmel.data.image_files.reading import read_image, read_picture
from attnmel.errors import ImageError

WIDTH, HEIGHT = 90, 60


def saved(picture: Image.Image, path: Path, **options: Any) -> Path:  # noqa: ANN401 - whatever the writer takes
    picture.save(path, **options)
    return path


def read(path: Path) -> np.ndarray:
    """All of the way from a file to upright pixels."""
    return np.asarray(read_image(path).pixels)


def size_of(path: Path) -> tuple[int, int]:
    with opened(path) as picture:
        return upright_size(picture)


def png_header(width: int, height: int) -> bytes:
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", 13)
        + body
        + struct.pack(">I", zlib.crc32(body))
        + struct.pack(">I", 9)
        + b"IDAT"
    )


@pytest.mark.parametrize("mode", ["L", "1", "P", "RGBA", "LA", "CMYK"])
def test_other_kinds_of_pixels_become_rgb(tmp_path: Path, picture: Image.Image, mode: str) -> None:
    jpeg = mode == "CMYK"
    path = saved(picture.convert(mode), tmp_path / ("a.jpg" if jpeg else "a.png"), quality=98)
    expected = np.asarray(picture.convert(mode).convert("RGB"))
    assert np.abs(read(path).astype(int) - expected).mean() < (3 if jpeg else 1e-9)


def test_a_palette_with_transparency_is_read_without_a_warning(tmp_path: Path, picture: Image.Image) -> None:
    path = saved(picture.convert("P"), tmp_path / "a.png", transparency=bytes(range(256)))
    assert read(path).shape == (HEIGHT, WIDTH, 3)


def test_numbers_of_thirty_two_bits_are_refused(tmp_path: Path) -> None:
    path = saved(Image.fromarray(np.full((9, 9), 40_000, np.int32)), tmp_path / "deep.tif")
    with pytest.raises(ImageError, match=r"deep\.tif has pixels of kind 'I'; expected 8 or 16 bits a channel"):
        read(path)


@pytest.mark.parametrize("suffix", ["jpg", "png"])
@pytest.mark.parametrize("share", [0.03, 0.5, 0.95])
def test_a_truncated_file_is_named(tmp_path: Path, picture: Image.Image, suffix: str, share: float) -> None:
    whole = saved(picture, tmp_path / f"whole.{suffix}").read_bytes()
    path = tmp_path / f"lesion.{suffix}"
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(ImageError, match=rf"lesion\.{suffix} is truncated or damaged .* replace it with a whole file"):
        read(path)


def test_a_huge_file_is_refused_by_its_header(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(png_header(60_000, 60_000))
    with pytest.raises(ImageError, match=r"bomb\.png is 60000 x 60000 pixels by its header, but at most 100,000,000"):
        read(path)


def test_other_formats_and_texts_are_refused(tmp_path: Path, picture: Image.Image) -> None:
    for name, content in {"a.gif": b"", "page.jpg": b"<html>not found</html>"}.items():
        (tmp_path / name).write_bytes(content)
    saved(picture, tmp_path / "a.gif", format="GIF")
    for name, found in {"a.gif": "is a file of the kind GIF, which is not read", "page.jpg": "is no picture"}.items():
        with pytest.raises(ImageError, match=rf"{name} {found}; expected a picture in the format JPEG, PNG"):
            size_of(tmp_path / name)


def test_an_empty_and_a_missing_file_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "none.jpg").write_bytes(b"")
    with pytest.raises(ImageError, match=r"none\.jpg is empty; expected a picture"):
        size_of(tmp_path / "none.jpg")
    with pytest.raises(ImageError, match=r"no image at .*gone\.jpg"):
        size_of(tmp_path / "gone.jpg")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_not_called_damaged(tmp_path: Path, picture: Image.Image) -> None:
    saved(picture, tmp_path / "secret.png").chmod(0)
    with pytest.raises(ImageError, match=r"secret\.png cannot be read \(Permission denied\); check its permissions"):
        read(tmp_path / "secret.png")


def test_an_error_of_the_disk_is_not_called_damaged(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"x{300}\.png cannot be read \(File name too long\); check its permissions"):
        read(tmp_path / f"{'x' * 300}.png")
    with pytest.raises(ImageError, match=r"is no file; expected an image file"):
        read(tmp_path)


@pytest.mark.filterwarnings("ignore::UserWarning")  # of Pillow, on tags of a TIFF that make no sense
def test_bytes_changed_at_random_end_in_an_image_error_or_in_pixels(tmp_path: Path, picture: Image.Image) -> None:
    random = np.random.default_rng(0)
    path = tmp_path / "a.bin"
    for kind in ("JPEG", "PNG", "TIFF", "WEBP", "BMP"):
        stream = io.BytesIO()
        picture.save(stream, kind)
        for _ in range(40):
            content = np.frombuffer(stream.getvalue(), np.uint8).copy()
            content[random.integers(8, len(content), 8)] = random.integers(0, 256, 8)
            path.write_bytes(content.tobytes())
            with contextlib.suppress(ImageError):
                assert read(path).shape[2] == 3


@pytest.mark.parametrize(("most", "scale"), [(0, 1), (1, 1), (3, 2), (4, 4), (7, 4), (100, 8)])
def test_a_jpeg_is_decoded_at_the_smallest_scale_asked_for(
    tmp_path: Path, picture: Image.Image, most: int, scale: int
) -> None:
    with opened(saved(picture, tmp_path / "a.jpg")) as found:
        assert decode_scaled(found, most) == scale
        assert read_picture(found).stored.size == (-(-WIDTH // scale), -(-HEIGHT // scale))


def test_a_png_is_always_decoded_whole(tmp_path: Path, picture: Image.Image) -> None:
    mask = picture.convert("1", dither=Image.Dither.NONE).convert("L")
    with opened(saved(mask, tmp_path / "a.png")) as found:
        assert decode_scaled(found, 8) == 1
        assert mask_levels(found).size == (WIDTH, HEIGHT)
