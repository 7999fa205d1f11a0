"""A run of a table has a lock of its own while its command runs, which has others."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.copies import Copy

from attnmel.files.folders import RunFolder
from attnmel.pipeline.reproduce.commands import Commands
from attnmel.pipeline.reproduce.jobs import Job
from attnmel.pipeline.reproduce.rows import JobEnd, predict_row_masks, train_row
from attnmel.progress import SILENT

LOCKS = """
from pathlib import Path
from attnmel.files.locks import hold_file, hold_folder
with hold_file(Path({path!r})), hold_folder(Path({path!r})):
    print("both")
"""


def test_a_command_can_lock_its_run_and_the_name_of_its_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Training locks the folder, a fusion the name; each is a process of its own."""
    run = RunFolder(tmp_path / "fused" / "seed-0")

    def locks_both(commands: Commands, arguments: Sequence[str]) -> str:
        with Copy(LOCKS.format(path=str(run.path))) as process:
            return process.communicate()[0].strip()

    monkeypatch.setattr(Commands, "run", locks_both)
    job = Job(row="fused", seed=0, arguments=(), recipe=None, run=run)
    assert train_row(job, Commands(SILENT)) == JobEnd(True, "both")
    assert not [*tmp_path.rglob("*.lock")]


def test_the_segmenter_stops_at_the_first_command_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []

    def fails_at_two(commands: Commands, arguments: Sequence[str]) -> str:
        ran.append(arguments[0])
        return "no space left" if arguments[0] == "two" else ""

    monkeypatch.setattr(Commands, "run", fails_at_two)
    commands = Commands(SILENT)
    assert predict_row_masks([("one",), ("two",), ("three",)], tmp_path / "segmenter", commands) == JobEnd(
        True, "the masks could not be predicted: no space left"
    )
    assert ran == ["one", "two"]
    assert predict_row_masks([("one",)], tmp_path / "segmenter", commands) == JobEnd(is_new=True)
