"""Two writers of one place: the second is refused by name, or waits; a killed one holds nothing up."""

import errno
import json
import os
import re
import signal
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import pytest
from tests.copies import Copy

from attnmel.errors import BusyError
from attnmel.files import locks
from attnmel.files.locks import IN_FOLDER, LAPSE, Owner, built_once, hold_file, hold_files, hold_folder

HOLDER = textwrap.dedent("""
    import sys
    from pathlib import Path
    from attnmel.files.locks import hold_file, hold_folder
    with {hold}(Path({place!r})):
        print("held", flush=True)
        sys.stdin.read()
""")


@contextmanager
def holder(place: Path, hold: str = "hold_folder") -> Iterator[Copy]:
    """Another process that holds a place until the block ends."""
    code = HOLDER.format(hold=hold, place=str(place))
    with Copy(code, ("/usr/bin/attnmel", "train", "my recipe")) as process:
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def acquire(place: Path, hold: Callable[..., object] = hold_folder) -> None:
    with hold(place):  # pyright: ignore[reportGeneralTypeIssues] - one of the two context managers
        pass


@pytest.mark.parametrize(("hold", "taken"), [("hold_folder", hold_folder), ("hold_file", hold_file)])
def test_the_second_process_is_refused_by_the_name_of_the_first(
    hold: str, taken: Callable[..., object], tmp_path: Path
) -> None:
    place = tmp_path / "new" / "place"
    with holder(place, hold) as process:
        with pytest.raises(BusyError) as refused:
            acquire(place, taken)
        assert re.fullmatch(
            rf"{re.escape(str(place))} is being written by another command: `attnmel train 'my recipe'`, process "
            rf"{process.pid} on {re.escape(os.uname().nodename)}, begun \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d UTC \(\d+ "
            r"(s|min) ago\)\. Wait until that has ended, or choose another path; nothing was changed\.",
            str(refused.value),
        )
        process.communicate("")
        assert process.returncode == 0, "it went on unharmed"
    acquire(place, taken)
    assert list(tmp_path.iterdir()) == [], "neither a lock nor a folder is left"


def test_a_killed_owner_holds_nothing_up(tmp_path: Path) -> None:
    with holder(tmp_path) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert (tmp_path / IN_FOLDER).exists(), "it had no time to clear up"
        acquire(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_one_who_waits_is_told_for_whom_and_goes_on_after(tmp_path: Path) -> None:
    told: list[str] = []
    with holder(tmp_path) as process:

        def hear(sentence: str) -> None:
            told.append(sentence)
            process.kill()

        with hold_folder(tmp_path, waiting=hear):
            process.wait(timeout=10)
    (sentence,) = told
    assert sentence.startswith(f"{tmp_path} is being written by another command: `attnmel train 'my recipe'`, process")
    assert sentence.endswith("; waiting for it")


def test_a_thread_that_holds_a_place_may_hold_it_again_and_frees_it_at_the_outer_end(tmp_path: Path) -> None:
    with hold_folder(tmp_path), ThreadPoolExecutor(1) as other:
        with hold_folder(tmp_path):
            pass
        with pytest.raises(BusyError, match="is being written by another command"):
            other.submit(acquire, tmp_path).result()
    acquire(tmp_path)


def test_a_file_and_its_neighbours_and_its_folder_are_different_places(tmp_path: Path) -> None:
    with hold_files(tmp_path / "a.csv", None, tmp_path / "b.csv"), ThreadPoolExecutor(1) as other:
        other.submit(acquire, tmp_path / "c.csv", hold_file).result()
        other.submit(acquire, tmp_path).result()
        with pytest.raises(BusyError, match=r"b\.csv is being written"):
            other.submit(acquire, tmp_path / "." / "b.csv", hold_file).result()


def test_two_paths_to_one_place_are_one_place(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with hold_folder(tmp_path / "real"), ThreadPoolExecutor(1) as other:
        with pytest.raises(BusyError):
            other.submit(acquire, tmp_path / "link").result()
        with pytest.raises(BusyError):
            other.submit(acquire, tmp_path / "real" / ".." / "link").result()


def test_those_who_wait_for_a_place_come_in_one_by_one(tmp_path: Path) -> None:
    inside, most, waits = [0], [0], []

    def work(_: int) -> None:
        with hold_folder(tmp_path / "new", waiting=waits.append):
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            time.sleep(0.01)
            inside[0] -= 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(16)))
    assert most == [1]
    assert waits
    assert list(tmp_path.rglob("*")) in ([], [tmp_path / "new"]), "no lock is left"


def test_a_place_is_free_after_an_error_and_keeps_what_was_written(tmp_path: Path) -> None:
    def fail() -> None:
        with hold_folder(tmp_path / "new" / "one"):
            (tmp_path / "new" / "kept").write_text("")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert [path.name for path in tmp_path.rglob("*")] == ["new", "kept"]


