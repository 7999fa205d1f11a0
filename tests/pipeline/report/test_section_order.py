"""What goes beyond the measures, in words: every figure stands in a table as it was computed."""

import dataclasses

import numpy as np
import pytest
from tests.factories import informed_probabilities

from attnmel.evaluation.classification.confusion_matrix import confusion
from attnmel.evaluation.classification.curves import roc_curve
from attnmel.evaluation.classification.decision_curve import decision_curve
from attnmel.evaluation.classification.operating_points import Operating, operating_points
from attnmel.evaluation.statistics.bootstrap import Interval
from attnmel.evaluation.subgroups import subgroups
from attnmel.number_formats import span, stacked
from attnmel.records import Predictions
from attnmel.report.html.sections import Section
from attnmel.report.sections.confusion_matrix import confusion_section
from attnmel.report.sections.decision_curve import decision_section
from attnmel.report.sections.operating_points import operating_section
from attnmel.report.sections.subgroups import subgroups_section

CLASSES = ("nevus", "melanoma", "seborrheic_keratosis")


def example(images: int = 120, *, side: str = "test") -> Predictions:
    chance = np.random.default_rng(len(side))
    labels, shares = informed_probabilities(chance, images, [0.6, 0.25, 0.15], apart=1.5)
    names = tuple(f"{side}-{number}" for number in range(images))
    sexes = tuple(chance.choice(["male", "female"], images).tolist())
    attributes = {"sex": sexes, "confirmation": ("histopathology",) * images}
    return Predictions(names, CLASSES, shares, labels, names, attributes)


TEST, VALIDATION = example(), example(90, side="validation")


def operating(name: str, validation: Predictions | None = VALIDATION) -> Operating:
    return operating_points(TEST, name, validation=validation, resamples=50)


def operating_words(*found: Operating) -> Section:
    return operating_section(found, roc_curve(TEST, found[0].task), anchor="run-1")


def cells(section: Section) -> set[str]:
    return {cell for table in (*section.tables, *section.more) for row in table.rows for cell in row}


def test_every_section_s_rows_are_as_long_as_their_heads() -> None:
    sections = [
        operating_words(operating("melanoma"), operating("seborrheic_keratosis")),
        decision_section([decision_curve(TEST, "melanoma", resamples=20)], anchor="a"),
        confusion_section(confusion(TEST, "melanoma"), anchor="a"),
        subgroups_section(subgroups(TEST, "melanoma"), anchor="a"),
    ]
    for section in sections:
        assert section is not None
        for table in (*section.tables, *section.more):
            assert {len(row) for row in table.rows} == {len(table.heads)}


def test_what_a_threshold_reaches_stands_with_both_intervals_and_in_whole_images() -> None:
    found = operating("melanoma")
    shown = cells(operating_words(found))
    for point in found.points[1:]:
        assert point.redrawn is not None
        given, redrawn = point.reached.specificity, point.redrawn.specificity
        assert f"{stacked(given)}\nredrawn {span(redrawn)}" in shown
        assert f"{point.true_positives} of {found.positives}" in shown
        assert stacked(point.read_off) in shown
        assert {stacked(one) for one in point.precision} <= shown


def test_the_first_class_stands_in_the_open_and_the_others_folded() -> None:
    section = operating_words(operating("melanoma"), operating("seborrheic_keratosis"))
    assert [len(section.tables), len(section.more)] == [2, 2]
    assert "seborrheic keratosis" in section.more[0].caption
    assert section.notes[1].startswith("Seborrheic keratosis: above a sensitivity of 0.8")


def test_without_validation_images_the_section_says_what_to_do_and_promises_nothing() -> None:
    section = operating_words(operating("melanoma", None))
    assert section.prose == "Thresholds are of uncalibrated probabilities, as in the columns of attnmel predict."
    assert any(note.lower().startswith("no validation image of melanoma could choose") for note in section.notes)
    assert not any("Redrawn" in note for note in section.notes)
    assert section.tables[0].rows[1][1] == "\N{EN DASH}"


