"""Assumptions on a study that is planned -> the interval and the power of each number of readers and cases."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from attnmel.errors import ConfigError
from attnmel.evaluation.readers.inference.covariance import auc_covariance
from attnmel.evaluation.readers.inference.obuchowski_rockette import Components, obuchowski_rockette
from attnmel.evaluation.readers.power import (
    Expected,
    Simulated,
    case_ratio,
    expected_against_machine,
    expected_difference,
    scaled,
    simulated,
)
from attnmel.evaluation.readers.readings import reader_aucs
from attnmel.evaluation.readers.roe_metz import RoeMetz
from attnmel.pipeline.study.analysis.read_study import read_study
from attnmel.progress import Progress

MOST_CASES = 100_000


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is planned and assumed; AUCs are of the first and the second modality."""

    readers: tuple[int, ...]
    cases: tuple[int, ...]
    prevalence: float
    """Share of the cases that are diseased."""
    aucs: tuple[float, float]
    machine: bool = False
    """Whether the first modality is one machine."""
    pilot: Path | None = None
    """Readings that the variances are taken from, in place of the model's."""
    margin: float | None = None
    studies: int = 0
    """To simulate for each row; 0 for none."""
    seed: int = 0


@dataclass(frozen=True)
class PowerRow:
    """One number of readers and cases."""

    readers: int
    healthy: int
    diseased: int
    expected: Expected
    simulated: Simulated | None

    def as_dict(self) -> dict[str, object]:
        """Return the row as plain values."""
        return {
            "readers": self.readers,
            "healthy": self.healthy,
            "diseased": self.diseased,
            "expected": asdict(self.expected),
            "simulated": self.simulated and asdict(self.simulated),
        }


def power_rows(plan: Plan, progress: Progress) -> list[PowerRow]:
    """Return a row for each number of readers and of cases.

    Raises:
        ConfigError: a number that no study can have.
        ReadingsError: the pilot cannot be used.
    """
    _check(plan)
    pilot = _pilot(plan.pilot) if plan.pilot is not None else None
    model = RoeMetz(plan.aucs)
    rows = list(_sizes(plan))
    with progress.bar("simulating", len(rows), "rows") as step:
        found = []
        for number, (readers, healthy, diseased) in enumerate(rows, 1):
            found.append(_row(plan, model, pilot, readers, healthy, diseased))
            step(number)
    return found


def _check(plan: Plan) -> None:
    if few := [one for one in plan.readers if one < 2]:
        raise ConfigError(f"{few[0]} reader; expected at least 2, since differences between readers need two")
    if not 0 < plan.prevalence < 1:
        raise ConfigError(f"a prevalence of {plan.prevalence:g}; expected a share between 0 and 1, such as 0.4")
    for _, healthy, diseased in _sizes(plan):
        if min(healthy, diseased) < 2:
            raise ConfigError(f"{healthy} healthy and {diseased} diseased cases; expected at least 2 of each")
        if healthy + diseased > MOST_CASES:
            raise ConfigError(f"{healthy + diseased:,} cases; expected at most {MOST_CASES:,}")
    if plan.margin is not None and not 0 < plan.margin < 1:
        raise ConfigError(f"a margin of {plan.margin:g}; expected a loss of AUC between 0 and 1, such as 0.05")


def _sizes(plan: Plan) -> Iterator[tuple[int, int, int]]:
    for readers in plan.readers:
        for cases in plan.cases:
            diseased = round(cases * plan.prevalence)
            yield readers, cases - diseased, diseased


def _pilot(file: Path) -> tuple[Components, int, int]:
    """Return the components of the first two modalities of a pilot that two readers used, and its cases."""
    readings = read_study(file).readings
    shared = readings.present.sum(axis=1) > 1
    names = [name for name, several in zip(readings.modalities, shared, strict=True) if several]
    pair = readings.of(names[:2]) if len(names) > 1 else None
    known = ~(reader_aucs(pair) != reader_aucs(pair)).any(axis=0) if pair is not None else None
    if pair is None or known is None or known.sum() < 2:
        raise ConfigError(f"{file} has no two modalities that the same two readers used; a pilot needs them")
    kept = pair.of_readers(known)
    components = obuchowski_rockette(reader_aucs(kept), auc_covariance(kept)).components
    diseased = int(kept.diseased.sum())
    return components, len(kept.cases) - diseased, diseased


def _row(
    plan: Plan, model: RoeMetz, pilot: tuple[Components, int, int] | None, readers: int, healthy: int, diseased: int
) -> PowerRow:
    if pilot is None:
        components = model.components(healthy, diseased)
    else:
        components = scaled(pilot[0], case_ratio(healthy, diseased, *pilot[1:]))
    expect = expected_against_machine if plan.machine else expected_difference
    margin = math.nan if plan.margin is None else plan.margin
    expected = expect(components, plan.aucs[0] - plan.aucs[1], readers, margin=margin)
    drawn = None
    if plan.studies:
        drawn = simulated(model, readers, healthy, diseased, studies=plan.studies, seed=plan.seed, machine=plan.machine)
    return PowerRow(readers, healthy, diseased, expected, drawn)


def power_table(plan: Plan, rows: Sequence[PowerRow]) -> tuple[list[str], list[list[str]]]:
    """Return the header and rows of a table: half of the interval's width and the power."""
    header = ["readers", "healthy", "diseased", "interval +-", "power"]
    header += [f"power, not worse by {plan.margin:g}"] if plan.margin is not None else []
    header += ["simulated +-", "power", "coverage"] if plan.studies else []
    cells = []
    for row in rows:
        own = [
            str(row.readers),
            str(row.healthy),
            str(row.diseased),
            _cell(row.expected.half_width),
            _cell(row.expected.power, 2),
        ]
        own += [_cell(row.expected.non_inferiority, 2)] if plan.margin is not None else []
        if row.simulated is not None:
            one = row.simulated
            own += [_cell(one.half_width), _cell(one.power, 2), _cell(one.coverage, 3)]
        cells.append(own)
    return header, cells


def _cell(value: float, digits: int = 3) -> str:
    return "-" if math.isnan(value) else f"{value:.{digits}f}"
