"""Calibration to a section of the page. Rounds and names; measures nothing."""

from attnmel.evaluation.calibration import Calibration, Reliability
from attnmel.evaluation.intervals import Interval
from attnmel.figures.calibration import probability_figure, reliability_figure
from attnmel.report.sections import Drawing, Section, Table
from attnmel.report.tables import fixed, spaced, span

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

AS_PREDICTED = "as predicted"


def calibration_section(calibration: Calibration, split: str, *, anchor: str) -> Section:
    """Return figures and tables of one split's calibration; `anchor` is unique on the page."""
    name = spaced(calibration.main)
    shown = _shown(calibration)
    curves = [(_label(title, one), one.bins) for title, one in shown.items()]
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
                "On the dotted line probabilities are what they say.",
            ),
            Drawing(
                probability_figure(histograms, positive=name, name=f"{anchor}-probabilities"),
                f"How the probabilities are spread, {counted}.",
            ),
        ),
        tables=(_measures(calibration, f"Calibration, {counted}."), *_bins(calibration, name)),
        notes=_notes(calibration),
    )


def _shown(calibration: Calibration) -> dict[str, Reliability]:
    shown = {AS_PREDICTED: calibration.before}
    if calibration.after is not None:
        shown[_at(calibration)] = calibration.after
    return shown


def _at(calibration: Calibration) -> str:
    return f"at temperature {calibration.temperature.value:.2f}"


def _label(title: str, judged: Reliability) -> str:
    return f"{title}, ECE {judged.measures['calibration_error'].value:.3f}"


def _prose(calibration: Calibration, name: str) -> str:
    meaning = f"A probability is calibrated where, of all images that are given 0.3, three in ten are {name}."
    if calibration.after is None:
        return meaning
    temperature = calibration.temperature
    kind = "too timid" if temperature.value < 1 else "too extreme"
    return (
        f"{meaning} The temperature {temperature.value:.2f} ({span(temperature, 2)}), fitted on "
        f"{calibration.fitted_on:,} validation images, divides the network\N{RIGHT SINGLE QUOTATION MARK}s scores, which "
        f"were {kind} there. Probabilities from attnmel predict are at the temperature that the checkpoint holds; all "
        "else on this page is as predicted, without it."
    )


def _measures(calibration: Calibration, caption: str) -> Table:
    shown = _shown(calibration)
    change = "change" if calibration.after is not None else None
    rows = []
    for measure in calibration.before.measures:
        cells = [_cell(one.measures[measure]) for one in shown.values()]
        moved = [_cell(calibration.change[measure])] if change and measure != "uncertainty" else [""] * bool(change)
        rows.append((WORDS[measure], *cells, *moved))
        if measure == "calibration_error":
            by_chance = [_cell(one.by_chance) for one in shown.values()]
            rows.append(("the same were they true", *by_chance, *[""] * bool(change)))
    return Table(caption, ("Measure", *shown, *([change] if change else [])), tuple(rows))


def _bins(calibration: Calibration, name: str) -> tuple[Table, ...]:
    heads = ("Probability", "images", name, "mean probability", f"share of {name}")
    return tuple(
        Table(
            f"Bins of the reliability curve, {title}.",
            heads,
            tuple(
                (
                    f"{one.lowest:.3f}\N{EN DASH}{one.highest:.3f}",
                    f"{one.images:,}",
                    f"{one.positives:,}",
                    fixed(one.predicted),
                    _cell(one.observed),
                )
                for one in judged.bins
            ),
        )
        for title, judged in _shown(calibration).items()
    )


def _cell(interval: Interval) -> str:
    ends = span(interval)
    value = fixed(interval.value).replace("-", "\N{MINUS SIGN}")
    return f"{value} ({ends.replace('-', chr(0x2212))})" if ends else value


def _notes(calibration: Calibration) -> tuple[str, ...]:
    drawn = "" if calibration.units == calibration.images else f" of {calibration.units:,} lesions or patients"
    notes = [
        f"Intervals: percentile bootstrap, {calibration.resamples:,} resamples{drawn}, not stratified by class, for the "
        "share of a class is part of calibration; of a bin\N{RIGHT SINGLE QUOTATION MARK}s share, "
        "Wilson\N{RIGHT SINGLE QUOTATION MARK}s interval.",
        "ECE adds up absolute differences, so it is above 0 in any sample: \N{LEFT DOUBLE QUOTATION MARK}the same were they "
        "true\N{RIGHT DOUBLE QUOTATION MARK} is what these probabilities would show if every one of them were right (mean, "
        "95 % range). Its interval shares that bias upwards, as does that of reliability.",
        "Brier score = reliability \N{MINUS SIGN} resolution + uncertainty, exactly: resolution holds the terms within "
        "bins. An intercept below 0 means probabilities that are too high on the whole; one temperature for all classes "
        "cannot mend that.",
    ]
    return tuple(notes) + tuple(f"{note[0].upper()}{note[1:]}." for note in calibration.notes)
