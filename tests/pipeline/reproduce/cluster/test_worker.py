"""Work on another machine: its notes come one by one, then how it ended; what is stopped starts nothing."""

import pickle
import sys
from functools import partial
from pathlib import Path

import pytest

from attnmel.errors import BusyError
from attnmel.pipeline.reproduce import commands as commands_module
from attnmel.pipeline.reproduce.cluster.worker import Work, carry_out
from attnmel.pipeline.reproduce.commands import Commands
from attnmel.pipeline.reproduce.rows import JobEnd
from attnmel.progress import SILENT


def says_two_things(commands: Commands) -> JobEnd:
    commands.progress.note("epoch 1 of 2")
    commands.progress.note("epoch 2 of 2")
    return JobEnd(True, "the disk is full")


def fails(error: Exception, commands: Commands) -> JobEnd:
    raise error


@pytest.fixture(autouse=True)
def own_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", sys.argv)


def outcome(work: Work) -> list[object]:
    return list(carry_out(pickle.dumps(work), Path(__file__)))


def test_notes_come_before_the_end_as_plain_values() -> None:
    found = outcome(says_two_things)
    assert found == ["epoch 1 of 2", "epoch 2 of 2", (True, "the disk is full")]
    assert type(found[-1]) is tuple, "another version of the package need not know a type of ours"


def test_a_mistake_of_the_user_is_a_reason() -> None:
    assert outcome(partial(fails, BusyError("runs/a is being written"))) == [(True, "runs/a is being written")]
    assert outcome(partial(fails, FileNotFoundError(2, "gone", "a.csv"))) == [(True, "[Errno 2] gone: 'a.csv'")]


def test_stopped_commands_start_nothing() -> None:
    commands = Commands(SILENT)
    commands.stop()
    assert commands.run(("train", "nowhere")) == "stopped"
    assert not commands.is_running


def waits_until_it_is_stopped(commands: Commands) -> JobEnd:
    commands.progress.note("waiting")
    return JobEnd(True, commands.run(("train", "demo")))


def test_work_is_stopped_when_its_mark_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = tmp_path / "python"
    python.write_text(
        f"#!/bin/sh\ntrap 'touch {tmp_path / 'ended'}; exit 130' INT TERM\necho started >&2\nsleep 60 & wait\n"
    )
    python.chmod(0o755)
    mark = tmp_path / "mark"
    mark.touch()
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setattr(commands_module, "GRACE", 0.2)  # in the background of a shell, Ctrl-C is ignored
    found = carry_out(pickle.dumps(waits_until_it_is_stopped), mark)
    assert [next(found) for _ in range(3)] == ["waiting", "attnmel train demo", "started"]
    mark.unlink()
    assert [*found] == [(True, "stopped")]
    assert (tmp_path / "ended").exists(), "its process was awaited"
