"""What an engine does for a table, here or on another machine: a run trained unless it is finished, masks predicted."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from attnmel.files.locks import hold_file, hold_folder
from attnmel.pipeline.reproduce.commands import Commands
from attnmel.pipeline.reproduce.finished import is_finished
from attnmel.pipeline.reproduce.jobs import Job
from attnmel.pipeline.run.run import Run


class JobEnd(NamedTuple):
    """How a run or the masks ended."""

    is_new: bool
    """Whether anything was done."""
    reason: str = ""
    """Why it failed; empty where it did not."""


def train_row(job: Job, commands: Commands) -> JobEnd:
    """Run a job unless it is finished."""
    progress = commands.progress
    # This lock is for other tables' commands; the one that is started here has locks of the folder and of its name.
    with hold_file(job.run.path.with_name(f"{job.run.path.name}.row"), waiting=progress.note):
        with hold_folder(job.run.path, waiting=progress.note):
            pass  # an `attnmel train` of somebody else has ended
        if job.recipe and is_finished(Run(job.run), job.recipe):
            progress.note(f"{job.name} is finished")
            return JobEnd(is_new=False)
        if reason := commands.run(job.arguments):
            progress.note(f"{job.name} failed: {reason}")
        return JobEnd(True, reason)


def predict_row_masks(arguments: Sequence[tuple[str, ...]], model: Path, commands: Commands) -> JobEnd:
    """Run the commands of the segmenter `model` in order."""
    with hold_file(model, waiting=commands.progress.note):
        for one in arguments:
            if reason := commands.run(one):
                return JobEnd(True, f"the masks could not be predicted: {reason}")
    return JobEnd(is_new=True)
