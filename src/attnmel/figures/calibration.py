"""Reliability curve and histogram of probabilities. Computes nothing but where the bars are."""

from collections.abc import Sequence
from textwrap import fill

import matplotlib
import numpy as np

from attnmel.evaluation.calibration.reliability import Bin
from attnmel.figures.svg import FAINT, LEGEND_LETTERS, STYLE, WIDE, empty_axes, legend, series, svg_text, unit_square


def reliability_figure(curves: Sequence[tuple[str, Sequence[Bin]]], *, positive: str, name: str) -> str:
    """Draw the share of positives over the mean probability of each bin, with its interval, one named curve each.

    The dotted diagonal is where probabilities are what they say.
    """
    with matplotlib.rc_context(STYLE):
        figure, axes = unit_square(f"predicted probability of {positive}", f"share of {positive}", named=len(curves))
        axes.plot((0, 1), (0, 1), **FAINT)
        for number, (label, bins) in enumerate(curves):
            style = series(number)
            predicted = [one.predicted for one in bins]
            lows, highs = [one.observed.low for one in bins], [one.observed.high for one in bins]
            axes.vlines(predicted, lows, highs, color=style["color"], linewidth=0.8, alpha=0.7)
            observed = [one.observed.value for one in bins]
            axes.plot(predicted, observed, marker="o", markersize=3.5, label=fill(label, LEGEND_LETTERS), **style)
        legend(axes)
        return svg_text(figure, name, f"Reliability curve of {positive}: {_labels(curves)}")


def probability_figure(histograms: Sequence[tuple[str, Sequence[int]]], *, positive: str, name: str) -> str:
    """Draw how many images have which probability, in bars of equal width from 0 to 1, one named outline each."""
    with matplotlib.rc_context(STYLE):
        figure, axes = empty_axes(*WIDE)
        for number, (label, counts) in enumerate(histograms):
            axes.stairs(counts, np.linspace(0, 1, len(counts) + 1), label=label, linewidth=1.2, **series(number))
        axes.set(xlabel=f"predicted probability of {positive}", ylabel="images", xlim=(-0.01, 1.01), ylim=(0, None))
        legend(axes)
        return svg_text(figure, name, f"Images by predicted probability of {positive}: {_labels(histograms)}")


def _labels(named: Sequence[tuple[str, object]]) -> str:
    return "; ".join(label for label, _ in named)