def test_images_that_chose_the_thresholds_are_not_said_to_have_had_no_part_in_them() -> None:
    own, other = operating_words(operating("melanoma", TEST)), operating_words(operating("melanoma"))
    assert ("had no part in it" in own.prose, "had no part in it" in other.prose) == (False, True)
    assert any(note.startswith("120 of the 120 images evaluated here also chose the thresholds") for note in own.notes)


def test_where_a_decision_curve_is_shown_to_be_useful_is_said() -> None:
    curve = decision_curve(TEST, "melanoma", thresholds=[0.1, 0.2, 0.3, 0.5], resamples=20)
    nets = [Interval(0.9, low, 1.0) for low in (0.8, 0.8, -1.0, 0.8)]
    said = decision_section([dataclasses.replace(curve, net_benefit=tuple(nets))], anchor="a").prose
    assert "at thresholds of 0.1 to 0.2 and 0.5 (by the whole interval)" in said
    nowhere = dataclasses.replace(curve, net_benefit=tuple(Interval(0.9, -1.0, 1.0) for _ in nets))
    assert "at no threshold is it shown" in decision_section([nowhere], anchor="a").prose
    few = dataclasses.replace(curve, net_benefit=tuple(nets), images=12, prevalence=4 / 12)
    assert "with 4 images on a side, it does not show where" in decision_section([few], anchor="a").prose


def test_a_loss_is_written_with_a_minus_and_its_ends_apart() -> None:
    curve = decision_curve(TEST, "melanoma", thresholds=[0.5], resamples=20)
    curve = dataclasses.replace(curve, net_benefit=(Interval(-0.1, -0.2, 0.05),), treat_all=(-0.4,))
    (table,) = decision_section([curve], anchor="a").tables
    minus = "\N{MINUS SIGN}"
    assert table.rows == (("0.5", f"{minus}0.100\n{minus}0.200 to 0.050", f"{minus}0.400", "0.000"),)


def test_classes_stand_with_counts_and_their_mean() -> None:
    matrix = confusion(TEST, "melanoma")
    section = confusion_section(matrix, anchor="a")
    assert [row[0] for row in section.tables[0].rows] == ["nevus", "melanoma", "seborrheic keratosis", "mean"]
    assert stacked(matrix.mean_recall) in cells(section)
    assert stacked(matrix.shares[1][2]) in cells(section)
    assert "by the highest probability" in section.figures[0].caption
    assert not any("Undecided" in note for note in section.notes)


def test_two_classes_are_said_to_be_called_at_a_half() -> None:
    share = TEST.probability("melanoma")
    two = Predictions(
        TEST.image_ids, ("rest", "melanoma"), np.stack([1 - share, share], axis=1), TEST.labels % 2, TEST.groups
    )
    caption = confusion_section(confusion(two, "melanoma"), anchor="a").figures[0].caption
    assert "by a probability above 0.5" in caption


def test_small_groups_and_attributes_that_part_nothing_are_told() -> None:
    found = subgroups(TEST, "melanoma")
    few = tuple(dataclasses.replace(one, few=one.group == "male") for one in found.groups)
    section = subgroups_section(dataclasses.replace(found, groups=few), anchor="a")
    assert section is not None
    assert {"sex: male*", "sex: female", "all images"} <= cells(section)
    assert "Diagnosis confirmed by: histopathology for all images." in section.notes
    assert any("fewer than ten images on a side" in note for note in section.notes)


def test_without_attributes_there_is_no_section_of_groups() -> None:
    bare = dataclasses.replace(TEST, attributes={})
    assert subgroups_section(subgroups(bare, "melanoma"), anchor="a") is None


@pytest.mark.parametrize(
    ("interval", "text"), [((0.5, 0.25, 0.75), "0.500\n0.250\N{EN DASH}0.750"), ((0.5, np.nan, np.nan), "0.500")]
)
def test_a_figure_stands_over_its_interval(interval: tuple[float, float, float], text: str) -> None:
    assert stacked(Interval(*interval)) == text
