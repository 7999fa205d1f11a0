"""What a study of readers found in plain sentences: the answer to its question, and what to know of its numbers."""

import math
from collections.abc import Iterator

from attnmel.errors import listed
from attnmel.evaluation.readers.inference.estimates import Estimate
from attnmel.evaluation.readers.machines import OF_READERS
from attnmel.evaluation.readers.study_results import PairResult, StudyAnalysis
from attnmel.number_formats import fixed, p_words, percent, plus, significant
from attnmel.report.sections.readers.reader_tables import CHANGE_WORDS

FEW = "since the formula does not know these bounds, and few readers make it wide; take the bound as the end"

FEWEST = 3
"""Readers from whom something can be said of others."""

ONLY_THESE = {
    1: "With one reader nothing can be said of readers in general: the result is of this one.",
    2: "With two readers nothing can be said of readers in general: the result is of these two, and the interval, "
    "which rests on the one difference between them, is no more than a formality.",
}
"""By the number of readers."""


def answers_of(found: StudyAnalysis) -> Iterator[str]:
    """Yield the answer to the study's question: each modality against the reference, or the machines, or the mean AUC.

    The question is that of the design: does support change what readers see, is a machine as good as readers, how good
    are readers.
    """
    pairs = [one for one in found.pairs if found.reference in (None, one.second)]
    for one in pairs:
        yield _difference(one, f"Readers '{one.first}'", f"readers '{one.second}'", found)
    if pairs:
        return
    for one in found.against_machine:
        yield _difference(one, f"The machine '{one.first}'", f"the readers '{one.second}'", found)
    if not found.against_machine:
        for one in found.modalities:
            yield _mean(found, one.name, one.analysis.random.means[0] if one.analysis else one.u.unbiased.t)


def _difference(one: PairResult, first: str, second: str, found: StudyAnalysis) -> str:
    value, verb = one.random, "reach" if first.startswith("Readers") else "reaches"
    head = f"{first} {verb} a mean AUC of {fixed(one.aucs[0])}, {second} of {fixed(one.aucs[1])}"
    if first.startswith("The"):
        of_all = next(machine.auc.value for machine in found.machines if machine.name == one.first)
        cases = "" if math.isclose(of_all, one.aucs[0], abs_tol=1e-9) else " on the cases that each of them read"
        head = f"{first} {verb} an AUC of {fixed(one.aucs[0])}, {second} a mean of {fixed(one.aucs[1])}{cases}"
    head += f": a difference of {plus(value.value)}"
    if math.isnan(value.low):
        return f"{head}, without an interval, so that nothing is known of other readers and cases."
    ends = f"{percent(found.options.confidence)} interval {plus(value.low)} to {plus(value.high)}, p {p_words(value.p)}"
    if (readers := one.readers or _fewest(found, one.first, one.second)) < FEWEST:
        return f"{head} ({ends}). {ONLY_THESE[readers]}"
    return f"{head} ({ends}). {_meaning(value)}{_not_worse(one, found)}"


def _fewest(found: StudyAnalysis, *names: str) -> int:
    """Return the number of readers with an AUC of the modality that has the fewest, machines aside."""
    return min(len(one.readers) for one in found.modalities if one.name in names)


def _meaning(value: Estimate) -> str:
    if value.low > 0 or value.high < 0:
        return f"So the first is {'better' if value.low > 0 else 'worse'} for other readers and other cases, too."
    return (
        "So no difference is shown for other readers and other cases: for them the first may be up to "
        f"{fixed(max(0.0, -value.low))} worse or up to {fixed(value.high)} better."
    )


def _not_worse(one: PairResult, found: StudyAnalysis) -> str:
    margin, p = found.options.margin, one.non_inferior
    if margin is None or math.isnan(p):
        return ""
    shown = "is shown not to be" if p < (1 - found.options.confidence) / 2 else "is not shown not to be"
    return f" It {shown} worse by {margin:g} or more (one-sided p {p_words(p)})."


def _mean(found: StudyAnalysis, name: str, mean: Estimate) -> str:
    head = f"Readers '{name}' reach a mean AUC of {fixed(mean.value)}"
    if math.isnan(mean.low):
        return f"{head}, without an interval, so that nothing is known of other readers and cases."
    ends, width = f"{fixed(mean.low)} to {fixed(mean.high)}", percent(found.options.confidence)
    if (readers := _fewest(found, name)) < FEWEST:
        return f"{head} ({width} interval {ends}). {ONLY_THESE[readers]}"
    return f"{head}; other readers on other cases {ends} ({width} interval)."


