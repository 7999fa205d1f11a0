"""A mask file means one thing wherever it is read."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.images import spot_on_skin
from tests.strangers.images.make_images import png, saved, tiff

from attnmel.data.image_files.masks import jpeg_note, read_mask
from attnmel.errors import ImageError

HEIGHT, WIDTH = 30, 40


def disc() -> np.ndarray:
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return (((x - 15) / 9) ** 2 + ((y - 12) / 7) ** 2 < 1).astype(np.uint8) * 255


def layer(colour: tuple[int, int, int], alpha: np.ndarray, hidden: int = 0) -> np.ndarray:
    """One colour where alpha is not 0, and another level, which nobody sees, where it is."""
    return np.dstack([np.where(alpha[..., None] > 0, np.array(colour), hidden).astype(np.uint8), alpha])


def masks() -> dict[str, bytes]:
    shape = disc()
    opaque = np.full_like(shape, 255)
    on_frame = np.dstack([shape, shape, shape, np.where(np.arange(WIDTH) < WIDTH - 4, opaque, 0)])
    return {
        "white layer": png(layer((255, 255, 255), shape, hidden=255)),
        "white layer on hidden black": png(layer((255, 255, 255), shape)),
        "black layer": png(layer((0, 0, 0), shape)),
        "half transparent red layer": png(layer((255, 0, 0), shape // 255 * 127)),
        "grey layer with alpha": png(np.dstack([opaque, shape])),
        "opaque alpha": png(np.dstack([shape, shape, shape, opaque])),
        "white and black, transparent at the side": png(on_frame),
        "sixteen bits": png(shape.astype(np.uint16) * 257),
        "eight bits kept in sixteen": png(shape.astype(np.uint16)),
        "sixteen bits of TIFF": tiff(shape.astype(np.uint16) * 257),
        "white layer of sixteen bits": png(layer((255, 255, 255), shape, hidden=255).astype(np.uint16) * 257),
    }


@pytest.mark.parametrize("kind", masks())
def test_every_kind_of_mask_marks_what_is_drawn(kind: str) -> None:
    np.testing.assert_array_equal(np.asarray(read_mask(masks()[kind])), disc())


def test_a_palette_with_transparent_entries_is_read_by_its_alpha(tmp_path: Path) -> None:
    palette = Image.fromarray(disc() // 255)
    palette.putpalette([255, 255, 255, 255, 255, 255])
    palette.save(tmp_path / "mask.png", transparency=b"\x00\xff")
    np.testing.assert_array_equal(np.asarray(read_mask(tmp_path / "mask.png")), disc())


def test_a_profile_does_not_move_a_mask(tmp_path: Path) -> None:
    Image.fromarray(disc() // 2).save(tmp_path / "mask.png", icc_profile=b"of no use")
    np.testing.assert_array_equal(np.asarray(read_mask(tmp_path / "mask.png")), disc() // 2)


def test_a_mask_is_turned_as_its_photograph(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 3
    Image.fromarray(disc()[::-1, ::-1].copy()).save(tmp_path / "mask.png", exif=exif)
    np.testing.assert_array_equal(np.asarray(read_mask(tmp_path / "mask.png")), disc())


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA"])
def test_a_photograph_is_no_mask(tmp_path: Path, mode: str) -> None:
    pixels, _ = spot_on_skin(80, 60, centre=(40, 30), radii=(15, 15), grain=25)
    Image.fromarray(pixels).convert(mode).save(tmp_path / "a.png")
    with pytest.raises(
        ImageError, match=r"a\.png is a photograph and no mask: \d+ % of its pixels are neither black no"
    ):
        read_mask(tmp_path / "a.png")


@pytest.mark.parametrize("quality", [30, 75, 95])
def test_a_mask_that_jpeg_has_compressed_marks_what_is_drawn(quality: int) -> None:
    """But for pixels of its border."""
    large = np.kron(disc(), np.ones((4, 4), dtype=np.uint8))
    found = np.asarray(read_mask(saved("JPEG", Image.fromarray(large), quality=quality)))
    assert len(np.unique(found)) > 2
    assert ((found > 127) != (large > 127)).mean() < 0.01


def test_a_mask_of_two_greys_or_with_a_soft_border_stays_a_mask() -> None:
    soft = Image.fromarray(disc()).resize((400, 300), Image.Resampling.BICUBIC)
    for mask in (Image.fromarray(disc() // 2 + 60), soft):
        np.testing.assert_array_equal(np.asarray(read_mask(saved("PNG", mask))), np.asarray(mask))


def test_masks_that_are_jpeg_files_are_counted() -> None:
    assert jpeg_note([Path("a.png"), None]) == []
    assert jpeg_note([Path("a.JPG"), Path("b.jpeg"), Path("c.png")])[0].startswith(
        "2 masks are JPEG files, which blurs"
    )
