"""Agreement of readers with each other, and with themselves on repeated images.

Shapes: N cases, R readers (or the two readings of one), K categories.
"""

import math
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
from jaxtyping import Float, Int
from scipy import stats

from attnmel.evaluation.readers.inference.estimates import Estimate, t_estimate, undefined
from attnmel.evaluation.statistics.bootstrap import CONFIDENCE

Weights = Literal["unweighted", "linear", "quadratic"]
"""How much two categories agree: 1 and 0; 1 minus their distance in steps over the largest; or its square."""

FEW_CASES = "fewer than two cases were read twice, so agreement is not defined"
ONE_CATEGORY = "all answers are the same, so agreement beyond chance is not defined"


@dataclass(frozen=True)
class Repeatability:
    """How far apart two scores of one reader for the same image are (Bland and Altman 1986)."""

    images: int
    within_sd: float
    """Standard deviation within an image: root of half the mean squared difference."""
    coefficient: float
    """1.96 root(2) times it: 95 % of differences are expected to be smaller."""
    bias: float
    """Mean of second minus first."""


def category_weights(categories: int, weights: Weights) -> Float[np.ndarray, "K K"]:
    """Return the agreement of each two of the ordered categories, in [0, 1]."""
    if weights == "unweighted" or categories < 2:
        return np.eye(categories)
    steps = np.abs(np.subtract.outer(np.arange(categories), np.arange(categories))) / (categories - 1)
    return 1 - (steps if weights == "linear" else steps**2)


def cohen_kappa(
    first: Float[np.ndarray, " N"], second: Float[np.ndarray, " N"], weights: Weights = "unweighted",
    confidence: float = CONFIDENCE, categories: Float[np.ndarray, " K"] | None = None,
) -> Estimate:  # fmt: skip
    """Return Cohen's kappa of two readings of the same cases, weighted if wanted; NaN marks what was not read.

    (p_o - p_e) / (1 - p_e), with p_o the observed agreement and p_e that of the two sets of shares (Cohen 1960, 1968).
    The standard error is the jackknife's over cases. `categories` are all that an answer may be, in order, since one
    that nobody chose lies between others, too; without them those that occur in these two readings.
    """
    known = ~np.isnan(first) & ~np.isnan(second)
    if known.sum() < 2:
        return undefined(math.nan, FEW_CASES)
    given = np.unique(np.concatenate([first[known], second[known]]))
    if len(given) < 2:
        return undefined(math.nan, ONE_CATEGORY)
    every = given if categories is None else categories
    agree = category_weights(len(every), weights)
    own, other, table = _counted(first[known], second[known], every)
    value = _kappa(table, agree)
    # A case counts only by its pair of categories, so each distinct pair is left out once.
    left_out = np.full(table.shape, np.nan)
    for pair in np.argwhere(table).tolist():
        fewer = table.copy()
        fewer[tuple(pair)] -= 1
        left_out[tuple(pair)] = _kappa(fewer, agree)
    values, count = left_out[own, other], int(known.sum())
    variance = (count - 1) / count * float(((values - values.mean()) ** 2).sum())
    return t_estimate(value, variance, math.inf, confidence)


def _counted(
    first: Float[np.ndarray, " N"], second: Float[np.ndarray, " N"], categories: Float[np.ndarray, " K"]
) -> tuple[Int[np.ndarray, " N"], Int[np.ndarray, " N"], Float[np.ndarray, "K K"]]:
    """Return the category of each answer of both, and how often each two came together."""
    own, other = np.searchsorted(categories, first), np.searchsorted(categories, second)
    table = np.zeros((len(categories), len(categories)))
    np.add.at(table, (own, other), 1)
    return own, other, table


def _kappa(table: Float[np.ndarray, "K K"], agree: Float[np.ndarray, "K K"]) -> float:
    shares = table / table.sum()
    expected = float((np.outer(shares.sum(axis=1), shares.sum(axis=0)) * agree).sum())
    return (float((shares * agree).sum()) - expected) / (1 - expected) if expected < 1 else math.nan