def notes_of(found: StudyAnalysis) -> list[str]:
    """Return what is compared and decided by default, and why an interval or a test is missing, a sentence each."""
    named = [(name, one.note) for name, one in _means(found)]
    if found.binormal is not None:
        named += [(f"{reader}, {name}", one.auc.note) for (name, reader), one in found.binormal.curves.items()]
    named += [(name, one.note) for name, one in _compared(found)]
    why = dict.fromkeys(f"{name}: {note}" for name, note in named if note)
    few = [one for name in found.changes for one in single_answers(found, name)]
    return [*_reference(found), *machine_decides(found), *_all_alike(found), *few, *_beyond(found), *why]


def _means(found: StudyAnalysis) -> Iterator[tuple[str, Estimate]]:
    """Yield the means of readers, of AUCs and of decisions, each with what it is of."""
    for one in found.modalities:
        yield one.name, one.u.unbiased.t
        if one.analysis is not None:
            yield one.name, one.analysis.random.means[0]
    for share, own in found.shares.items():
        means = own.averaged.means if own.averaged is not None else ()
        for name, mean in zip(found.human, means, strict=False):
            yield f"{name}, {share.replace('_', ' ')}", mean


def _compared(found: StudyAnalysis) -> Iterator[tuple[str, Estimate]]:
    """Yield the differences of two modalities, each with what it is of."""
    for one in (*found.pairs, *found.against_machine):
        yield f"{one.first} and {one.second}", one.random
        yield f"{one.first} and {one.second}, U-statistic", one.u.unbiased.t


def _reference(found: StudyAnalysis) -> Iterator[str]:
    if len(found.human) < 2 or found.options.reference is not None:
        return
    if found.reference is None:
        yield (
            "no modality has a name such as 'alone', so changed answers are not analysed; --reference names the one "
            f"that others are compared with ({', '.join(found.human)})"
        )
    else:
        yield f"'{found.reference}' was taken as the reference; --reference names another one"


def machine_decides(found: StudyAnalysis) -> Iterator[str]:
    """Yield the threshold of each machine, and where it comes from."""
    for one in found.machines:
        if one.threshold is not None:
            hint = "; --machine-threshold names one" if one.threshold.source == OF_READERS else ""
            at = significant(one.threshold.value, 6)
            yield f"{one.name}: its answer is positive above {at}, {one.threshold.source}{hint}"


def single_answers(found: StudyAnalysis, name: str) -> Iterator[str]:
    """Yield whose changed answers with a modality are in no mean: a share of one answer has no part in a jackknife."""
    for kind, words in CHANGE_WORDS.items():
        counts = getattr(found.changes[name], kind).by_reader
        alone = [found.readings.readers[reader] for reader, (_, whole) in counts.items() if whole == 1]
        if alone:
            mean = "there is no mean share" if len(alone) == len(counts) else "the mean share is of the others"
            yield f"{name}, {words}: {listed(alone)} gave one such answer only, so {mean}; read the counts"


def _all_alike(found: StudyAnalysis) -> Iterator[str]:
    """Yield whose threshold is outside of the range of the scores, so that it says nothing."""
    named = [(one.name, one.threshold.value, "--machine-threshold") for one in found.machines if one.threshold]
    named += [(name, found.threshold, "--threshold") for name in found.human if found.threshold is not None]
    for name, threshold, option in named:
        own = found.readings.of([name])
        scores = own.scores[own.read]
        low, high = float(scores.min()), float(scores.max())
        if not low <= threshold < high:
            kind = "positive" if low > threshold else "negative"
            yield (
                f"{name}: the threshold {significant(threshold, 6)} decides all cases alike ({kind}), since the scores "
                f"are from {significant(low, 6)} to {significant(high, 6)}; give one of that scale by {option}"
            )


def _beyond(found: StudyAnalysis) -> Iterator[str]:
    """Say whose intervals reach where no AUC, share or difference can."""
    singles = [*_means(found)]
    singles += [(one.name, one.analysis.fixed_readers.means[0]) for one in found.modalities if one.analysis is not None]
    singles += [(f"{name}, {one.level}", mean) for one in found.groups for name, mean in one.modalities.items()]
    agreed = [
        (f"agreement {one.modality}", own)
        for one in (*found.between, *found.within)
        for own in (one.ac1, one.ac2)
        if own
    ]
    if names := {name: None for name, one in singles if one.low < 0 or one.high > 1}:
        yield f"intervals of {'; '.join(names)} reach below 0 or above 1, {FEW}"
    pairs = [(f"the difference of {name}", one) for name, one in _compared(found)]
    if names := {name: None for name, one in (*pairs, *agreed) if one.low < -1 or one.high > 1}:
        yield f"intervals of {'; '.join(names)} reach below -1 or above 1, {FEW}"
