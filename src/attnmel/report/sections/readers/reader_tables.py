"""The results of a study of readers as tables, for the page and the terminal."""

import math
from collections.abc import Iterator, Mapping

from attnmel.evaluation.readers.decisions import SHARES
from attnmel.evaluation.readers.inference.estimates import Estimate
from attnmel.evaluation.readers.study_results import MachineResult, PairResult, StudyAnalysis
from attnmel.evaluation.statistics.bootstrap import Interval
from attnmel.number_formats import DASH, fixed, minus, p_cell, percent, plus, plus_span, signed, significant
from attnmel.report.html.sections import Table

SHARE_WORDS = {
    "sensitivity": "sensitivity", "specificity": "specificity", "balanced_accuracy": "balanced accuracy"
}  # fmt: skip
CHANGE_WORDS = {
    "toward_right": "wrong answers that became right, where the machine is right",
    "toward_wrong": "right answers that became wrong, where the machine is wrong",
    "against_right": "right answers that became wrong, where the machine is right",
    "against_wrong": "wrong answers that became right, where the machine is wrong",
}


def with_intervals(found: StudyAnalysis) -> str:
    """Return how wide the intervals of an analysis are, for a caption: "with 95 % intervals"."""
    return f"with {percent(found.options.confidence)} intervals"


def interval_cell(one: Estimate | Interval | None) -> str:
    """Return a value above its interval, for a cell."""
    return DASH if one is None else signed((one.value, one.low, one.high))


def difference_cell(one: Estimate) -> str:
    """Return a difference above its interval."""
    return DASH if math.isnan(one.value) else minus(f"{plus(one.value)}\n{plus_span((one.low, one.high))}".rstrip())


def auc_table(found: StudyAnalysis) -> Table:
    """Return the AUC of each modality, averaged over readers, with the intervals of each way to generalise."""
    rows = []
    for one in found.modalities:
        own = one.analysis
        cells = [own and own.random.means[0], own and own.fixed_readers.means[0]]
        u = one.u.unbiased.t
        rows.append(
            (one.name, str(len(one.readers)), interval_cell(cells[0]), interval_cell(cells[1]), interval_cell(u))
        )
    rows += [(one.name, "machine", DASH, interval_cell(one.auc), DASH) for one in found.machines]
    heads = ("modality", "readers", "all readers and cases", "these readers", "U-statistic")
    return Table(f"AUC averaged over readers, {with_intervals(found)}", heads, tuple(rows))


def reader_difference_table(found: StudyAnalysis) -> Table:
    """Return each difference of two modalities, and of machines and readers."""
    margin = found.options.margin
    heads = ("difference", "of AUC", "p", "U-statistic", "p, U-statistic")
    heads += (f"p not worse by {margin:g}",) if margin is not None else ()
    rows = tuple(
        (
            f"{one.first} {minus('-')} {one.second}",
            difference_cell(one.random),
            p_cell(one.random.p),
            difference_cell(one.u.unbiased.t),
            p_cell(one.u.unbiased.t.p),
            *((p_cell(one.non_inferior),) if margin is not None else ()),
        )
        for one in every_difference(found)
    )
    return Table(f"Differences for all readers and cases, {with_intervals(found)}", heads, rows)


def every_difference(found: StudyAnalysis) -> tuple[PairResult, ...]:
    """Return all comparisons: of modalities, then of each machine with readers."""
    return (*found.pairs, *found.against_machine)


def component_tables(found: StudyAnalysis) -> Iterator[Table]:
    """Yield what the comparisons of modalities rest on: covariances and mean squares, and three ways to generalise."""
    for one in found.pairs:
        if one.analysis is None:
            continue
        parts = one.analysis.components
        values = {
            "Error": parts.error, "Cov1": parts.cov1, "Cov2": parts.cov2, "Cov3": parts.cov3,
            "MS(T)": parts.ms_modality, "MS(R)": parts.ms_reader, "MS(T:R)": parts.ms_interaction,
            "var(R)": parts.var_reader, "var(T:R)": parts.var_interaction,
        }  # fmt: skip
        pair = f"{one.first} and {one.second}"
        heads = ("quantity", "value")
        yield Table(f"Components of {pair}", heads, tuple((name, _short(value)) for name, value in values.items()))
        kinds = {
            "all readers and cases": one.analysis.random,
            "these readers, all cases": one.analysis.fixed_readers,
            "all readers, these cases": one.analysis.fixed_cases,
        }
        rows = tuple(
            (
                kind,
                difference_cell(own.differences[0, 1]),
                _short(own.test.statistic),
                _freedom(own.test.df2),
                p_cell(own.test.p),
            )
            for kind, own in kinds.items()
        )
        yield Table(f"Tests of {pair}", ("for", "difference", "F or chi-squared", "df", "p"), rows)


def reader_table(found: StudyAnalysis) -> Table:
    """Return each reader's AUC with each modality."""
    readers = sorted({reader for one in found.modalities for reader in one.readers})
    rows = tuple((reader, *(interval_cell(one.readers.get(reader)) for one in found.modalities)) for reader in readers)
    return Table(f"AUC of each reader, {with_intervals(found)} (DeLong)", ("reader", *found.human), rows)


def binormal_tables(found: StudyAnalysis) -> Iterator[Table]:
    """Yield each reader's area under the fitted curve, and the comparisons of the areas; none without such curves."""
    if found.binormal is None:
        return
    human, fitted = found.human, found.binormal
    readers = list(dict.fromkeys(reader for _, reader in fitted.curves))
    cells = {key: interval_cell(one.auc) for key, one in fitted.curves.items()}
    rows = tuple((reader, *(cells.get((name, reader), DASH) for name in human)) for reader in readers)
    yield Table(f"Binormal AUC of each reader, {with_intervals(found)}", ("reader", *human), rows)
    if fitted.analysis is None:
        return
    random = fitted.analysis.random
    means = tuple((name, interval_cell(one), DASH) for name, one in zip(human, random.means, strict=True))
    pairs = tuple(
        (f"{human[first]} {minus('-')} {human[second]}", difference_cell(one), p_cell(one.p))
        for (first, second), one in random.differences.items()
    )
    yield Table("Binormal AUC for all readers and cases", ("modality", "AUC", "p"), (*means, *pairs))


