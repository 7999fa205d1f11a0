"""Everything that can be said of a study of readers: AUCs, comparisons, a machine, decisions, agreement, changes."""

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Float

from attnmel.errors import ConfigError, ReadingsError, listed, require_known
from attnmel.evaluation.readers.binormal import binormal_study
from attnmel.evaluation.readers.decisions import SHARES, ShareAnalysis, decisions, share_analysis
from attnmel.evaluation.readers.inference.covariance import auc_covariance
from attnmel.evaluation.readers.inference.different_readers import (
    independent_readers,
    machine_auc_against_readers,
    with_machine_for_every_reader,
)
from attnmel.evaluation.readers.inference.obuchowski_rockette import ObuchowskiRockette, obuchowski_rockette
from attnmel.evaluation.readers.inference.u_statistics import Moments, difference, single_modality
from attnmel.evaluation.readers.machines import (
    changes_of,
    is_compared,
    machine_result,
    machine_threshold,
    machines_of,
    reference_of,
)
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


def analyse_readings(
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
    machines = machines_of(readings, options.machines)
    reference = reference_of(readings, options, machines)
    human = sorted(
        (name for name in readings.modalities if name not in machines), key=lambda name: (name == reference, name)
    )
    if not human:
        raise ConfigError(f"the readings have no modality but of machines ({listed(machines)}); expected readers too")
    for name in readings.modalities:
        own = readings.read[readings.modality(name)].any(axis=0)
        if not _both_kinds(readings, np.asarray(own)):
            raise ReadingsError(
                f"all cases read with '{name}' are {_kind(readings, own)}; an ROC curve needs both kinds"
            )
    threshold = _threshold(readings, human, options)
    decides = {name: machine_threshold(name, threshold, options) for name in machines}
    _check_thresholds(machines, threshold, options)
    people = readings.of(human)
    return StudyAnalysis(
        readings=readings,
        options=options,
        threshold=threshold,
        reference=reference,
        modalities=tuple(_modality(readings.of([name]), options) for name in human),
        together=_analysed(people, options) if len(human) > 1 else None,
        pairs=tuple(
            _pair(readings.of([one, other]), options) for place, one in enumerate(human) for other in human[place + 1 :]
        ),
        machines=tuple(
            machine_result(readings, name, _machine_auc(readings, name, options), decides[name], options)
            for name in machines
        ),
        against_machine=tuple(
            _against(readings, machine, name, options)
            for machine in machines
            for name in human
            if is_compared(machine, name, machines)
        ),
        shares=_shares(people, threshold, options),
        between=tuple(agreement_between(readings.of([name]), threshold, options) for name in human),
        within=tuple(agreement_within(readings, second, human, threshold, options)) if second is not None else (),
        changes=changes_of(readings, human, machines, reference, threshold, options),
        groups=tuple(_groups(readings, human, machines, reference, threshold, experience or {}, options)),
        binormal=binormal_study(people, options.confidence) if options.binormal else None,
    )


def _both_kinds(readings: Readings, cases: Bool[np.ndarray, " N"]) -> bool:
    return bool(0 < readings.diseased[cases].sum() < cases.sum())


def _kind(readings: Readings, cases: Bool[np.ndarray, " N"]) -> str:
    return "diseased" if readings.diseased[cases].any() else "healthy"


def _threshold(readings: Readings, human: Sequence[str], options: StudyOptions) -> float | None:
    """Return where readers decide: as named, else as the readings say, else by the scale of the scores."""
    if options.threshold is not None:
        return options.threshold
    stated = sorted({options.stated[name].value for name in human if name in options.stated})
    if len(stated) > 1:
        raise ReadingsError(
            f"the readers have the thresholds {listed([f'{one:g}' for one in stated])}; expected one, or --threshold"
        )
    if stated or options.scale_threshold is not None:
        return stated[0] if stated else options.scale_threshold
    return 0.5 if np.isin(readings.scores[readings.read], (0, 1)).all() else None


def _check_thresholds(machines: Sequence[str], threshold: float | None, options: StudyOptions) -> None:
    named = options.machine_threshold
    by_name = named if isinstance(named, Mapping) else {}
    for name in by_name:
        require_known("machine", name, machines)
    values = [threshold, *by_name.values(), *([] if isinstance(named, Mapping) else [named])]
    if wrong := [one for one in values if one is not None and not math.isfinite(one)]:
        raise ConfigError(f"a threshold of {wrong[0]:g}; expected a score, above which an answer is positive")
    if named is not None and not machines:
        raise ConfigError("--machine-threshold, but no modality is a machine; name it by --machine")


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


def _machine_auc(readings: Readings, name: str, options: StudyOptions) -> Interval:
    return next(iter(_reader_intervals(readings.of([name]), options).values()))


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
        aucs=_mean_aucs(shared or readings),
        random=random,
        analysis=found,
        u=difference(Moments(readings), 0, 1, options.confidence),
        non_inferior=math.nan if options.margin is None else random.non_inferior(options.margin),
    )


def _against(readings: Readings, machine: str, name: str, options: StudyOptions) -> PairResult:
    both = readings.of([machine, name])
    random = machine_auc_against_readers(both, 0, 1, options.confidence)
    spread = with_machine_for_every_reader(both)
    shared = _complete(spread)
    return PairResult(
        machine,
        name,
        readers=0 if shared is None else len(shared.readers),
        aucs=_mean_aucs(shared or spread),
        random=random,
        analysis=None,
        u=difference(Moments(spread), 0, 1, options.confidence),
        non_inferior=math.nan if options.margin is None else random.non_inferior(options.margin),
    )


def _mean_aucs(readings: Readings) -> tuple[float, float]:
    """Return the AUCs of the two modalities, averaged over the readers who have one."""
    first, second = np.nanmean(reader_aucs(readings), axis=1).tolist()
    return first, second


def _shares(people: Readings, threshold: float | None, options: StudyOptions) -> dict[str, ShareAnalysis]:
    if threshold is None:
        return {}
    decided = decisions(people, threshold)
    return {share: share_analysis(people, decided, share, options.confidence) for share in SHARES}


def _groups(
    readings: Readings,
    human: Sequence[str],
    machines: Sequence[str],
    reference: str | None,
    threshold: float | None,
    experience: Mapping[str, str],
    options: StudyOptions,
) -> Iterable[GroupResult]:
    """Yield the results of each level of experience."""
    for level in sorted(set(experience.values())):
        members = np.array([experience.get(name) == level for name in readings.readers])
        of_machine = readings.present[[readings.modality(name) for name in machines]].any(axis=0)
        if not _both_kinds(readings, np.asarray(readings.read[:, members].any(axis=(0, 1)))):
            continue
        kept = readings.of_readers(members | np.asarray(of_machine))
        names = [name for name in human if _both_kinds(kept, np.asarray(kept.read[kept.modality(name)].any(axis=0)))]
        single = {name: _analysed(kept.of([name]), options) for name in names}
        pairs = [(one, other) for place, one in enumerate(names) for other in names[place + 1 :]]
        changes = changes_of(kept, names, machines, reference if reference in names else None, threshold, options)
        yield GroupResult(
            level,
            tuple(name for name, own in zip(readings.readers, members, strict=True) if own),
            {name: one.random.means[0] for name, one in single.items() if one is not None},
            {pair: one.random.differences[0, 1] for pair in pairs if (one := _analysed(kept.of(pair), options))},
            {name: one.toward_wrong.mean for name, one in changes.items() if one.toward_wrong.mean is not None},
        )
