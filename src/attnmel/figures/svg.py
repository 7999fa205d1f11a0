"""How every figure is drawn: SVG text for a page, in the page's own ink, font and colours.

Ink is `currentColor` and every series is `var(--series-N)`, so one figure is legible on light and on dark paper. The
page defines `--series-1` to `--series-5`. A `name` given to a figure is unique on its page.
"""

import io
import re
from collections.abc import Sequence
from html import escape
from textwrap import fill
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

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

FAINT: dict[str, Any] = {"color": INK, "alpha": 0.6, "linewidth": 0.9, "linestyle": (0, (1, 2))}

DASHES = ("-", (0, (5, 1.6)), (0, (1.2, 1.4)), (0, (6, 1.4, 1.2, 1.4)), (0, (3, 1, 3, 3)))
"""A second sign next to the colour, for those who do not tell the colours apart."""

MARKS = ("o", "s", "^", "D", "v", "P", "X", "*")
"""A sign for each point, so that they can be distinguished without colours."""
SQUARE = (4.0, 3.95)
LEGEND_ROW = 0.17
LEGEND_LETTERS = 52
WIDE = (3.5, 2.5)
"""Inches; the page scales them to its columns, about 1.4 CSS pixels a point, so text stays near 12 pixels."""

STYLE: dict[Any, Any] = {
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


def empty_axes(width: float, height: float) -> tuple[Figure, Axes]:
    """Return axes with faint lines at the ticks, in a figure of so many inches."""
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    axes.grid(color=INK, alpha=0.12, linewidth=0.5)
    axes.tick_params(length=2.5)
    axes.yaxis.label.set_rotation_mode("anchor")
    return figure, axes


def row_axes(labels: Sequence[str], *, letters: int, row: float, frame: float) -> tuple[Figure, Axes]:
    """Return axes with a row for each label, from the top down.

    `row` is the height of a line of a label, which has that many `letters`, `frame` that of axis and name, in inches.
    """
    filled = [fill(label, letters) for label in labels]
    lines = sum(1 + label.count("\n") for label in filled)
    figure, axes = empty_axes(WIDE[0], frame + row * lines)
    axes.set(yticks=range(len(filled)), yticklabels=filled, ylim=(len(filled) - 0.5, -0.5))
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    return figure, axes


def unit_square(horizontal: str, vertical: str, *, named: int) -> tuple[Figure, Axes]:
    """Return a square from 0 to 1 both ways, with room above it for the names of `named` series."""
    width, height = SQUARE
    figure, axes = empty_axes(width, height + LEGEND_ROW * named)
    ticks = (0, 0.2, 0.4, 0.6, 0.8, 1)
    axes.set(xlabel=horizontal, ylabel=vertical, xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
    axes.set(xticks=ticks, yticks=ticks)
    return figure, axes


def series(number: int) -> dict[str, Any]:
    """Pair colour and dash so that twenty-five series differ."""
    turn, place = divmod(number, len(SERIES))
    return {"color": SERIES[place], "linestyle": DASHES[(place + turn) % len(DASHES)]}


def legend(axes: Axes, columns: int = 1) -> None:
    """Put the names above the axes, where no curve runs."""
    place = {"loc": "lower left", "bbox_to_anchor": (0, 1), "borderaxespad": 0.2}
    axes.legend(**place, ncols=columns, handlelength=2.2, labelspacing=0.3)


def svg_text(figure: Figure, name: str, description: str) -> str:
    """Write the figure as an SVG element for a page, with a title for those who do not see it."""
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
