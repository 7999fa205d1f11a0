"""Studies of readers from Python: freeze one, see how far it is, write its answers, analyse readings, plan the next.

As `attnmel study`, whose `serve` shows the cases to the readers. Readings in a frame: `attnmel.statistics.readers`. The
database is that of the study's folder, or that of the address `database`, by default $ATTNMEL_STUDY_DATABASE.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from attnmel.api.model_names import PLACES, place_of
from attnmel.api.places import Place, optional_path, own_folder, places
from attnmel.api.study_answers import Analysed, Answers, FrozenStudy, Power, Status
from attnmel.arguments import FromZero, checked_arguments
from attnmel.evaluation.readers.inference.covariance import CovarianceMethod
from attnmel.files.folders import home_folder
from attnmel.progress import Progress, Report, as_progress

if TYPE_CHECKING:
    from attnmel.pipeline.run.run import Run
    from attnmel.pipeline.study.open_study import OpenStudy

ADDRESS = "http://127.0.0.1:8643"
"""Of the server that `attnmel study serve` starts."""

DATABASE = "ATTNMEL_STUDY_DATABASE"
"""Variable with the address of a database, where none is named."""


@checked_arguments("machines")
def new(
    folder: Place,
    dataset: Place,
    counts: Mapping[str, int],
    readers: Mapping[str, str] | Iterable[str],
    *,
    design: Literal["alone", "sequential", "crossed"] = "sequential",
    machines: "Mapping[str, Run | Place] | Iterable[Run | Place]" = (),
    machine_threshold: float | Mapping[str, float] | None = None,
    wrong: bool = False,
    show: Literal["probability", "map", "both"] = "probability",
    diseased: Sequence[str] = (),
    split: str | None = None,
    columns: Mapping[str, str] | None = None,
    training: int = 2,
    repeats: int = 2,
    washout_days: int = 28,
    management: Sequence[str] = (),
    endpoint: str = "",
    completion: float = 0.95,
    ends: date | str | None = None,
    seed: FromZero = 0,
    exclude_known: bool = False,
    allow_leakage: bool = False,
    home: Place | None = None,
    address: str = ADDRESS,
    database: str | None = None,
    progress: Progress | Report | None = None,
) -> FrozenStudy:
    """Freeze a new study: draw its cases, run its machines, and give each reader a link; as `attnmel study new`.

    `counts` are the cases of each class, `columns` how the labels.csv of a folder calls its columns, `readers` names,
    or names with their experience. `machines` are runs, ONNX files, tables of probabilities, or models by name,
    hf:OWNER/NAME@REVISION too, whose commit and hash are frozen. A machine calls a case diseased above the
    `machine_threshold`, of all or by name; by default above the operating point of its model that `attnmel serve` shows
    first, and above 0.5 for a table. `ends` is the last day, also as the text YYYY-MM-DD. Cases that a machine learnt
    from are refused, unless others are drawn (`exclude_known`) or leakage is allowed.

    Raises:
        ConfigError: a folder that is not empty, or a plan that is not possible.
        LabelError: a machine learnt from some of the cases.
        ArchiveError, CheckpointError, ImageError: a machine or an image cannot be used.
    """
    from attnmel.pipeline.study.packages import require_study_packages

    require_study_packages()
    from attnmel.data.datasets.own.folder import TableReading
    from attnmel.data.datasets.read_dataset import refuse_unread_columns
    from attnmel.pipeline.study.days import parsed_day
    from attnmel.pipeline.study.new_study import MANAGEMENT, NewStudy, make_study
    from attnmel.pipeline.study.study_file import StudyFolder

    refuse_unread_columns(columns or (), str(dataset))
    plan = NewStudy(
        dataset=str(dataset),
        counts=counts,
        readers=_pairs(readers),
        design=design,
        diseased=diseased,
        split=split,
        reading=TableReading(columns=columns or {}),
        machines=_machines(machines),
        machine_threshold=machine_threshold,
        wrong=wrong,
        show=show,
        training=training,
        repeats=repeats,
        washout_days=washout_days,
        management=management or MANAGEMENT,
        endpoint=endpoint,
        completion=completion,
        ends=parsed_day(ends),
        seed=seed,
        exclude_known=exclude_known,
        allow_leakage=allow_leakage,
    )
    where = home_folder(optional_path(home))
    study, tokens = make_study(Path(folder), plan, where, database=_database(database), progress=as_progress(progress))
    links = {name: _link(address, token) for name, token in tokens.items()}
    return FrozenStudy(StudyFolder(Path(folder)).file, links, study.thresholds)


@checked_arguments()
def status(folder: Place, *, database: str | None = None) -> Status:
    """Return how far each reader is, without their answers; as `attnmel study status`.

    Raises:
        ConfigError: there is no study, or its file was changed.
    """
    with _opened(folder, database) as opened:
        from attnmel.pipeline.study.reader_progress import study_status

        return Status(tuple(study_status(opened)))


@checked_arguments()
def export(folder: Place, out: Place, *, database: str | None = None) -> Answers:
    """Write all answers, and the readings of complete readers, as tables; as `attnmel study export`.

    Raises:
        ConfigError: there is no study, or `out` holds files of these names that are not of a study.
    """
    folder_out = own_folder(out) or Path()
    with _opened(folder, database) as opened:
        from attnmel.pipeline.study.export_study import export_study

        found = export_study(opened, folder_out)
    return Answers(folder_out, found.readings, found.notes)


@checked_arguments()
def link(folder: Place, reader: str, *, address: str = ADDRESS, database: str | None = None) -> str:
    """Give a reader a new link, in place of the one before; as `attnmel study link`.

    Raises:
        ConfigError: there is no study, or no such reader.
    """
    with _opened(folder, database) as opened:
        return _link(address, opened.store.new_token(reader))


@checked_arguments()
def analyse(
    readings: Place,
    *,
    machines: Sequence[str] = (),
    reference: str | None = None,
    threshold: float | None = None,
    machine_threshold: float | Mapping[str, float] | None = None,
    margin: float | None = None,
    covariance: CovarianceMethod = "jackknife",
    binormal: bool = False,
    out: Place | None = None,
    progress: Progress | Report | None = None,
) -> Analysed:
    """Analyse a file of readings for other readers and other cases, into a folder `out`, as `attnmel study analyse`.

    Raises:
        ReadingsError: the file cannot be used; names its lines.
        ConfigError: an option that does not fit the readings, or a folder that holds other files.
    """
    from attnmel.evaluation.readers.study_results import StudyOptions
    from attnmel.pipeline.study.analysis.analyse import analyse_study, write_study

    options = StudyOptions(
        machines=tuple(machines),
        reference=reference,
        threshold=threshold,
        machine_threshold=machine_threshold,
        covariance=covariance,
        margin=margin,
        binormal=binormal,
    )
    found = analyse_study(Path(readings), options)
    if out is not None:
        write_study(found, Path(out), as_progress(progress))
    return Analysed(found)


@checked_arguments()
def power(
    readers: Sequence[int] = (5, 10, 15),
    cases: Sequence[int] = (50, 100, 200),
    *,
    aucs: Sequence[float] = (0.85, 0.80),
    prevalence: float = 0.5,
    machine: bool = False,
    margin: float | None = None,
    target_power: float = 0.8,
    target_width: float | None = None,
    pilot: Place | None = None,
    simulate: FromZero = 0,
    seed: FromZero = 0,
    progress: Progress | Report | None = None,
) -> Power:
    """Return which interval and power numbers of readers and cases give; as `attnmel study power`.

    `aucs` are expected of the first and the second modality; `machine`: the first is one machine. Variances are those
    of a `pilot` study, or moderate ones; each row says how many readers reach `target_power` and half of an interval of
    `target_width` with its cases; `simulate` also simulates so many studies a row (Roe and Metz).

    Raises:
        ConfigError: a number that no study can have.
        ReadingsError: a pilot that cannot be used.
    """
    from attnmel.pipeline.study.analysis.power import Plan, power_rows, two_aucs

    plan = Plan(
        readers=tuple(readers),
        cases=tuple(cases),
        prevalence=prevalence,
        aucs=two_aucs(aucs),
        machine=machine,
        pilot=optional_path(pilot),
        margin=margin,
        target_power=target_power,
        target_width=target_width,
        studies=simulate,
        seed=seed,
    )
    return Power(plan, tuple(power_rows(plan, as_progress(progress))))


@contextmanager
def _opened(folder: Place, database: str | None) -> "Iterator[OpenStudy]":
    from attnmel.pipeline.study.packages import require_study_packages

    require_study_packages()
    from attnmel.pipeline.study.open_study import open_study

    with open_study(Path(folder), _database(database)) as opened:
        yield opened


def _database(named: str | None) -> str | None:
    return named or os.environ.get(DATABASE) or None


def _machines(given: "Mapping[str, Run | Place] | Iterable[Run | Place]") -> list[str]:
    """Return machines as `_pairs`, each a run, a path or a name, by itself or under a name."""
    if isinstance(given, Mapping):
        return _pairs({name: place_of(one) for name, one in given.items()})
    return [str(getattr(one, "path", one)) for one in places(given, "machines", PLACES)]


def _pairs(given: Mapping[str, Any] | Iterable[Any]) -> list[str]:
    """Return what is named as the texts NAME=VALUE of the command line, and anything else as its own text."""
    if isinstance(given, Mapping):
        return [f"{name}={value}" if value else str(name) for name, value in given.items()]
    return [given] if isinstance(given, str) else [str(one) for one in given]


def _link(address: str, token: str) -> str:
    return f"{address.rstrip('/')}/#{token}"
