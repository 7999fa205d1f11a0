"""A table, row by row: each run is a process of its own, so that one that breaks does not stop the others.

After every run the table is written anew, so that a look at any time shows what is there.
"""

import os
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from attnmel import NOTICE
from attnmel.errors import ArchiveError
from attnmel.evaluation.statistics.bootstrap import DEFAULT, ResamplingConfig
from attnmel.evaluation.thesis.reproduced import ReproducedTable
from attnmel.files.locks import hold_file, hold_folder
from attnmel.pipeline.reproduce.finished import is_finished
from attnmel.pipeline.reproduce.folder import TableFolder, begin_table
from attnmel.pipeline.reproduce.given import given_rows
from attnmel.pipeline.reproduce.jobs import SEGMENTER, Job, TableOptions, shell_line, table_jobs
from attnmel.pipeline.reproduce.table import TableReader
from attnmel.pipeline.reproduce.write import write_page, write_table
from attnmel.pipeline.run.run import Run
from attnmel.pipeline.train.processes import starter
from attnmel.progress import SILENT, Progress

LAST_LINES = 20
"""Of the error stream of a process; the reason of a failure is among them."""


@dataclass(frozen=True)
class Reproduced:
    """A table at the end of the command."""

    folder: TableFolder
    table: ReproducedTable
    failures: tuple[tuple[str, str], ...]
    """Run and reason."""

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        files = {form: str(self.folder.table(form)) for form in ("md", "csv", "tex", "html")}
        return {"notice": NOTICE, "files": files, **asdict(self.table)}


def reproduce(
    options: TableOptions, progress: Progress = SILENT, *, resampling: ResamplingConfig = DEFAULT
) -> Reproduced:
    """Train and evaluate the unfinished runs of a table, and write it as Markdown, CSV, LaTeX and HTML.

    Raises:
        ConfigError: as `table_jobs` and `given_rows`, or a folder that holds another table.
        PredictionsError: as `given_rows`.
        ArchiveError: the data of every row is missing.
    """
    found = table_jobs(options)
    for note in found.notes:
        progress.note(f"note: {note}")
    reader = TableReader(options, found, given_rows(options, resampling), progress, resampling)
    failures = {job.name: reason for job in found.jobs if (reason := job.problem or job.missing)}
    if failures and len(failures) == len(found.jobs):
        raise ArchiveError(found.jobs[0].problem or found.jobs[0].missing)
    folder = begin_table(options, [job.run for job in found.jobs])
    for name, reason in failures.items():
        progress.note(f"{name} cannot be trained: {reason}")
    if broken := _segment(found.segmenter, folder, progress):
        failures |= {job.name: broken for job in found.jobs if job.needs_predicted_masks}
    write_table(folder, reader.table(failures))
    names = {job.run.path: job.name for job in found.jobs}
    for job in found.jobs:
        needed = [names[path] for path in job.after if names[path] in failures]
        if needed and job.name not in failures:
            failures[job.name] = f"it needs {needed[0]}, which failed"
        if job.name not in failures and _train(job, progress, failures):
            write_table(folder, reader.table(failures))
    table = reader.table(failures)
    write_table(folder, table)
    write_page(folder, table, reader.finished, progress)
    return Reproduced(folder, table, tuple(failures.items()))


def _train(job: Job, progress: Progress, failures: dict[str, str]) -> bool:
    """Run a job unless it is finished; return whether anything is new."""
    if job.recipe is None:
        return False
    # This lock is for other tables' commands; the command that is started here locks the run folder itself.
    with hold_file(job.run.path, waiting=progress.note):
        with hold_folder(job.run.path, waiting=progress.note):
            pass  # an `attnmel train` of somebody else has ended
        if is_finished(Run(job.run), job.recipe):
            progress.note(f"{job.name} is finished")
            return False
        if reason := _run(job.arguments, progress):
            failures[job.name] = reason
            progress.note(f"{job.name} failed: {reason}")
    return True


def _segment(commands: Sequence[tuple[str, ...]], folder: TableFolder, progress: Progress) -> str:
    """Run the segmenter's commands in order; return why the masks are not there, empty where they are."""
    if not commands:
        return ""
    with hold_file(folder.path / SEGMENTER, waiting=progress.note):
        for arguments in commands:
            if reason := _run(arguments, progress):
                return f"the masks could not be predicted: {reason}"
    return ""


def _run(arguments: Sequence[str], progress: Progress) -> str:
    """Run an `attnmel` command as a process and pass on its messages; return its error, empty where it succeeded."""
    progress.note(shell_line(arguments))
    lines: deque[str] = deque(maxlen=LAST_LINES)
    with subprocess.Popen(
        [sys.executable, "-m", "attnmel", *arguments],
        env={**os.environ, **starter()},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
    ) as process:
        try:
            for line in process.stderr or ():
                lines.append(line.rstrip())
                progress.note(lines[-1])
        except KeyboardInterrupt:
            process.wait()  # it got the same signal, and keeps what it has finished
            raise
    return "" if process.returncode == 0 else _reason(lines, process.returncode)


def _reason(lines: Sequence[str], code: int) -> str:
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    last = next((line for line in reversed(lines) if line.strip()), "without a message")
    if errors:
        return errors[-1]
    return f"stopped by signal {-code}" if code < 0 else f"exit code {code}: {last}"
