"""What goes beyond the measures, for one group of images: what the whole set's thresholds reach there, and the rest.

Every figure is that of the whole set, of fewer images. The thresholds and the temperature are those that the validation
images of all groups chose: a clinic has one threshold, whoever comes. The figures of the whole set itself are those
already found, so that none is shown twice with two intervals.

Shapes: N images, P thresholds, R resamples, M figures.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from attnmel.evaluation.calibration.calibration import Calibration, Reliability, reliability
from attnmel.evaluation.calibration.temperature import at_temperature
from attnmel.evaluation.classification.confusion_matrix import ClassFigures, Confusion, confusion
from attnmel.evaluation.classification.decision_curve import SHOWN, DecisionCurve, net_benefit, treat_all
from attnmel.evaluation.classification.operating_points import (
    Operating,
    OperatingPoint,
    Reached,
    or_by_ends,
    reached_above,
)
from attnmel.evaluation.classification.ranking import Ranking
from attnmel.evaluation.classification.thresholds import LEAST, called_at, partial_area, precision_at, rates_at
from attnmel.evaluation.statistics.bootstrap import ROUNDING, Interval, Sampling
from attnmel.evaluation.statistics.estimates import NOTHING, estimate
from attnmel.records import Predictions

CALIBRATION = ("calibration_error", "brier", "intercept", "slope")
"""Of the measures of calibration, in the order of the tables."""

RESAMPLES_OF_A_GROUP = 1000
"""Half of those of the whole set, so that twenty groups are judged in a second."""


@dataclass(frozen=True)
class GroupPoint:
    """What one threshold of the whole set reaches in a group."""

    target: float
    """Sensitivity that the threshold was chosen for, on validation images of all groups; NaN for that of 0.5."""
    threshold: float
    """Called positive strictly above it; NaN where no validation images could choose it."""
    true_positives: int
    false_positives: int
    reached: Reached
    """Wilson's intervals, the threshold taken as given."""
    precision: tuple[Interval, ...]
    """The PPV by Bayes at each of the prevalences, the threshold as given."""


@dataclass(frozen=True)
class GroupCalibration:
    """How well the probabilities of a group agree with its truth."""

    measures: dict[str, Interval]
    """By a name of `CALIBRATION`; intercept and slope are NaN where the classes are separated or only one is there."""
    by_chance: Interval
    """Calibration error of as many images with these probabilities if they were true: mean and 95 % range."""


@dataclass(frozen=True)
class GroupFigures:
    """All of one group, a class against the rest."""

    prevalences: tuple[float, ...]
    points: tuple[GroupPoint, ...]
    """As those of the whole set: first the threshold of 0.5, then by rising target."""
    partial_share: Interval
    """Area between the ROC curve and a sensitivity of 0.8, as a share of the most there can be."""
    thresholds: tuple[float, ...]
    """Threshold probabilities of the net benefit."""
    net_benefit: tuple[Interval, ...]
    """In true positives an image, at the group's own share of positives."""
    treat_all: tuple[float, ...]
    before: GroupCalibration
    called: tuple[str, ...]
    """Columns of the counts: the classes, and `confusion.UNDECIDED` where an image of the group is."""
    counts: tuple[tuple[int, ...], ...]
    """True classes in rows, called classes in columns."""
    by_class: tuple[ClassFigures, ...]
    mean_recall: Interval
    """Over the classes that the group has, as the other two over those where they are defined."""
    mean_precision: Interval
    mean_f1: Interval
    after: GroupCalibration | None = None
    """At the temperature of the whole set's validation images; None where there is none."""


@dataclass(frozen=True)
class WholeSetResults:
    """What was found on all images: its thresholds, prevalences and temperature are those of every group."""

    operating: Operating
    decision: DecisionCurve
    calibration: Calibration
    confusion: Confusion

    def scaled(self, predictions: Predictions) -> Predictions | None:
        """Return the predictions at the temperature; None where there is none."""
        if self.calibration.after is None:
            return None
        return at_temperature(predictions, self.calibration.temperature.value)

    @property
    def figures(self) -> GroupFigures:
        """Return the figures of all images, as a group of their own."""
        places = [self.decision.thresholds.index(one) for one in SHOWN if one in self.decision.thresholds]
        after = self.calibration.after
        return GroupFigures(
            prevalences=self.operating.prevalences,
            points=tuple(
                GroupPoint(
                    one.target, one.threshold, one.true_positives, one.false_positives, one.reached, one.precision
                )
                for one in self.operating.points
            ),
            partial_share=self.operating.partial_share,
            thresholds=tuple(self.decision.thresholds[at] for at in places),
            net_benefit=tuple(self.decision.net_benefit[at] for at in places),
            treat_all=tuple(self.decision.treat_all[at] for at in places),
            before=_main_ones(self.calibration.before),
            after=None if after is None else _main_ones(after),
            called=self.confusion.called,
            counts=self.confusion.counts,
            by_class=self.confusion.by_class,
            mean_recall=self.confusion.mean_recall,
            mean_precision=self.confusion.mean_precision,
            mean_f1=self.confusion.mean_f1,
        )


