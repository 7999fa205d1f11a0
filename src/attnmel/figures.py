"""Numbers to vector figures: SVG text for a page, in the page's own ink, font and colours. Computes nothing.

Ink is `currentColor` and every series is `var(--series-N)`, so one figure is legible on light and on dark paper. The
page defines `--series-1` to `--series-5`. A `name` given to a figure is unique on its page.
"""

import io
import re
from collections.abc import Mapping, Sequence
from html import escape
from textwrap import fill
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from attnmel.evaluation.curves import PrecisionRecallCurve, RocCurve

Named = tuple[str, RocCurve] | tuple[str, PrecisionRecallCurve]

# matplotlib has no "currentColor": figures are drawn in colours that occur nowhere else, replaced in the text.
INK = "#010203"
SERIES = ("#0a0b01", "#0a0b02", "#0a0b03", "#0a0b04", "#0a0b05")
_REPLACED = {INK: "currentColor"} | {colour: f"var(--series-{n})" for n, colour in enumerate(SERIES, 1)}

# The page's own font; no metadata, no style that would reach the whole page, no ids that nothing refers to.
_REWRITTEN = [
    (re.compile(r"<svg[^>]*>"), ""),
    (re.compile(r"<metadata>.*?</metadata>|<style.*?</style>", re.DOTALL), ""),
    (re.compile(r"font: ([\d.]+px) [^;\"]*"), r"font-size: \1"),
    (re.compile(r"font-family: [^;\"]*(; )?"), ""),
    (re.compile(r'<g id="[^"]*"'), "<g"),
    (re.compile(r"xlink:href"), "href"),
    (re.compile(r"\s*\n\s*"), "\n"),
]

_FAINT: dict[str, Any] = {"color": INK, "alpha": 0.6, "linewidth": 0.9, "linestyle": (0, (1, 2))}

DASHES = ("-", (0, (5, 1.6)), (0, (1.2, 1.4)), (0, (6, 1.4, 1.2, 1.4)), (0, (3, 1, 3, 3)))
"""A second sign beside the colour, for those who do not tell the colours apart."""

SQUARE = (4.0, 3.95)
LEGEND_ROW = 0.17
LEGEND_LETTERS = 52
WIDE = (3.5, 2.5)
"""Inches; the page scales them to its columns, about 1.4 CSS pixels a point, so text stays near 12 pixels."""

_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "attnmel",
    "text.parse_math": False,  # a name with a dollar sign is a name
    "font.size": 8.5,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.labelsize": 8.5,
    "axes.axisbelow": True,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "lines.linewidth": 1.5,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
}


def roc_figure(
    curves: Sequence[tuple[str, RocCurve]], *, name: str, operating_point: tuple[float, float] | None = None
) -> str:
    """Draw sensitivity over 1 - specificity, one named curve a run or a task, as SVG.

    `operating_point` is (1 - specificity, sensitivity) at the threshold that the measures use.
    """
    with matplotlib.rc_context(_STYLE):
        figure, axes = _unit_square(curves, "1 \N{MINUS SIGN} specificity", "sensitivity")
        axes.plot((0, 1), (0, 1), **_FAINT)
        for number, (label, curve) in enumerate(curves):
            axes.plot(
                curve.false_positive_rate,
                curve.true_positive_rate,
                label=fill(label, LEGEND_LETTERS),
                **_series(number),
            )
        if operating_point is not None:
            _mark(axes, operating_point, "threshold 0.5")
        _legend(axes)
        return _svg(figure, name, f"ROC curve: {_all_labels(curves)}")


def precision_recall_figure(curves: Sequence[tuple[str, PrecisionRecallCurve]], *, name: str) -> str:
    """Draw precision over sensitivity as steps, one named curve a run or a task, as SVG; a dotted line is a guess."""
    with matplotlib.rc_context(_STYLE):
        figure, axes = _unit_square(curves, "sensitivity (recall)", "precision")
        for prevalence in sorted({curve.prevalence for _, curve in curves}):
            axes.axhline(prevalence, **_FAINT)
        for number, (label, curve) in enumerate(curves):
            axes.step(curve.recall, curve.precision, where="pre", label=fill(label, LEGEND_LETTERS), **_series(number))
        _legend(axes)
        return _svg(figure, name, f"Precision-recall curve: {_all_labels(curves)}")


