"""A full disk in the middle of any file, a folder that cannot be written, a clock that jumps, a folder that was moved.

The system itself refuses: the process may not write files beyond a size. On a real small disk: docs/reliability.md.
"""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.copies import Holder
from tests.faults.conftest import full_disk, temporary_files, unprivileged
from tests.faults.test_kills import content

from attnmel.config.load import load_recipe
from attnmel.data.archives.fetch import fetch
from attnmel.errors import AttnmelError, BusyError
from attnmel.files.folders import RunFolder
from attnmel.files.locks import hold_file, hold_folder
from attnmel.files.table_files import read_table, write_json, write_table
from attnmel.models.weights.checkpoints import load_checkpoint, set_temperature
from attnmel.pipeline.predict.predict import predict_images
from attnmel.pipeline.run.images.dataset import prepare

if TYPE_CHECKING:
    from tests.conftest import Phantoms
    from tests.faults.conftest import Ended

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes are forked")

Forked = Callable[..., "Ended"]


@pytest.mark.parametrize("size", [0, 1, 100, 5000])
def test_a_table_and_a_json_file_that_do_not_fit_leave_what_was_there(
    size: int, forked: Forked, tmp_path: Path
) -> None:
    table, plain = tmp_path / "t.csv", tmp_path / "p.json"
    write_table(table, ["a"], [["old"]])
    write_json(plain, {"a": "old"})

    def write() -> None:
        for one in (
            lambda: write_table(table, ["a"], [["new" * 1000]] * 10),
            lambda: write_json(plain, ["new" * 1000] * 10),
        ):
            with pytest.raises(OSError, match="File too large") as refused:
                one()
            assert refused.value.filename in (None, str(table), str(plain))

    assert forked(write, full_disk(size)) == (0, "")
    assert read_table(table) == [{"a": "old"}]
    assert content(tmp_path).keys() == {"t.csv", "p.json"}


@pytest.mark.parametrize("size", [0, 3000, 100_000])
def test_a_checkpoint_that_does_not_fit_leaves_the_one_before(
    size: int, forked: Forked, trained: RunFolder, tmp_path: Path
) -> None:
    run = RunFolder(Path(shutil.copytree(trained.path, tmp_path / "run")))

    def write() -> None:
        with pytest.raises(AttnmelError, match=r"cannot write .*best\.safetensors.*what was there before is kept"):
            set_temperature(run.best, 1.25)

    assert forked(write, full_disk(size)) == (0, "")
    assert content(run.path) == content(trained.path)
    load_checkpoint(run.path)


@pytest.mark.parametrize("size", [0, 2000, 30_000])
def test_a_fetch_and_a_cache_that_do_not_fit_go_on_when_there_is_room(
    size: int, forked: Forked, phantoms: "Phantoms", tmp_path: Path
) -> None:
    home, data = tmp_path / "home", load_recipe("demo", ("data.size=32",)).data

    def bring() -> None:
        fetch("phantoms", home, mirror=phantoms.mirror)
        prepare(data, home=home)

    code, said = forked(bring, full_disk(size))
    assert code == 1
    assert "attnmel.errors" in said or "File too large" in said
    assert not list(home.glob("cache/*/contents.json"))
    bring()
    assert temporary_files(home) == []
    made = prepare(data, home=home).cache
    expected = prepare(data, home=phantoms.home).cache
    assert made.file.read_bytes() == expected.file.read_bytes()


@pytest.mark.parametrize("size", [0, 300, 900])
def test_predictions_that_do_not_fit_go_on_by_resume(
    size: int, forked: Forked, phantoms: "Phantoms", exported: Path, tmp_path: Path
) -> None:
    images, out = sorted((phantoms.home / "data").rglob("*Test*Data/*.jpg")), tmp_path / "out.csv"

    def predict() -> None:
        predict_images(exported, images).write(out, resume=True)

    code, _ = forked(predict, full_disk(size))
    assert code == 1
    assert not out.exists()
    predict()
    found = out.read_bytes()
    assert temporary_files(tmp_path) == []
    assert not out.with_name("out.csv.part").exists()
    out.unlink()
    predict()
    assert out.read_bytes() == found


def test_a_folder_that_cannot_be_written_is_named_and_left_as_it_is(forked: Forked, tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir(mode=0o755)
    for one in (tmp_path, *list(tmp_path.parents)[:3]):
        one.chmod(0o755)
    folder.chmod(0o555)

    def write() -> None:
        with pytest.raises(PermissionError) as refused:
            write_table(folder / "t.csv", ["a"], [["b"]])
        assert refused.value.filename == str(folder / "t.csv")
        with pytest.raises(PermissionError) as refused, hold_folder(folder):
            pass
        assert refused.value.filename == str(folder)

    assert forked(write, unprivileged) == (0, "")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("jump", [-10 * 365 * 86400, 10 * 365 * 86400])
def test_a_clock_that_jumps_by_years_frees_no_lock_that_is_taken(
    jump: float, lock_holder: Holder, tmp_path: Path
) -> None:
    with lock_holder.holds("file", tmp_path / "t.csv"):
        lock = tmp_path / ".t.csv.lock"
        now = lock.stat().st_mtime
        os.utime(lock, (now + jump, now + jump))
        with pytest.raises(BusyError, match="is being written by another command"), hold_file(tmp_path / "t.csv"):
            pass
    with hold_file(tmp_path / "t.csv"):
        os.utime(lock, (now + jump, now + jump))
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_was_moved_is_read_where_it_is(trained: RunFolder, tmp_path: Path) -> None:
    moved = Path(shutil.copytree(trained.path, tmp_path / "first" / "run")).rename(tmp_path / "other name")
    assert load_checkpoint(moved)[1] == load_checkpoint(trained.path)[1]
    with hold_folder(moved):
        set_temperature(moved / "best.safetensors", 1.5)
    assert load_checkpoint(moved)[1].temperature == 1.5
