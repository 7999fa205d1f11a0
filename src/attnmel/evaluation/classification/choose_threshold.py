"""What one threshold means on a ranking: rates there, the threshold that a sensitivity needs, precision by Bayes.

An image is called positive strictly above a threshold, here as everywhere.

Shapes: R resamples, T distinct scores.
"""

import numpy as np
from jaxtyping import Float, Int

from attnmel.evaluation.classification.ranking import Counts, Values
from attnmel.evaluation.statistics.bootstrap import ROUNDING
from attnmel.evaluation.statistics.proportions import share

MOST_DECIMALS = 15
"""Of a threshold: all that a number below 1 has."""

LEAST = 0.8
"""Sensitivity above which the partial area is taken: the bound of ISIC 2018's measure."""


def chosen_threshold(counts: Counts, target: float) -> Values:
    """Return the threshold above which the share of positives first is at least the target; NaN without a positive.

    Every threshold from the next lower score (else 0) up to below the one that completes the sensitivity calls the same
    images. Of these it is the number with the fewest decimals in the middle half of that range: it can be printed in
    full, and rounding by another engine changes no decision.
    """
    place = _completes(counts, target)
    highest = counts.scores[place]
    lower = np.append(counts.scores, np.minimum(0, counts.scores[-1:]))[place + 1]
    return np.where(counts.positives > 0, _shortest_between(lower, highest), np.nan)


def specificity_at(counts: Counts, target: float) -> Values:
    """Specificity where the ROC curve first has the sensitivity, not interpolated, in [0, 1].

    As in the programs of ISIC 2016 and 2017; NaN without a positive or a negative.
    """
    false = np.take_along_axis(counts.false_positives, _completes(counts, target)[:, None], axis=1)[:, 0]
    return np.where(counts.positives > 0, share(counts.negatives - false, counts.negatives), np.nan)


def partial_area(counts: Counts, least: float = LEAST) -> Values:
    """Area between the ROC curve and the sensitivity `least`, in [0, 1 - least]; NaN without a positive or a negative.

    Straight lines between the points of the curve, also where it crosses `least` (Jiang, Metz and Nishikawa 1996; their
    index is this area as a share of 1 - least). The program of ISIC 2018 adds what lies below `least` there.
    """
    # Scores before the first of any resample that reaches `least` have no area above it.
    first = int(_completes(counts, least).min())
    true = _rates(counts.true_positives, counts.positives, first)
    false = _rates(counts.false_positives, counts.negatives, first)
    above = np.maximum(true - least, 0)
    # On the line that crosses, the area is a triangle narrower than the trapezoid from the clipped point.
    over = np.argmax(true >= least, axis=1)[:, None]
    ends = [np.take_along_axis(rates, over + step, axis=1)[:, 0] for rates in (true, false) for step in (-1, 0)]
    before, after, left, right = ends
    excess = (right - left) * (after - least) / 2 * share(least - before, after - before)
    return np.trapezoid(above, false, axis=1) - excess


def precision_at(sensitivity: Values, specificity: Values, prevalence: float) -> Values:
    """Share of true among called positives at a prevalence, by Bayes; NaN where none would be called."""
    true, false = sensitivity * prevalence, (1 - specificity) * (1 - prevalence)
    return share(true, true + false)


def rates_at(counts: Counts, thresholds: Values) -> list[Values]:
    """Return sensitivity, specificity, PPV and NPV, each resample at its own threshold; NaN at a threshold of NaN."""
    true, false = called_at(counts, thresholds)
    missed, cleared = counts.positives - true, counts.negatives - false
    rates = (share(true, counts.positives), share(cleared, counts.negatives))
    rates += (share(true, true + false), share(cleared, cleared + missed))
    return [np.where(np.isnan(thresholds), np.nan, rate) for rate in rates]


def called_at(counts: Counts, thresholds: Values) -> tuple[Values, Values]:
    """Return true and false positives strictly above each resample's threshold."""
    called = len(counts.scores) - np.searchsorted(counts.scores[::-1], thresholds, side="right")[:, None]
    places = np.maximum(called - 1, 0)
    both = (counts.true_positives, counts.false_positives)
    true, false = (np.where(called > 0, np.take_along_axis(one, places, axis=1), 0.0)[:, 0] for one in both)
    return true, false


def _shortest_between(lower: Values, highest: Values) -> Values:
    """Return a number at least as high as the lower one and below the highest; just below it if they are too close."""
    quarter, middle = (highest - lower) / 4, (highest + lower) / 2
    chosen = np.nextafter(highest, -np.inf)
    for decimals in range(MOST_DECIMALS, 0, -1):
        rounded = np.round(middle, decimals)
        inside = (rounded >= lower + quarter) & (rounded <= highest - quarter) & (rounded < highest)
        chosen = np.where(inside, rounded, chosen)
    return chosen


def _completes(counts: Counts, target: float) -> Int[np.ndarray, " R"]:
    """Return the place of the score that completes the sensitivity; 0 where there is no positive."""
    places = []
    for true, positives in zip(counts.true_positives, counts.positives.tolist(), strict=True):
        place = int(np.searchsorted(true, target * positives - ROUNDING * positives))
        # Divided, not multiplied: 41 of 50 is 0.82 to the last bit, but 0.82 * 50 need not be 41.
        while positives and place < len(true) and true[place] / positives < target:
            place = int(np.searchsorted(true, true[place], side="right"))
        places.append(place if positives and place < len(true) else 0)
    return np.array(places)


def _rates(called: Float[np.ndarray, "R T"], among: Values, first: int) -> Float[np.ndarray, "R t"]:
    """Return the shares called from the score at `first` on, after those at the score before it (0 at the first)."""
    before = called[:, first - 1 : first] if first else np.zeros((len(called), 1))
    later = np.concatenate([before, called[:, first:]], axis=1)
    return share(later, np.broadcast_to(among[:, None], later.shape))
