"""Make a study: draw its cases, run its machines, freeze its file, and give each reader a token."""

import hashlib
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from attnmel import __version__
from attnmel.data.datasets.own.folder import AS_WRITTEN, TableReading
from attnmel.errors import ConfigError, require_known
from attnmel.evaluation.readers.machines import ALONE as HUMAN
from attnmel.files.folders import replacing
from attnmel.files.own_files import require_only
from attnmel.pipeline.predict.attention_maps import shown_image
from attnmel.pipeline.study.analysis.imrmc import TRUTH
from attnmel.pipeline.study.draw_cases import diseased_classes
from attnmel.pipeline.study.machine_thresholds import Chosen
from attnmel.pipeline.study.machines import LONGEST, MachineOutput, machine_output, wrong_output
from attnmel.pipeline.study.new_cases import new_cases
from attnmel.pipeline.study.store import Store
from attnmel.pipeline.study.study_file import (
    LONGEST_CHOICE,
    Design,
    Machine,
    Questions,
    Show,
    Study,
    StudyCase,
    StudyFolder,
    freeze,
)
from attnmel.progress import SILENT, Progress
from attnmel.records import Lesion

MANAGEMENT = ("no follow-up", "follow-up", "biopsy or excision")
"""Proposed where no others are named."""

OTHER = "other or not listed"
"""The diagnosis that is always offered after the classes."""

ENDPOINT = "difference of the readers' mean AUC with and without support, Obuchowski-Rockette, two-sided, 5 %"
ENDPOINT_ALONE = "the readers' mean AUC, Obuchowski-Rockette, 95 % interval"

QUALITY = 92
"""Of the JPEG files that readers see."""


@dataclass(frozen=True, kw_only=True)
class NewStudy:
    """What a user decides of a study."""

    dataset: str
    counts: Mapping[str, int]
    """Cases of each class."""
    readers: Sequence[str]
    """Each a NAME, or NAME=LEVEL with the experience."""
    design: Design = "sequential"
    diseased: Sequence[str] = ()
    split: str | None = None
    reading: TableReading = AS_WRITTEN
    """How the labels.csv of a folder is read."""
    machines: Sequence[str] = ()
    machine_threshold: Chosen = None
    """Probability above which machines call a case diseased; None for their own operating points."""
    wrong: bool = False
    """Whether one more machine is wrong on purpose."""
    show: Show = "probability"
    training: int = 2
    repeats: int = 2
    washout_days: int = 28
    management: Sequence[str] = MANAGEMENT
    endpoint: str = ""
    completion: float = 0.95
    ends: date | None = None
    seed: int = 0
    exclude_known: bool = False
    """Whether cases that a machine learnt from are left out, and others drawn."""
    allow_leakage: bool = False
    """Whether the study may have such cases."""


HOW_NAMED = {"machine": ", as NAME=PATH; a model without one is called 'machine'"}


def make_study(
    path: Path, plan: NewStudy, home: Path, *, database: str | None = None, progress: Progress = SILENT
) -> tuple[Study, dict[str, str]]:
    """Write a study into a new folder; return it and the token of each reader, which is kept nowhere.

    Raises:
        ConfigError: the folder is not empty, or the plan is not possible.
        LabelError: a machine learnt from some of the cases.
        ImageError: an image cannot be used.
        CheckpointError: a model cannot be used.
    """
    _check(plan)
    if StudyFolder(path).file.is_file():
        raise ConfigError(
            f"{path} holds a frozen study already; serve it by `attnmel study serve {shlex.quote(str(path))}`, or name "
            "another folder for a new one. A reader's lost link is replaced by `attnmel study link`"
        )
    require_only(path, set(), "a new study")
    diseased = diseased_classes(plan.diseased, tuple(plan.counts))
    drawn, practice, learnt_from = new_cases(plan, home, progress)
    lesions = [*practice, *drawn]
    truth = {one.image_id: one.diagnosis in diseased for one in lesions}
    kinds = {name: name in diseased for name in plan.counts}
    outputs = [machine_output(one, lesions, kinds, progress, plan.machine_threshold) for one in plan.machines]
    if isinstance(plan.machine_threshold, Mapping):
        for name in plan.machine_threshold:
            require_known("machine", name, [one.name for one in outputs])
    if plan.wrong:
        outputs.append(wrong_output(outputs[0], truth, plan.seed))
    if plan.show != "probability" and not all(one.maps for one in outputs):
        raise ConfigError(f"--show {plan.show}: a machine has no attention maps; choose --show probability")
    _require_distinct("machine", [one.name for one in outputs])
    _refuse_reserved(tuple(_levels(plan.readers)), [one.name for one in outputs])
    with replacing(path) as part:
        folder = StudyFolder(part)
        cases = tuple(
            _case(folder, number, one, truth[one.image_id], training=one in practice)
            for number, one in enumerate(lesions, start=1)
        )
        study = _study(
            path.absolute().name, plan, cases, sorted(diseased), _machines(folder, plan, outputs, cases, learnt_from)
        )
        store = Store(database or folder.database, freeze(study, folder), new=True)
        try:
            return study, store.add_readers(study.readers)
        finally:
            store.close()


