"""Ablations of a run as a section of the page. Rounds and names; measures nothing."""

import math
from collections.abc import Sequence

from attnmel.evaluation.comparison.ablations import CHANCE, AblationFinding
from attnmel.evaluation.statistics.bootstrap import Interval
from attnmel.number_formats import fixed, in_brackets, plus, plus_span, span
from attnmel.report.html.sections import Section, Table
from attnmel.report.html.tables import spaced

ABLATION_WORDS = {
    "background-only": "without the lesion",
    "lesion-only": "the lesion alone",
    "shuffled-labels": "shuffled labels",
}
"""Name of each ablation on the page."""

UNKNOWN = ", without an interval, so that it cannot be compared with chance"
"""Of an AUC of 0 or 1, or of a single image of a kind."""

PROSE = (
    "An ablation is a network of the same recipe and seed, trained and evaluated with something removed: the lesion, "
    "painted over by a box in the colour of the skin around it; all but the lesion, painted over in the mean colour; "
    "or the training labels, which were shuffled. An AUC of 0.5 is chance."
)
NOTES = (
    "Intervals: DeLong, of these images; the difference is paired by image. They do not include the variation between "
    "trainings: a network of another seed gives another AUC, and one trained on shuffled labels may lie away from 0.5 "
    "by more than its interval says. Train more seeds before drawing conclusions.",
    "A painted box hides the colour and the outline of a lesion, not how large it is or where it lies.",
)


def controls_section(findings: Sequence[AblationFinding], positive: str) -> Section:
    """Return the section that compares a run with its ablations."""
    name = spaced(positive)
    return Section(
        name="ablations",
        title="Ablations",
        prose=f"{PROSE} {' '.join(ablation_sentence(finding, name) for finding in findings)}",
        tables=(
            Table(
                caption=f"AUC of {name} of each ablation, and of the run on the same images.",
                heads=("Ablation", "Images", f"{name.capitalize()}", "AUC", "95 %", "Run", "Difference", "95 %"),
                rows=tuple(row for finding in findings for row in _rows(finding)),
            ),
        ),
        notes=(*_left_out(findings), *_painted_whole(findings), *NOTES),
    )


def ablation_sentence(finding: AblationFinding, name: str) -> str:
    """Return the result of one ablation, with its AUC and interval; `name` is the class measured against the rest."""
    return {"background-only": _without_lesion, "lesion-only": _lesion_alone, "shuffled-labels": _shuffled}[
        finding.ablation
    ](finding, name)


def _without_lesion(finding: AblationFinding, name: str) -> str:
    auc, size, beyond = in_brackets(finding.auc), finding.size_auc, finding.beyond_size
    if math.isnan(finding.auc.low):
        return f"Without the lesion the AUC is {auc}{UNKNOWN}."
    if _is_below_chance(finding.auc):
        return f"Without the lesion the AUC is {auc}, below chance: what lies outside misleads the network."
    if not _is_above_chance(finding.auc):
        return f"Without the lesion the AUC is {auc}: nothing shows that the network finds {name} outside it."
    begin, outside = (
        f"Without the lesion the network still reaches an AUC of {auc}",
        f"what tells {name} lies outside it",
    )
    if size is None or beyond is None:
        return f"{begin}; what the size of the painted box gives by itself is not known without the images."
    if math.isnan(beyond.low):
        return (
            f"{begin}; how far that is from the size of the painted box by itself, {in_brackets(size)}, is not known."
        )
    if beyond.low > 0:
        return f"{begin}, more than the size of the painted box by itself, {in_brackets(size)}: some of {outside}."
    return (
        f"{begin}, which the size of the painted box by itself gives as well, {in_brackets(size)}: nothing shows that "
        f"more of {outside}."
    )


def _lesion_alone(finding: AblationFinding, name: str) -> str:
    auc, apart = in_brackets(finding.auc), fixed(abs(finding.difference.value))
    between = plus_span(finding.difference)
    begin = f"With the lesion alone the network reaches an AUC of {auc}"
    if math.isnan(finding.difference.low):
        return f"{begin}; how far that is from the whole image is not known."
    if finding.difference.high < 0:
        return f"{begin}, {apart} lower than with the whole image ({between}): what surrounds the lesion helps it."
    if finding.difference.low > 0:
        return f"{begin}, {apart} higher than with the whole image ({between}): what surrounds the lesion distracts it."
    return f"{begin}; no difference from the whole image is shown ({between})."


def _shuffled(finding: AblationFinding, name: str) -> str:
    auc = in_brackets(finding.auc)
    if math.isnan(finding.auc.low):
        return f"Trained on shuffled labels the network has an AUC of {auc}{UNKNOWN}: evaluate it on more images."
    if _is_above_chance(finding.auc) or _is_below_chance(finding.auc):
        return (
            f"Trained on shuffled labels the network has an AUC of {auc}, away from chance: train other seeds of this "
            "ablation, and if they agree, look for images or labels that leak from the training."
        )
    return f"Trained on shuffled labels the network has an AUC of {auc}: chance, as it should be."


def _is_above_chance(auc: Interval) -> bool:
    return auc.low > CHANCE


def _is_below_chance(auc: Interval) -> bool:
    return auc.high < CHANCE


def _rows(finding: AblationFinding) -> list[tuple[str, ...]]:
    counts = (f"{finding.images:,}", f"{finding.positives:,}")
    difference = finding.difference
    rows = [
        (
            ABLATION_WORDS[finding.ablation],
            *counts,
            fixed(finding.auc.value),
            span(finding.auc),
            in_brackets(finding.run_auc),
            plus(difference.value),
            plus_span(difference),
        )
    ]
    if finding.size_auc is not None and finding.beyond_size is not None:
        size = (fixed(finding.size_auc.value), span(finding.size_auc))
        rows.append(("size of the box alone", *counts, *size, "", "", ""))
    return rows


def _left_out(findings: Sequence[AblationFinding]) -> list[str]:
    lacking: dict[tuple[int, int], list[str]] = {}
    for one in findings:
        if one.left_out:
            lacking.setdefault((one.left_out, one.images + one.left_out), []).append(ABLATION_WORDS[one.ablation])
    return [
        f"{', '.join(names).capitalize()}: {count:,} of {of:,} images have no lesion mask and are left out, also of "
        "the run's values here."
        for (count, of), names in lacking.items()
    ]


def _painted_whole(findings: Sequence[AblationFinding]) -> list[str]:
    return [
        f"Of {one.painted_whole:,} of {one.images:,} images the box covers all, since the lesion fills the square that "
        "the recipe cuts out: they show one colour."
        for one in findings
        if one.painted_whole
    ]
