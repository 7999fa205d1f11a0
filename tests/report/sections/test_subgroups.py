"""Every figure of every group is in a folded table, small groups marked, what is not defined as a dash."""

import dataclasses

import numpy as np
import pytest
from tests.factories import informed_probabilities

from attnmel.evaluation.calibration.calibration import calibration_of
from attnmel.evaluation.classification.confusion_matrix import UNDECIDED, confusion
from attnmel.evaluation.classification.decision_curve import decision_curve
from attnmel.evaluation.classification.operating_points import operating_points
from attnmel.evaluation.subgroup_metrics import WholeSetResults
from attnmel.evaluation.subgroups import Subgroups, subgroups
from attnmel.number_formats import signed, stacked
from attnmel.records import Predictions
from attnmel.report.html.sections import Section, Table
from attnmel.report.sections.subgroups import group_tables, subgroups_section

CLASSES = ("nevus", "melanoma", "seborrheic_keratosis")
DASH = "\N{EN DASH}"


def example(images: int, side: str) -> Predictions:
    chance = np.random.default_rng(len(side))
    labels, shares = informed_probabilities(chance, images, [0.5, 0.3, 0.2])
    names = tuple(f"{side}-{number}" for number in range(images))
    sites = np.where(np.arange(images) < images - 5, chance.choice(["back", "face"], images), "palm")
    sites[labels == 0] = "sole"
    return Predictions(names, CLASSES, shares, labels, names, {"site": tuple(sites.tolist())})


TEST, VALIDATION = example(200, "test"), example(80, "validation")


def judged(predictions: Predictions = TEST, validation: Predictions | None = VALIDATION) -> Subgroups:
    whole = WholeSetResults(
        operating_points(predictions, "melanoma", validation=validation, resamples=20),
        decision_curve(predictions, "melanoma", resamples=20),
        calibration_of(predictions, validation, "melanoma", resamples=20),
        confusion(predictions, "melanoma"),
    )
    return subgroups(predictions, "melanoma", whole, resamples=20)


FOUND = judged()


def section(found: Subgroups = FOUND) -> Section:
    made = subgroups_section(found, anchor="a")
    assert made is not None
    return made


def captioned(word: str, found: Subgroups = FOUND) -> Table:
    (table,) = (one for one in group_tables(found) if word in one.caption)
    return table


def test_the_page_stays_short_for_every_table_is_folded() -> None:
    assert section().tables == ()
    captions = [table.caption for table in section().more]
    assert [sum(word in one for one in captions) for word in ("Called", "Net", "Calibration", "Confusion")] == [
        4,
        1,
        2,
        1,
    ]


def test_every_row_is_as_long_as_its_heads_and_every_group_has_one() -> None:
    for table in section().more:
        assert {len(row) for row in table.rows} == {len(table.heads)}
        names = list(dict.fromkeys(row[0].split("\n")[0] for row in table.rows))
        assert names == ["all images", *(f"site: {one.group}{'*' * one.few}" for one in FOUND.groups)]
    assert [one.group for one in FOUND.groups if one.few] == ["sole", "palm"]


@pytest.mark.parametrize("place", [0, 2])
def test_what_a_threshold_reaches_stands_with_counts_and_intervals(place: int) -> None:
    for one in FOUND.groups:
        assert one.figures is not None
        point = one.figures.points[place]
        (row,) = (row for row in group_tables(FOUND)[place].rows if row[0].rstrip("*") == f"site: {one.group}")
        assert row[1] == f"{point.true_positives} of {one.positives}"
        assert row[2] == f"{point.false_positives} of {one.images - one.positives}"
        assert row[3] == stacked(point.reached.sensitivity)
        assert row[-1] == stacked(point.precision[-1])


def test_a_table_says_what_its_threshold_was_chosen_for() -> None:
    assert "chosen for a sensitivity of 0.89" in group_tables(FOUND)[2].caption
    assert group_tables(FOUND)[0].caption == "Called melanoma above 0.5: what that reaches."


def test_without_chosen_thresholds_and_temperature_their_tables_are_left_out() -> None:
    captions = [table.caption for table in group_tables(judged(validation=None))]
    assert [one.split(":")[0] for one in captions[:2]] == [
        "Called melanoma above 0.5",
        "Net benefit of acting above a probability, below it that of acting on all; on none it is 0.000.",
    ]
    assert not any("temperature" in one for one in captions)


def test_calibration_stands_beside_its_chance_uncalibrated_and_at_the_temperature() -> None:
    for word, name in (("uncalibrated", "before"), ("temperature", "after")):
        for one, row in zip(FOUND.groups, captioned(word).rows[1:], strict=True):
            held = getattr(one.figures, name)
            measures = [held.measures[key] for key in ("brier", "intercept", "slope")]
            assert row[2:] == tuple(map(signed, (held.measures["calibration_error"], held.by_chance, *measures)))


def test_a_group_of_one_class_has_dashes_and_its_counts() -> None:
    (row,) = (row for row in captioned("uncalibrated").rows if row[0] == "site: sole*")
    assert row[5:] == (DASH, DASH)
    (row,) = (row for row in captioned("Net benefit").rows if row[0] == "site: sole*")
    assert row[1] == "0.0 %"
    assert "\non all \N{MINUS SIGN}1.000" in row[-1]


def test_an_undecided_image_has_a_column_in_every_group() -> None:
    shares = TEST.probabilities.copy()
    shares[0] = 1 / 3
    table = captioned("Confusion", judged(dataclasses.replace(TEST, probabilities=shares)))
    place = table.heads.index(f"called {UNDECIDED}")
    means = [row for row in table.rows if row[0].endswith("\nmean")]
    assert [row[place] for row in means].count("1") == 2, "of all images, and of its group"
    assert {row[place] for row in means} == {"0", "1"}


def test_the_notes_tell_whose_thresholds_and_how_many_resamples() -> None:
    notes = " ".join(section().notes)
    assert "no group chooses its own" in notes
    assert "20 resamples a group" in notes
    assert "no group chooses its own" not in " ".join(section(subgroups(TEST, "melanoma")).notes)


def test_groups_that_were_judged_by_an_earlier_version_have_their_measures_alone() -> None:
    assert group_tables(subgroups(TEST, "melanoma")) == ()
    assert section(subgroups(TEST, "melanoma")).more[0].heads[-1] == "Specificity"
    assert section().more[0].heads[-1] == "Partial AUC"
