"""Differences with their intervals, one below the other, about a line at zero. Computes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib

from attnmel.evaluation.statistics.bootstrap import Interval
from attnmel.figures.svg import INK, SERIES, STYLE, row_axes, svg_text
from attnmel.number_formats import plus_in_brackets

ROW = 0.24
"""Inches a row."""

FRAME = 0.62
"""Inches for the axis and its label."""

LABEL_LETTERS = 26


@dataclass(frozen=True)
class Bar:
    """One row: what is compared, by how much, and whether a difference is shown."""

    label: str
    interval: Interval
    shown: bool


def differences_figure(bars: Sequence[Bar], *, label: str, name: str) -> str:
    """Draw each difference as a point on its interval, as SVG; filled where a difference is shown, hollow elsewhere.

    What is not defined (NaN) leaves its row empty.
    """
    with matplotlib.rc_context(STYLE):
        figure, axes = row_axes([bar.label for bar in bars], letters=LABEL_LETTERS, row=ROW, frame=FRAME)
        axes.axvline(0, color=INK, linewidth=0.8)
        for row, bar in enumerate(bars):
            value, low, high = bar.interval
            axes.plot((low, high), (row, row), color=SERIES[0], linewidth=1.6)
            filled: dict[str, Any] = {"markerfacecolor": SERIES[0] if bar.shown else "none"}
            axes.plot(value, row, marker="o", markersize=5, color=SERIES[0], **filled)
        axes.set(xlabel=label)
        axes.locator_params(axis="x", nbins=5)  # long numbers: more would touch
        values = "; ".join(_words(bar) for bar in bars)
        return svg_text(figure, name, f"{label}: {values}")


def _words(bar: Bar) -> str:
    return f"{bar.label} {plus_in_brackets(bar.interval)}"
