"""Assumptions on a study that is planned -> the interval and the power of each number of readers and cases."""

import math
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
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
    scaled_components,
    simulated,
)
from attnmel.evaluation.readers.readings import reader_aucs
from attnmel.evaluation.readers.roe_metz import RoeMetz
from attnmel.number_formats import fixed
from attnmel.pipeline.study.analysis.read_study import read_study
from attnmel.progress import Progress

MOST_CASES = 100_000
MOST_READERS = 1000
"""Among which the number that is needed is looked for."""


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
    target_power: float = 0.8
    """Whose number of readers is looked for."""
    target_width: float | None = None
    """Half of an interval's width, whose number of readers is looked for."""
    studies: int = 0
    """To simulate for each row; 0 for none."""
    seed: int = 0


@dataclass(frozen=True)
class Needed:
    """The fewest readers with a row's cases, and the fewest cases with its readers, that reach a target."""

    readers: int | None
    """None where more cases are needed, as for `cases` more readers."""
    cases: int | None


@dataclass(frozen=True)
class PowerRow:
    """One number of readers and cases."""

    readers: int
    healthy: int
    diseased: int
    expected: Expected
    for_power: Needed
    for_width: Needed | None
    """None where no width is looked for."""
    simulated: Simulated | None

    def as_dict(self) -> dict[str, object]:
        """Return the row as plain values."""
        return {
            "readers": self.readers,
            "healthy": self.healthy,
            "diseased": self.diseased,
            "expected": asdict(self.expected),
            "readers_for_power": self.for_power.readers,
            "cases_for_power": self.for_power.cases,
            "readers_for_width": self.for_width and self.for_width.readers,
            "cases_for_width": self.for_width and self.for_width.cases,
            "simulated": self.simulated and asdict(self.simulated),
        }


def two_aucs(aucs: Sequence[float]) -> tuple[float, float]:
    """Return the expected AUCs of the first and of the second modality.

    Raises:
        ConfigError: there are not two.
    """
    if len(aucs) != 2:
        raise ConfigError(f"{len(aucs)} expected AUC; give --auc twice, for the first and the second modality")
    return aucs[0], aucs[1]


def power_rows(plan: Plan, progress: Progress) -> list[PowerRow]:
    """Return a row for each number of readers and of cases.

    Raises:
        ConfigError: a number that no study can have.
        ReadingsError: the pilot cannot be used.
    """
    _check(plan)
    pilot = _pilot(plan.pilot) if plan.pilot is not None else None
    assumed = _Assumed(plan, RoeMetz(plan.aucs), pilot)
    rows = list(_sizes(plan))
    with progress.bar("simulating", len(rows), "rows") as step:
        found = []
        for readers, healthy, diseased in rows:
            found.append(assumed.row(readers, healthy, diseased))
            step(1)
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
    if not 0 < plan.target_power < 1:
        raise ConfigError(f"a power of {plan.target_power:g} to reach; expected one between 0 and 1, such as 0.8")
    if plan.target_width is not None and not 0 < plan.target_width < 1:
        raise ConfigError(
            f"an interval of +-{plan.target_width:g} to reach; expected one between 0 and 1, such as 0.05"
        )
    if plan.margin is not None and not 0 < plan.margin < 1:
        raise ConfigError(f"a margin of {plan.margin:g}; expected a loss of AUC between 0 and 1, such as 0.05")


def _sizes(plan: Plan) -> Iterator[tuple[int, int, int]]:
    for readers in plan.readers:
        for cases in plan.cases:
            yield readers, *_kinds(plan, cases)


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


