"""A confusion matrix to a section of the page: words and rounding only."""

from attnmel.evaluation.classification.confusion_matrix import UNDECIDED, Confusion
from attnmel.figures.confusion import confusion_figure
from attnmel.number_formats import in_brackets, stacked
from attnmel.report.html.sections import Drawing, Section, Table
from attnmel.report.html.tables import spaced


def confusion_section(matrix: Confusion, *, anchor: str) -> Section:
    """Return the section: the matrix, and recall, precision and F1 of each class."""
    several = len(matrix.classes) > 2
    rule = "the highest probability" if several else "a probability above 0.5"
    return Section(
        name="confusion",
        title="Confusion matrix",
        figures=(
            Drawing(
                confusion_figure(matrix, name=f"{anchor}-confusion"),
                f"Share and number of each true class, by {rule}.",
            ),
        ),
        tables=(_by_class(matrix),),
        more=(_shares(matrix),),
        notes=(
            "Recall: share of a class that is called so. Precision: share of those called so that are of it; it holds "
            "for this mixture of classes alone. F1: their harmonic mean. Mean: over the classes, unweighted. "
            "95 % intervals: by Wilson for shares, and from these for the mean recall unless a patient has images of "
            "several classes; else by the jackknife on the logit scale."
            + (" Undecided: two classes share the highest probability." if UNDECIDED in matrix.called else ""),
        ),
    )


def _by_class(matrix: Confusion) -> Table:
    rows = [
        (
            spaced(one.name),
            f"{one.images:,}",
            f"{one.called:,}",
            *(stacked(figure) for figure in (one.recall, one.precision, one.f1)),
        )
        for one in matrix.by_class
    ]
    means = [stacked(one) for one in (matrix.mean_recall, matrix.mean_precision, matrix.mean_f1)]
    called = sum(one.called for one in matrix.by_class)
    rows.append(("mean", f"{matrix.images:,}", f"{called:,}", *means))
    return Table(
        f"By class. Accuracy over all images: {in_brackets(matrix.accuracy)}.",
        ("Class", "Images", "Called so", "Recall", "Precision", "F1"),
        tuple(rows),
    )


def _shares(matrix: Confusion) -> Table:
    """Return the matrix itself with an interval in every cell."""
    return Table(
        "Share of each true class (row) that is called each class (column).",
        ("True class", *(spaced(name) for name in matrix.called)),
        tuple(
            (spaced(name), *(stacked(cell) for cell in row))
            for name, row in zip(matrix.classes, matrix.shares, strict=True)
        ),
    )
