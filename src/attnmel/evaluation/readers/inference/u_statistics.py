"""Reader-averaged AUCs and their differences in any design: Gallas' one-shot U-statistics.

An AUC is the mean pair score over all triples (reader, diseased case, healthy case) that were read. The variance of
such a mean follows from products of two pair scores that share a reader, a case, or nothing; readers and cases are both
random (Gallas 2006; incomplete designs: Gallas and Brown 2008; degrees of freedom: Obuchowski, Gallas and Hillis 2012).

Shapes: M modalities, R readers, P diseased cases, H healthy cases.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from jaxtyping import Float

from attnmel.errors import ReadingsError
from attnmel.evaluation.readers.inference.estimates import Estimate, normal_estimate, t_estimate
from attnmel.evaluation.readers.readings import Readings, pair_scores

FACTORS = "RPH"
"""Reader, diseased case, healthy case."""

NORMAL_ABOVE = 50
"""Degrees of freedom above which the t distribution is taken as normal."""

Sums = dict[str, Float[np.ndarray, "M M"]]
"""For each set of factors, the sum of products of values that share at least these, by pair of modalities."""


@dataclass(frozen=True)
class UStatistic:
    """An AUC averaged over readers, or a difference of two, with its variance estimated in one way."""

    value: float
    variance: float
    degrees: float
    """Of freedom; NaN where the variance is not positive."""
    t: Estimate
    """Interval by the t distribution; it is the one to report."""
    normal: Estimate


@dataclass(frozen=True)
class UStatistics:
    """Both estimates of the variance: unbiased (U-statistic, may be negative), and never too small (V-statistic)."""

    unbiased: UStatistic
    biased: UStatistic


class Moments:
    """Sums over pairs of triples, from which all variances and covariances of a study's modalities follow."""

    def __init__(self, readings: Readings) -> None:
        sick = readings.diseased
        self.sizes = {"R": len(readings.readers), "P": int(sick.sum()), "H": int((~sick).sum())}
        products, self.counts = _sums(readings)
        if (np.diag(self.counts[""]) == 0).any():
            raise ReadingsError(
                "with one modality no reader read both a diseased and a healthy case; an AUC needs a pair of them"
            )
        self._products = products
        self.auc = np.sqrt(np.diag(products[""]) / np.diag(self.counts[""]))
        """By modality: total of the pair scores over the number of pairs."""

    def covariance(self, *, unbiased: bool) -> Float[np.ndarray, "M M"]:
        """Return the covariance of the AUCs over random readers and cases.

        Factors with one level (one reader) are fixed: nothing is known of how another would differ.
        """
        random = "".join(name for name in FACTORS if self.sizes[name] > 1)
        if unbiased:
            apart = _exactly(self._products, "", random), _exactly(self.counts, "", random)
            # With one reader of several in a modality no two readers differ there: nothing to estimate it from.
            return np.outer(self.auc, self.auc) - np.where(apart[1] > 0, _ratio(*apart), np.nan)
        total = np.zeros_like(self.counts[""])
        for shared in _subsets(random):
            share = _exactly(self.counts, shared, random) / self.counts[""]
            total += share * _ratio(self._products[shared], self.counts[shared])
        return total - np.outer(self.auc, self.auc)

    def effective_levels(self) -> Float[np.ndarray, "M 3"]:
        """Return how many readers, diseased and healthy cases each modality's AUC rests on.

        Where some read, or are read, more often than others it is fewer than there are: (sum of n)^2 / sum of n^2.
        """
        whole = np.diag(self.counts[""])
        return np.stack([whole / np.diag(self.counts[name]) for name in FACTORS], axis=1)

    def first_order(self, factor: str) -> Float[np.ndarray, "M M"]:
        """Return the part of the covariance of one pair score that a factor causes by itself."""
        return _ratio(self._products[factor], self.counts[factor]) - np.outer(self.auc, self.auc)


def single_modality(moments: Moments, place: int, confidence: float = 0.95) -> UStatistics:
    """Return the AUC of one modality, averaged over readers."""
    weights = np.zeros(len(moments.auc))
    weights[place] = 1
    return _statistics(moments, weights, confidence)


def difference(moments: Moments, first: int, second: int, confidence: float = 0.95) -> UStatistics:
    """Return the AUC of the first modality minus that of the second."""
    weights = np.zeros(len(moments.auc))
    weights[[first, second]] = 1, -1
    return _statistics(moments, weights, confidence)


