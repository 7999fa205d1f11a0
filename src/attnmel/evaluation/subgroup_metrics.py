"""Operating points, net benefit, calibration and confusion matrix of one group of images.

Each is that of the whole set, of fewer images. Thresholds and temperature are those that the validation images of all
groups chose, as one clinic has one threshold. The values of the whole set itself are those already computed, so that
none is shown twice with two intervals.
"""

from dataclasses import dataclass, replace

from attnmel.evaluation.calibration.calibration import Calibration, Reliability, reliabilities
from attnmel.evaluation.calibration.temperature import at_temperature, without_temperature
from attnmel.evaluation.classification.confusion_matrix import ClassFigures, Confusion, confusion
from attnmel.evaluation.classification.decision_curve import SHOWN, DecisionCurve, net_benefit, treat_all
from attnmel.evaluation.classification.operating_points import Operating, points_at
from attnmel.evaluation.classification.reached_at_threshold import OperatingPoint
from attnmel.evaluation.statistics.bootstrap import Interval
from attnmel.records import Predictions

CALIBRATION = ("calibration_error", "brier", "intercept", "slope")
"""Of the measures of calibration, in the order of the tables."""

RESAMPLES_OF_A_GROUP = 1000
"""Half of those of the whole set, so that twenty groups take about a second."""


@dataclass(frozen=True)
class GroupFigures:
    """All values of one group, a class against the rest."""

    prevalences: tuple[float, ...]
    points: tuple[OperatingPoint, ...]
    """As those of the whole set: first the threshold of 0.5, then by rising target."""
    partial_share: Interval
    """Area between the ROC curve and a sensitivity of 0.8, as a share of the most there can be."""
    thresholds: tuple[float, ...]
    """Threshold probabilities of the net benefit."""
    net_benefit: tuple[Interval, ...]
    """In true positives an image, at the group's own share of positives."""
    treat_all: tuple[float, ...]
    before: Reliability
    """The measures in `CALIBRATION` alone; intercept and slope are NaN where the classes are separated or one is
    missing."""
    called: tuple[str, ...]
    """Columns of the counts: the classes, and `confusion_matrix.UNDECIDED` where an image of the group is."""
    counts: tuple[tuple[int, ...], ...]
    """True classes in rows, called classes in columns."""
    by_class: tuple[ClassFigures, ...]
    mean_recall: Interval
    """Over the classes that the group has, as the other two over those where they are defined."""
    mean_precision: Interval
    mean_f1: Interval
    after: Reliability | None = None
    """At the temperature of the whole set's validation images; None where there is none."""


@dataclass(frozen=True)
class WholeSetResults:
    """What was found on all images; every group has the same thresholds, prevalences and temperature."""

    operating: Operating
    decision: DecisionCurve
    calibration: Calibration
    confusion: Confusion

    def both_scales(self, predictions: Predictions) -> tuple[Predictions, Predictions | None]:
        """Return the predictions without a temperature, and at that of the calibration; None where there is none."""
        plain = without_temperature(predictions)
        if self.calibration.after is None:
            return plain, None
        return plain, at_temperature(plain, self.calibration.temperature.value)

    @property
    def figures(self) -> GroupFigures:
        """Return the values of all images, as a group of their own."""
        places = [self.decision.thresholds.index(one) for one in SHOWN if one in self.decision.thresholds]
        after = self.calibration.after
        return GroupFigures(
            prevalences=self.operating.prevalences,
            points=self.operating.points,
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
    predictions: Predictions, whole: WholeSetResults, *, resamples: int = RESAMPLES_OF_A_GROUP
) -> GroupFigures:
    """Evaluate the predictions of a group by what was found on the whole set.

    The group may be of one image or of one class: what is not defined there is NaN.
    """
    name = whole.operating.task
    share = float(predictions.is_class(name).mean())
    points, partial = points_at(predictions, whole.operating, resamples=resamples)
    matrix = confusion(predictions, name)
    scales = [one for one in whole.both_scales(predictions) if one is not None]
    before, *after = (_main_ones(found) for found, _ in reliabilities(scales, name, resamples))
    of_whole = whole.figures.thresholds
    return GroupFigures(
        prevalences=whole.operating.prevalences,
        points=points,
        partial_share=partial,
        thresholds=of_whole,
        net_benefit=net_benefit(predictions, name, of_whole, resamples=resamples),
        treat_all=treat_all(share, of_whole),
        before=before,
        after=after[0] if after else None,
        called=matrix.called,
        counts=matrix.counts,
        by_class=matrix.by_class,
        mean_recall=matrix.mean_recall,
        mean_precision=matrix.mean_precision,
        mean_f1=matrix.mean_f1,
    )


def _main_ones(found: Reliability) -> Reliability:
    return replace(found, measures={name: found.measures[name] for name in CALIBRATION}, bins=(), histogram=())