def group_figures(
    predictions: Predictions,
    scaled: Predictions | None,
    whole: WholeSetResults,
    *,
    resamples: int = RESAMPLES_OF_A_GROUP,
    seed: int = 0,
) -> GroupFigures:
    """Judge the predictions of a group, and the same at the temperature, by what was found on the whole set.

    The group may be of one image or of one class: what is not defined there is NaN.
    """
    name = whole.operating.task
    share = float(predictions.is_class(name).mean())
    points, partial = _points(predictions, whole.operating, resamples=resamples, seed=seed)
    matrix = confusion(predictions, name)
    of_whole = whole.figures.thresholds
    return GroupFigures(
        prevalences=whole.operating.prevalences,
        points=points,
        partial_share=partial,
        thresholds=of_whole,
        net_benefit=net_benefit(predictions, name, of_whole, resamples=resamples, seed=seed),
        treat_all=treat_all(share, of_whole),
        before=_main_ones(reliability(predictions, name, resamples, seed)[0]),
        after=None if scaled is None else _main_ones(reliability(scaled, name, resamples, seed)[0]),
        called=matrix.called,
        counts=matrix.counts,
        by_class=matrix.by_class,
        mean_recall=matrix.mean_recall,
        mean_precision=matrix.mean_precision,
        mean_f1=matrix.mean_f1,
    )


def _points(
    predictions: Predictions, operating: Operating, *, resamples: int, seed: int
) -> tuple[tuple[GroupPoint, ...], Interval]:
    """Return what each threshold of the whole set reaches, and the share of the partial area."""
    name, width = operating.task, len(operating.prevalences)
    ranking = Ranking.of(predictions.is_class(name), predictions.probability(name))
    thresholds = np.array([one.threshold for one in operating.points])

    def bootstrapped(weights: Float[np.ndarray, "R N"]) -> Float[np.ndarray, "R M"]:
        """Return precision by threshold and prevalence, last the share of the partial area."""
        counts = ranking.counts(weights)
        rates = [rates_at(counts, np.full(len(weights), one)) for one in thresholds]
        precision = [precision_at(rate[0], rate[1], one) for rate in rates for one in operating.prevalences]
        return np.stack([*precision, partial_area(counts) / (1 - LEAST)], axis=1)

    sampling = Sampling.of(predictions.groups, predictions.labels)
    *precision, partial = estimate(bootstrapped, sampling, resamples=resamples, seed=seed)
    reached = reached_above(predictions, name, thresholds)
    by_point = [precision[start : start + width] for start in range(0, len(precision), width)]
    points = (
        _point(ranking, of_whole, Reached(*given), dict(zip(operating.prevalences, by_bayes, strict=True)))
        for of_whole, given, by_bayes in zip(operating.points, reached, by_point, strict=True)
    )
    # Of a perfect order no resample differs: as of an AUC of 1, nothing is known of the uncertainty.
    known = partial.high - partial.low > ROUNDING
    return tuple(points), partial if known else Interval(partial.value, math.nan, math.nan)


def _point(ranking: Ranking, of_whole: OperatingPoint, reached: Reached, by_bayes: dict[float, Interval]) -> GroupPoint:
    """Name what a threshold of the whole set reaches; nothing where there is none."""
    true, false = called_at(ranking.counts(), np.array([of_whole.threshold]))
    known = not math.isnan(of_whole.threshold)
    return GroupPoint(
        target=of_whole.target,
        threshold=of_whole.threshold,
        true_positives=int(true[0]) if known else 0,
        false_positives=int(false[0]) if known else 0,
        reached=reached if known else Reached(*(NOTHING,) * 4),
        precision=tuple(or_by_ends(one, reached, prevalence) for prevalence, one in by_bayes.items()),
    )


def _main_ones(judged: Reliability) -> GroupCalibration:
    return GroupCalibration({name: judged.measures[name] for name in CALIBRATION}, judged.by_chance)