def _statistics(moments: Moments, weights: Float[np.ndarray, " M"], confidence: float) -> UStatistics:
    return UStatistics(*(_statistic(moments, weights, confidence, unbiased=unbiased) for unbiased in (True, False)))


def _statistic(moments: Moments, weights: Float[np.ndarray, " M"], confidence: float, *, unbiased: bool) -> UStatistic:
    value = float(weights @ moments.auc)
    variance = float(weights @ moments.covariance(unbiased=unbiased) @ weights)
    if abs(variance) < 1e-15:
        variance = 0.0  # of equal modalities, but for rounding
    degrees = _degrees(moments, weights, variance)
    difference = bool((weights < 0).any())
    limit = np.inf if degrees > NORMAL_ABOVE else np.floor(degrees)
    return UStatistic(
        value,
        variance,
        degrees,
        t_estimate(value, variance, float(limit), confidence, difference=difference),
        normal_estimate(value, variance, confidence, difference=difference),
    )


def _degrees(moments: Moments, weights: Float[np.ndarray, " M"], variance: float) -> float:
    """Satterthwaite's degrees of freedom of the first-order parts, at least those of the smallest sample."""
    if not variance > 0:
        return np.nan
    levels = moments.effective_levels()[weights != 0].min(axis=0)
    # Rounded as FDA's program does: a whole number where a design is balanced.
    own = {name: size for name, size in zip(FACTORS, np.round(levels - 1), strict=True) if size >= 1}
    parts = sum(float(weights @ moments.first_order(name) @ weights) ** 2 / size**3 for name, size in own.items())
    return max(variance**2 / parts if parts > 0 else np.inf, min(own.values(), default=1.0))


def _sums(readings: Readings) -> tuple[Sums, Sums]:
    """Sum products of pair scores, and count them, over pairs of triples that share at least each set of factors."""
    sick, modalities = readings.diseased, len(readings.modalities)
    pairs = np.zeros((2, modalities, int(sick.sum()), int((~sick).sum())))
    of_reader: list[dict[str, np.ndarray]] = []
    for reader in range(len(readings.readers)):
        scores = readings.scores[:, reader]
        own = np.stack([_scored_pairs(one[sick], one[~sick]) for one in scores], axis=1)
        pairs += own
        of_reader.append({"RPH": own, "RP": own.sum(axis=3), "RH": own.sum(axis=2), "R": own.sum(axis=(2, 3))})
    shared = {"PH": pairs, "P": pairs.sum(axis=3), "H": pairs.sum(axis=2), "": pairs.sum(axis=(2, 3))}
    sums = {name: _products(values) for name, values in shared.items()}
    for name in of_reader[0]:
        sums[name] = sum((_products(one[name]) for one in of_reader), np.zeros((2, modalities, modalities)))
    return {name: both[0] for name, both in sums.items()}, {name: both[1] for name, both in sums.items()}


def _scored_pairs(diseased: Float[np.ndarray, " P"], healthy: Float[np.ndarray, " H"]) -> Float[np.ndarray, "2 P H"]:
    """Return the pair scores, and 1 for each pair of which both cases were read."""
    return np.stack([pair_scores(diseased, healthy), np.outer(~np.isnan(diseased), ~np.isnan(healthy))])


def _products(values: Float[np.ndarray, "2 M *shape"]) -> Float[np.ndarray, "2 M M"]:
    flat = values.reshape(*values.shape[:2], -1)
    return flat @ flat.transpose(0, 2, 1)


def _subsets(names: str) -> list[str]:
    return ["".join(one) for size in range(len(names) + 1) for one in combinations(names, size)]


def _exactly(sums: Sums, shared: str, random: str) -> Float[np.ndarray, "M M"]:
    """Return the sum over pairs that share these factors and no other random one, by inclusion and exclusion.

    A factor that is not random is not looked at: pairs may share it or not.
    """
    others = [name for name in random if name not in shared]
    total = np.zeros_like(sums[""])
    for more in _subsets("".join(others)):
        name = "".join(sorted(shared + more, key=FACTORS.index))
        total = total + (-1) ** len(more) * sums[name]
    return total


def _ratio(part: Float[np.ndarray, "M M"], whole: Float[np.ndarray, "M M"]) -> Float[np.ndarray, "M M"]:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
