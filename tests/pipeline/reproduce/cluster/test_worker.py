"""Work on another machine: its notes come one by one, then how it ended; what is stopped starts nothing."""

import pickle
import sys
from functools import partial

import pytest

from attnmel.errors import BusyError
from attnmel.pipeline.reproduce.cluster.worker import Work, carry_out
from attnmel.pipeline.reproduce.commands import Commands
from attnmel.pipeline.reproduce.rows import Ended
from attnmel.progress import SILENT


def says_two_things(commands: Commands) -> Ended:
    commands.progress.note("epoch 1 of 2")
    commands.progress.note("epoch 2 of 2")
    return Ended(True, "the disk is full")


def fails(error: Exception, commands: Commands) -> Ended:
    raise error


@pytest.fixture(autouse=True)
def own_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", sys.argv)


def outcome(work: Work) -> list[object]:
    return list(carry_out(pickle.dumps(work)))


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
