"""`attnmel.reproduce`: all rows of a table of the thesis."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attnmel.api.callbacks import Report, as_progress
from attnmel.api.model_names import place_of_results
from attnmel.api.recipes import Settings, overrides
from attnmel.errors import require_known
from attnmel.progress import Progress

if TYPE_CHECKING:
    from pandas import DataFrame

    from attnmel.pipeline.reproduce.jobs import TableOptions
    from attnmel.pipeline.reproduce.run import Reproduced

Place = str | Path


@dataclass(frozen=True)
class Table:
    """A table of the thesis, as far as its rows are trained."""

    found: "Reproduced"

    @property
    def failures(self) -> dict[str, str]:
        """Rows that failed, and why."""
        return dict(self.found.failures)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as `attnmel reproduce --json`."""
        return self.found.as_dict()

    def to_frame(self) -> "DataFrame":
        """Return the table that was written as CSV."""
        from attnmel.files.frames import read_frame

        return read_frame(self.found.folder.table("csv"))


def reproduce(
    table: str,
    settings: Settings = (),
    *,
    rows: Sequence[str] = (),
    given: Mapping[str, Place] | None = None,
    seeds: int = 1,
    segmenter: Place | None = None,
    out: Place | None = None,
    home: Place | None = None,
    progress: Progress | Report | None = None,
) -> Table:
    """Train and evaluate all `rows` of a table of the thesis (isic2016, isic2017, isic2018); as `attnmel reproduce`.

    `settings` are changes of every row, `given` are rows of predictions that are there already. Finished runs are
    skipped and stopped ones continued; a row that fails does not stop the others.

    Raises:
        ConfigError: an unknown table, row or setting.
        ArchiveError: the data of every row is missing.
    """
    options = table_options(
        table, settings, rows=rows, given=given or {}, seeds=seeds, segmenter=segmenter, out=out, home=home
    )
    from attnmel.pipeline.reproduce.run import reproduce as run_table

    return Table(run_table(options, as_progress(progress)))


def table_options(
    table: str,
    settings: Settings = (),
    *,
    rows: Sequence[str] = (),
    given: Mapping[str, Place] | Sequence[str] = (),
    seeds: int = 1,
    segmenter: Place | None = None,
    out: Place | None = None,
    home: Place | None = None,
    command: str = "attnmel.reproduce (Python)",
) -> "TableOptions":
    """Return the options of a table, as `reproduce`; no torch."""
    from attnmel.evaluation.thesis.tables import TABLES
    from attnmel.pipeline.reproduce.jobs import TableOptions

    require_known("table", table, TABLES)
    named = [f"{name}={place}" for name, place in given.items()] if isinstance(given, Mapping) else given
    return TableOptions(
        plan=TABLES[table],
        out=Path(out) if out else Path("tables") / table,
        overrides=tuple(overrides(settings)),
        seeds=seeds,
        rows=tuple(rows),
        given=tuple(map(_with_results, named)),
        home=None if home is None else Path(home),
        command=command,
        segmenter=None if segmenter is None else Path(segmenter),
    )


def _with_results(row: str) -> str:
    """Return a row NAME=PATH whose path is a run folder where it names a model."""
    name, mark, place = row.partition("=")
    return f"{name}={place_of_results(place)}" if mark and place else row
