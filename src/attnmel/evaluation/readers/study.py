"""Everything that can be said of a study of readers: AUCs, comparisons, a machine, decisions, agreement, changes."""

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Float

from attnmel.errors import ConfigError, ReadingsError, require_known
from attnmel.evaluation.readers.automation import AutomationBias, automation_bias
from attnmel.evaluation.readers.decisions import SHARES, ShareAnalysis, decisions, share_analysis
from attnmel.evaluation.readers.inference.covariance import auc_covariance
from attnmel.evaluation.readers.inference.different_readers import (
    independent_readers,
    machine_auc_against_readers,
    with_machine_for_every_reader,
)
from attnmel.evaluation.readers.inference.obuchowski_rockette import ObuchowskiRockette, obuchowski_rockette
from attnmel.evaluation.readers.inference.u_statistics import Moments, difference, single_modality
from attnmel.evaluation.readers.readings import Readings, reader_aucs
from attnmel.evaluation.readers.study_agreement import agreement_between, agreement_within
from attnmel.evaluation.readers.study_results import (
    GroupResult,
    ModalityResult,
    PairResult,
    StudyAnalysis,
    StudyOptions,
)
from attnmel.evaluation.statistics.bootstrap import Interval
from attnmel.evaluation.statistics.delong import areas

ALONE = "alone"
"""The modality that others are compared with where none is named: readers without a machine."""


def analyse(
    readings: Readings,
    options: StudyOptions | None = None,
    *,
    second: Float[np.ndarray, "M R N"] | None = None,
    experience: Mapping[str, str] | None = None,
) -> StudyAnalysis:
    """Analyse a study; `second` holds the scores of repeated images, `experience` the level of each reader.

    Raises:
        ConfigError: a modality of the options does not exist, or an option is not possible.
        ReadingsError: a modality has no reader with a diseased and a healthy case.
    """
    options = options or StudyOptions()
    if options.margin is not None and not 0 < options.margin < 1:
        raise ConfigError(f"a margin of {options.margin:g}; expected a loss of AUC between 0 and 1, such as 0.05")
    machine = _machine(readings, options.machine)
    reference = reference_of(readings, options, machine)
    human = sorted(
        (name for name in readings.modalities if name != machine), key=lambda name: (name == reference, name)
    )
    if not human:
        raise ConfigError(f"the readings have no modality but the machine '{machine}'; expected readers too")
    for name in readings.modalities:
        own = readings.read[readings.modality(name)].any(axis=0)
        if not _both_kinds(readings, np.asarray(own)):
            raise ReadingsError(
                f"all cases read with '{name}' are {_kind(readings, own)}; an ROC curve needs both kinds"
            )
    threshold = _threshold(readings, options.threshold)
    people = readings.of(human)
    changes = _changes(readings, human, machine, reference, threshold, options)
    return StudyAnalysis(
        readings=readings,
        options=options,
        machine=machine,
        threshold=threshold,
        modalities=tuple(_modality(readings.of([name]), options) for name in human),
        together=_analysed(people, options) if len(human) > 1 else None,
        pairs=tuple(
            _pair(readings.of([one, other]), options) for place, one in enumerate(human) for other in human[place + 1 :]
        ),
        machine_auc=next(iter(_reader_intervals(readings.of([machine]), options).values())) if machine else None,
        against_machine=tuple(_against(readings, machine, name, options) for name in human) if machine else (),
        shares=_shares(people, threshold, options),
        machine_shares=_machine_shares(readings, machine, threshold, options),
        between=tuple(agreement_between(readings.of([name]), threshold, options) for name in human),
        within=tuple(agreement_within(readings, second, human, threshold, options)) if second is not None else (),
        changes=changes,
        groups=tuple(_groups(readings, human, machine, reference, threshold, experience or {}, options)),
    )


def _machine(readings: Readings, named: str | None) -> str | None:
    """Return the modality of the machine: as named, or with one reader, who is in no other, while others have more."""
    if named is not None:
        own = readings.present[readings.modality(named)]
        if own.sum() != 1:
            raise ConfigError(f"'{named}' has {own.sum()} readers; a machine's modality has exactly one, the machine")
        return named
    counts = readings.present.sum(axis=1)
    alone = [
        name
        for place, name in enumerate(readings.modalities)
        if counts[place] == 1 and readings.present[:, readings.present[place]].sum() == 1
    ]
    return alone[0] if len(alone) == 1 and counts.max() > 1 else None


def reference_of(readings: Readings, options: StudyOptions, machine: str | None) -> str | None:
    """Return the modality that others are compared with: as named, else `alone` where there is one.

    Raises:
        ConfigError: the named one does not exist, or is the machine.
    """
    if options.reference is not None:
        require_known("modality", options.reference, [name for name in readings.modalities if name != machine])
        return options.reference
    return next((name for name in readings.modalities if name.casefold() == ALONE), None)


def _both_kinds(readings: Readings, cases: Bool[np.ndarray, " N"]) -> bool:
    return bool(0 < readings.diseased[cases].sum() < cases.sum())


def _kind(readings: Readings, cases: Bool[np.ndarray, " N"]) -> str:
    return "diseased" if readings.diseased[cases].any() else "healthy"


def _threshold(readings: Readings, named: float | None) -> float | None:
    scores = readings.scores[readings.read]
    return named if named is not None else 0.5 if np.isin(scores, (0, 1)).all() else None


