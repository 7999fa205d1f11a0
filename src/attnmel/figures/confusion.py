"""A confusion matrix as a field of squares. Computes nothing but its counts' shares of a row."""

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from attnmel.evaluation.classification.confusion_matrix import Confusion
from attnmel.figures.svg import INK, SERIES, SQUARE, STYLE, svg_text
from attnmel.number_formats import percent

DARKEST = 0.6
"""Opacity of a square that holds its whole row: the number on it stays legible on light and on dark paper."""

MARGIN = 1.1
"""Inches that the names of the classes take."""


def confusion_figure(matrix: Confusion, *, name: str) -> str:
    """Draw true classes down and called ones across, each square as dark as its share of the row, as SVG."""
    rows, columns = len(matrix.classes), len(matrix.called)
    side = (SQUARE[0] - MARGIN) / max(columns, 3)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(SQUARE[0], side * rows + MARGIN), layout="constrained")
        axes = figure.add_subplot()
        for row in range(rows):
            for column in range(columns):
                _square(axes, matrix, row, column)
        axes.set(xlim=(0, columns), ylim=(rows, 0), aspect="equal", xlabel="predicted class", ylabel="true class")
        axes.set_xticks([place + 0.5 for place in range(columns)], [_short(one) for one in matrix.called])
        axes.set_yticks([place + 0.5 for place in range(rows)], [_short(one) for one in matrix.classes])
        if columns > 3:
            axes.tick_params(axis="x", labelrotation=60)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.yaxis.label.set_rotation_mode("anchor")
        hits = ", ".join(
            f"{counts[place]} of {sum(counts)} {matrix.classes[place]}" for place, counts in enumerate(matrix.counts)
        )
        return svg_text(figure, name, f"Confusion matrix; rightly called: {hits}")


def _square(axes: Axes, matrix: Confusion, row: int, column: int) -> None:
    """Draw one cell: its share of the row, and below it the count."""
    count, of = matrix.counts[row][column], sum(matrix.counts[row])
    part = count / of if of else 0.0
    axes.add_patch(Rectangle((column, row), 1, 1, facecolor=SERIES[0], alpha=DARKEST * part, linewidth=0))
    axes.add_patch(Rectangle((column, row), 1, 1, facecolor="none", edgecolor=INK, alpha=0.25, linewidth=0.5))
    size = 7.0 if len(matrix.called) > 4 else 9.0
    if of:
        axes.text(column + 0.5, row + 0.42, percent(part, 0), ha="center", va="center", fontsize=size)
        axes.text(column + 0.5, row + 0.68, f"{count:,}", ha="center", va="center", fontsize=0.85 * size)


def _short(name: str) -> str:
    """Return a class name in two lines where it has two words."""
    return name.replace("_", "\n", 1).replace("_", " ")
