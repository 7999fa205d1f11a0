"""A command is a process: its messages are passed on, its failure is a sentence, and another thread may end it."""

import sys
import threading
import time
from pathlib import Path

import pytest

from attnmel.pipeline.reproduce import commands as module
from attnmel.pipeline.reproduce.commands import Commands
from attnmel.progress import Silent

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a shell script stands for Python")


class Notes(Silent):
    """Progress whose notes are kept."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def note(self, message: str) -> None:
        """Keep a note."""
        self.said.append(message)


@pytest.fixture
def python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A shell script that is started in place of Python."""
    path = tmp_path / "python"
    monkeypatch.setattr(sys, "executable", str(path))
    return path


def write(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo one >&2; echo unseen", ""),
        ("echo one >&2; echo error: no space left >&2; echo more >&2; exit 1", "no space left"),
        ("echo one >&2; echo 'KeyError: 1' >&2; exit 3", "exit code 3: KeyError: 1"),
        ("echo one >&2; kill -9 $$", "stopped by signal 9"),
    ],
)
def test_messages_are_passed_on_and_a_failure_has_its_reason(script: str, reason: str, python: Path) -> None:
    write(python, script)
    notes = Notes()
    assert Commands(notes).run(("train", "demo")) == reason
    assert notes.said[:2] == ["attnmel train demo", "one"]
    assert "unseen" not in notes.said


@pytest.mark.parametrize("ignores", ["", "trap '' INT;"])
def test_a_command_is_ended_also_where_it_ignores_ctrl_c(
    ignores: str, python: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "GRACE", 0.1)
    write(python, f"{ignores} echo started >&2; exec sleep 60")
    notes, found = Notes(), list[str]()
    commands = Commands(notes)
    thread = threading.Thread(target=lambda: found.append(commands.run(("train", "demo"))))
    thread.start()
    while "started" not in notes.said:
        time.sleep(0.01)
    commands.stop()
    thread.join(10)
    assert found[0] in {"stopped by signal 2", "stopped by signal 15"}
    assert (found[0] == "stopped by signal 15") or not ignores
    assert commands.run(("train", "demo")) == "stopped"
