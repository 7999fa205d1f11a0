"""The cases of a new study, which its machines must not have learnt from."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from attnmel.errors import ConfigError, LabelError
from attnmel.pipeline.study.draw_cases import draw_cases
from attnmel.pipeline.study.machines import UNNAMED, is_table, named_machine
from attnmel.progress import Progress
from attnmel.records import Lesion

if TYPE_CHECKING:
    from attnmel.pipeline.study.new_study import NewStudy


class NewCases(NamedTuple):
    """The cases of a study, and what its machines learnt from of them."""

    drawn: tuple[Lesion, ...]
    practice: tuple[Lesion, ...]
    learnt_from: Mapping[str, tuple[str, ...]]
    """Names of the cases, of the practice too, by machine; nothing of a machine that learnt from none."""


def new_cases(plan: "NewStudy", home: Path, progress: Progress) -> NewCases:
    """Draw the cases of a study that no machine learnt from, as far as that is known.

    With `plan.exclude_known` others are drawn in their place, with `plan.allow_leakage` a note says which they are.

    Raises:
        LabelError: a machine learnt from some of the cases, and neither is chosen.
        ConfigError: too few images of a class, or known images cannot be left out, since nothing is known.
        PredictionsError, CheckpointError: a machine's list of images, or their fingerprints, is damaged.
    """
    machines = {name or UNNAMED: source for name, source in map(named_machine, plan.machines) if not is_table(source)}
    if plan.exclude_known and not machines:
        raise ConfigError("no machine is a model, so that it is not known which cases to leave out by --exclude-known")
    left_out: set[str] = set()
    while True:
        drawn, practice = draw_cases(
            plan.dataset,
            home,
            plan.counts,
            split=plan.split,
            training=plan.training,
            seed=plan.seed,
            reading=plan.reading,
            left_out=left_out,
        )
        found = _learnt_from(machines, [*practice, *drawn], home, progress, strict=plan.exclude_known)
        if not (found and plan.exclude_known):
            break
        left_out |= {case for cases in found.values() for case in cases}
    if left_out:
        progress.note(f"{len(left_out):,} images that a machine learnt from are left out")
    _say(found, len(drawn) + len(practice), progress, allowed=plan.allow_leakage)
    return NewCases(drawn, practice, found)


def _learnt_from(
    machines: Mapping[str, str], lesions: Sequence[Lesion], home: Path, progress: Progress, *, strict: bool
) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name, source in machines.items():
        from attnmel.pipeline.study.known_cases import known_cases, unknown_note  # with torch

        known = known_cases(source, lesions, home, progress)
        if known is None and strict:
            raise ConfigError(
                f"{name}: what it learnt from is not known here, so that it is not known which cases to leave out; "
                "name its run folder as the machine, or leave out --exclude-known"
            )
        if known is None:
            progress.note(unknown_note(name))
        elif known:
            found[name] = known
    return found


def _say(found: Mapping[str, tuple[str, ...]], cases: int, progress: Progress, *, allowed: bool) -> None:
    for name, known in found.items():
        from attnmel.pipeline.study.known_cases import learnt_note

        note = learnt_note(name, known, cases)
        if not allowed:
            raise LabelError(
                f"{note}. Draw others by --exclude-known, name other images, or go on with --allow-leakage, "
                "which study.json then says"
            )
        progress.note(note)