def gwet(
    ratings: Float[np.ndarray, "N R"], weights: Weights = "unweighted", confidence: float = CONFIDENCE
) -> Estimate:
    """Return Gwet's AC1 (unweighted) or AC2 (weighted) of any number of readers; NaN marks what was not read.

    Unlike kappa it does not fall where one category is rare. Chance agreement is T / (K (K - 1)) sum of p_k (1 - p_k),
    with T the sum of the weights and p_k the mean share of category k; the standard error is over cases
    (Gwet 2008; 2014, chapter 5).
    """
    read = ratings[(~np.isnan(ratings)).any(axis=1)]
    categories = np.unique(read[~np.isnan(read)])
    counts = (read[:, :, None] == categories).sum(axis=1)
    raters = counts.sum(axis=1)
    if (raters > 1).sum() < 2:
        return undefined(math.nan, FEW_CASES)
    if len(categories) < 2:
        return undefined(math.nan, ONE_CATEGORY)
    agree = category_weights(len(categories), weights)
    value, by_case = _gwet_terms(counts, raters, agree)
    cases = len(read)
    variance = float(((by_case - value) ** 2).sum()) / (cases * (cases - 1))
    return t_estimate(value, variance, cases - 1, confidence)


def _gwet_terms(
    counts: Int[np.ndarray, "N K"], raters: Int[np.ndarray, " N"], agree: Float[np.ndarray, "K K"]
) -> tuple[float, Float[np.ndarray, " N"]]:
    """Return the coefficient, and its value case by case, linearised as Gwet's variance needs it."""
    cases, categories = counts.shape
    several = raters > 1
    pairs = np.where(several, raters * (raters - 1), 1)
    agreeing = (counts * (counts @ agree - 1)).sum(axis=1) / pairs
    observed = float(agreeing[several].mean())
    shares = counts / raters[:, None]
    mean = shares.mean(axis=0)
    scale = agree.sum() / (categories * (categories - 1))
    chance = float(scale * (mean * (1 - mean)).sum())
    chance_by_case = scale * (shares * (1 - mean)).sum(axis=1)
    value = (observed - chance) / (1 - chance)
    by_case = np.where(several, agreeing - chance, 0) * cases / several.sum() / (1 - chance)
    return value, by_case - 2 * (1 - value) * (chance_by_case - chance) / (1 - chance)


def mean_kappa(ratings: Float[np.ndarray, "N R"], weights: Weights = "unweighted") -> float:
    """Return the mean of Cohen's kappa over all pairs of readers (Light 1971); NaN without a pair that has one.

    Weights are the same for all pairs: those of the categories that any reader chose.
    """
    categories = np.unique(ratings[~np.isnan(ratings)])
    agree = category_weights(len(categories), weights)
    values = []
    for first, second in combinations(ratings.T, 2):
        known = ~np.isnan(first) & ~np.isnan(second)
        table = _counted(first[known], second[known], categories)[2]
        # Where both gave one answer alone there is nothing beyond chance.
        if table.sum() > 1 and np.count_nonzero(table.sum(axis=0) + table.sum(axis=1)) > 1:
            values.append(_kappa(table, agree))
    return float(np.mean(values)) if values else math.nan


def repeatability(first: Float[np.ndarray, " N"], second: Float[np.ndarray, " N"]) -> Repeatability:
    """Return how far apart two scores of the same images are; NaN marks what was not read twice."""
    differences = (second - first)[~np.isnan(second - first)]
    if not len(differences):
        return Repeatability(0, math.nan, math.nan, math.nan)
    within = float(np.sqrt((differences**2).mean() / 2))
    normal = float(stats.norm.ppf(0.975))
    return Repeatability(len(differences), within, normal * math.sqrt(2) * within, float(differences.mean()))
