"""The order in which each reader sees the cases, and with which machine: by seed and reader, always the same."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from attnmel.pipeline.study.study_file import ALONE, SUPPORT, Study, StudyCase


class OrderedCase(NamedTuple):
    """One case in the order of one reader."""

    position: int
    """Counted from 1."""
    session: int
    """1, or 2 in the second session of a crossed study."""
    case: StudyCase
    stages: tuple[str, ...]
    """`ALONE`, `SUPPORT`, or both, one after the other."""
    machine: str | None
    """Whose output is shown with `SUPPORT`."""
    repeat: bool
    """Whether it is the second time."""


def reading_order(study: Study, reader: str) -> tuple[OrderedCase, ...]:
    """Return what a reader sees: practice first, then the cases, some of them twice."""
    shown: list[OrderedCase] = []
    for session, stages in enumerate(_sessions(study, reader), start=1):
        cases = _ordered(study, reader, session)
        machines = _machines(study, reader, cases) if SUPPORT in stages else {}
        half = len(cases) // 2
        again = cases[: study.repeats] if ALONE in stages else []
        late = _shuffled(
            [(one, False) for one in cases[half:]] + [(one, True) for one in again], study, reader, session
        )
        practice = [(one, False) for one in study.cases if one.training] if session == 1 else []
        for one, repeat in [*practice, *((one, False) for one in cases[:half]), *late]:
            own = (ALONE,) if repeat or (one.training and ALONE in stages) else stages
            shown.append(OrderedCase(len(shown) + 1, session, one, own, machines.get(one.case), repeat))
    return tuple(_with_machine(study, shown))


def _with_machine(study: Study, items: Iterable[OrderedCase]) -> Iterable[OrderedCase]:
    """Give practice with support the first machine, and take machines off items without support."""
    for item in items:
        if SUPPORT not in item.stages:
            yield item._replace(machine=None)
        elif item.machine is None:
            yield item._replace(machine=study.machines[0].name)
        else:
            yield item


def _sessions(study: Study, reader: str) -> Sequence[tuple[str, ...]]:
    if study.design == "alone":
        return [(ALONE,)]
    if study.design == "sequential":
        return [(ALONE, SUPPORT)]
    # Every second reader starts with support: the order of arms is balanced.
    both = [(ALONE,), (SUPPORT,)]
    return both if study.readers.index(reader) % 2 == 0 else both[::-1]


def _key(study: Study, *parts: object) -> str:
    return hashlib.sha256("|".join(map(str, (study.seed, *parts))).encode()).hexdigest()


def _ordered(study: Study, reader: str, session: int) -> list[StudyCase]:
    cases = [one for one in study.cases if not one.training]
    return sorted(cases, key=lambda one: _key(study, reader, session, one.case))


def _shuffled(
    items: Sequence[tuple[StudyCase, bool]], study: Study, reader: str, session: int
) -> list[tuple[StudyCase, bool]]:
    return sorted(items, key=lambda item: _key(study, reader, session, item[1], item[0].case))


def _machines(study: Study, reader: str, cases: Sequence[StudyCase]) -> dict[str, str]:
    """Deal the machines to the cases of each kind in turn, starting with another one for each reader."""
    start = study.readers.index(reader)
    found = {}
    for diseased in (False, True):
        own = sorted((one.case for one in cases if one.diseased == diseased), key=lambda one: _key(study, reader, one))
        for place, case in enumerate(own):
            found[case] = study.machines[(place + start) % len(study.machines)].name
    return found
