"""Where the runs of a table are trained: `LocalEngine` here one after the other; `cluster.engine` has the other one."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from attnmel.pipeline.reproduce.commands import Commands
from attnmel.pipeline.reproduce.jobs import TableOptions
from attnmel.pipeline.reproduce.rows import predict_row_masks, train_row
from attnmel.pipeline.reproduce.schedule import Schedule
from attnmel.progress import Progress


@runtime_checkable
class JobEngine(Protocol):
    """A place where commands are run."""

    def options(self, options: TableOptions) -> TableOptions:
        """Return options whose paths hold where the commands are run."""
        ...

    def predict_masks(self, arguments: Sequence[tuple[str, ...]], model: Path) -> str:
        """Run the segmenter's commands in order; return why the masks are not there, empty where they are."""
        ...

    def train(self, schedule: Schedule, changed: Callable[[], None]) -> None:
        """Run all jobs that are not finished; `changed` is called whenever one has ended."""
        ...


class LocalEngine:
    """Runs one command after the other on this machine."""

    def __init__(self, progress: Progress) -> None:
        self._commands = Commands(progress)

    def options(self, options: TableOptions) -> TableOptions:
        """Return the options as they are."""
        return options

    def predict_masks(self, arguments: Sequence[tuple[str, ...]], model: Path) -> str:
        """Run the segmenter's commands in order; return why the masks are not there, empty where they are."""
        return predict_row_masks(arguments, model, self._commands).reason

    def train(self, schedule: Schedule, changed: Callable[[], None]) -> None:
        """Run all jobs that are not finished; `changed` is called whenever one has ended."""
        while job := schedule.next():
            ended = train_row(job, self._commands)
            schedule.ended(job, ended.reason)
            if ended.is_new:
                changed()
