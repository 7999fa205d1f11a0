"""Binormal ROC curves by maximum likelihood (Dorfman and Alf 1969; Metz, Herman and Shen 1998 for continuous scores).

Healthy cases are normal with mean 0 and deviation 1 on a scale that the reader cuts into categories; diseased ones with
mean a / b and deviation 1 / b. The curve is sensitivity = Phi(a + b Phi^-1(false positive rate)), its area
Phi(a / sqrt(1 + b^2)). Only the order of scores matters.

Shapes: K categories of scores, in rising order.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float
from scipy.stats import norm

from attnmel.errors import ReadingsError
from attnmel.evaluation.readers.inference.covariance import jackknife_covariance
from attnmel.evaluation.readers.inference.estimates import Estimate, undefined
from attnmel.evaluation.readers.inference.obuchowski_rockette import ObuchowskiRockette, obuchowski_rockette
from attnmel.evaluation.readers.readings import Readings
from attnmel.evaluation.statistics.bootstrap import CONFIDENCE

DEGENERATE = (
    "the scores are degenerate: the likelihood is highest for a curve of straight lines, whose area is given without a "
    "standard error; use the empirical AUC"
)
ONE_POINT = (
    "the scores are degenerate: they make at most one point inside of the square, which lies on many binormal curves, "
    "so there is no binormal AUC; use the empirical one"
)
NOT_CONVERGED = "the binormal curve could not be fitted; use the empirical AUC"

DegenerateArea = Literal["limit", "approximate"]
"""Area given for degenerate scores: the limit that the likelihood tends to; or, as MRMCaov 0.3 gives it, that of a
curve of small b through an approximate normal deviate (`_approximate`)."""

SMALL_B = 1e-4
"""Of the curve that MRMCaov gives for a horizontal line; for a vertical one it is 1 / b."""

STEPS, TOLERANCE = 500, 1e-18
"""Of Fisher's scoring; the gain in the logarithm of the likelihood below which it ends (1e-11: areas right to 1e-8)."""


@dataclass(frozen=True)
class BinormalCurve:
    """The fitted curve of one reader; `a` and `b` are NaN where the scores are degenerate."""

    a: float
    b: float
    auc: Estimate
    """With Fisher's standard error; the interval is symmetric on the scale of a / sqrt(1 + b^2)."""


@dataclass(frozen=True)
class BinormalStudy:
    """The fitted curve of each reader with each modality, and the comparison of their areas."""

    curves: dict[tuple[str, str], BinormalCurve]
    """By modality and reader."""
    analysis: ObuchowskiRockette | None
    """Of the readers whose areas are defined with every modality, covariances by the jackknife; None without any."""


def fit_binormal(
    diseased: Bool[np.ndarray, " N"],
    scores: Float[np.ndarray, " N"],
    confidence: float = CONFIDENCE,
    degenerate: DegenerateArea = "limit",
) -> BinormalCurve:
    """Fit the curve of one reader; NaN marks cases that were not read. `note` of the area says what is not defined.

    Raises:
        ReadingsError: no diseased or no healthy case was read.
    """
    read = ~np.isnan(scores)
    if not 0 < diseased[read].sum() < read.sum():
        raise ReadingsError("a binormal curve needs a diseased and a healthy case; expected at least one of each")
    return _fitted(category_counts(diseased[read], scores[read]), confidence, degenerate)


def binormal_study(
    readings: Readings, confidence: float = CONFIDENCE, degenerate: DegenerateArea = "limit"
) -> BinormalStudy:
    """Fit every reader with every modality, and compare the areas as empirical ones are compared.

    `degenerate` changes the jackknife too, where scores are degenerate without one of the cases.
    """
    curves = {
        (modality, reader): fit_binormal(readings.diseased, readings.scores[place, own], confidence, degenerate)
        for place, modality in enumerate(readings.modalities)
        for own, reader in enumerate(readings.readers)
        if _both_kinds(readings, place, own)
    }
    areas = np.array(
        [
            [
                curves[key].auc.value if (key := (modality, reader)) in curves else math.nan
                for reader in readings.readers
            ]
            for modality in readings.modalities
        ]
    )
    kept = ~np.isnan(areas).any(axis=0)
    if not kept.any():
        return BinormalStudy(curves, None)
    cells = readings.scores[:, kept].reshape(-1, len(readings.cases))
    shape = areas[:, kept].shape
    left_out = _areas_without_each_case(readings.diseased, cells, confidence, degenerate)
    covariance = jackknife_covariance(left_out).reshape(*shape, *shape)
    return BinormalStudy(curves, obuchowski_rockette(areas[:, kept], covariance, confidence))


