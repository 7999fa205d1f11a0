"""Predictions -> how far its probabilities can be believed, before and after temperature scaling.

Resamples are drawn by group but not by class: the share of positives is part of what calibration is about, so it may
not be held still.

Shapes: N images, R resamples, M measures.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int
from scipy.special import logit

from attnmel.config.fields import HIGHEST_TEMPERATURE, LOWEST_TEMPERATURE
from attnmel.evaluation.calibration.cox_slope import cox_fits
from attnmel.evaluation.calibration.reliability import (
    Bin,
    brier_parts,
    calibration_error,
    calibration_error_by_chance,
    columns,
    equal_mass,
    reliability_curve,
    sums,
)
from attnmel.evaluation.calibration.temperature import (
    FLOOR,
    Temperature,
    at_temperature,
    fit_temperature,
    log_probabilities,
    temperature_interval,
    without_temperature,
)
from attnmel.evaluation.classification.metric_set import MetricSet
from attnmel.evaluation.classification.report import FEW
from attnmel.evaluation.statistics.bootstrap import RESAMPLES, Interval, Statistic, bootstrap, percentile_interval
from attnmel.evaluation.statistics.sampling import Sampling
from attnmel.records import Predictions, choosing_images

MEASURES = (
    "calibration_error",
    "intercept",
    "slope",
    "brier",
    "reliability",
    "resolution",
    "uncertainty",
    "skill",
    "log_loss",
    "brier_all_classes",
)
"""In the order of the tables. All but the last two are of the main class against the rest; the last two are of all
classes, and the Brier score of all classes needs three or more."""

BARS = 20
"""Bars of the histogram, of equal width from 0 to 1."""


@dataclass(frozen=True)
class Reliability:
    """How well one set of probabilities agrees with the truth."""

    measures: dict[str, Interval]
    """By a name of `MEASURES`."""
    by_chance: Interval
    """Calibration error that these probabilities would show if they were true: mean and 95 % range."""
    bins: tuple[Bin, ...] = ()
    histogram: tuple[int, ...] = ()
    """Images by their probability of the main class, in bars of equal width from 0 to 1."""


@dataclass(frozen=True)
class Calibration:
    """Calibration of the main task on one split, uncalibrated and after temperature scaling."""

    main: str
    """The class that is evaluated against the rest."""
    images: int
    positives: int
    units: int
    """Lesions or patients that were resampled."""
    temperature: Interval
    """NaN where none was fitted."""
    fitted_on: int
    """Validation images behind the temperature."""
    before: Reliability
    resamples: int
    seed: int
    after: Reliability | None = None
    """At the temperature; None where there is none."""
    change: dict[str, Interval] = field(default_factory=dict)
    """After less before by measure, on the same resamples; empty without a temperature."""
    notes: tuple[str, ...] = ()
    """What a reader must know, a sentence each."""
    stored: bool = False
    """Whether the temperature is that of the checkpoint, which its probabilities have."""
    out_of_fold: str = ""
    """What the temperature was fitted on, in words, where that is no validation images of the training."""

    @property
    def fitted_images(self) -> str:
        """The images behind the temperature, in words."""
        images = choosing_images(self.fitted_on, self.out_of_fold)
        return f"{images}," if self.out_of_fold else images  # before more of the sentence


def calibration_of(
    test: Predictions, validation: Predictions | None, main: str, *, resamples: int = RESAMPLES, seed: int = 0
) -> Calibration:
    """Evaluate the calibration of one class against the rest, without a temperature and with one.

    The temperature is that of the predictions, or where they are uncalibrated the one that the validation images fit;
    without these images nothing is said of one. Intervals are percentiles over resampled groups; those of `after` keep
    the temperature fixed; its own interval is given separately.

    Raises:
        PredictionsError: as `evaluate_classification`.
        ConfigError: fewer than one resample.
    """
    MetricSet.of(test, [main], one_sided=True)  # refuses predictions that have no measures
    stored, test = test.temperature, without_temperature(test)
    found, fitted_on, notes = Interval(math.nan, math.nan, math.nan), 0, _notes(test, main)
    scales = [test]
    if validation is not None:
        validation = without_temperature(validation)
        fitted = fit_temperature(validation)
        if stored is not None:
            fitted = Temperature(stored, fitted.images)
        found, fitted_on = temperature_interval(validation, fitted, resamples=resamples, seed=seed), fitted.images
        if shared := set(test.image_ids) & set(validation.image_ids):
            notes = (*notes, f"the temperature was fitted on {len(shared)} of these very images, which flatters it")
        if fitted.reason:
            notes = (*notes, f"no temperature was fitted: {fitted.reason}")
        else:
            notes += _at_a_limit(found)
            scales.append(at_temperature(test, fitted.value))
    (before, draws), *scaled = reliabilities(scales, main, resamples, seed)
    after, draws_after = scaled[0] if scaled else (None, draws)
    return Calibration(
        main=main,
        images=len(test.image_ids),
        positives=int(test.is_class(main).sum()),
        units=len(set(test.groups)),
        temperature=found,
        fitted_on=fitted_on,
        before=before,
        after=after,
        change={} if after is None else _change(before, after, draws_after - draws),
        resamples=resamples,
        seed=seed,
        notes=notes,
        stored=stored is not None,
    )


def reliabilities(
    scales: Sequence[Predictions], main: str, resamples: int, seed: int = 0
) -> list[tuple[Reliability, Float[np.ndarray, "R M"]]]:
    """Evaluate probabilities of the same images on one or several scales, on the same resamples, and return these too.

    The images may be of one class only.
    """
    places = [equal_mass(one.probability(main).astype(np.float64)) for one in scales]
    measures, names = zip(
        *(_measures(one, main, place) for one, place in zip(scales, places, strict=True)), strict=True
    )

    def measure(weights: Float[np.ndarray, "R N"]) -> Float[np.ndarray, "R MS"]:
        return np.concatenate([of_scale(weights) for of_scale in measures], axis=1)

    values = np.split(measure(np.ones((1, len(places[0]))))[0], len(scales))
    draws = bootstrap(measure, Sampling.of(scales[0].groups), resamples=resamples, seed=seed)
    of_scale = zip(scales, places, names, values, np.split(draws, len(scales), axis=1), strict=True)
    return [
        (_reliability(one, main, place, dict(zip(columns, value.tolist(), strict=True)), drawn, seed), drawn)
        for one, place, columns, value, drawn in of_scale
    ]


def _reliability(
    predictions: Predictions,
    main: str,
    place: Int[np.ndarray, " N"],
    values: dict[str, float],
    draws: Float[np.ndarray, "R M"],
    seed: int,
) -> Reliability:
    probability, positive = predictions.probability(main).astype(np.float64), predictions.is_class(main)
    intervals = (percentile_interval(value, draws[:, column]) for column, value in enumerate(values.values()))
    counts, _ = np.histogram(probability, bins=BARS, range=(0, 1))
    return Reliability(
        measures=dict(zip(values, intervals, strict=True)),
        by_chance=calibration_error_by_chance(probability, place, resamples=len(draws), seed=seed),
        bins=reliability_curve(probability, positive, place),
        histogram=tuple(counts.tolist()),
    )


def _measures(predictions: Predictions, main: str, place: Int[np.ndarray, " N"]) -> tuple[Statistic, tuple[str, ...]]:
    """Return all measures as one function of the resample weights, and the name of each column."""
    # By rising probability, so that the products below pass through memory in order.
    order = np.argsort(predictions.probability(main), kind="stable")
    predictions, place = predictions.take(order.tolist()), place[order]
    probability, positive = predictions.probability(main).astype(np.float64), predictions.is_class(main)
    added = columns(probability, positive, place)
    log_odds = logit(np.clip(probability, FLOOR, 1 - FLOOR))
    rows = np.arange(len(place))
    truth = np.zeros_like(predictions.probabilities)
    truth[rows, predictions.labels] = 1
    each = [-log_probabilities(predictions.probabilities)[rows, predictions.labels]]
    if len(predictions.classes) > 2:
        each.append(((predictions.probabilities - truth) ** 2).sum(axis=1))
    by_image = np.stack(each, axis=1)
    cox = cox_fits(log_odds, positive)

    def measure(weights: Float[np.ndarray, "R N"]) -> Float[np.ndarray, "R M"]:
        weights = np.take(weights, order, axis=1)
        held = sums(weights, added)
        parts = brier_parts(held)
        unsure = parts.uncertainty
        skill = 1 - np.divide(parts.brier, unsure, out=np.full_like(unsure, np.nan), where=unsure > 0)
        means = weights @ by_image / weights.sum(axis=1, keepdims=True)
        return np.stack([calibration_error(held), *cox(weights), *parts, skill, *means.T], axis=1)

    return measure, MEASURES[: len(MEASURES) - 2 + by_image.shape[1]]


def _change(before: Reliability, after: Reliability, draws: Float[np.ndarray, "R M"]) -> dict[str, Interval]:
    return {
        name: percentile_interval(after.measures[name].value - before.measures[name].value, draws[:, column])
        for column, name in enumerate(before.measures)
    }


def _at_a_limit(temperature: Interval) -> tuple[str, ...]:
    """Return a note where the interval of a temperature ends because none beyond is looked at."""
    ends = ((temperature.low, LOWEST_TEMPERATURE), (temperature.high, HIGHEST_TEMPERATURE))
    cut = [f"{limit:g}" for end, limit in ends if math.isclose(end, limit, rel_tol=1e-6)]
    return (f"the interval of the temperature is cut at {' and '.join(cut)}: none beyond is looked at",) if cut else ()


def _notes(predictions: Predictions, main: str) -> tuple[str, ...]:
    images, positives = len(predictions.image_ids), int(predictions.is_class(main).sum())
    notes = []
    if min(positives, images - positives) < FEW:
        notes.append(
            f"{positives} of {images} images are {main}; with fewer than {FEW} on a side the results say little"
        )
    if len(set(predictions.groups)) < images:
        notes.append(
            "the intervals of the reliability curve and the calibration error by chance take images of one lesion for "
            "independent, so they are too narrow; the others are drawn by lesion"
        )
    return tuple(notes)
