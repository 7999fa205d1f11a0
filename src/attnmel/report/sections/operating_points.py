"""Operating points to a section of the page: words and rounding only."""

import math
from collections.abc import Sequence

from attnmel.evaluation.classification.choose_threshold import LEAST
from attnmel.evaluation.classification.curves import RocCurve
from attnmel.evaluation.classification.operating_points import Operating
from attnmel.evaluation.classification.reached_at_threshold import OperatingPoint
from attnmel.evaluation.statistics.bootstrap import Interval
from attnmel.figures.operating import operating_figure
from attnmel.number_formats import fixed, in_brackets, in_full, percent, span, stacked
from attnmel.records import scale_in_words
from attnmel.report.html.sections import Drawing, Section, Table
from attnmel.report.html.tables import spaced

HEADS = ("Threshold", "Found", "False alarms", "Sensitivity", "Specificity", "PPV", "NPV", "Specificity, own curve")


def operating_section(operating: Sequence[Operating], curve: RocCurve | None, *, anchor: str) -> Section:
    """Return the section: the first class in full, the others folded away.

    `curve` is the first one's; None where the images are of one class, so that none is drawn.
    """
    main, others = operating[0], operating[1:]
    caption = "The thresholds on the evaluated images; bars are 95 % intervals, the partial area is shaded."
    drawn = Drawing(operating_figure(curve, main, name=f"{anchor}-operating"), caption) if curve is not None else None
    return Section(
        name="operating",
        title="Operating points",
        prose=_prose(main),
        figures=(drawn,) if drawn is not None else (),
        tables=(_points(main), _precision(main)),
        more=tuple(table for one in others for table in (_points(one), _precision(one))),
        notes=(*(_area(one) for one in operating), *_notes(operating)),
    )


def _prose(operating: Operating) -> str:
    """Return what the thresholds are of and what chose them; the notes say where the evaluated images chose them."""
    scale = f"Thresholds are of {scale_in_words(operating.temperature)}, as in the columns of attnmel predict."
    if not operating.validation_positives:
        return scale
    chose = f"{scale} Each just reaches its sensitivity on the {operating.chosen_images}."
    if operating.shared:
        return chose
    return f"{chose} The images evaluated here had no part in it, so their sensitivity may be above or below it."


def _points(operating: Operating) -> Table:
    counts = f"{operating.positives:,} {spaced(operating.task)}, {operating.negatives:,} other images"
    return Table(
        f"What each threshold reaches: {counts}.",
        ("Aim", *HEADS),
        tuple(_point(operating, point) for point in operating.points),
    )


def _point(operating: Operating, point: OperatingPoint) -> tuple[str, ...]:
    aim, reached, again = _aim(point), point.reached, point.redrawn
    read_off = stacked(point.read_off)
    if math.isnan(point.threshold):
        return (aim, *(fixed(math.nan),) * 7, read_off)
    return (
        aim,
        in_full(point.threshold),
        f"{point.true_positives:,} of {operating.positives:,}",
        f"{point.false_positives:,} of {operating.negatives:,}",
        _twice(reached.sensitivity, again.sensitivity if again else None),
        _twice(reached.specificity, again.specificity if again else None),
        _twice(reached.ppv, again.ppv if again else None),
        _twice(reached.npv, again.npv if again else None),
        read_off,
    )


def _precision(operating: Operating) -> Table:
    """Return the PPV at each prevalence, last the evaluated images' own."""
    own = operating.positives / (operating.positives + operating.negatives)
    return Table(
        f"Precision (PPV) by Bayes if {spaced(operating.task)} were as frequent as given.",
        ("Aim", *(f"at {percent(one)}" for one in operating.prevalences), f"at {percent(own)}, as here"),
        tuple(
            (_aim(point), *(stacked(one) for one in point.precision), stacked(point.reached.ppv))
            for point in operating.points
            if not math.isnan(point.threshold)
        ),
    )


def _area(operating: Operating) -> str:
    area, part = operating.partial_area, operating.partial_share
    return (
        f"{spaced(operating.task).capitalize()}: above a sensitivity of {LEAST:g} the ROC curve encloses "
        f"{in_brackets(area)} of at most {fixed(1 - LEAST, 1)}, a proportion of {in_brackets(part, 2)}."
    )


def _notes(operating: Sequence[Operating]) -> tuple[str, ...]:
    resamples = operating[0].resamples
    redrawn = any(point.redrawn for one in operating for point in one.points)
    return (
        "Called positive strictly above the threshold. PPV and NPV: share of those called positive, and of the others, "
        "that truly are. 95 % intervals by Wilson, the threshold as given; precision, own curve and area by percentile "
        f"bootstrap, {resamples:,} resamples."
        + (" Redrawn: the images that chose the thresholds are drawn again, too, and choose anew." if redrawn else ""),
        "Specificity, own curve: read off the ROC curve of the evaluated images at the sensitivity aimed at, as the "
        "challenges do. It is optimistic: its threshold is chosen with the labels known.",
        *(note for one in operating for note in one.notes),
    )


def _twice(given: Interval, redrawn: Interval | None) -> str:
    """Write a figure with its interval, and below it the one with the threshold chosen anew."""
    return stacked(given) + (f"\nredrawn {span(redrawn)}" if redrawn else "")


def _aim(point: OperatingPoint) -> str:
    return "none" if math.isnan(point.target) else f"{point.target:g}"