def category_counts(diseased: Bool[np.ndarray, " N"], scores: Float[np.ndarray, " N"]) -> Float[np.ndarray, "2 K"]:
    """Return healthy and diseased cases by score; scores side by side that only one kind has are one category.

    A cut between such scores has no influence on the curve of highest likelihood.
    """
    values, places = np.unique(scores, return_inverse=True)
    counts = np.zeros((2, len(values)))
    np.add.at(counts, (diseased.astype(int), places), 1)
    kind = np.where(counts[1] == 0, 0, np.where(counts[0] == 0, 1, 2))
    starts = np.flatnonzero(np.append(True, (kind[1:] != kind[:-1]) | (kind[1:] == 2)))
    return np.add.reduceat(counts, starts, axis=1)


def _both_kinds(readings: Readings, modality: int, reader: int) -> bool:
    read = readings.read[modality, reader]
    return bool(0 < readings.diseased[read].sum() < read.sum())


def _areas_without_each_case(
    diseased: Bool[np.ndarray, " N"],
    cells: Float[np.ndarray, "C N"],
    confidence: float,
    degenerate: DegenerateArea,
) -> Float[np.ndarray, "N C"]:
    """Return each cell's area without each of the cases; counts that occur again are fitted once."""
    known: dict[tuple[int, bytes], float] = {}
    left_out = np.empty(cells.T.shape)
    for cell, case in np.ndindex(*cells.shape):
        kept = ~np.isnan(cells[cell])
        kept[case] = False
        counts = category_counts(diseased[kept], cells[cell][kept])
        key = counts.shape[1], counts.tobytes()
        if key not in known:
            known[key] = _fitted(counts, confidence, degenerate).auc.value
        left_out[case, cell] = known[key]
    return left_out


def _fitted(counts: Float[np.ndarray, "2 K"], confidence: float, degenerate: DegenerateArea) -> BinormalCurve:
    if (found := _degenerate(counts)) is not None:
        limit, note = found
        area = _approximate(limit) if degenerate == "approximate" and 0 < limit < 1 else limit
        return BinormalCurve(math.nan, math.nan, undefined(area, note))
    a, b, information = _maximum(counts)
    if information is None:
        return BinormalCurve(math.nan, math.nan, undefined(math.nan, NOT_CONVERGED))
    spread = math.hypot(1, b)
    slope = np.zeros(len(information))
    slope[:2] = 1 / spread, -a * b / spread**3
    error = math.sqrt(float(slope @ np.linalg.solve(information, slope)))
    distance = a / spread
    low, high = norm.cdf(distance + np.array([-1, 1]) * norm.ppf((1 + confidence) / 2) * error)
    area = float(norm.cdf(distance))
    return BinormalCurve(a, b, Estimate(area, float(norm.pdf(distance)) * error, math.inf, float(low), float(high)))


def _degenerate(counts: Float[np.ndarray, "2 K"]) -> tuple[float, str] | None:
    """Return the area that the likelihood tends to and a sentence, where no curve has the highest likelihood.

    So it is where all points that are not on the left or right edge of the square lie at one height (b to 0), or all
    that are not on its lower or upper edge above one place (b to infinity).
    """
    false, true = _shares_above(counts)
    across, along = true[(false > 0) & (false < 1)], false[(true > 0) & (true < 1)]
    horizontal, vertical = len(np.unique(across)) <= 1, len(np.unique(along)) <= 1
    if not horizontal and not vertical:
        return None
    if not len(false):
        return math.nan, ONE_POINT
    if ((false == 0) | (true == 1)).all():
        return 1.0, DEGENERATE
    if ((false == 1) | (true == 0)).all():
        return 0.0, DEGENERATE
    if horizontal and vertical:
        return math.nan, ONE_POINT
    return (_level(across, true, false) if horizontal else 1 - _level(along, false, true)), DEGENERATE


