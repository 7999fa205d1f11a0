"""An analysis of a study as plain values, in full precision, for JSON."""

import math
from dataclasses import asdict
from typing import Any

from attnmel import NOTICE
from attnmel.evaluation.readers.automation import AutomationBias, Changes
from attnmel.evaluation.readers.binormal import BinormalStudy
from attnmel.evaluation.readers.decisions import ShareAnalysis
from attnmel.evaluation.readers.inference.estimates import Estimate
from attnmel.evaluation.readers.inference.obuchowski_rockette import Analysis, ObuchowskiRockette
from attnmel.evaluation.readers.inference.u_statistics import UStatistics
from attnmel.evaluation.readers.study_results import (
    AgreementResult,
    GroupResult,
    MachineResult,
    ModalityResult,
    PairResult,
    StudyAnalysis,
)
from attnmel.evaluation.statistics.bootstrap import Interval

Plain = dict[str, Any]


def analysis_dict(found: StudyAnalysis) -> Plain:
    """Return all results of a study; infinite degrees of freedom, of the normal distribution, are null."""
    readings = found.readings
    diseased = int(readings.diseased.sum())
    return _finite(
        {
            "notice": NOTICE,
            "readers": list(readings.readers),
            "healthy": len(readings.cases) - diseased,
            "diseased": diseased,
            "crossed": readings.crossed,
            "threshold": found.threshold,
            "reference": found.reference,
            "options": asdict(found.options),
            "modalities": {one.name: _modality(one) for one in found.modalities},
            "all_modalities": found.together and _analyses(found.together, found.human),
            "differences": [_pair(one) for one in found.pairs],
            "machines": {one.name: _machine(one) for one in found.machines},
            "machine_against_readers": [_pair(one) for one in found.against_machine],
            "decisions": {share: _share(one, found) for share, one in found.shares.items()},
            "agreement_between_readers": [_agreement(one) for one in found.between],
            "agreement_within_readers": [_agreement(one) for one in found.within],
            "changes": {name: _automation(one, readings.readers) for name, one in found.changes.items()},
            "experience": [_group(one) for one in found.groups],
            "binormal": found.binormal and _binormal(found.binormal, found.human),
        }
    )


def _modality(one: ModalityResult) -> Plain:
    own = None if one.analysis is None else one.analysis
    return {
        "auc_by_reader": {reader: _interval(interval) for reader, interval in one.readers.items()},
        "random": own and asdict(own.random.means[0]),
        "fixed_readers": own and asdict(own.fixed_readers.means[0]),
        "fixed_cases": own and asdict(own.fixed_cases.means[0]),
        "components": own and asdict(own.components),
        **_u(one.u),
    }


def _pair(one: PairResult) -> Plain:
    analyses = one.analysis and _analyses(one.analysis, (one.first, one.second))
    own = {"first": one.first, "second": one.second, "readers_of_both": one.readers, "random": asdict(one.random)}
    return own | {"p_non_inferior": one.non_inferior, "obuchowski_rockette": analyses} | _u(one.u)


def _analyses(found: ObuchowskiRockette, names: tuple[str, ...]) -> Plain:
    parts = {"random": found.random, "fixed_readers": found.fixed_readers, "fixed_cases": found.fixed_cases}
    return {"components": asdict(found.components)} | {kind: _analysis(one, names) for kind, one in parts.items()}


def _analysis(one: Analysis, names: tuple[str, ...]) -> Plain:
    return {
        "test": asdict(one.test),
        "means": {name: asdict(mean) for name, mean in zip(names, one.means, strict=True)},
        "differences": [
            {"first": names[first], "second": names[second]} | asdict(value)
            for (first, second), value in one.differences.items()
        ],
    }


def _u(one: UStatistics) -> Plain:
    return {"u_statistic": asdict(one.unbiased), "v_statistic": asdict(one.biased)}


def _share(one: ShareAnalysis, found: StudyAnalysis) -> Plain:
    readers = found.readings.of(found.human).readers
    by_reader: Plain = {}
    for (modality, reader), interval in one.by_reader.items():
        by_reader.setdefault(found.human[modality], {})[readers[reader]] = _interval(interval)
    return {"by_reader": by_reader, "averaged": one.averaged and _analysis(one.averaged, found.human)}


def _agreement(one: AgreementResult) -> Plain:
    return {name: value for name, value in asdict(one).items() if name != "reader" or value}


def _automation(one: AutomationBias, readers: tuple[str, ...]) -> Plain:
    kinds = ("toward_right", "toward_wrong", "against_right", "against_wrong")
    words = {True: "right", False: "wrong"}
    flows = [
        {"machine": words[machine], "before": words[before], "after": words[after], "answers": count}
        for (machine, before, after), count in one.flows.items()
    ]
    return {kind: _change(getattr(one, kind), readers) for kind in kinds} | {"flows": flows}


def _change(one: Changes, readers: tuple[str, ...]) -> Plain:
    by_reader = {
        readers[place]: {"changed": changed, "answers": answers, **_interval(one.intervals[place])}
        for place, (changed, answers) in one.by_reader.items()
    }
    return {"mean": one.mean and asdict(one.mean), "by_reader": by_reader}


def _machine(one: MachineResult) -> Plain:
    decided = {share: _interval(own) for share, own in one.shares.items()}
    return {"auc": _interval(one.auc), "threshold": one.threshold and asdict(one.threshold), "decisions": decided}


def _binormal(one: BinormalStudy, names: tuple[str, ...]) -> Plain:
    curves: Plain = {}
    for (modality, reader), curve in one.curves.items():
        curves.setdefault(modality, {})[reader] = {"a": curve.a, "b": curve.b, "auc": asdict(curve.auc)}
    return {"curves": curves, "obuchowski_rockette": one.analysis and _analyses(one.analysis, names)}


def _group(one: GroupResult) -> Plain:
    return {
        "experience": one.level,
        "readers": list(one.readers),
        "modalities": _estimates(one.modalities),
        "differences": [
            {"first": first, "second": second} | asdict(value) for (first, second), value in one.differences.items()
        ],
        "toward_wrong": _estimates(one.toward_wrong),
    }


def _estimates(values: dict[str, Estimate]) -> Plain:
    return {name: asdict(value) for name, value in values.items()}


def _interval(one: Interval) -> Plain:
    return {"value": one.value, "low": one.low, "high": one.high}


def _finite(plain: Any) -> Any:  # noqa: ANN401 - walks JSON
    if isinstance(plain, dict):
        return {key: _finite(value) for key, value in plain.items()}
    if isinstance(plain, list | tuple):
        return [_finite(value) for value in plain]
    return None if isinstance(plain, float) and math.isinf(plain) else plain
