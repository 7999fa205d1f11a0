"""What a study of so many readers and cases will show: expected interval and power, by formula and by simulation."""

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from attnmel.evaluation.readers.inference.covariance import auc_covariance
from attnmel.evaluation.readers.inference.different_readers import machine_auc_against_readers
from attnmel.evaluation.readers.inference.estimates import Estimate
from attnmel.evaluation.readers.inference.obuchowski_rockette import Components, obuchowski_rockette
from attnmel.evaluation.readers.readings import Readings, reader_aucs
from attnmel.evaluation.readers.roe_metz import RoeMetz
from attnmel.evaluation.statistics.bootstrap import CONFIDENCE


@dataclass(frozen=True)
class Expected:
    """What to expect of the comparison of two modalities, or of a machine and readers."""

    readers: int
    half_width: float
    """Of the interval of the difference of AUCs."""
    degrees: float
    power: float
    """Probability that the test finds the assumed difference."""
    non_inferiority: float = math.nan
    """Probability that the second is shown to be less than the margin worse; NaN without a margin."""


@dataclass(frozen=True)
class Simulated:
    """What was found in simulated studies."""

    studies: int
    half_width: float
    """Mean of the intervals'."""
    power: float
    coverage: float
    """Share of the intervals that hold the true difference."""


def scaled_components(components: Components, ratio: float) -> Components:
    """Return the components of a study whose cases are `ratio` times as informative: covariances over cases shrink.

    The variances of readers stay as they are; those that were estimated below 0 are taken as 0.
    """
    return replace(
        components,
        error=components.error / ratio,
        cov1=components.cov1 / ratio,
        cov2=components.cov2 / ratio,
        cov3=components.cov3 / ratio,
        var_reader=max(components.var_reader, 0.0),
        var_interaction=max(components.var_interaction, 0.0),
    )


def case_ratio(healthy: int, diseased: int, pilot_healthy: int, pilot_diseased: int) -> float:
    """Return how much more informative planned cases are than a pilot's: by the variance of an AUC, 1/n1 + 1/n0."""
    return (1 / pilot_healthy + 1 / pilot_diseased) / (1 / healthy + 1 / diseased)


def expected_difference(
    components: Components, difference: float, readers: int, *, margin: float = math.nan, confidence: float = CONFIDENCE
) -> Expected:
    """Return what to expect of two modalities that all readers use.

    D = var(T:R) + Error - Cov1 + (r - 1) max(Cov2 - Cov3, 0), noncentrality r d^2 / (2 D), degrees of freedom
    (r - 1) (D / (D - r max(Cov2 - Cov3, 0)))^2 (Hillis, Obuchowski and Berbaum 2011).
    """
    shared = max(components.cov2 - components.cov3, 0)
    interaction = max(components.var_interaction, 0) + components.error - components.cov1 - shared
    spread = interaction + readers * shared
    return _expected(interaction, spread, 2 * spread / readers, difference, readers, margin, confidence)


def expected_against_machine(
    components: Components, difference: float, readers: int, *, margin: float = math.nan, confidence: float = CONFIDENCE
) -> Expected:
    """Return what to expect of one machine against readers.

    Its AUC is taken to vary over cases as a reader's does, and to be correlated with the readers' as those of different
    readers with different modalities are.
    """
    square = max(components.var_reader, 0) + max(components.var_interaction, 0) + components.error - components.cov2
    between = components.error + components.cov2 - 2 * components.cov3
    spread = square + readers * max(between, 0)
    return _expected(square, spread, spread / readers, difference, readers, margin, confidence)


def _expected(
    square: float, spread: float, variance: float, difference: float, readers: int, margin: float, confidence: float
) -> Expected:
    if readers < 2 or not square > 0:
        return Expected(readers, math.nan, math.nan, math.nan)
    degrees = (readers - 1) * (spread / square) ** 2
    error = math.sqrt(variance)
    tail = (1 + confidence) / 2
    critical, shift = float(stats.t.ppf(tail, degrees)), difference / error
    power = float(stats.f.sf(0, 1, degrees)) if math.isinf(shift) else _two_sided(critical, shift, degrees)
    non_inferior = math.nan
    if not math.isnan(margin):
        non_inferior = float(stats.nct.sf(critical, degrees, (difference + margin) / error))
    return Expected(readers, critical * error, degrees, power, non_inferior)


def _two_sided(critical: float, shift: float, degrees: float) -> float:
    """Return the probability that a noncentral F of 1 and `degrees` lies above the critical value's square."""
    return float(stats.ncf.sf(critical**2, 1, degrees, shift**2)) if shift else float(2 * stats.t.sf(critical, degrees))


def modalities_compared(readings: Readings) -> Estimate:
    """Return the difference of the first two modalities, for random readers and cases (Obuchowski and Rockette)."""
    found = obuchowski_rockette(reader_aucs(readings), auc_covariance(readings))
    return found.random.differences[0, 1]


def machine_compared(readings: Readings) -> Estimate:
    """Return the difference of the machine of the first modality and the readers of the second."""
    return machine_auc_against_readers(readings, 0, 1)


def simulated(
    model: RoeMetz, readers: int, healthy: int, diseased: int, *, studies: int, seed: int, machine: bool = False
) -> Simulated:
    """Simulate studies of two modalities, or of a machine (the first) and readers, and analyse each.

    Studies in which the comparison is not defined count as neither found nor covered.
    """
    generator = np.random.default_rng(seed)
    compare = machine_compared if machine else modalities_compared
    true = model.aucs[0] - model.aucs[1]
    found = [compare(model.draw(readers, healthy, diseased, generator, machine=machine)) for _ in range(studies)]
    widths = [(one.high - one.low) / 2 for one in found if not math.isnan(one.low)]
    return Simulated(
        studies,
        float(np.mean(widths)) if widths else math.nan,
        sum(one.p < 0.05 for one in found) / studies,
        sum(one.low <= true <= one.high for one in found) / studies,
    )
