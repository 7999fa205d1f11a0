"""Figures of readers with several modalities compared: Obuchowski and Rockette's analysis of variance.

With Hillis' degrees of freedom (Hillis 2007; Hillis, Berbaum and Metz 2008; other designs by marginal means: Hillis
2014). What goes in is a table of figures (AUC, sensitivity, ...) and their covariance over cases.

Shapes: M modalities, R readers.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import stats

from attnmel.errors import ReadingsError
from attnmel.evaluation.readers.inference.estimates import ONE_READER, Estimate, t_estimate, undefined
from attnmel.evaluation.statistics.bootstrap import CONFIDENCE


@dataclass(frozen=True)
class Components:
    """Mean squares of the figures, averaged covariances over cases, and the variances of readers that follow.

    NaN where there are too few readers or modalities. A negative variance of readers is an estimate of a small one.
    """

    error: float
    """Mean variance of one reader's figure with one modality."""
    cov1: float
    """Same reader, different modalities."""
    cov2: float
    """Different readers, same modality."""
    cov3: float
    """Different readers and modalities."""
    ms_modality: float
    ms_reader: float
    ms_interaction: float
    var_reader: float
    """Variance of the readers' skill, the same with all modalities."""
    var_interaction: float
    """Variance of what a modality changes for one reader and not another."""


@dataclass(frozen=True)
class Test:
    """A test of all modalities at once: an F, or a chi-squared where `df2` is infinite."""

    statistic: float
    df1: float
    df2: float
    p: float
    note: str = ""


@dataclass(frozen=True)
class Analysis:
    """The test of equality, each modality's mean, and each difference (by the places of both modalities)."""

    test: Test
    means: tuple[Estimate, ...]
    differences: dict[tuple[int, int], Estimate]


@dataclass(frozen=True)
class ObuchowskiRockette:
    """The analysis for three ways of generalising: to other readers and cases, to other cases, to other readers."""

    components: Components
    random: Analysis
    """To the population of readers and of cases: what a study of readers usually asks for."""
    fixed_readers: Analysis
    """To other cases, for these very readers."""
    fixed_cases: Analysis
    """To other readers, for these very cases."""


def obuchowski_rockette(
    figures: Float[np.ndarray, "M R"], covariance: Float[np.ndarray, "M R M R"], confidence: float = CONFIDENCE
) -> ObuchowskiRockette:
    """Compare modalities that the same readers used; whoever lacks a figure must be left out before.

    With one modality there is no test and no difference. With one reader only the analysis of fixed readers is defined.

    Raises:
        ReadingsError: a figure is not defined.
    """
    if figures.size == 0 or np.isnan(figures).any():
        raise ReadingsError("a reader lacks a figure with a modality; leave the reader out, or use the U-statistics")
    found = _components(figures, covariance)
    return ObuchowskiRockette(
        found,
        random=_random(figures, covariance, found, confidence),
        fixed_readers=_fixed_readers(figures, covariance, found, confidence),
        fixed_cases=_fixed_cases(figures, found, confidence),
    )


def _components(figures: Float[np.ndarray, "M R"], covariance: Float[np.ndarray, "M R M R"]) -> Components:
    modalities, readers = figures.shape
    error, cov1, cov2, cov3 = mean_covariances(covariance)
    by_modality, by_reader = figures.mean(axis=1), figures.mean(axis=0)
    rest = figures - by_modality[:, None] - by_reader + figures.mean()
    freedom = (modalities - 1) * (readers - 1)
    interaction = float((rest**2).sum() / freedom) if freedom else math.nan
    ms_reader = modalities * _variance(by_reader)
    return Components(
        error, cov1, cov2, cov3,
        ms_modality=readers * _variance(by_modality),
        ms_reader=ms_reader,
        ms_interaction=interaction,
        var_reader=(ms_reader - interaction) / modalities - cov1 + cov3,
        var_interaction=interaction - error + cov1 + max(cov2 - cov3, 0),
    )  # fmt: skip


def mean_covariances(covariance: Float[np.ndarray, "M R M R"]) -> tuple[float, float, float, float]:
    """Return the mean variance, and the mean covariances of cells that share a reader, a modality, or neither.

    NaN where no two cells are such.
    """
    modalities, readers = covariance.shape[:2]
    same_modality = np.eye(modalities, dtype=bool)[:, None, :, None]
    same_reader = np.eye(readers, dtype=bool)[None, :, None, :]
    masks = (
        same_modality & same_reader, ~same_modality & same_reader, same_modality & ~same_reader,
        ~same_modality & ~same_reader,
    )  # fmt: skip
    return tuple(float(covariance[mask].mean()) if mask.any() else math.nan for mask in masks)  # pyright: ignore[reportReturnType]


