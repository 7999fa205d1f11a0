import dataclasses
import math

import pytest
from tests.evaluation.calibration.test_calibration import MAIN, example

from attnmel.evaluation.calibration.calibration import Calibration, calibration_of
from attnmel.evaluation.statistics.bootstrap import Interval
from attnmel.report.sections.calibration import calibration_section


@pytest.fixture(scope="module")
def calibration() -> Calibration:
    return calibration_of(*example(), MAIN, resamples=50)


def test_the_section_shows_before_after_and_change(calibration: Calibration) -> None:
    section = calibration_section(calibration, "test", anchor="run-1")
    (measures,), (bins,) = section.tables, section.more
    at = f"at temperature {calibration.temperature.value:.2f}"
    assert measures.heads == ("Measure", "uncalibrated", at, "change")
    error = calibration.before.measures["calibration_error"]
    assert measures.rows[0][:2] == (
        "Calibration error (ECE)",
        f"{error.value:.3f}\n{error.low:.3f}\N{EN DASH}{error.high:.3f}",
    )
    change = calibration.change["brier"]
    written = f"{change.value:.3f}\n{change.low:.3f} to {change.high:.3f}".replace("-", "\N{MINUS SIGN}")
    assert dict((row[0], row[3]) for row in measures.rows)["Brier score"] == written
    assert len(bins.rows) == len(calibration.before.bins)
    assert bins.rows[0][1] == f"{calibration.before.bins[0].positives} of {calibration.before.bins[0].images}"
    assert all(len(row) == len(table.heads) for table in (*section.tables, *section.more) for row in table.rows)
    assert "On the 150 validation images the network was too extreme" in section.prose
    assert 'id="run-1-reliability-title"' in section.figures[0].svg


@pytest.mark.parametrize(
    ("temperature", "words"),
    [
        (Interval(0.5, 0.3, 0.9), "the network was too timid: its scores are best divided by a temperature of 0.50"),
        (Interval(2.0, 1.1, 3.0), "the network was too extreme: its"),
        (Interval(1.4, 0.9, 2.2), "the network was neither too timid nor too extreme beyond chance: its"),
    ],
)
def test_the_temperature_is_put_into_words(calibration: Calibration, temperature: Interval, words: str) -> None:
    section = calibration_section(dataclasses.replace(calibration, temperature=temperature), "test", anchor="a")
    assert words in section.prose


def test_without_a_temperature_the_section_says_why_and_shows_the_rest(calibration: Calibration) -> None:
    nothing = Interval(math.nan, math.nan, math.nan)
    bare = dataclasses.replace(
        calibration, after=None, change={}, temperature=nothing, notes=("no temperature was fitted: few",)
    )
    section = calibration_section(bare, "test", anchor="a")
    assert [table.heads for table in (*section.tables, *section.more)] == [
        ("Measure", "uncalibrated"),
        ("Bin", "uncalibrated", "mean", "share"),
    ]
    assert all(len(row) == len(table.heads) for table in (*section.tables, *section.more) for row in table.rows)
    assert section.prose.endswith("on this page, are uncalibrated: the checkpoint holds no temperature.")
    assert section.notes[-1] == "no temperature was fitted: few"


def test_a_figure_that_is_not_defined_is_a_dash(calibration: Calibration) -> None:
    nothing = Interval(math.nan, math.nan, math.nan)
    before = dataclasses.replace(calibration.before, measures=calibration.before.measures | {"slope": nothing})
    section = calibration_section(dataclasses.replace(calibration, before=before), "test", anchor="a")
    assert next(row for row in section.tables[0].rows if row[0].startswith("Slope"))[1] == "\N{EN DASH}"


def test_bins_that_ties_leave_out_are_empty_cells(calibration: Calibration) -> None:
    assert calibration.after is not None
    after = dataclasses.replace(calibration.after, bins=calibration.after.bins[:-2])
    bins = calibration_section(dataclasses.replace(calibration, after=after), "test", anchor="a").more[0]
    assert bins.rows[-1][4:] == ("", "", "")
    assert bins.rows[-1][0] == str(len(calibration.before.bins))
