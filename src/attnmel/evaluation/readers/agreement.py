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
    confidence: float = CONFIDENCE,
) -> Estimate:  # fmt: skip
    """Return Cohen's kappa of two readings of the same cases, weighted if wanted; NaN marks what was not read.

    (p_o - p_e) / (1 - p_e), with p_o the observed agreement and p_e that of the two sets of shares (Cohen 1960, 1968).
    The standard error is the jackknife's over cases.
    """
    known = ~np.isnan(first) & ~np.isnan(second)
    if known.sum() < 2:
        return undefined(math.nan, FEW_CASES)
    categories, places = np.unique(np.concatenate([first[known], second[known]]), return_inverse=True)
    if len(categories) < 2:
        return undefined(math.nan, ONE_CATEGORY)
    own, other = places[: known.sum()], places[known.sum() :]
    agree = category_weights(len(categories), weights)
    table = np.zeros((len(categories), len(categories)))
    np.add.at(table, (own, other), 1)
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


def _kappa(table: Float[np.ndarray, "K K"], agree: Float[np.ndarray, "K K"]) -> float:
    shares = table / table.sum()
    expected = float((np.outer(shares.sum(axis=1), shares.sum(axis=0)) * agree).sum())
    return (float((shares * agree).sum()) - expected) / (1 - expected) if expected < 1 else math.nan


def _kappa_of(first: Float[np.ndarray, " N"], second: Float[np.ndarray, " N"], weights: Weights) -> float:
    """Return the value of kappa alone; NaN where it is not defined."""
    known = ~np.isnan(first) & ~np.isnan(second)
    categories, places = np.unique(np.concatenate([first[known], second[known]]), return_inverse=True)
    if known.sum() < 2 or len(categories) < 2:
        return math.nan
    table = np.zeros((len(categories), len(categories)))
    np.add.at(table, (places[: known.sum()], places[known.sum() :]), 1)
    return _kappa(table, category_weights(len(categories), weights))


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
    """Return the mean of Cohen's kappa over all pairs of readers (Light 1971); NaN without a pair that has one."""
    pairs = combinations(range(ratings.shape[1]), 2)
    values = [_kappa_of(ratings[:, one], ratings[:, other], weights) for one, other in pairs]
    known = [value for value in values if not math.isnan(value)]
    return float(np.mean(known)) if known else math.nan


def repeatability(first: Float[np.ndarray, " N"], second: Float[np.ndarray, " N"]) -> Repeatability:
    """Return how far apart two scores of the same images are; NaN marks what was not read twice."""
    differences = (second - first)[~np.isnan(second - first)]
    if not len(differences):
        return Repeatability(0, math.nan, math.nan, math.nan)
    within = float(np.sqrt((differences**2).mean() / 2))
    normal = float(stats.norm.ppf(0.975))
    return Repeatability(len(differences), within, normal * math.sqrt(2) * within, float(differences.mean()))
