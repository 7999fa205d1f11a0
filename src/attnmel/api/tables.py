"""`attnmel.reproduce`: all rows of a table of the thesis."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from attnmel.api.model_names import PLACES, place_of, place_of_results
from attnmel.api.places import Place, kind_of, one_place, optional_path
from attnmel.api.recipes import Settings, overrides
from attnmel.arguments import FromOne, Within, checked_arguments
from attnmel.errors import ConfigError, counted, require_known
from attnmel.progress import Progress, Report, as_progress

if TYPE_CHECKING:
    from pandas import DataFrame

    from attnmel.pipeline.reproduce.engines import JobEngine
    from attnmel.pipeline.reproduce.jobs import TableOptions
    from attnmel.pipeline.reproduce.run import Reproduced
    from attnmel.pipeline.run.run import Run

EngineName = Literal["local", "ray"]
Amount = Annotated[float, Within(0)]


@dataclass(frozen=True)
class ThesisTable:
    """A table of the thesis, as far as its rows are trained."""

    found: "Reproduced"

    def __repr__(self) -> str:
        failed = f", {counted(len(self.failures), 'failure')}" if self.failures else ""
        return f"ThesisTable({str(self.found.folder.path)!r}{failed}; see .to_dict() and .to_frame())"

    @property
    def failures(self) -> dict[str, str]:
        """Rows that failed, and why."""
        return dict(self.found.failures)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as `attnmel reproduce --json`."""
        return self.found.as_dict()

    def to_frame(self) -> "DataFrame":
        """Return the table that was written as CSV."""
        from attnmel.files.data_frames import read_frame

        return read_frame(self.found.folder.table("csv"))


@checked_arguments("given")
def reproduce(
    table: str,
    settings: Settings = (),
    *,
    rows: Sequence[str] | None = None,
    given: "Mapping[str, Run | Place] | None" = None,
    seeds: FromOne = 1,
    segmenter: Place | None = None,
    engine: EngineName = "local",
    address: str | None = None,
    cpus: Amount | None = None,
    gpus: Amount | None = None,
    out: Place | None = None,
    home: Place | None = None,
    progress: Progress | Report | None = None,
) -> ThesisTable:
    """Train and evaluate rows of a table of the thesis (isic2016, isic2017, isic2018); as `attnmel reproduce`.

    `rows` are names of those to train: without it all, of an empty list none. `settings` are changes of every row,
    `given` are rows of predictions that are there already (a folder of seeds is a row over them). Finished runs are
    skipped and stopped ones continued; a row that fails does not stop the others. With engine="ray" runs are trained on
    the Ray cluster at `address` (HOST:PORT; by default $RAY_ADDRESS, else that of this machine), each with `cpus` (1)
    and `gpus` (0).

    Raises:
        ConfigError: an unknown table, row or setting, or a Ray cluster that cannot be used.
        ArchiveError: the data of every row is missing.
    """
    given_rows = () if given is None else _named_rows(given)
    chosen = () if rows is None else rows or ("none",)  # an empty list may be what a filter left
    options = table_options(
        table, settings, rows=chosen, given=given_rows, seeds=seeds, segmenter=segmenter, out=out, home=home
    )
    return run_table(options, as_progress(progress), engine, address, cpus, gpus)


def run_table(
    options: "TableOptions",
    progress: Progress,
    engine: EngineName = "local",
    address: str | None = None,
    cpus: float | None = None,
    gpus: float | None = None,
) -> ThesisTable:
    """Train and evaluate the rows that the options name, as `reproduce`."""
    with _engine(engine, options.out, progress, {"address": address, "cpus": cpus, "gpus": gpus}) as place:
        # This loads torch, which a cluster that cannot be used does not need.
        from attnmel.pipeline.reproduce.run import reproduce as train_rows

        return ThesisTable(train_rows(options, progress, engine=place))


def _engine(
    name: str, out: Path, progress: Progress, options: Mapping[str, Any]
) -> "AbstractContextManager[JobEngine | None]":
    """Return the engine of that name; None for this machine."""
    require_known("engine", name, ("local", "ray"))
    given = {key: value for key, value in options.items() if value is not None}
    if name == "ray":
        from attnmel.pipeline.reproduce.cluster.engine import ray_engine
        from attnmel.pipeline.reproduce.cluster.tasks import Machines

        address = given.pop("address", None)
        return ray_engine(address, out, Machines(**given), progress)
    if given:
        raise ConfigError(f"--{next(iter(given))} is for a Ray cluster; add --engine ray, or leave it out")
    return nullcontext()


def table_options(
    table: str,
    settings: Settings = (),
    *,
    rows: Sequence[str] = (),
    given: Sequence[str] = (),
    seeds: int = 1,
    segmenter: Place | None = None,
    out: Place | None = None,
    home: Place | None = None,
    command: str = "attnmel.reproduce (Python)",
) -> "TableOptions":
    """Return the options of a table, as `reproduce`, with `given` rows as NAME=PATH; no torch."""
    from attnmel.evaluation.thesis.tables import TABLES
    from attnmel.pipeline.reproduce.jobs import TableOptions

    require_known("table", table, TABLES)
    return TableOptions(
        plan=TABLES[table],
        out=Path(out) if out else Path("tables") / table,
        overrides=tuple(overrides(settings)),
        seeds=seeds,
        rows=tuple(rows),
        given=tuple(map(_with_results, given)),
        home=optional_path(home),
        command=command,
        segmenter=optional_path(segmenter),
    )


def _named_rows(given: object) -> list[str]:
    """Return rows by their name as NAME=PATH; a run by the path of its folder.

    Raises:
        ConfigError: no mapping, a name with "=", or what is neither a run nor a path.
    """
    if not isinstance(given, Mapping):
        raise ConfigError(f"given is {kind_of(given)}; expected a mapping of names, each to {PLACES}")
    if odd := next((name for name in given if not isinstance(name, str) or "=" in name), None):
        raise ConfigError(f"given has a row called {odd!r}; expected a text without '='")
    return [f"{name}={place_of(one_place(one, f'given[{name!r}]', PLACES))}" for name, one in given.items()]


def _with_results(row: str) -> str:
    """Return a row NAME=PATH whose path is a run folder where it names a model."""
    name, mark, place = row.partition("=")
    return f"{name}={place_of_results(place)}" if mark and place else row
