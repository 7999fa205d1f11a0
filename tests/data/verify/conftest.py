"""Phantoms as they were fetched, to be broken."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from attnmel.data.verify import Finding, Verification, verify_dataset

if TYPE_CHECKING:
    from tests.conftest import Phantoms

Kinds = Callable[[Verification], list[tuple[str, str]]]


@pytest.fixture
def home(phantoms: "Phantoms", tmp_path: Path) -> Path:
    shutil.copytree(phantoms.home / "data", tmp_path / "home" / "data")
    return tmp_path / "home"


@pytest.fixture
def found(home: Path) -> Callable[..., list[Finding]]:
    """Look at the phantoms, and give the findings of some kinds, or all."""

    def look(*kinds: str) -> list[Finding]:
        every = verify_dataset("phantoms", home).findings
        return [finding for finding in every if not kinds or finding.kind in kinds]

    return look


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