def learning_figure(
    epochs: Sequence[int], lines: Mapping[str, Sequence[float]], *, chosen: int | None, label: str, name: str
) -> str:
    """Draw quantities over the epochs as SVG, the chosen epoch marked; a value that is NaN leaves a gap."""
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=WIDE, layout="constrained")
        axes = figure.add_subplot()
        _grid(axes)
        if chosen is not None:
            _mark_epoch(axes, chosen, late=chosen * 2 > epochs[0] + epochs[-1])
        for number, (line, values) in enumerate(lines.items()):
            axes.plot(epochs, values, label=line, marker=".", markersize=4, **_series(number))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set(xlabel="epoch", ylabel=label)
        axes.yaxis.label.set_rotation_mode("anchor")
        _legend(axes, columns=3)
        mark = f"; chosen epoch {chosen}" if chosen is not None else ""
        return _svg(figure, name, f"{label} over {len(epochs)} epochs: {', '.join(lines)}{mark}")


def _unit_square(curves: Sequence[Named], horizontal: str, vertical: str) -> tuple[Figure, Axes]:
    width, height = SQUARE
    figure = Figure(figsize=(width, height + LEGEND_ROW * len(curves)), layout="constrained")
    axes = figure.add_subplot()
    ticks = (0, 0.2, 0.4, 0.6, 0.8, 1)
    axes.set(xlabel=horizontal, ylabel=vertical, xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
    axes.set(xticks=ticks, yticks=ticks)
    axes.yaxis.label.set_rotation_mode("anchor")
    _grid(axes)
    return figure, axes


def _grid(axes: Axes) -> None:
    axes.grid(color=INK, alpha=0.12, linewidth=0.5)
    axes.tick_params(length=2.5)


def _series(number: int) -> dict[str, Any]:
    """Pair colour and dash so that twenty-five series differ."""
    turn, place = divmod(number, len(SERIES))
    return {"color": SERIES[place], "linestyle": DASHES[(place + turn) % len(DASHES)]}


def _mark(axes: Axes, point: tuple[float, float], text: str) -> None:
    axes.plot(*point, marker="o", markersize=5, color=SERIES[0], linestyle="none")
    axes.annotate(text, point, (7, -9), textcoords="offset points", fontsize=7.5, color=INK)


def _mark_epoch(axes: Axes, chosen: int, *, late: bool) -> None:
    """Name the epoch at the top, on the side with more room, and leave room for the name above the curves."""
    axes.axvline(chosen, **_FAINT)
    axes.margins(y=0.16)
    shift, side = (-3, "right") if late else (3, "left")
    top = axes.get_xaxis_transform()
    axes.annotate(f"epoch {chosen}", (chosen, 1), (shift, -8), top, "offset points", ha=side, fontsize=7.5, color=INK)


def _legend(axes: Axes, columns: int = 1) -> None:
    """Put the names above the axes, where no curve runs."""
    place = {"loc": "lower left", "bbox_to_anchor": (0, 1), "borderaxespad": 0.2}
    axes.legend(**place, ncols=columns, handlelength=2.2, labelspacing=0.3)


def _all_labels(curves: Sequence[Named]) -> str:
    return "; ".join(label for label, _ in curves)


def _svg(figure: Figure, name: str, description: str) -> str:
    """Write the figure as an SVG element to stand inside a page, with a title for those who do not see it."""
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None})
    text = file.getvalue()
    text = text[text.index("<svg") :]
    view_box = text.split('viewBox="')[1].split('"')[0]
    for found, shown in _REWRITTEN:
        text = found.sub(shown, text)
    # What remains of ids is referred to; names inside one figure must not meet those of another on the same page.
    text = re.sub(r'( id="| href="#|url\(#)', rf"\g<1>{name}-", text)
    for drawn, shown in _REPLACED.items():
        text = text.replace(drawn, shown)
    opening = f'<svg class="figure" role="img" aria-labelledby="{name}-title" viewBox="{view_box}">'
    return f'{opening}<title id="{name}-title">{escape(description)}</title>{text}'
