"""`attnmel clean` shows, and removes only with --yes."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.cli.conftest import Attnmel


def test_nothing_is_removed_without_yes(attnmel: "Attnmel", tmp_path: Path) -> None:
    cache = tmp_path / "cache" / ("a" * 64)
    cache.mkdir(parents=True)
    (cache / "pixels.bin").write_bytes(bytes(2000))
    ran = attnmel("clean", "--home", tmp_path)
    assert ran.out.splitlines()[1].split()[:4] == ["prepared", "images", "2.0", "kB"]
    assert ran.err == "1 cache, 2.0 kB; --yes removes it\n"
    assert attnmel("clean", "--home", tmp_path, "--older", "1").err == "no caches\n"
    assert cache.exists()
    said = json.loads(attnmel("clean", "--home", tmp_path, "--yes", "--json").out)
    assert (said["removed"], [one["bytes"] for one in said["caches"]]) == (True, [2000])
    assert not cache.exists()
    assert attnmel("clean", "--home", tmp_path).err == "no caches\n"
