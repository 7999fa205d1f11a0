"""Caches are listed with size, age and users, and only they are ever removed."""

import json
from pathlib import Path

import pytest

from attnmel.files.folders import RunFolder
from attnmel.pipeline.clean import cached_folders, remove

KEY, OTHER = "a" * 64, "b" * 64
NOW = 2_000_000_000.0


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home folder with a cache of each kind, a build under way, and what is no cache."""
    home = tmp_path / "home"
    sizes = {
        f"cache/{KEY}/pixels.bin": 400,
        f"cache/maps-{OTHER}/maps-0000.bin": 300,
        f"cache/prior-{OTHER}/planes.bin": 200,
        f"cache/features-{OTHER}/part-00000.safetensors": 150,
        f"audit/{KEY}/audit.json": 100,
        f"cache/.12345678-{KEY}/pixels.bin": 50,
        "cache/hashes.json": 10,
        "cache/notes of mine/text.txt": 10,
        "data/isic2017/one.jpg": 10,
        "weights/vgg16_bn-6c64b313.pth": 10,
        "masks/isic2017/one.png": 10,
    }
    for name, size in sizes.items():
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(size))
    return home


def test_caches_are_listed_with_what_they_are_and_which_runs_use_them(home: Path, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "runs" / "isic2017" / "attnmel" / "seed-0")
    run.path.mkdir(parents=True)
    run.provenance.write_text(json.dumps({"data": {"content": KEY}}))
    (tmp_path / "runs" / "provenance.json").write_text("damaged")
    newest = (home / "cache" / KEY / "pixels.bin").stat().st_mtime
    found = cached_folders(home, [tmp_path / "runs"], now=newest + 12 * 3600)
    assert [(one.kind, one.size, one.used_by) for one in found] == [
        ("prepared images", 400, (str(run.path),)),
        ("maps of frozen layers", 300, ()),
        ("priors of attention maps", 200, ()),
        ("features of fitted systems", 150, ()),
        ("an audit", 100, ()),
    ]
    assert found[0].days == pytest.approx(0.5)
    later = cached_folders(home, now=newest + 48 * 3600)
    assert later[-1].kind == "left over of a stopped build", "a day after it last wrote"


def test_removing_all_leaves_data_weights_masks_and_what_is_not_known(home: Path) -> None:
    for one in cached_folders(home, now=NOW * 2):
        remove(one)
    left = {path.relative_to(home).as_posix() for path in home.rglob("*") if path.is_file()}
    assert left == {
        "cache/hashes.json",
        "cache/notes of mine/text.txt",
        "data/isic2017/one.jpg",
        "weights/vgg16_bn-6c64b313.pth",
        "masks/isic2017/one.png",
    }
    assert cached_folders(home) == ()


def test_of_a_link_only_the_link_is_removed(home: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "precious.txt").touch()
    (home / "cache" / ("c" * 64)).symlink_to(tmp_path / "elsewhere")
    (linked,) = (one for one in cached_folders(home) if one.path.is_symlink())
    remove(linked)
    assert (tmp_path / "elsewhere" / "precious.txt").exists()
    assert not linked.path.is_symlink()


def test_there_is_nothing_in_a_new_home(tmp_path: Path) -> None:
    assert cached_folders(tmp_path / "none") == ()
