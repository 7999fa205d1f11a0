"""The main measures by age, sex, place on the body, way of confirmation and source of the image.

Each group is judged by itself, on its own resamples, so its intervals stand for lesions of that group. Groups differ in
how hard their lesions are, not only in how well the network does, and many are small: a group with fewer than ten
images on a side is marked.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from attnmel.evaluation.estimates import NOTHING, estimate, or_exact
from attnmel.evaluation.intervals import RESAMPLES, Interval, Sampling
from attnmel.evaluation.judgement import FEW, Panel
from attnmel.evaluation.metrics import MEASURES, Ranking
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
    resamples: int


def subgroups(predictions: Predictions, name: str, *, resamples: int = RESAMPLES, seed: int = 0) -> Subgroups:
    """Judge one class against the rest in every group of every attribute that the predictions know.

    Raises:
        PredictionsError: as `judge`.
        ConfigError: fewer than one resample.
    """
    Panel.of(predictions, [name])  # refuses what cannot be judged
    found: list[Subgroup] = []
    alike: dict[str, str] = {}
    every = np.ones(len(predictions.image_ids), dtype=bool)
    for attribute in ATTRIBUTES:
        words = [group_of(attribute, value) for value in predictions.attributes.get(attribute, ())]
        names = _in_order(attribute, words)
        if len(names) == 1:
            alike[attribute] = names[0]
        elif names:
            members = {one: np.array([word == one for word in words]) for one in names}
            found += [_judge(predictions, name, attribute, one, members[one], resamples, seed) for one in names]
    everyone = _judge(predictions, name, "", "all images", every, resamples, seed)
    return Subgroups(name, everyone, tuple(found), alike, resamples)


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


def _judge(
    predictions: Predictions,
    name: str,
    attribute: str,
    group: str,
    members: Bool[np.ndarray, " N"],
    resamples: int,
    seed: int,
) -> Subgroup:
    """Judge the members by themselves."""
    positive = predictions.is_class(name)[members]
    positives, negatives = int(positive.sum()), int((~positive).sum())
    ranking = Ranking.of(positive, predictions.probability(name)[members])
    groups = [one for one, member in zip(predictions.groups, members, strict=True) if member]
    sampling = Sampling.of(groups, predictions.labels[members])

    def measures(weights: Float[np.ndarray, "R n"]) -> Float[np.ndarray, "R M"]:
        counts = ranking.counts(weights)
        return np.stack([MEASURES[measure](counts) for measure in SHOWN], axis=1)

    auc, ap, sensitivity, specificity = estimate(measures, sampling, resamples=resamples, seed=seed)
    return Subgroup(
        attribute=attribute,
        group=group,
        images=len(positive),
        positives=positives,
        auc=auc,
        # Of positives alone every precision is 1, which says nothing of the network.
        ap=ap if negatives else NOTHING,
        sensitivity=or_exact(sensitivity, positives),
        specificity=or_exact(specificity, negatives),
        few=min(positives, negatives) < FEW,
    )
