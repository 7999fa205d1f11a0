"""A table, row by row: each run is a process of its own, so that one that breaks does not stop the others.

After every run the table is written anew, so that a look at any time shows what is there.
"""

from dataclasses import asdict, dataclass
from typing import Any

from attnmel import NOTICE
from attnmel.errors import ArchiveError
from attnmel.evaluation.statistics.bootstrap import DEFAULT, ResamplingConfig
from attnmel.evaluation.thesis.reproduced import ReproducedTable
from attnmel.pipeline.reproduce.engines import JobEngine, LocalEngine
from attnmel.pipeline.reproduce.folder import TableFolder, begin_table
from attnmel.pipeline.reproduce.given.existing_predictions import given_rows
from attnmel.pipeline.reproduce.jobs import SEGMENTER, TableOptions, table_jobs
from attnmel.pipeline.reproduce.schedule import Schedule
from attnmel.pipeline.reproduce.table import TableReader
from attnmel.pipeline.reproduce.write import write_reproduced_table, write_table_page
from attnmel.progress import SILENT, Progress


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
    options: TableOptions,
    progress: Progress = SILENT,
    *,
    engine: JobEngine | None = None,
    resampling: ResamplingConfig = DEFAULT,
) -> Reproduced:
    """Train and evaluate the unfinished runs of a table, and write it as Markdown, CSV, LaTeX and HTML.

    `engine` is where they are trained; None for this machine.

    Raises:
        ConfigError: as `table_jobs` and `given_rows`, or a folder that holds another table.
        PredictionsError: as `given_rows`.
        ArchiveError: the data of every row is missing.
    """
    engine = engine or LocalEngine(progress)
    options = engine.options(options)
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
    if found.segmenter and (broken := engine.predict_masks(found.segmenter, folder.path / SEGMENTER)):
        failures |= {job.name: broken for job in found.jobs if job.needs_predicted_masks}
    write_reproduced_table(folder, reader.table(failures))
    engine.train(Schedule(found.jobs, failures), lambda: write_reproduced_table(folder, reader.table(failures)))
    table = reader.table(failures)
    write_reproduced_table(folder, table)
    write_table_page(folder, table, reader.finished, progress)
    return Reproduced(folder, table, tuple(failures.items()))