def _variance(values: Float[np.ndarray, " n"]) -> float:
    return float(values.var(ddof=1)) if len(values) > 1 else math.nan


def _random(
    figures: Float[np.ndarray, "M R"], covariance: Float[np.ndarray, "M R M R"], found: Components, confidence: float
) -> Analysis:
    modalities, readers = figures.shape
    if readers < 2:
        return _not_defined(figures, ONE_READER)
    means = []
    for place, own in enumerate(figures):
        square, cov2 = _variance(own), mean_covariances(covariance[[place]][:, :, [place]])[2]
        # r times the variance of the mean; a negative covariance of readers is an estimate of a small one.
        spread = square + max(readers * cov2, 0)
        degrees = (readers - 1) * (spread / square) ** 2 if square > 0 else math.inf
        means.append(t_estimate(float(own.mean()), spread / readers, degrees, confidence))
    if modalities < 2:
        return Analysis(_no_test(), tuple(means), {})
    denominator = found.ms_interaction + max(readers * (found.cov2 - found.cov3), 0)
    freedom = (modalities - 1) * (readers - 1)
    df2 = freedom * (denominator / found.ms_interaction) ** 2 if found.ms_interaction > 0 else math.inf
    test = _f_test(found.ms_modality, denominator, modalities - 1, df2)
    return Analysis(test, tuple(means), _differences(figures, 2 * denominator / readers, df2, confidence))


def _fixed_readers(
    figures: Float[np.ndarray, "M R"], covariance: Float[np.ndarray, "M R M R"], found: Components, confidence: float
) -> Analysis:
    modalities, readers = figures.shape
    means = []
    for place, own in enumerate(figures):
        error, _, cov2, _ = mean_covariances(covariance[[place]][:, :, [place]])
        variance = (error + (readers - 1) * max(cov2, 0)) / readers if readers > 1 else error
        means.append(t_estimate(float(own.mean()), variance, math.inf, confidence))
    if modalities < 2:
        return Analysis(_no_test(), tuple(means), {})
    shared = (readers - 1) * max(found.cov2 - found.cov3, 0) if readers > 1 else 0.0
    denominator = found.error - found.cov1 + shared
    test = _f_test(found.ms_modality, denominator, modalities - 1, math.inf)
    differences = _differences(figures, 2 * denominator / readers, math.inf, confidence)
    return Analysis(test, tuple(means), differences)


def _fixed_cases(figures: Float[np.ndarray, "M R"], found: Components, confidence: float) -> Analysis:
    modalities, readers = figures.shape
    if readers < 2:
        return _not_defined(figures, ONE_READER)
    means = tuple(t_estimate(float(own.mean()), _variance(own) / readers, readers - 1, confidence) for own in figures)
    if modalities < 2:
        return Analysis(_no_test(), means, {})
    freedom = (modalities - 1) * (readers - 1)
    test = _f_test(found.ms_modality, found.ms_interaction, modalities - 1, freedom)
    return Analysis(test, means, _differences(figures, 2 * found.ms_interaction / readers, freedom, confidence))


def _differences(
    figures: Float[np.ndarray, "M R"], variance: float, degrees: float, confidence: float
) -> dict[tuple[int, int], Estimate]:
    """Compare each two modalities, with the variance that all share."""
    means, modalities = figures.mean(axis=1), len(figures)
    return {
        (first, second): t_estimate(float(means[first] - means[second]), variance, degrees, confidence, difference=True)
        for first in range(modalities)
        for second in range(first + 1, modalities)
    }


def _f_test(mean_square: float, denominator: float, df1: float, df2: float) -> Test:
    """Divide; the chi-squared of infinite `df2` is the mean square times `df1`."""
    if not denominator > 0:
        return Test(math.nan, df1, df2, math.nan, "the estimated variance is not positive, so there is no test")
    ratio = mean_square / denominator
    if math.isinf(df2):
        return Test(df1 * ratio, df1, df2, float(stats.chi2.sf(df1 * ratio, df1)))
    return Test(ratio, df1, df2, float(stats.f.sf(ratio, df1, df2)))


def _no_test() -> Test:
    return Test(math.nan, math.nan, math.nan, math.nan, "one modality: nothing to compare")


def _not_defined(figures: Float[np.ndarray, "M R"], note: str) -> Analysis:
    means = tuple(undefined(float(own.mean()), note) for own in figures)
    pairs = [(first, second) for first in range(len(figures)) for second in range(first + 1, len(figures))]
    averages = figures.mean(axis=1)
    differences = {pair: undefined(float(averages[pair[0]] - averages[pair[1]]), note) for pair in pairs}
    return Analysis(Test(math.nan, math.nan, math.nan, math.nan, note), means, differences)
