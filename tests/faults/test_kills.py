"""A command that is killed at any of its renames: the same command again ends as if nothing had been.

In full, at random moments and for every command: `benchmarks/reliability/kill.py` and docs/reliability.md.
"""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.faults.conftest import die_at_rename, temporary_files

from attnmel.config.load import load_recipe
from attnmel.data.archives.fetch import fetch
from attnmel.errors import ConfigError
from attnmel.files.folders import RunFolder
from attnmel.pipeline.run.images.dataset import prepare
from attnmel.pipeline.segment.predict import predict_masks

if TYPE_CHECKING:
    from tests.conftest import Phantoms
    from tests.faults.conftest import Ended

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes are forked")

Forked = Callable[..., "Ended"]
KILLED = -9


def content(folder: Path) -> dict[str, bytes]:
    """Return every file of a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("number", [1, 2])
def test_a_cache_build(number: int, after: bool, forked: Forked, phantoms: "Phantoms", tmp_path: Path) -> None:
    home, data = tmp_path / "home", load_recipe("demo", ("data.size=32",)).data
    shutil.copytree(phantoms.home / "data", home / "data")

    def build() -> Path:
        return prepare(data, home=home).cache.path

    assert forked(build, die_at_rename(number, after=after)) == (KILLED, "")
    made = build()
    expected = prepare(data, home=phantoms.home).cache.path
    assert temporary_files(home) == []
    assert [path.name for path in (home / "cache").iterdir() if path.is_dir()] == [made.name]
    assert made.name == expected.name
    assert (made / "pixels.bin").read_bytes() == (expected / "pixels.bin").read_bytes()


@pytest.mark.parametrize("number", [1, 3, 5])
def test_a_fetch(number: int, forked: Forked, phantoms: "Phantoms", tmp_path: Path) -> None:
    home = tmp_path / "home"

    def bring() -> None:
        fetch("phantoms", home, mirror=phantoms.mirror)

    assert forked(bring, die_at_rename(number, after=number % 2 == 0)) == (KILLED, "")
    bring()
    assert temporary_files(home) == []
    found, expected = content(home / "data"), content(phantoms.home / "data")
    del found["phantoms/archives.json"], expected["phantoms/archives.json"]  # of another mirror's address
    assert found == expected


@pytest.mark.parametrize("number", [1, 2, 9])
def test_masks_of_a_segmenter(
    number: int, forked: Forked, phantoms: "Phantoms", segmenter: RunFolder, tmp_path: Path
) -> None:
    images = sorted((phantoms.home / "data").rglob("*Test*Data/*.jpg"))[:6]

    def draw() -> None:
        predict_masks(segmenter.path, list(map(str, images)), home=phantoms.home, out=tmp_path / "masks")

    assert forked(draw, die_at_rename(number, after=True)) == (KILLED, "")
    draw()
    found = content(tmp_path / "masks")
    assert temporary_files(tmp_path) == []
    shutil.rmtree(tmp_path / "masks")
    draw()
    assert content(tmp_path / "masks") == found


def test_a_folder_of_masks_without_a_table_is_still_somebody_elses(
    phantoms: "Phantoms", segmenter: RunFolder, tmp_path: Path
) -> None:
    image = next((phantoms.home / "data").rglob("*Test*Data/*.jpg"))
    (tmp_path / f"{image.stem}_segmentation.png").write_bytes(b"mine")
    with pytest.raises(ConfigError, match="was not written by attnmel"):
        predict_masks(segmenter.path, [str(image)], home=phantoms.home, out=tmp_path)
