"""Measures of a class by age, sex, body site, way of confirmation and source of the image.

Each group is evaluated by itself, with the same methods for the intervals as a run; the thresholds and the temperature
are those of the whole set. Groups differ in how hard their lesions are, not only in how well the network does, and many
are small: a group with fewer than ten images on a side is marked.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float

from attnmel.evaluation.classification.left_out import counts_without
from attnmel.evaluation.classification.metric_set import MetricSet
from attnmel.evaluation.classification.ranking import THRESHOLD, Ranking, average_precision
from attnmel.evaluation.classification.report import FEW
from attnmel.evaluation.statistics.bootstrap import Interval
from attnmel.evaluation.statistics.delong import areas
from attnmel.evaluation.statistics.estimators import NOTHING, estimate_shares, estimate_smooth
from attnmel.evaluation.statistics.left_out import LeftOut, Units
from attnmel.evaluation.statistics.sampling import Sampling
from attnmel.evaluation.subgroup_metrics import RESAMPLES_OF_A_GROUP, GroupFigures, WholeSetResults, group_figures
from attnmel.records import ATTRIBUTES, Predictions

UNKNOWN = "unknown"

AGE_BANDS = ("under 30", "30 to 44", "45 to 59", "60 to 74", "75 and over")
AGE_STARTS = (30, 45, 60, 75)
"""First year of each band but the first."""

SHOWN = ("auc", "ap", "sensitivity", "specificity")


@dataclass(frozen=True)
class Subgroup:
    """The measures of one group, each with its 95 % interval; NaN where the group has a single class."""

    attribute: str
    """A name of `records.ATTRIBUTES`."""
    group: str
    images: int
    positives: int
    auc: Interval
    ap: Interval
    sensitivity: Interval
    """At 0.5, as specificity."""
    specificity: Interval
    few: bool
    """Fewer than ten positives or ten negatives: the intervals are too narrow and the figures say little."""
    figures: GroupFigures | None = None
    """What goes beyond the measures; None where the whole set has none."""


@dataclass(frozen=True)
class Subgroups:
    """One class against the rest, group by group."""

    task: str
    everyone: Subgroup
    """All images, for comparison; its attribute is empty."""
    groups: tuple[Subgroup, ...]
    """By attribute; age bands in order, other groups by falling size, the unknown last."""
    alike: dict[str, str]
    """Attributes in which all images are of one group, with that group: nothing to compare there."""
    resamples: int = 0
    """Behind what is bootstrapped in each group; 0 where nothing is."""


def subgroups(
    predictions: Predictions,
    name: str,
    whole: WholeSetResults | None = None,
    *,
    resamples: int = RESAMPLES_OF_A_GROUP,
) -> Subgroups:
    """Evaluate one class against the rest in every group of every attribute that the predictions know.

    `whole` is what was found on all these images; without it the groups have nothing beyond the four measures.

    Raises:
        PredictionsError: as `evaluate_classification`.
    """
    MetricSet.of(predictions, [name], one_sided=True)  # refuses what cannot be evaluated
    found: list[Subgroup] = []
    alike: dict[str, str] = {}

    def judge(attribute: str, group: str, members: Bool[np.ndarray, " N"]) -> Subgroup:
        inside = predictions.among(members)
        measured = _measure(inside, name, attribute, group)
        if whole is None:
            return measured
        return replace(measured, figures=group_figures(inside, whole, resamples=resamples))

    for attribute in ATTRIBUTES:
        words = [group_of(attribute, value) for value in predictions.attributes.get(attribute, ())]
        names = _in_order(attribute, words)
        if len(names) == 1:
            alike[attribute] = names[0]
        elif names:
            members = {one: np.array([word == one for word in words]) for one in names}
            found += [judge(attribute, one, members[one]) for one in names]
    everyone = _measure(predictions, name, "", "all images")
    return Subgroups(
        name,
        replace(everyone, figures=whole.figures if whole else None),
        tuple(found),
        alike,
        resamples if whole else 0,
    )


def group_of(attribute: str, value: str) -> str:
    """Return the group of one value: the band of an age, else the word itself; what cannot be read is unknown."""
    word = " ".join(value.split()).lower()
    if attribute != "age":
        return word or UNKNOWN
    try:
        years = float(word)
    except ValueError:
        return UNKNOWN
    if not 0 <= years < math.inf:
        return UNKNOWN
    return AGE_BANDS[sum(years >= start for start in AGE_STARTS)]


def _in_order(attribute: str, words: Sequence[str]) -> list[str]:
    """Return the groups that have images: age bands in order, others by falling size, the unknown last."""
    counts = Counter(words)
    order = list(AGE_BANDS) if attribute == "age" else sorted(counts.keys() - {UNKNOWN}, key=lambda w: (-counts[w], w))
    return [word for word in (*order, UNKNOWN) if counts[word]]


def _measure(predictions: Predictions, name: str, attribute: str, group: str) -> Subgroup:
    """Return the four measures of a group's predictions."""
    positive, scores, groups = predictions.is_class(name), predictions.probability(name), predictions.groups
    sampling = Sampling.of(groups, predictions.labels)
    ranking, called = Ranking.of(positive, scores).corners(), scores > THRESHOLD
    without = counts_without(ranking, LeftOut(sampling))
    positives, negatives = int(positive.sum()), int((~positive).sum())

    def precision(units: Units) -> Float[np.ndarray, "R 1"]:
        return average_precision(without(units))[:, None]

    parts, wholes = np.stack([positive & called, ~positive & ~called], 1), np.stack([positive, ~positive], 1)
    sensitivity, specificity = estimate_shares(parts, wholes, sampling)
    both = positives > 0 < negatives
    return Subgroup(
        attribute=attribute,
        group=group,
        images=len(positive),
        positives=positives,
        auc=areas(positive, scores[:, None], groups).interval() if both else NOTHING,
        # Of positives alone every precision is 1, which says nothing of the network.
        ap=estimate_smooth(average_precision(ranking.counts()), precision, sampling)[0] if both else NOTHING,
        sensitivity=sensitivity,
        specificity=specificity,
        few=min(positives, negatives) < FEW,
    )