def note(place: Path, host: str, touched_ago: float) -> None:
    """Leave a lock as another machine would, which no lock of this system belongs to."""
    owner = {"command": "attnmel train", "process": 7, "host": host, "began": "2026-01-01T00:00:00+00:00", "token": "x"}
    lock = place / IN_FOLDER
    lock.write_text(json.dumps(owner))
    moment = time.time() - touched_ago
    os.utime(lock, (moment, moment))


def test_the_lock_of_another_machine_holds_while_it_is_touched(tmp_path: Path) -> None:
    note(tmp_path, "elsewhere", touched_ago=LAPSE / 2)
    with pytest.raises(BusyError, match=r"process 7 on elsewhere, begun 2026-01-01 00:00:00 UTC \(\d+ d \d+ h ago\).*"
                       r"If elsewhere was switched off, the lock ends 120 seconds later\.$"):  # fmt: skip
        acquire(tmp_path)
    note(tmp_path, "elsewhere", touched_ago=LAPSE + 5)
    acquire(tmp_path)


def test_an_old_lock_of_this_machine_and_a_damaged_one_hold_nothing_up(tmp_path: Path) -> None:
    note(tmp_path, os.uname().nodename, touched_ago=0)
    acquire(tmp_path)
    for text in ("", "{", "[1]", '{"command": 1}'):
        (tmp_path / IN_FOLDER).write_text(text)
        acquire(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_held_lock_is_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "REFRESH", 0.02)
    with hold_folder(tmp_path):
        lock = tmp_path / IN_FOLDER
        os.utime(lock, (0, 0))
        end = time.monotonic() + 30
        while lock.stat().st_mtime == 0 and time.monotonic() < end:
            time.sleep(0.01)
        assert lock.stat().st_mtime > 0


@pytest.mark.skipif(sys.platform == "win32", reason="the system's lock has another name there")
def test_where_the_file_system_knows_no_locks_the_touches_alone_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(file: int, how: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", none)
    monkeypatch.setattr(locks, "SETTLE", 0.2)
    with hold_folder(tmp_path), ThreadPoolExecutor(1) as other, pytest.raises(BusyError):
        other.submit(acquire, tmp_path).result()
    note(tmp_path, os.uname().nodename, touched_ago=LAPSE + 5)
    acquire(tmp_path)
    got: list[bool] = []

    def race(_: int) -> None:
        try:
            with hold_folder(tmp_path):
                got.append(True)
                time.sleep(1)
        except BusyError:
            got.append(False)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(race, range(4)))
    assert sorted(got) == [False, False, False, True]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_place_that_cannot_be_written_is_named_as_the_user_knows_it(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(PermissionError) as refused:
            acquire(tmp_path)
    finally:
        tmp_path.chmod(0o700)
    assert refused.value.filename == str(tmp_path)


@pytest.mark.parametrize("is_readable", [True, False])
def test_a_lock_that_may_not_be_opened_is_told_with_its_user(
    is_readable: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused_by_the_system(lock: Path, _more: int = 0) -> int:
        raise PermissionError(errno.EACCES, "Permission denied", str(lock))

    me = json.dumps(asdict(Owner.this()))
    (tmp_path / IN_FOLDER).write_text(me if is_readable else "")
    monkeypatch.setattr(locks, "open_lock", refused_by_the_system)
    monkeypatch.setattr(Path, "owner", lambda _: "ana")
    with pytest.raises(BusyError) as refused:
        acquire(tmp_path)
    command = "`.*`, process .* ago\\)" if is_readable else "a command that cannot be read from here"
    assert re.fullmatch(
        rf"{re.escape(str(tmp_path))} is locked by another user, ana, for {command}\. Wait until that has ended, or "
        rf"choose another path; if it has ended, ask ana to remove its lock, {re.escape(str(tmp_path / IN_FOLDER))}\. "
        r"Nothing was changed\.",
        str(refused.value),
    )
    (tmp_path / IN_FOLDER).unlink()
    with pytest.raises(PermissionError) as denied:
        acquire(tmp_path)
    assert denied.value.filename == str(tmp_path), "without a lock it is the folder that cannot be written"


def test_no_lock_is_in_a_folder_that_all_users_share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared, own = tmp_path / "shared", tmp_path / "own"
    shared.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(shared))
    with hold_folder(own), hold_file(own / "table.csv"):
        assert not list(shared.iterdir())
        assert len(list(own.iterdir())) == 2


def test_a_long_command_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["attnmel", "predict", *(f"{number}.jpg" for number in range(1000))])
    with hold_folder(tmp_path):
        told = json.loads((tmp_path / IN_FOLDER).read_text())["command"]
    assert told.startswith("attnmel predict 0.jpg 1.jpg")
    assert told.endswith("...")
    assert len(told) < 250


def test_what_another_built_meanwhile_is_not_built_again_and_building_holds_the_place(tmp_path: Path) -> None:
    path, there = tmp_path / "cache", iter([False, True])
    built_once(path, lambda: next(there), lambda: pytest.fail("built again"), pytest.fail)

    def build() -> None:
        with ThreadPoolExecutor(1) as other, pytest.raises(BusyError):
            other.submit(acquire, path, hold_file).result()
        path.mkdir()

    built_once(path, path.is_dir, build, pytest.fail)
    assert path.is_dir()
