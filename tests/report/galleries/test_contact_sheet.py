import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from attnmel import NOTICE
from attnmel.report.galleries.contact_sheet import (
    ACROSS,
    SIDE,
    Group,
    Sheet,
    Tile,
    sheet_picture,
    tile_picture,
    write_html,
)
from attnmel.report.html.sections import Table

SKIN = (180, 120, 100)


def image(height: int = 60, width: int = 90) -> np.ndarray:
    return np.full((height, width, 3), SKIN, dtype=np.uint8)


def sheet(*groups: Group) -> Sheet:
    table = Table("3 images.", ("Found", "Count", "Severity", "First"), (("mask <full>", "1", "warning", "a"),))
    return Sheet("clinic", "own images in clinic", "1 warning in 3 images", table, groups)


def test_a_tile_is_the_whole_frame_with_what_the_mask_leaves_out_veiled() -> None:
    mask = np.zeros((60, 90), np.uint8)
    mask[20:40, 30:60] = 255
    picture = tile_picture(image(), mask)
    assert picture.shape == (SIDE * 60 // 90, SIDE, 3)
    middle, corner = picture[SIDE // 3, SIDE // 2], picture[3, 3]
    assert middle.tolist() == list(SKIN)
    assert (corner > middle).all()


def test_an_inverted_mask_is_veiled_inside_and_a_full_one_nowhere() -> None:
    mask = np.full((60, 90), 255, np.uint8)
    assert (tile_picture(image(), mask) == SKIN).all()
    mask[20:40, 30:60] = 0
    picture = tile_picture(image(), mask)
    assert picture[3, 3].tolist() == list(SKIN)
    assert (picture[SIDE // 3, SIDE // 2] > SKIN).all()


def test_without_a_mask_the_frame_is_as_it_is() -> None:
    assert (tile_picture(image(90, 60), None) == SKIN).all()


@pytest.mark.parametrize("shape", [(30, 20), (90, 60)])
def test_a_mask_that_does_not_fit_is_drawn_all_the_same(shape: tuple[int, int]) -> None:
    assert tile_picture(image(), np.full(shape, 255, np.uint8)).shape == (160, SIDE, 3)


def test_the_page_asks_nobody_and_escapes_what_it_is_given(tmp_path: Path) -> None:
    tiles = (Tile("ISIC_1", "it marks <all>", tile_picture(image(), None)), Tile("ISIC_2", "", None))
    groups = (Group("mask full", "warning", "Look at it.", 7, tiles, ("a.csv: gone & lost",)),)
    write_html(tmp_path / "page.html", [sheet(*groups)])
    page = (tmp_path / "page.html").read_text()
    assert page.count("data:image/webp;base64,") == 1
    assert not re.findall(r"(?:src|href)=[\"'](?!data:|#)", page)
    assert NOTICE in page
    assert "it marks &lt;all&gt;" in page
    assert "mask &lt;full&gt;" in page
    assert "gone &amp; lost" in page
    assert "cannot be opened" in page
    assert "7; 2 shown" in page


def test_the_png_has_a_place_for_every_tile() -> None:
    tiles = tuple(Tile(f"i{number}", "x" * 400, tile_picture(image(), None)) for number in range(ACROSS + 1))
    picture = sheet_picture([sheet(Group("mask full", "warning", "", 99, tiles), Group("none", "", "", 0, ()))])
    assert picture.width >= ACROSS * SIDE
    skin = (np.asarray(picture) == SKIN).all(axis=2).sum()
    assert skin == (ACROSS + 1) * SIDE * 160
    assert isinstance(picture, Image.Image)


def test_a_png_without_a_tile_can_be_written() -> None:
    assert sheet_picture([sheet()]).height > 0
