"""Which interval an official measure has: of each kind of figure the one that `judge` gives it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from attnmel.evaluation.challenge.entry import ChallengeEntry
from attnmel.evaluation.challenge.metrics import READ_OFF
from attnmel.evaluation.classification.report import METHODS
from attnmel.evaluation.statistics.bootstrap import Interval, bca_interval, logit_interval, percentile_interval
from attnmel.evaluation.statistics.delong import areas
from attnmel.evaluation.statistics.proportions import share_interval


@dataclass(frozen=True)
class OfficialRow:
    """One official measure with its 95 % interval."""

    task: str
    """The category that is judged against the rest, or `MEAN`, `ALL_CLASSES` or `MASKS`."""
    measure: str
    value: float
    low: float
    high: float
    method: str = "percentile"
    """How `low` and `high` were made."""
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Ends by every method that the measure has, `method` among them."""


def official_row(
    entry: ChallengeEntry,
    name: tuple[str, str],
    value: float,
    draws: Float[np.ndarray, " R"],
    *,
    error: float,
    acceleration: float,
) -> OfficialRow:
    """Give a measure its intervals: percentile, BCa and logit, Wilson's of a share and DeLong's of an AUC.

    The last two are of images that all count alike. `error` and `acceleration` are the jackknife's, which is wrong for
    a measure of `READ_OFF`: that one has the percentile interval alone.
    """
    task, measure = name
    found = {"percentile": percentile_interval(value, draws)}
    if measure not in READ_OFF:
        found["bca"] = bca_interval(value, draws, acceleration)
        found["logit"] = logit_interval(value, error**2)
        found |= _special(entry, task, measure, value, error)
    method = next((method for method in METHODS if method in found), "percentile")
    if np.isnan(value):
        method = "percentile"
    ends = {one: (interval.low, interval.high) for one, interval in found.items()}
    return OfficialRow(task, measure, value, *ends[method], method, ends)


def _special(entry: ChallengeEntry, task: str, measure: str, value: float, error: float) -> Mapping[str, Interval]:
    if task not in entry.categories or np.ptp(entry.weights) > 0:
        return {}
    place = entry.categories.index(task)
    positive = entry.truth[:, place]
    if positive.all() or not positive.any():
        return {}
    if measure == "auc":
        return {"delong": areas(positive, entry.probabilities[:, [place]], entry.groups).interval()}
    among = {"sensitivity": positive, "specificity": ~positive, "accuracy": np.ones_like(positive)}
    if measure in among:
        return {"wilson": share_interval(value, error, entry.groups, among[measure])}
    return {}
