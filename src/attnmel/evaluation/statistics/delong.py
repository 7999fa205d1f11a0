"""Areas under ROC curves and their covariance without resampling: DeLong's method, also for images of one lesion.

Each AUC is a mean over pairs of a positive and a negative; its variance follows from how well each single image is
placed among those of the other kind (DeLong, DeLong and Clarke-Pearson 1988, by mid-ranks as in Sun and Xu 2014). Where
images belong together, a lesion's or patient's placements are summed before they are squared (Obuchowski 1997).

Shapes: N images, P predictors, G groups.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Shaped
from scipy import special

from attnmel.errors import PredictionsError
from attnmel.evaluation.statistics.bootstrap import CONFIDENCE, Interval, logit_interval, within_difference


@dataclass(frozen=True)
class Areas:
    """AUCs of P predictors on the same images, with their covariance."""

    auc: Float[np.ndarray, " P"]
    covariance: Float[np.ndarray, "P P"]

    def interval(self, place: int = 0, confidence: float = CONFIDENCE) -> Interval:
        """Return one AUC with its normal interval on the logit scale, which stays in [0, 1].

        Without variance, as at an AUC of 0 or 1, the ends are NaN: nothing is known of the uncertainty.
        """
        quantile = float(special.ndtri((1 + confidence) / 2))
        return logit_interval(float(self.auc[place]), float(self.covariance[place, place]), quantile)

    def difference(self, first: int, second: int, confidence: float = CONFIDENCE) -> tuple[Interval, float]:
        """Return second minus first with its normal interval, and the two-sided p that they are equal.

        Two predictors that rank alike differ by 0 with p = 1; without variance otherwise ends and p are NaN.
        """
        value = float(self.auc[second] - self.auc[first])
        own = self.covariance[first, first] + self.covariance[second, second]
        # Rounding may leave the variance of two equal predictors a little below 0.
        error = float(np.sqrt(max(own - 2 * self.covariance[first, second], 0)))
        if error == 0 or np.isnan(error):
            return (Interval(0.0, 0.0, 0.0), 1.0) if value == 0 else (Interval(value, np.nan, np.nan), np.nan)
        half = float(special.ndtri((1 + confidence) / 2)) * error
        interval = within_difference(Interval(value, value - half, value + half))
        return interval, float(2 * special.ndtr(-abs(value) / error))


def areas(
    positive: Bool[np.ndarray, " N"], scores: Float[np.ndarray, "N P"], groups: Sequence[str] | None = None
) -> Areas:
    """Return the AUC of each column of scores and the covariance of all of them.

    `groups` names the lesion or patient of each image; without it, or where no name repeats, this is DeLong's estimate.

    Raises:
        PredictionsError: no positive or no negative.
    """
    positives, negatives = int(positive.sum()), int((~positive).sum())
    if not positives or not negatives:
        raise PredictionsError(
            f"{positives} positive and {negatives} negative images; an AUC needs at least one of each"
        )
    above, below = _placements(scores[positive], scores[~positive])
    auc = above.mean(axis=0)
    if groups is None or len(set(groups)) == len(positive):
        return Areas(auc, _covariance(above) / positives + _covariance(below) / negatives)
    names = np.asarray(groups, dtype=np.str_)
    return Areas(auc, _clustered(above - auc, below - auc, names[positive], names[~positive]))


def _placements(
    positive: Float[np.ndarray, "m P"], negative: Float[np.ndarray, "n P"]
) -> tuple[Float[np.ndarray, "m P"], Float[np.ndarray, "n P"]]:
    """Return for each image the share of the other kind that it is ranked rightly against, ties counted half."""
    from scipy.stats import rankdata  # half a second, which pages without an AUC do without

    m, n = len(positive), len(negative)
    both = rankdata(np.concatenate([positive, negative]), axis=0)
    above = (both[:m] - rankdata(positive, axis=0)) / n
    below = 1 - (both[m:] - rankdata(negative, axis=0)) / m
    return above, below


def _covariance(placements: Float[np.ndarray, "n P"]) -> Float[np.ndarray, "P P"]:
    if len(placements) < 2:
        return np.full((placements.shape[1],) * 2, np.nan)
    return np.atleast_2d(np.cov(placements, rowvar=False))


def _clustered(
    above: Float[np.ndarray, "m P"],
    below: Float[np.ndarray, "n P"],
    positive_groups: Shaped[np.ndarray, " m"],
    negative_groups: Shaped[np.ndarray, " n"],
) -> Float[np.ndarray, "P P"]:
    """Sum centred placements by group; a group with both kinds joins its two sums (Obuchowski 1997, equation 5)."""
    names, place = np.unique(np.concatenate([positive_groups, negative_groups]), return_inverse=True)
    m, n = len(above), len(below)
    sums = np.zeros((2, len(names), above.shape[1]))
    np.add.at(sums[0], place[:m], above / m)
    np.add.at(sums[1], place[m:], below / n)
    with_positive, with_negative = len(set(positive_groups.tolist())), len(set(negative_groups.tolist()))
    scale = [count / (count - 1) if count > 1 else np.nan for count in (with_positive, with_negative, len(names))]
    cross = sums[0].T @ sums[1]
    return scale[0] * sums[0].T @ sums[0] + scale[1] * sums[1].T @ sums[1] + scale[2] * (cross + cross.T)
