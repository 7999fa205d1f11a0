"""Curves over thresholds and over epochs. Computes nothing."""

from collections.abc import Mapping, Sequence
from textwrap import fill

import matplotlib
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from attnmel.evaluation.classification.curves import PrecisionRecallCurve, RocCurve
from attnmel.figures.svg import (
    FAINT,
    INK,
    LEGEND_LETTERS,
    SERIES,
    STYLE,
    WIDE,
    empty_axes,
    legend,
    series,
    svg_text,
    unit_square,
)

Named = tuple[str, RocCurve] | tuple[str, PrecisionRecallCurve]


def roc_figure(
    curves: Sequence[tuple[str, RocCurve]], *, name: str, operating_point: tuple[float, float] | None = None
) -> str:
    """Draw sensitivity over 1 - specificity, one named curve a run or a task, as SVG.

    `operating_point` is (1 - specificity, sensitivity) at the threshold that the measures use.
    """
    with matplotlib.rc_context(STYLE):
        figure, axes = unit_square("1 \N{MINUS SIGN} specificity", "sensitivity", named=len(curves))
        axes.plot((0, 1), (0, 1), **FAINT)
        for number, (label, curve) in enumerate(curves):
            x, y = curve.false_positive_rate, curve.true_positive_rate
            axes.plot(x, y, label=fill(label, LEGEND_LETTERS), **series(number))
        if operating_point is not None:
            _mark(axes, operating_point, "threshold 0.5")
        legend(axes)
        return svg_text(figure, name, f"ROC curve: {_all_labels(curves)}")


def precision_recall_figure(curves: Sequence[tuple[str, PrecisionRecallCurve]], *, name: str) -> str:
    """Draw precision over sensitivity as steps, one named curve a run or a task, as SVG; a dotted line is a guess."""
    with matplotlib.rc_context(STYLE):
        figure, axes = unit_square("sensitivity (recall)", "precision", named=len(curves))
        for prevalence in sorted({curve.prevalence for _, curve in curves}):
            axes.axhline(prevalence, **FAINT)
        for number, (label, curve) in enumerate(curves):
            axes.step(curve.recall, curve.precision, where="pre", label=fill(label, LEGEND_LETTERS), **series(number))
        legend(axes)
        return svg_text(figure, name, f"Precision-recall curve: {_all_labels(curves)}")


def learning_figure(
    epochs: Sequence[int], lines: Mapping[str, Sequence[float]], *, chosen: int | None, label: str, name: str
) -> str:
    """Draw quantities over the epochs as SVG, the chosen epoch marked; a value that is NaN leaves a gap."""
    with matplotlib.rc_context(STYLE):
        figure, axes = empty_axes(*WIDE)
        if chosen is not None:
            _mark_epoch(axes, chosen, late=chosen * 2 > epochs[0] + epochs[-1])
        for number, (line, values) in enumerate(lines.items()):
            axes.plot(epochs, values, label=line, marker=".", markersize=4, **series(number))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set(xlabel="epoch", ylabel=label)
        legend(axes, columns=3)
        mark = f"; chosen epoch {chosen}" if chosen is not None else ""
        return svg_text(figure, name, f"{label} over {len(epochs)} epochs: {', '.join(lines)}{mark}")


def _mark(axes: Axes, point: tuple[float, float], text: str) -> None:
    axes.plot(*point, marker="o", markersize=5, color=SERIES[0], linestyle="none")
    axes.annotate(text, point, (7, -9), textcoords="offset points", fontsize=7.5, color=INK)


def _mark_epoch(axes: Axes, chosen: int, *, late: bool) -> None:
    """Name the epoch at the top, on the side with more room, and leave room for the name above the curves."""
    axes.axvline(chosen, **FAINT)
    axes.margins(y=0.16)
    shift, side = (-3, "right") if late else (3, "left")
    top = axes.get_xaxis_transform()
    axes.annotate(f"epoch {chosen}", (chosen, 1), (shift, -8), top, "offset points", ha=side, fontsize=7.5, color=INK)


def _all_labels(curves: Sequence[Named]) -> str:
    return "; ".join(label for label, _ in curves)