def share_table(found: StudyAnalysis) -> Table:
    """Return the decisions: averaged over readers, and of machines, which may decide at thresholds of their own."""
    rows = []
    for place, name in enumerate(found.human if found.shares else ()):
        averaged = [one.averaged and one.averaged.means[place] for one in found.shares.values()]
        rows.append((name, *map(interval_cell, averaged)))
    rows += [
        (_machine_words(one, found), *(interval_cell(one.shares.get(share)) for share in SHARES))
        for one in found.machines
        if one.shares
    ]
    heads = ("modality", *(SHARE_WORDS[share] for share in SHARES))
    at = "Decisions of machines" if found.threshold is None else f"Decisions at scores above {found.threshold:g}"
    return Table(f"{at}, {with_intervals(found)}", heads, tuple(rows))


def decided(found: StudyAnalysis) -> bool:
    """Return whether there are decisions of readers or of a machine."""
    return bool(found.shares) or any(one.shares for one in found.machines)


def _machine_words(one: MachineResult, found: StudyAnalysis) -> str:
    at = None if one.threshold is None else one.threshold.value
    return one.name if at in (None, found.threshold) else f"{one.name}, above {significant(at, 4)}"


def share_reader_table(found: StudyAnalysis) -> Table:
    """Return each reader's sensitivity and specificity with each modality."""
    readers = found.readings.of(found.human).readers
    kinds = [share for share in found.shares if share != "balanced_accuracy"]
    heads = ("reader", *(f"{SHARE_WORDS[share]}, {name}" for name in found.human for share in kinds))
    cells = [
        (reader, *(interval_cell(found.shares[share].by_reader.get((place, own)))
                   for place in range(len(found.human)) for share in kinds))
        for own, reader in enumerate(readers)
    ]  # fmt: skip
    return Table(f"Decisions of each reader, {with_intervals(found)} (Wilson)", heads, tuple(cells))


def agreement_table(found: StudyAnalysis) -> Table | None:
    """Return the agreement of readers with each other."""
    rows = tuple(
        (one.modality, interval_cell(one.ac1), fixed(one.kappa), interval_cell(one.ac2), fixed(one.weighted_kappa))
        for one in found.between
        if one.ac1 is not None or one.ac2 is not None
    )
    heads = ("modality", "AC1 of decisions", "mean kappa", "AC2 of scores", "mean weighted kappa")
    return Table(f"Agreement between readers, {with_intervals(found)}", heads, rows) if rows else None


def repeat_table(found: StudyAnalysis) -> Table | None:
    """Return the agreement of each reader's two answers to repeated images."""
    rows = []
    for one in found.within:
        repeat = one.repeatability
        if repeat is None:
            continue
        numbers = (str(repeat.images), fixed(one.ac1.value if one.ac1 else math.nan), fixed(one.kappa))
        rows.append((f"{one.reader}, {one.modality}", *numbers, _short(repeat.within_sd), _short(repeat.coefficient)))
    heads = ("reader", "images", "AC1", "kappa", "SD of a score", "95 % of differences below")
    return Table("Repeated images", heads, tuple(rows)) if rows else None


def change_table(name: str, found: StudyAnalysis) -> Table:
    """Return how often answers changed from the reference to a modality, averaged over readers."""
    rows = []
    for kind, words in CHANGE_WORDS.items():
        own = getattr(found.changes[name], kind)
        changed, answers = (sum(one[place] for one in own.by_reader.values()) for place in (0, 1))
        rows.append((words, f"{changed} of {answers}", interval_cell(own.mean)))
    heads = ("change", "answers", "share, mean of readers")
    return Table(f"Changes from '{found.reference or ''}' to '{name}', {with_intervals(found)}", heads, tuple(rows))


def experience_table(found: StudyAnalysis) -> Table:
    """Return the AUCs and differences of each level of experience."""
    pairs = list(dict.fromkeys(pair for one in found.groups for pair in one.differences))
    biased = list(dict.fromkeys(name for one in found.groups for name in one.toward_wrong))
    heads = (
        "experience", "readers", *found.human, *(f"{one} {minus('-')} {other}" for one, other in pairs),
        *(f"toward a wrong machine, {name}" for name in biased),
    )  # fmt: skip
    rows = tuple(
        (
            one.level,
            str(len(one.readers)),
            *(interval_cell(one.modalities.get(name)) for name in found.human),
            *(difference_cell(one.differences[pair]) if pair in one.differences else DASH for pair in pairs),
            *(interval_cell(one.toward_wrong.get(name)) for name in biased),
        )
        for one in found.groups
    )
    return Table(f"AUC by experience, {with_intervals(found)}", heads, rows)


def time_table(seconds: Mapping[str, Mapping[str, float]]) -> Table:
    """Return each reader's median time of a reading."""
    readers = sorted({reader for own in seconds.values() for reader in own})
    rows = tuple((reader, *(fixed(own.get(reader), 1) for own in seconds.values())) for reader in readers)
    return Table("Median seconds of a reading", ("reader", *seconds), rows)


def _short(value: float) -> str:
    return DASH if math.isnan(value) else minus(significant(value, 4))


def _freedom(value: float) -> str:
    return "normal" if math.isinf(value) else fixed(value, 1)