@dataclass(frozen=True)
class _Assumed:
    """What the expectation of every size follows from."""

    plan: Plan
    model: RoeMetz
    pilot: tuple[Components, int, int] | None

    def expected(self, readers: int, healthy: int, diseased: int) -> Expected:
        """Return what to expect of a study of this size."""
        if self.pilot is None:
            components = self.model.components(healthy, diseased)
        else:
            components = scaled_components(self.pilot[0], case_ratio(healthy, diseased, *self.pilot[1:]))
        expect = expected_against_machine if self.plan.machine else expected_difference
        margin = math.nan if self.plan.margin is None else self.plan.margin
        return expect(components, self.plan.aucs[0] - self.plan.aucs[1], readers, margin=margin)

    def row(self, readers: int, healthy: int, diseased: int) -> PowerRow:
        """Return what to expect of a study of this size, and which size reaches the targets."""
        plan, drawn = self.plan, None
        if plan.studies:
            sizes = (readers, healthy, diseased)
            drawn = simulated(self.model, *sizes, studies=plan.studies, seed=plan.seed, machine=plan.machine)

        def needed(enough: Callable[[Expected], bool]) -> Needed:
            return Needed(
                _fewest(2, MOST_READERS, lambda count: enough(self.expected(count, healthy, diseased))),
                _fewest(self._least_cases, MOST_CASES, lambda n: enough(self.expected(readers, *_kinds(plan, n)))),
            )

        return PowerRow(
            readers,
            healthy,
            diseased,
            self.expected(readers, healthy, diseased),
            needed(lambda one: (one.power if plan.margin is None else one.non_inferiority) >= plan.target_power),
            None if (width := plan.target_width) is None else needed(lambda one: one.half_width <= width),
            drawn,
        )

    @property
    def _least_cases(self) -> int:
        """Number of cases with at least two of each kind."""
        return next(count for count in range(4, MOST_CASES + 1) if min(_kinds(self.plan, count)) > 1)


def _kinds(plan: Plan, cases: int) -> tuple[int, int]:
    """Return the healthy and the diseased of so many cases."""
    diseased = round(cases * plan.prevalence)
    return cases - diseased, diseased


def _fewest(least: int, most: int, enough: Callable[[int], bool]) -> int | None:
    """Return the fewest that are enough, as found by halving the range; None where even the most are not."""
    return bisect_left(range(least, most), True, key=enough) + least if enough(most) else None


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
            fixed(row.expected.half_width, missing="-"),
            fixed(row.expected.power, 2, missing="-"),
        ]
        own += [fixed(row.expected.non_inferiority, 2, missing="-")] if plan.margin is not None else []
        if row.simulated is not None:
            one = row.simulated
            own += [
                fixed(value, digits, missing="-")
                for value, digits in ((one.half_width, 3), (one.power, 2), (one.coverage, 3))
            ]
        cells.append(own)
    return header, cells


def power_sentences(plan: Plan, rows: Sequence[PowerRow]) -> Iterator[str]:
    """Yield what was assumed, and how many readers are needed with each number of cases."""
    first, second = plan.aucs
    who = ("the machine", "the readers") if plan.machine else ("the first modality", "the second")
    spread = f"variances of the pilot {plan.pilot}" if plan.pilot is not None else "readers of moderate variance"
    yield (
        f"Assumed: an AUC of {first:g} of {who[0]} and {second:g} of {who[1]}, a difference of {first - second:+g}; "
        f"{spread}. Intervals are for other readers and other cases."
    )
    what = "finding that difference" if plan.margin is None else f"showing it not worse by {plan.margin:g}"
    targets: list[tuple[str, list[Needed | None]]] = [
        (f"a power of {plan.target_power:g} of {what}", [one.for_power for one in rows])
    ]
    if plan.margin is None and first == second:
        targets = []
    if plan.target_width is not None:
        targets.append((f"an interval of +-{plan.target_width:g}", [one.for_width for one in rows]))
    for target, needed in targets:
        known = [(row, one) for row, one in zip(rows, needed, strict=True) if one is not None]
        by_cases = {row.healthy + row.diseased: _or_more(one.readers, "readers") for row, one in known}
        by_readers = {row.readers: _or_more(one.cases, "cases") for row, one in known}
        sizes = [f"with {cases} cases {found}" for cases, found in by_cases.items()]
        sizes += [f"with {readers} readers {found}" for readers, found in by_readers.items()]
        yield f"For {target} are needed: {'; '.join(sizes)}."


def _or_more(count: int | None, what: str) -> str:
    most = {"readers": MOST_READERS, "cases": MOST_CASES}[what]
    return f"more than {most:,} {what}" if count is None else f"{count:,} {what}"
