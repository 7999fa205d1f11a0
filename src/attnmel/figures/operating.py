"""Operating points on the ROC curve of the images they are evaluated on. Computes nothing."""

import math

import matplotlib
from matplotlib.axes import Axes

from attnmel.evaluation.classification.choose_threshold import LEAST
from attnmel.evaluation.classification.curves import RocCurve
from attnmel.evaluation.classification.operating_points import Operating
from attnmel.evaluation.classification.reached_at_threshold import OperatingPoint
from attnmel.figures.svg import FAINT, LEGEND_ROW, MARKS, SERIES, SQUARE, STYLE, empty_axes, legend, svg_text

HEIGHT = 3.0
"""Inches without the legend."""


def operating_figure(curve: RocCurve, operating: Operating, *, name: str) -> str:
    """Draw where the thresholds lie, with bars for the intervals of both rates, as SVG.

    The corner of the ROC curve that holds them is shown, the area between it and a sensitivity of 0.8 shaded.
    """
    shown = [point for point in operating.points if not math.isnan(point.threshold)]
    with matplotlib.rc_context(STYLE):
        figure, axes = empty_axes(SQUARE[0], HEIGHT + LEGEND_ROW * (len(shown) + 2) // 2)
        axes.plot((0, 1), (0, 1), **FAINT)
        false, true = curve.false_positive_rate, curve.true_positive_rate
        axes.plot(false, true, color=SERIES[0], label="ROC curve of these images")
        axes.fill_between(
            false, true, LEAST, where=(true >= LEAST).tolist(), interpolate=True, color=SERIES[0], alpha=0.15, lw=0
        )
        for number, point in enumerate(shown):
            _mark(axes, point, number)
        lowest = min(LEAST, *(point.reached.sensitivity.low for point in shown))
        widest = max(1 - point.reached.specificity.low for point in shown)
        axes.set(xlim=(-0.01, min(1, widest + 0.1) + 0.01), ylim=(max(0, lowest - 0.1), 1.01))
        axes.set(xlabel="1 \N{MINUS SIGN} specificity", ylabel="sensitivity")
        legend(axes, columns=2)
        aims = ", ".join(_label(point) for point in shown)
        return svg_text(figure, name, f"Operating points of {operating.task} on the ROC curve: {aims}")


def _mark(axes: Axes, point: OperatingPoint, number: int) -> None:
    """Draw one point with its intervals; error bars end where the intervals do."""
    found, cleared = point.reached.sensitivity, point.reached.specificity
    axes.errorbar(
        1 - cleared.value,
        found.value,
        xerr=[[cleared.high - cleared.value], [cleared.value - cleared.low]],
        yerr=[[found.value - found.low], [found.high - found.value]],
        marker=MARKS[number % len(MARKS)],
        markersize=5,
        color=SERIES[(number + 1) % len(SERIES)],
        linewidth=0.9,
        linestyle="none",
        label=_label(point),
    )


def _label(point: OperatingPoint) -> str:
    return f"threshold {point.threshold:g}" if math.isnan(point.target) else f"aimed at {point.target:g}"
