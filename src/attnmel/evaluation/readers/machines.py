"""The machines of a study: which modalities they are, what they decide, and how readers follow them."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from attnmel.errors import ConfigError, require_known
from attnmel.evaluation.readers.automation import AutomationBias, automation_bias
from attnmel.evaluation.readers.decisions import SHARES, DecisionThreshold, decisions, share_analysis
from attnmel.evaluation.readers.readings import Readings
from attnmel.evaluation.readers.study_results import MachineResult, StudyOptions
from attnmel.evaluation.statistics.bootstrap import Interval

ALONE = (
    *("alone", "unaided", "without machine", "without ai", "without support", "without"),
    *("allein", "ohne ki", "ohne maschine", "ohne unterstützung", "ohne hilfe", "ohne"),
)
"""Names, in any case, of the modality that others are compared with where none is named: readers without a machine."""

SUPPORT = ("with {}", "mit {}")
"""Names of the modality of readers who are shown a machine."""

NAMED = "as named"
OF_READERS = "that of the readers, since no operating point of it is known"
"""Where the threshold of a machine comes from, in words."""


def machines_of(readings: Readings, named: Sequence[str]) -> tuple[str, ...]:
    """Return the modalities of machines: as named, or each with one reader, who is in no other, while others have more.

    Where all have one reader, those whose reader has the name of the modality, as `study export` writes machines.

    Raises:
        ConfigError: a named one does not exist, or has several readers.
    """
    counts = readings.present.sum(axis=1)
    for name in named:
        if (count := counts[readings.modality(name)]) != 1:
            raise ConfigError(f"'{name}' has {count} readers; a machine's modality has exactly one, the machine")
    if named:
        return tuple(name for name in readings.modalities if name in named)
    alone = [
        name
        for place, name in enumerate(readings.modalities)
        if counts[place] == 1 and readings.present[:, readings.present[place]].sum() == 1
    ]
    if counts.max() > 1:
        return tuple(alone)
    only = {name: readings.readers[int(readings.present[readings.modality(name)].argmax())] for name in alone}
    own = tuple(name for name, reader in only.items() if reader == name)
    return own if len(own) < len(readings.modalities) else ()


def reference_of(readings: Readings, options: StudyOptions, machines: Sequence[str]) -> str | None:
    """Return the modality that others are compared with: as named, else the one of readers alone where there is one.

    Raises:
        ConfigError: the named one does not exist, or is a machine.
    """
    if options.reference is not None:
        require_known("modality", options.reference, [name for name in readings.modalities if name not in machines])
        return options.reference
    human = [name for name in readings.modalities if name not in machines]
    return min(
        (name for name in human if name.casefold() in ALONE),
        key=lambda name: ALONE.index(name.casefold()),
        default=None,
    )


def shown_machine(modality: str, machines: Sequence[str]) -> str | None:
    """Return the machine that readers of a modality were shown: by the name "with MACHINE", else the only one."""
    by_name = {one.format(name).casefold(): name for name in machines for one in SUPPORT}
    return by_name.get(modality.casefold(), machines[0] if len(machines) == 1 else None)


def is_compared(machine: str, modality: str, machines: Sequence[str]) -> bool:
    """Return whether a machine is compared with the readers of a modality: not where they were shown another one."""
    return shown_machine(modality, machines) in (machine, None)


def machine_threshold(name: str, threshold: float | None, options: StudyOptions) -> DecisionThreshold | None:
    """Return where a machine decides: as named, else as the readings say, else where readers do; None if unknown."""
    named = options.machine_threshold
    value = named.get(name) if isinstance(named, Mapping) else named
    if value is not None:
        return DecisionThreshold(value, NAMED)
    return options.stated.get(name) or (None if threshold is None else DecisionThreshold(threshold, OF_READERS))


def machine_result(
    readings: Readings, name: str, auc: Interval, decides: DecisionThreshold | None, options: StudyOptions
) -> MachineResult:
    """Return the AUC of a machine and, with a threshold, its shares of right decisions."""
    if decides is None:
        return MachineResult(name, auc, {}, None)
    own = readings.of([name])
    decided = decisions(own, decides.value)
    found = {share: share_analysis(own, decided, share, options.confidence).by_reader for share in SHARES}
    return MachineResult(name, auc, {share: one[0, 0] for share, one in found.items() if (0, 0) in one}, decides)


def changes_of(
    readings: Readings,
    human: Sequence[str],
    machines: Sequence[str],
    reference: str | None,
    threshold: float | None,
    options: StudyOptions,
) -> Mapping[str, AutomationBias]:
    """Return the changes from the reference to each modality whose readers were shown a machine.

    Empty without a reference or a threshold of readers.
    """
    if reference is None or threshold is None:
        return {}
    every = decisions(readings, threshold)
    before = every[readings.modality(reference)]
    found = {}
    for name in human:
        machine = shown_machine(name, machines)
        if name == reference or machine is None:
            continue
        scores = readings.scores[readings.modality(machine)]
        own = scores[np.flatnonzero(readings.present[readings.modality(machine)])[0]]
        decides = machine_threshold(machine, threshold, options)
        assert decides is not None
        answers = np.where(np.isnan(own), math.nan, (own > decides.value).astype(np.float64))
        after = every[readings.modality(name)]
        found[name] = automation_bias(before, after, answers, readings.diseased, options.confidence)
    return found