def _modality(readings: Readings, options: StudyOptions) -> ModalityResult:
    moments = Moments(readings)
    return ModalityResult(
        readings.modalities[0],
        _reader_intervals(readings, options),
        _analysed(readings, options),
        single_modality(moments, 0, options.confidence),
    )


def _reader_intervals(readings: Readings, options: StudyOptions) -> dict[str, Interval]:
    """Return the AUC of each reader of the only modality, who read a case of each kind."""
    found = {}
    for reader, scores in zip(readings.readers, readings.scores[0], strict=True):
        read = ~np.isnan(scores)
        if 0 < readings.diseased[read].sum() < read.sum():
            found[reader] = areas(readings.diseased[read], scores[read][:, None]).interval(0, options.confidence)
    return found


def _complete(readings: Readings) -> Readings | None:
    """Return the readings of those who have an AUC with every modality; None without any."""
    known = ~np.asarray(np.isnan(reader_aucs(readings)).any(axis=0))
    return readings.of_readers(known) if known.any() else None


def _analysed(readings: Readings, options: StudyOptions) -> ObuchowskiRockette | None:
    kept = _complete(readings)
    if kept is None:
        return None
    return obuchowski_rockette(reader_aucs(kept), auc_covariance(kept, options.covariance), options.confidence)


def _pair(readings: Readings, options: StudyOptions) -> PairResult:
    found = _analysed(readings, options)
    shared = _complete(readings)
    random = independent_readers(readings, options.confidence) if found is None else found.random.differences[0, 1]
    return PairResult(
        *readings.modalities,
        readers=0 if shared is None else len(shared.readers),
        random=random,
        analysis=found,
        u=difference(Moments(readings), 0, 1, options.confidence),
        non_inferior=math.nan if options.margin is None else random.non_inferior(options.margin),
    )


def _against(readings: Readings, machine: str, name: str, options: StudyOptions) -> PairResult:
    both = readings.of([machine, name])
    random = machine_auc_against_readers(both, 0, 1, options.confidence)
    spread = with_machine_for_every_reader(both)
    return PairResult(
        machine,
        name,
        readers=len(spread.readers),
        random=random,
        analysis=None,
        u=difference(Moments(spread), 0, 1, options.confidence),
        non_inferior=math.nan if options.margin is None else random.non_inferior(options.margin),
    )


def _shares(people: Readings, threshold: float | None, options: StudyOptions) -> dict[str, ShareAnalysis]:
    if threshold is None:
        return {}
    decided = decisions(people, threshold)
    return {share: share_analysis(people, decided, share, options.confidence) for share in SHARES}


def _machine_decisions(
    readings: Readings, machine: str, threshold: float, options: StudyOptions
) -> tuple[Readings, Float[np.ndarray, "1 1 N"]]:
    own = readings.of([machine])
    return own, decisions(own, options.machine_threshold if options.machine_threshold is not None else threshold)


def _machine_shares(
    readings: Readings, machine: str | None, threshold: float | None, options: StudyOptions
) -> dict[str, Interval]:
    if machine is None or threshold is None:
        return {}
    own, decided = _machine_decisions(readings, machine, threshold, options)
    found = {share: share_analysis(own, decided, share, options.confidence).by_reader for share in SHARES}
    return {share: one[0, 0] for share, one in found.items() if (0, 0) in one}


def _changes(
    readings: Readings,
    human: Sequence[str],
    machine: str | None,
    reference: str | None,
    threshold: float | None,
    options: StudyOptions,
) -> dict[str, AutomationBias]:
    """Return the changes from the reference to each other modality of readers, where a machine and a threshold are."""
    if machine is None or reference is None or threshold is None:
        return {}
    own, decided = _machine_decisions(readings, machine, threshold, options)
    known = dict(zip(own.cases, decided[0, 0], strict=True))
    answers = np.array([known.get(case, math.nan) for case in readings.cases])
    every = decisions(readings, threshold)
    before = every[readings.modality(reference)]
    return {
        name: automation_bias(before, every[readings.modality(name)], answers, readings.diseased, options.confidence)
        for name in human
        if name != reference
    }


def _groups(
    readings: Readings,
    human: Sequence[str],
    machine: str | None,
    reference: str | None,
    threshold: float | None,
    experience: Mapping[str, str],
    options: StudyOptions,
) -> Iterable[GroupResult]:
    """Yield the results of each level of experience."""
    for level in sorted(set(experience.values())):
        members = np.array([experience.get(name) == level for name in readings.readers])
        of_machine = readings.present[readings.modality(machine)] if machine else np.zeros_like(members)
        if not _both_kinds(readings, np.asarray(readings.read[:, members].any(axis=(0, 1)))):
            continue
        kept = readings.of_readers(members | of_machine)
        names = [name for name in human if _both_kinds(kept, np.asarray(kept.read[kept.modality(name)].any(axis=0)))]
        single = {name: _analysed(kept.of([name]), options) for name in names}
        pairs = [(one, other) for place, one in enumerate(names) for other in names[place + 1 :]]
        changes = _changes(kept, names, machine, reference if reference in names else None, threshold, options)
        yield GroupResult(
            level,
            tuple(name for name, own in zip(readings.readers, members, strict=True) if own),
            {name: one.random.means[0] for name, one in single.items() if one is not None},
            {pair: one.random.differences[0, 1] for pair in pairs if (one := _analysed(kept.of(pair), options))},
            {name: one.toward_wrong.mean for name, one in changes.items() if one.toward_wrong.mean is not None},
        )
