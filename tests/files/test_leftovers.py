"""What a killed command leaves is known by its lock and removed; what is alive, or somebody else's, stays."""

import errno
import fcntl
import json
import os
import platform
import signal
import sys
import threading
from pathlib import Path

import pytest

from attnmel.files import leftovers
from attnmel.files.folders import replacing
from attnmel.files.leftovers import A_DAY, remove_leftovers
from attnmel.files.locks import hold_file, hold_folder

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes are forked")


def die_while_writing(path: Path, *, folder: bool = False) -> None:
    """Start to write a file or a folder in another process, which is killed."""
    process = os.fork()
    if not process:
        with replacing(path) as part:
            if folder:
                part.mkdir()
            (part / "half" if folder else part).write_text("half")
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(process, 0)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("folder", [False, True])
def test_what_a_killed_process_left_is_removed_by_the_next_that_writes_there(folder: bool, tmp_path: Path) -> None:
    die_while_writing(tmp_path / "a.csv", folder=folder)
    token = next(name for name in names(tmp_path) if name.endswith(".lock")).split(".")[1]
    assert names(tmp_path) == [f".{token}-a.csv", f".{token}.lock"]
    with replacing(tmp_path / "b.csv") as part:
        part.write_text("whole")
    assert names(tmp_path) == ["b.csv"]


def test_a_folder_that_is_locked_is_cleaned(tmp_path: Path) -> None:
    die_while_writing(tmp_path / "a.csv")
    with hold_folder(tmp_path):
        assert names(tmp_path) == [".attnmel.lock"]


def test_the_lock_of_a_killed_command_is_removed_and_nothing_of_a_similar_name(tmp_path: Path) -> None:
    process = os.fork()
    if not process:
        with hold_file(tmp_path / "a.csv"):
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(process, 0)
    (tmp_path / ".a.csv-backup").write_text("mine")
    assert names(tmp_path) == [".a.csv-backup", ".a.csv.lock"]
    with hold_file(tmp_path / "b.csv"):
        remove_leftovers(tmp_path, again=True)
        assert names(tmp_path) == [".a.csv-backup", ".b.csv.lock"]


def test_a_process_that_was_killed_before_its_lock_was_written_leaves_nothing_for_good(tmp_path: Path) -> None:
    (tmp_path / ".deadbeef.lock").touch()
    (tmp_path / ".others.lock").touch()
    remove_leftovers(tmp_path, again=True)
    assert names(tmp_path) == [".others.lock"]


def test_what_another_is_writing_stays(tmp_path: Path) -> None:
    with replacing(tmp_path / "a.csv") as part:
        part.write_text("half")
        ended: list[int] = []

        def look() -> None:
            process = os.fork()
            if not process:
                remove_leftovers(tmp_path, again=True)
                os._exit(0)
            ended.append(os.waitpid(process, 0)[1])

        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
        assert ended == [0]
        assert part.read_text() == "half"
    assert (tmp_path / "a.csv").read_text() == "half"
    assert names(tmp_path) == ["a.csv"]


def test_a_file_without_such_a_lock_is_never_touched(tmp_path: Path) -> None:
    for name in (".deadbeef-mine.csv", ".deadbeef", ".notatoken.lock", ".deadbeef.lock.txt", ".a.lock-b"):
        (tmp_path / name).write_text("mine")
    (tmp_path / ".other.lock").write_text(json.dumps({"host": platform.node(), "pid": 1}))
    for name in (".notatoken.lock", ".other.lock"):
        os.utime(tmp_path / name, (0, 0))
    before = names(tmp_path)
    remove_leftovers(tmp_path, again=True)
    assert names(tmp_path) == before


def test_leftovers_of_another_machine_are_removed_after_a_day(tmp_path: Path) -> None:
    lock, left = tmp_path / ".deadbeef.lock", tmp_path / ".deadbeef-a.csv"
    lock.write_text('{"host": "another-machine"}')
    left.write_text("half")
    remove_leftovers(tmp_path, again=True)
    assert left.exists()
    before = lock.stat().st_mtime - A_DAY - 60
    os.utime(lock, (before, before))
    remove_leftovers(tmp_path, again=True)
    assert names(tmp_path) == []


def test_where_the_file_system_knows_no_locks_only_time_says_that_an_owner_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(file: int, how: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", none)
    lock, left = tmp_path / ".deadbeef.lock", tmp_path / ".deadbeef-a.csv"
    lock.write_text(json.dumps({"host": platform.node()}))
    left.write_text("half")
    remove_leftovers(tmp_path, again=True)
    assert left.exists()
    before = lock.stat().st_mtime - A_DAY - 60
    os.utime(lock, (before, before))
    remove_leftovers(tmp_path, again=True)
    assert names(tmp_path) == []
    with replacing(tmp_path / "b.csv") as part:
        part.write_text("whole")
    assert names(tmp_path) == ["b.csv"]


def test_a_clock_that_jumps_removes_nothing_that_is_alive(tmp_path: Path) -> None:
    with replacing(tmp_path / "a.csv") as part:
        part.write_text("half")
        (lock,) = tmp_path.glob(".*.lock")
        os.utime(lock, (0, 0))  # as if the clock had been in 1970 when the file was begun
        process = os.fork()
        if not process:
            remove_leftovers(tmp_path, again=True)
            os._exit(0)
        os.waitpid(process, 0)
        assert part.exists()
    assert names(tmp_path) == ["a.csv"]


def test_a_link_in_the_place_of_a_lock_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text(json.dumps({"host": platform.node()}))
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / ".deadbeef.lock").symlink_to(victim)
    remove_leftovers(tmp_path / "shared", again=True)
    assert victim.exists()
    assert (tmp_path / "shared" / ".deadbeef.lock").is_symlink()


def test_a_folder_is_listed_once_in_a_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[object] = []
    monkeypatch.setattr(leftovers.os, "scandir", lambda folder: (looked.append(folder), iter(()))[1])
    for number in range(3):
        with replacing(tmp_path / f"{number}.csv") as part:
            part.write_text("whole")
    assert looked == [tmp_path]
