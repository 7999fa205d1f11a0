"""`predict --shard` and `join`: the joined table has the bytes of one that was predicted at once."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from attnmel.files.folders import RunFolder

if TYPE_CHECKING:
    from tests.cli.conftest import Attnmel
    from tests.conftest import Phantoms


@pytest.fixture(scope="module")
def folder(phantoms: "Phantoms", tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seven files, of which one is no image and one has a letter beyond ASCII in its name."""
    made = tmp_path_factory.mktemp("images")
    images = sorted((phantoms.home / "data").rglob("*Test_v2_Data/*.jpg"))[:5]
    for image in images:
        (made / image.name).hardlink_to(image)
    (made / "Ärm.jpg").hardlink_to(images[0])
    (made / "broken.jpg").write_bytes(images[0].read_bytes()[:200])
    return made


def predicted(attnmel: "Attnmel", model: Path, folder: Path, out: Path, *options: str) -> Path:
    ran = attnmel("predict", model, folder, "--out", out, *options)
    assert ran.code == (1 if "broken.jpg is truncated" in ran.err else 0)
    return out


def test_shards_of_an_exported_file_join_to_the_whole_table_also_after_a_stop(
    attnmel: "Attnmel", exported: Path, folder: Path, tmp_path: Path
) -> None:
    predicted(attnmel, exported, folder, tmp_path / "whole.csv")
    parts = [
        predicted(attnmel, exported, folder, tmp_path / f"{one}.csv", "--shard", f"{one}/3", "--resume")
        for one in (2, 3, 1)
    ]
    assert attnmel("join", *parts, "--out", tmp_path / "all.csv").out == f"{tmp_path / 'all.csv'}\n"
    for ending in ("", ".notice.txt"):
        assert (tmp_path / f"all.csv{ending}").read_bytes() == (tmp_path / f"whole.csv{ending}").read_bytes()
    assert not [*tmp_path.glob("*.part")]
    ran = attnmel("join", *parts, "--out", tmp_path / "all.csv", "--json")
    assert json.loads(ran.out) == {"out": str(tmp_path / "all.csv"), "images": 7}
    ran = attnmel("join", *parts[:2], "--out", tmp_path / "two.csv")
    assert (ran.code, ran.err) == (1, "error: of 3 shards 1 is missing; predict and name every one\n")


def test_shards_of_a_checkpoint_are_whole_passes(
    attnmel: "Attnmel", calibrated: RunFolder, folder: Path, tmp_path: Path
) -> None:
    """The last bits of a probability may depend on the images in its pass."""
    whole = predicted(attnmel, calibrated.path, folder, tmp_path / "whole.csv", "--batch", "3")
    parts = [
        predicted(attnmel, calibrated.path, folder, tmp_path / f"{one}.csv", "--batch", "3", "--shard", f"{one}/2")
        for one in (1, 2)
    ]
    attnmel("join", *parts, "--out", tmp_path / "all.csv")
    assert (tmp_path / "all.csv").read_bytes() == whole.read_bytes()
    ran = attnmel("predict", calibrated.path, folder, "--out", tmp_path / "x.csv", "--shard", "1/4", "--batch", "3")
    assert ran.err.endswith("error: 7 images, 3 in a pass are too few for 4 shards; make at most 3\n")


@pytest.mark.parametrize("options", [("--shard", "1/2"), ("--shard", "1/2", "--out", "a.json")])
def test_a_shard_needs_a_csv_file(options: tuple[str, ...], attnmel: "Attnmel", exported: Path, folder: Path) -> None:
    ran = attnmel("predict", exported, folder, *options)
    assert (ran.code, ran.err) == (
        1,
        "error: --shard writes a CSV file that `attnmel join` reads; name it by --out\n",
    )
