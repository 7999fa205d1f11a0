"""Calibration to a section of the page. Rounds and names; measures nothing."""

from itertools import zip_longest

from attnmel.evaluation.calibration.calibration import Calibration, Reliability
from attnmel.evaluation.calibration.reliability import Bin
from attnmel.figures.calibration import probability_figure, reliability_figure
from attnmel.number_formats import fixed, in_brackets, signed
from attnmel.report.html.sections import Drawing, Section, Table
from attnmel.report.html.tables import spaced

WORDS = {
    "calibration_error": "Calibration error (ECE)",
    "intercept": "Intercept, 0 at best",
    "slope": "Slope, 1 at best",
    "brier": "Brier score",
    "reliability": "= reliability, 0 at best",
    "resolution": "\N{MINUS SIGN} resolution, high at best",
    "uncertainty": "+ uncertainty of the images",
    "skill": "Brier skill, 1 at best",
    "log_loss": "Log loss, all classes",
    "brier_all_classes": "Brier score, all classes",
}
"""In the order of the table."""

UNMOVED = ("uncertainty",)
"""Of the images alone, whatever is predicted of them."""

UNCALIBRATED = "uncalibrated"


def calibration_section(calibration: Calibration, split: str, *, anchor: str) -> Section:
    """Return figures and tables of one split's calibration; `anchor` is unique on the page."""
    name = spaced(calibration.main)
    shown = _shown(calibration)
    curves = [
        (f"{title}, ECE {fixed(one.measures['calibration_error'].value)}", one.bins) for title, one in shown.items()
    ]
    histograms = [(title, one.histogram) for title, one in shown.items()]
    counted = f"{calibration.images:,} {split} images, {calibration.positives:,} {name}"
    return Section(
        name="calibration",
        title="Calibration",
        prose=_prose(calibration, name),
        figures=(
            Drawing(
                reliability_figure(curves, positive=name, name=f"{anchor}-reliability"),
                f"Reliability, {counted}: each point is a bin of about as many images, its line the 95 % interval. "
                "On the dotted line probabilities are calibrated.",
            ),
            Drawing(
                probability_figure(histograms, positive=name, name=f"{anchor}-probabilities"),
                f"How the probabilities are spread, {counted}.",
            ),
        ),
        tables=(_measures(calibration, f"Calibration, {counted}."),),
        more=(_bins(calibration, name),),
        notes=_notes(calibration),
    )


def _shown(calibration: Calibration) -> dict[str, Reliability]:
    shown = {UNCALIBRATED: calibration.before}
    if calibration.after is not None:
        shown[f"at temperature {fixed(calibration.temperature.value, 2)}"] = calibration.after
    return shown


def _prose(calibration: Calibration, name: str) -> str:
    meaning = f"A probability is calibrated where, of all images that are given 0.3, three in ten are {name}."
    stored = "Probabilities from attnmel predict, and all else on this page, are "
    stored += "at this temperature." if calibration.stored else "uncalibrated: the checkpoint holds no temperature."
    if calibration.after is None:
        return meaning if calibration.stored else f"{meaning} {stored}"
    temperature = calibration.temperature
    kind = "too timid" if temperature.value < 1 else "too extreme"
    if temperature.low <= 1 <= temperature.high:
        kind = "neither too timid nor too extreme beyond chance"
    return (
        f"{meaning} On the {calibration.fitted_images} the network was {kind}: its scores are best "
        f"divided by a temperature of {in_brackets(temperature, 2)}. {stored}"
    )


def _measures(calibration: Calibration, caption: str) -> Table:
    shown = _shown(calibration)
    rows = []
    for measure in calibration.before.measures:
        cells = [signed(one.measures[measure]) for one in shown.values()]
        rows.append([WORDS[measure], *cells])
        if calibration.change:
            rows[-1].append("" if measure in UNMOVED else signed(calibration.change[measure]))
        if measure == "calibration_error":
            by_chance = [signed(one.by_chance) for one in shown.values()]
            rows.append(["ECE by chance alone", *by_chance, *[""] * bool(calibration.change)])
    heads = ("Measure", *shown, *["change"] * bool(calibration.change))
    return Table(caption, heads, tuple(map(tuple, rows)))


def _bins(calibration: Calibration, name: str) -> Table:
    """Return what the points of the curves represent; ties may leave fewer bins at one temperature than at another."""
    heads = ["Bin"]
    columns = []
    for title, judged in _shown(calibration).items():
        heads += [title, "mean", "share"]
        columns.append([_bin(one) for one in judged.bins])
    rows = zip_longest(*columns, fillvalue=("", "", ""))
    numbered = (tuple([str(number), *(cell for one in row for cell in one)]) for number, row in enumerate(rows, 1))
    caption = f"Bins of the reliability curve: {name} of images, mean probability, share of {name}."
    return Table(caption, tuple(heads), tuple(numbered))


def _bin(held: Bin) -> tuple[str, str, str]:
    return f"{held.positives:,} of {held.images:,}", fixed(held.predicted), signed(held.observed)


def _notes(calibration: Calibration) -> tuple[str, ...]:
    drawn = "" if calibration.units == calibration.images else f" of {calibration.units:,} lesions or patients"
    notes = [
        f"Intervals: percentile bootstrap, {calibration.resamples:,} resamples{drawn}, not stratified by class, for "
        "the share of a class is part of calibration; of the share in a bin the interval of Wilson.",
        "ECE is the mean distance of the curve from the dotted line. It adds up absolute differences, so it is above 0 "
        "in any sample: by chance alone it would be as large as stated (mean, 95 % range) if every probability were "
        "right. Its interval shares that bias upwards, as does that of reliability.",
        "Brier score = reliability \N{MINUS SIGN} resolution + uncertainty, exactly, for resolution holds the terms "
        "within bins. An intercept below 0 means probabilities that are too high on the whole; a temperature, one for "
        "all classes, cannot mend that.",
    ]
    return (*notes, *calibration.notes)