def _approximate(limit: float) -> float:
    """Return the area of a curve of small b through a height, whose normal deviate is off by up to 4.5e-4.

    The deviate is Hastings's (1955), equation 26.2.23 of Abramowitz and Stegun's handbook (1964).
    """
    t = math.sqrt(-2 * math.log(min(limit, 1 - limit)))
    deviate = t - (2.515517 + 0.802853 * t + 0.010328 * t**2) / (1 + 1.432788 * t + 0.189269 * t**2 + 0.001308 * t**3)
    return float(norm.cdf(math.copysign(deviate, limit - 0.5) / math.hypot(1, SMALL_B)))


def _level(inside: Float[np.ndarray, " n"], heights: Float[np.ndarray, " m"], places: Float[np.ndarray, " m"]) -> float:
    """Return the height of the straight line; the middle of those that fit equally well where no point is inside."""
    if len(inside):
        return float(inside[0])
    return float(heights[places == 0].max(initial=0) + heights[places == 1].min(initial=1)) / 2


def _shares_above(counts: Float[np.ndarray, "2 K"]) -> Float[np.ndarray, "2 K-1"]:
    """Return false and true positive rate above each cut."""
    above = counts[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:]
    return above / counts.sum(axis=1, keepdims=True)


def _maximum(counts: Float[np.ndarray, "2 K"]) -> tuple[float, float, Float[np.ndarray, "p p"] | None]:
    """Return a, b and Fisher's information of a, b and the cuts at the highest likelihood; None without one."""
    found = _start(counts)
    value, gradient, information = _likelihood(found, counts)
    for _ in range(STEPS):
        try:
            step = np.linalg.solve(information, gradient)
        except np.linalg.LinAlgError:
            break
        gain = float(gradient @ step)
        if gain < TOLERANCE:
            return float(found[0]), float(found[1]), information
        for halving in range(50):
            tried = found + step / 2**halving
            if _allowed(tried) and (better := _likelihood(tried, counts))[0] > value:
                found, (value, gradient, information) = tried, better
                break
        else:
            return float(found[0]), float(found[1]), information if gain < 1e-6 else None
    return math.nan, math.nan, None


def _start(counts: Float[np.ndarray, "2 K"]) -> Float[np.ndarray, " p"]:
    """Return a, b and cuts from a straight line through the points on the normal scale, with corners rounded off."""
    total = counts.sum(axis=1, keepdims=True)
    false, true = norm.ppf((_shares_above(counts) * total + 0.5) / (total + 1))
    b, a = np.polyfit(false, true, 1)
    b = max(float(b), 0.2)
    cuts = np.sort(-(false + (true - a) / b) / 2)
    return np.concatenate([[a, b], cuts + 1e-6 * np.arange(len(cuts))])


def _allowed(parameters: Float[np.ndarray, " p"]) -> bool:
    return bool(parameters[1] > 0 and (np.diff(parameters[2:]) > 0).all())


def _likelihood(
    parameters: Float[np.ndarray, " p"], counts: Float[np.ndarray, "2 K"]
) -> tuple[float, Float[np.ndarray, " p"], Float[np.ndarray, "p p"]]:
    """Return the logarithm of the likelihood, its gradient and Fisher's information."""
    (a, b), cuts = parameters[:2], parameters[2:]
    value, gradient = 0.0, np.zeros(len(parameters))
    information = np.zeros((len(parameters), len(parameters)))
    for own, ends, slopes in (
        (counts[0], -cuts, (None, None, -1.0)),
        (counts[1], a - b * cuts, (1.0, -cuts, -b)),
    ):
        share = np.maximum(-np.diff(np.concatenate([[1.0], norm.cdf(ends), [0.0]])), 1e-300)
        density = norm.pdf(ends)
        above = np.zeros((len(cuts), len(parameters)))  # slopes of the share above each cut
        for place, slope in enumerate(slopes[:2]):
            if slope is not None:
                above[:, place] = density * slope
        above[np.arange(len(cuts)), np.arange(len(cuts)) + 2] = density * slopes[2]
        edge = np.zeros((1, len(parameters)))
        of_share = np.concatenate([edge, above]) - np.concatenate([above, edge])
        value += float(own @ np.log(share))
        gradient += (own / share) @ of_share
        information += own.sum() * (of_share.T / share) @ of_share
    return value, gradient, information
