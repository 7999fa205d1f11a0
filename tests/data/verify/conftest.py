"""Phantoms as they were fetched, to be broken."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import Phantoms


@pytest.fixture
def home(phantoms: "Phantoms", tmp_path: Path) -> Path:
    shutil.copytree(phantoms.home / "data", tmp_path / "home" / "data")
    return tmp_path / "home"


@pytest.fixture
def train(home: Path) -> Callable[[str], list[Path]]:
    """Give the files of a folder of the training split."""
    data = home / "data" / "phantoms"
    folders = {"images": "ISIC-2017_Training_Data", "masks": "ISIC-2017_Training_Part1_GroundTruth"}
    endings = {"images": "*.jpg", "masks": "*.png"}
    return lambda what: sorted((data / folders[what]).glob(endings[what]))


@pytest.fixture
def table(home: Path) -> Path:
    return home / "data" / "phantoms" / "ISIC-2017_Training_Part3_GroundTruth.csv"
