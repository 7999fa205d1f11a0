"""What lacks of a data set is told by name, place and size; a whole one lacks nothing."""

from collections.abc import Callable
from pathlib import Path

import pytest

from attnmel.data.archives.catalog import ARCHIVES, OFFICIAL_ADDRESS
from attnmel.data.archives.fetch import fetch
from attnmel.data.datasets.missing import missing_files
from attnmel.errors import ConfigError
from attnmel.number_formats import size_in_words

Fetched = Callable[[str], Path]
INPUT = "ISIC2018_Task3_Training_Input.zip"


def test_before_a_fetch_every_file_that_is_read_is_missing(tmp_path: Path) -> None:
    missing = missing_files("isic2018", tmp_path)
    assert [one.name for one in missing] == [a.name for a in ARCHIVES["isic2018"] if a.split != "validation"]
    images = next(one for one in missing if one.name == INPUT)
    assert (images.published_at, images.role, images.split) == (f"{OFFICIAL_ADDRESS}/2018/{INPUT}", "images", "train")
    assert size_in_words(images.about_bytes) == "2.8 GB"
    masks = next(one for one in missing if one.role == "masks")
    assert masks.published_at.startswith("https://dataverse.harvard.edu/")


@pytest.mark.parametrize("name", ["isic2016", "isic2018", "isic2018-leaky", "isic2018-task1"])
def test_of_a_fetched_data_set_nothing_is_missing_though_it_is_short(fetched: Fetched, name: str) -> None:
    assert missing_files(name, fetched(name.removesuffix("-leaky"))) == ()


def test_what_the_mirror_lacked_or_was_deleted_is_missing(mirror: Path, tmp_path: Path) -> None:
    (mirror / "2018" / "HAM10000_metadata.csv").unlink()
    fetch("isic2018", tmp_path / "home", mirror=mirror.as_uri())
    (tmp_path / "home/data/isic2018/ISIC2018_Task3_Test_GroundTruth.csv").unlink()
    for name in ("isic2018", "isic2018-leaky"):
        missing = missing_files(name, tmp_path / "home")
        assert [one.name for one in missing] == ["HAM10000_metadata.csv", "ISIC2018_Task3_Test_GroundTruth.zip"]
        assert [one.about_bytes for one in missing] == [None, None]


def test_phantoms_have_no_address_and_no_size(tmp_path: Path) -> None:
    assert {(one.published_at, one.about_bytes) for one in missing_files("phantoms", tmp_path)} == {("", None)}


def test_an_unknown_data_set_is_told_with_those_that_are_known(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"unknown data set 'isic2015' .did you mean 'isic201.'.*known: .*isic2018-leaky"
    ):
        missing_files("isic2015", tmp_path)