def _check(plan: NewStudy) -> None:
    if plan.design == "alone" and (plan.machines or plan.wrong):
        raise ConfigError("readers of the design alone see no machine; leave out --machine, or choose another --design")
    if plan.design != "alone" and not plan.machines:
        raise ConfigError(f"the design {plan.design} shows a machine; name one by --machine, or choose --design alone")
    for name, count in plan.counts.items():
        if count < 1:
            raise ConfigError(f"{count} cases of {name}; expected at least 1")
    if not plan.readers:
        raise ConfigError("no reader; give their names or number")
    _require_distinct("reader", list(_levels(plan.readers)))
    if len(_levels(plan.readers)) < len(plan.readers):
        raise ConfigError("two readers have the same name; give each its own")
    for what, number in (("practice cases", plan.training), ("repeated images", plan.repeats)):
        if number < 0:
            raise ConfigError(f"{number} {what}; expected 0 or more")
    _check_days(plan)
    _check_choices("diagnosis", [*plan.counts, OTHER])
    _check_choices("management", plan.management)
    if plan.repeats > sum(plan.counts.values()) // 2:
        raise ConfigError(f"{plan.repeats} repeated images; expected at most half of all {sum(plan.counts.values())}")
    if not 0 < plan.completion <= 1:
        raise ConfigError(f"a completion rule of {plan.completion:g}; expected a share above 0 and at most 1")


def _check_days(plan: NewStudy) -> None:
    if plan.washout_days < 0:
        raise ConfigError(f"a washout of {plan.washout_days} days; expected 0 or more")
    today = datetime.now(UTC).date()
    if plan.ends is not None and plan.ends < today:
        raise ConfigError(f"the last day {plan.ends} is over; expected today ({today}) or a later day")
    second = today + timedelta(days=plan.washout_days)
    if plan.design == "crossed" and plan.ends is not None and plan.ends < second:
        raise ConfigError(
            f"the last day {plan.ends} comes before any second session, which opens {second} at the earliest "
            f"({plan.washout_days} days after the first one); choose a later --ends, or a shorter --washout"
        )


def _check_choices(what: str, choices: Sequence[str]) -> None:
    """Refuse what readers could not choose, or not tell apart."""
    for one in choices:
        if not 0 < len(one.strip()) <= LONGEST_CHOICE:
            raise ConfigError(f"the {what} '{one[:80]}'; expected 1 to {LONGEST_CHOICE} letters")
        if choices.count(one) > 1:
            raise ConfigError(f"the {what} '{one}' is there twice; name it once")


def _require_distinct(what: str, names: Sequence[str]) -> None:
    for name in names:
        if name != name.strip() or not name.isprintable() or not name or "," in name or len(name) > 80:
            raise ConfigError(f"the {what} '{name[:80]}'; expected a name of 1 to 80 letters without a comma")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ConfigError(f"two {what}s have the name '{twice}'; give each its own{HOW_NAMED.get(what, '')}")


def _refuse_reserved(readers: Sequence[str], machines: Sequence[str]) -> None:
    """Refuse names that mean something else in the exported readings, where machines are readers and modalities."""
    truth = set(TRUTH)
    for what, names, taken in (
        ("reader", readers, truth | {name.casefold() for name in machines}),
        ("machine", machines, truth | set(HUMAN)),
    ):
        for name in names:
            if name.casefold() in taken:
                raise ConfigError(f"the {what} '{name}'; in the exported readings that name is taken, choose another")


def _levels(readers: Sequence[str]) -> dict[str, str]:
    return {name: level for name, _, level in (one.partition("=") for one in readers)}


def _study(
    name: str, plan: NewStudy, cases: tuple[StudyCase, ...], diseased: Sequence[str], machines: tuple[Machine, ...]
) -> Study:
    return Study(
        name=name,
        design=plan.design,
        seed=plan.seed,
        readers=tuple(_levels(plan.readers)),
        experience={name: level for name, level in _levels(plan.readers).items() if level},
        cases=cases,
        machines=machines,
        show=plan.show,
        repeats=plan.repeats,
        washout_days=plan.washout_days,
        questions=Questions(
            disease=" or ".join(diseased), diagnoses=(*sorted(plan.counts), OTHER), management=tuple(plan.management)
        ),
        endpoint=plan.endpoint or (ENDPOINT_ALONE if plan.design == "alone" else ENDPOINT),
        completion=plan.completion,
        ends=plan.ends,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        software=f"attnmel {__version__}",
    )


def _case(folder: StudyFolder, number: int, lesion: Lesion, diseased: bool, *, training: bool) -> StudyCase:
    image, _ = shown_image(lesion.image, LONGEST)
    name = f"{number:04d}.jpg"
    return StudyCase(
        case=lesion.image_id,
        diagnosis=str(lesion.diagnosis),
        diseased=diseased,
        image=name,
        sha256=_written(folder.images / name, image),
        training=training,
    )


def _machines(
    folder: StudyFolder,
    plan: NewStudy,
    outputs: Sequence[MachineOutput],
    cases: Sequence[StudyCase],
    learnt_from: Mapping[str, tuple[str, ...]],
) -> tuple[Machine, ...]:
    found = []
    for number, one in enumerate(outputs, start=1):
        maps = {}
        for case in cases if plan.show != "probability" else ():
            name = f"{number}-{case.image}"
            maps[case.case] = f"{name}:{_written(folder.maps / name, one.maps[case.case])}"
        found.append(
            Machine(
                name=one.name,
                source=one.source,
                probabilities=dict(one.probabilities),
                maps=maps,
                wrong=plan.wrong and number == len(outputs),
                threshold=one.threshold.value,
                threshold_source=one.threshold.source,
                learnt_from=learnt_from.get(one.name, ()),
            )
        )
    return tuple(found)


def _written(path: Path, pixels: UInt8[np.ndarray, "h w 3"]) -> str:
    """Write a picture without any fact of its file (names, places, dates); return its SHA-256."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, "JPEG", quality=QUALITY)
    return hashlib.sha256(path.read_bytes()).hexdigest()
