"""Decision curves: net benefit over threshold probabilities. Computes nothing."""

import matplotlib

from attnmel.evaluation.classification.decision_curve import DecisionCurve
from attnmel.figures.svg import FAINT, LEGEND_ROW, SERIES, SQUARE, STYLE, empty_axes, legend, svg_text

HEIGHT = 3.0
"""Inches without the legend."""


def decision_figure(curve: DecisionCurve, *, name: str) -> str:
    """Draw the net benefit with its pointwise intervals next to acting on all and on none, as SVG.

    Where acting on all does more harm than is worth showing, its line leaves the figure.
    """
    values = [one.value for one in curve.net_benefit]
    with matplotlib.rc_context(STYLE):
        figure, axes = empty_axes(SQUARE[0], HEIGHT + 3 * LEGEND_ROW)
        axes.plot(curve.thresholds, values, color=SERIES[0], label="acting above the threshold")
        low, high = ([getattr(one, end) for one in curve.net_benefit] for end in ("low", "high"))
        axes.fill_between(curve.thresholds, low, high, color=SERIES[0], alpha=0.2, lw=0)
        axes.plot(curve.thresholds, curve.treat_all, color=SERIES[1], linestyle=(0, (5, 1.6)), label="acting on all")
        axes.plot((0, 1), (0, 0), label="acting on none", **FAINT)
        top = max(*high, curve.prevalence)
        axes.set(xlim=(0, 1), ylim=(min(-0.25 * top, max(min(low), -top)), 1.08 * top))
        axes.set(xlabel="threshold probability", ylabel="net benefit")
        legend(axes)
        return svg_text(figure, name, f"Net benefit of {curve.task} over threshold probabilities")
