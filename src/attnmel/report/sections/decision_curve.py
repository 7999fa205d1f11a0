"""Decision curves to a section of the page: words and rounding only."""

from collections.abc import Sequence

from attnmel.errors import counted
from attnmel.evaluation.classification.decision_curve import SHOWN, DecisionCurve
from attnmel.evaluation.classification.report import FEW
from attnmel.figures.decision import decision_figure
from attnmel.number_formats import fixed, minus, percent, signed
from attnmel.records import scale_in_words
from attnmel.report.html.sections import Drawing, Section, Table
from attnmel.report.html.tables import spaced


def decision_section(curves: Sequence[DecisionCurve], *, anchor: str) -> Section:
    """Return the section: the first class in full, the others folded away."""
    main, others = curves[0], curves[1:]
    name = spaced(main.task)
    return Section(
        name="decision",
        title="Decision curve",
        prose=f"To act, for example to excise, from a probability of 0.1 on means that nine needless acts are as bad "
        f"as one missed {name}. The curve shows the net benefit of acting above each threshold: {_useful(main)}",
        figures=(
            Drawing(
                decision_figure(main, name=f"{anchor}-decision"),
                f"Net benefit: {name} found per image, less needless acts. Band: pointwise 95 % intervals.",
            ),
        ),
        tables=(_table(main),),
        more=tuple(_table(one) for one in others),
        notes=(
            "Net benefit at a threshold p (Vickers and Elkin 2006): true positives / N \N{MINUS SIGN} false positives "
            f"/ N \N{MULTIPLICATION SIGN} p / (1 \N{MINUS SIGN} p). It is of {scale_in_words(main.temperature)}, and "
            f"for the share of {name} among these images, {percent(main.prevalence)}; a practice sees fewer. "
            f"Intervals: percentile bootstrap, {main.resamples:,} resamples.",
        ),
    )


def _table(curve: DecisionCurve) -> Table:
    places = [curve.thresholds.index(one) for one in SHOWN if one in curve.thresholds]
    return Table(
        f"Net benefit, {spaced(curve.task)}, {curve.images:,} images.",
        ("Threshold", "Acting above it", "Acting on all", "Acting on none"),
        tuple(
            (f"{curve.thresholds[at]:g}", signed(curve.net_benefit[at]), minus(fixed(curve.treat_all[at])), fixed(0.0))
            for at in places
        ),
    )


def _useful(curve: DecisionCurve) -> str:
    """Return where the whole interval lies above acting on all and on none; of few images nowhere."""
    positives = round(curve.prevalence * curve.images)
    if (few := min(positives, curve.images - positives)) < FEW:
        few_images = counted(few, "image")
        return f"with {few_images} on a side, it does not show where that is more than acting on all or on none."
    if not curve.useful:
        return "at no threshold is it shown to be higher than that of acting on all or on none."
    ranges = [f"{low:g}" if low == high else f"{low:g} to {high:g}" for low, high in curve.useful]
    return f"it is above that of acting on all or on none at thresholds of {_and(ranges)} (by the whole interval)."


def _and(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
