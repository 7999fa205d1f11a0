"""Studies of readers: forest plots, readers as points on ROC curves, changed answers, times. Computes nothing."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from attnmel.evaluation.classification.curves import RocCurve
from attnmel.figures.svg import FAINT, INK, MARKS, SERIES, STYLE, WIDE, legend, row_axes, series, svg_text, unit_square
from attnmel.number_formats import TO, fixed, in_brackets

ROW, FRAME, LABEL_LETTERS = 0.19, 0.55, 24
"""Inches of a row and of axis and label; letters of a label in one line."""

RIGHT, WRONG = SERIES[0], SERIES[1]


@dataclass(frozen=True)
class ForestRow:
    """A value on its interval; a mean is drawn larger than what it is the mean of."""

    label: str
    value: float
    low: float
    high: float
    mean: bool = False


def forest_figure(rows: Sequence[ForestRow], *, label: str, name: str, line: float | None = None) -> str:
    """Draw a row for each value with its interval, as SVG; what is not defined is left out. `line` marks no effect."""
    with matplotlib.rc_context(STYLE):
        figure, axes = row_axes([row.label for row in rows], letters=LABEL_LETTERS, row=ROW, frame=FRAME)
        if line is not None:
            axes.axvline(line, color=INK, linewidth=0.8)
        for place, row in enumerate(rows):
            colour = SERIES[1] if row.mean else SERIES[0]
            axes.plot((row.low, row.high), (place, place), color=colour, linewidth=2.2 if row.mean else 1.3)
            axes.plot(
                row.value, place, marker="D" if row.mean else "o", markersize=5.5 if row.mean else 4, color=colour
            )
        axes.set(xlabel=label)
        axes.locator_params(axis="x", nbins=5)
        values = "; ".join(f"{row.label} {in_brackets((row.value, row.low, row.high), to=TO)}" for row in rows)
        return svg_text(figure, name, f"{label}: {values}")


def reader_roc_figure(
    curves: Sequence[tuple[str, RocCurve]],
    points: Mapping[str, Sequence[tuple[float, float]]],
    *,
    name: str,
    machines: Sequence[tuple[float, float] | None] = (),
) -> str:
    """Draw curves, and each reader as a point (1 - specificity, sensitivity) with a sign for each modality, as SVG.

    The first curves are of the machines, whose points are stars of the same colour.
    """
    with matplotlib.rc_context(STYLE):
        figure, axes = unit_square("1 \N{MINUS SIGN} specificity", "sensitivity", named=len(curves) + len(points))
        axes.plot((0, 1), (0, 1), **FAINT)
        for number, (label, curve) in enumerate(curves):
            axes.plot(curve.false_positive_rate, curve.true_positive_rate, label=label, **series(number))
        # The curves of the same modalities come last, and have the same colours.
        for number, (label, own) in enumerate(points.items(), len(curves) - len(points)):
            _scatter(axes, own, number, label)
        for number, point in enumerate(machines):
            if point is not None:
                axes.plot(*point, marker="*", markersize=10, color=_colour(number), mec=INK, mew=0.6, linestyle="none")
        legend(axes)
        found = "; ".join(f"{label} {fixed(curve.auc)}" for label, curve in curves)
        count = sum(map(len, points.values()))
        return svg_text(figure, name, f"ROC curves with their areas: {found}; {count} points of readers")


def _scatter(axes: Axes, points: Sequence[tuple[float, float]], number: int, label: str) -> None:
    if points:
        xs, ys = zip(*points, strict=True)
        mark = MARKS[number % len(MARKS)]
        axes.plot(xs, ys, mark, markersize=4.5, color=_colour(number), alpha=0.85, label=label)


def _colour(number: int) -> str:
    return SERIES[number % len(SERIES)]


def flows_figure(counts: Mapping[tuple[bool, bool], int], *, name: str, title: str) -> str:
    """Draw how many answers were right and wrong before and after, as bands between two bars, as SVG."""
    total = sum(counts.values())
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDE[0], 2.2), layout="constrained")
        axes = figure.add_subplot()
        axes.set(xlim=(-0.42, 1.42), ylim=(total * 1.02, -total * 0.1), xticks=(), yticks=())
        axes.spines[:].set_visible(False)
        left = {True: 0, False: sum(counts[True, after] for after in (True, False))}
        right = {True: 0, False: sum(counts[before, True] for before in (True, False))}
        starts, ends = dict(left), dict(right)
        for before in (True, False):
            for after in (True, False):
                size = counts[before, after]
                _band(axes, starts[before], ends[after], size, RIGHT if after else WRONG, changed=before != after)
                starts[before] += size
                ends[after] += size
        sizes = [
            {right_one: sum(counts[key] for key in counts if key[side] == right_one) for right_one in (True, False)}
            for side in (0, 1)
        ]
        for x, tops, own, align in ((0, left, sizes[0], "right"), (1, right, sizes[1], "left")):
            for right_one in (True, False):
                _bar(axes, x, tops[right_one], own[right_one], right_one, align)
        for x, word in ((0, "before"), (1, "after")):
            axes.text(x, -total * 0.03, word, ha="center", va="bottom")
        words = {True: "right", False: "wrong"}
        parts = [f"{count} {words[before]} then {words[after]}" for (before, after), count in counts.items()]
        return svg_text(figure, name, f"{title}: {', '.join(parts)}")


def _band(axes: Axes, start: int, end: int, size: int, colour: str, *, changed: bool) -> None:
    """Draw one flow as a band with soft bends, darker where answers changed."""
    if not size:
        return
    corners = [
        (0, start), (0.5, start), (0.5, end), (1, end),
        (1, end + size), (0.5, end + size), (0.5, start + size), (0, start + size), (0, start),
    ]  # fmt: skip
    codes = [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4, Path.LINETO, *[Path.CURVE4] * 3, Path.CLOSEPOLY]
    axes.add_patch(PathPatch(Path(corners, codes), facecolor=colour, alpha=0.7 if changed else 0.3, linewidth=0))


def _bar(axes: Axes, x: float, top: int, size: int, right: bool, align: str) -> None:
    if not size:
        return
    axes.bar(x, size, bottom=top, width=0.06, color=RIGHT if right else WRONG)
    offset = -0.06 if align == "right" else 0.06
    axes.text(x + offset, top + size / 2, f"{'right' if right else 'wrong'} {size:,}", ha=align, va="center")


def times_figure(times: Mapping[str, Sequence[float]], *, name: str) -> str:
    """Draw the median seconds of each reader as points, a row for each modality, with the median of readers, as SVG."""
    known = {label: [value for value in own if not math.isnan(value)] for label, own in times.items()}
    known = {label: own for label, own in known.items() if own}
    with matplotlib.rc_context(STYLE):
        figure, axes = row_axes([*known], letters=LABEL_LETTERS, row=0.34, frame=FRAME)
        for place, own in enumerate(known.values()):
            axes.plot(own, [place] * len(own), "o", markersize=4.5, color=SERIES[0], alpha=0.6)
            axes.plot([median(own)] * 2, (place - 0.25, place + 0.25), color=SERIES[1], linewidth=2)
        axes.set(xlabel="median seconds a reading", xlim=(0, None))
        words = "; ".join(f"{label} {fixed(median(own), 1)}" for label, own in known.items())
        return svg_text(figure, name, f"Median seconds of the readers: {words}")
