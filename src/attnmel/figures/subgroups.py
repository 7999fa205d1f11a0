"""Forest plots: one figure of every group with its interval, all on one scale. Computes nothing."""

import math
from collections.abc import Sequence

import matplotlib
from matplotlib.axes import Axes

from attnmel.evaluation.statistics.bootstrap import Interval
from attnmel.evaluation.subgroups import Subgroup, Subgroups
from attnmel.figures.svg import FAINT, INK, SERIES, SQUARE, STYLE, empty_axes, svg_text

ROW = 0.19
MARGIN = 0.55
"""Inches."""


def subgroup_forest_figure(found: Subgroups, measure: str, *, label: str, name: str) -> str:
    """Draw one measure of every group as SVG, that of all images as a dotted line; small groups are hollow.

    `measure` is a field of `Subgroup`; next to each group is how many positives it has, of how many images.
    """
    rows = _rows(found)
    with matplotlib.rc_context(STYLE):
        figure, axes = empty_axes(SQUARE[0], ROW * len(rows) + MARGIN)
        axes.grid(visible=False, axis="y")
        whole: Interval = getattr(found.everyone, measure)
        axes.axvline(whole.value, **FAINT)
        for place, row in enumerate(rows):
            if isinstance(row, Subgroup):
                _line(axes, place, getattr(row, measure), hollow=row.few)
        shown = [end for row in rows if isinstance(row, Subgroup) for end in getattr(row, measure)]
        lowest = min((end for end in shown if not math.isnan(end)), default=0.0)
        axes.set(xlim=(math.floor(10 * lowest - 0.2) / 10, 1.02), ylim=(len(rows) - 0.4, -0.6), xlabel=label)
        axes.set_yticks(range(len(rows)), [_name(row) for row in rows])
        for tick, row in zip(axes.get_yticklabels(), rows, strict=True):
            tick.set_fontweight("bold" if isinstance(row, str) else "normal")
        _counts(axes, rows)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        return svg_text(figure, name, f"{label} of {found.task} in {len(found.groups)} groups")


def _rows(found: Subgroups) -> list[Subgroup | str]:
    """Put all images first, then each attribute's name before its groups."""
    rows: list[Subgroup | str] = [found.everyone]
    for one in found.groups:
        if not isinstance(rows[-1], Subgroup) or rows[-1].attribute != one.attribute:
            rows.append(one.attribute)
        rows.append(one)
    return rows


def _line(axes: Axes, place: int, interval: Interval, *, hollow: bool) -> None:
    axes.plot(interval[1:], (place, place), color=SERIES[0], linewidth=1.1)
    face = "none" if hollow else SERIES[0]
    axes.plot(interval.value, place, marker="o", markersize=4.5, color=SERIES[0], markerfacecolor=face)


def _counts(axes: Axes, rows: Sequence[Subgroup | str]) -> None:
    """Write the counts to the right of the axes."""
    right = axes.get_yaxis_transform()
    for place, row in enumerate(rows):
        if isinstance(row, Subgroup):
            words = f"{row.positives:,} of {row.images:,}"
            axes.annotate(words, (1.02, place), xycoords=right, va="center", fontsize=7.5, color=INK)


def _name(row: Subgroup | str) -> str:
    return row if isinstance(row, str) else row.group
