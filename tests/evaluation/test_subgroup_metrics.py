"""A group's figures are those of judging its images alone, at the thresholds and the temperature of the whole set."""

import dataclasses
import json
import math

import numpy as np
import pytest
from pydantic import TypeAdapter
from tests.factories import informed_probabilities

from attnmel.evaluation.calibration.calibration import calibration_of
from attnmel.evaluation.classification.confusion_matrix import confusion
from attnmel.evaluation.classification.decision_curve import SHOWN, decision_curve
from attnmel.evaluation.classification.operating_points import operating_points
from attnmel.evaluation.subgroup_metrics import CALIBRATION, GroupFigures, WholeSetResults, group_figures
from attnmel.evaluation.subgroups import Subgroup, subgroups
from attnmel.records import Predictions

CLASSES = ("nevus", "melanoma", "keratosis")
RESAMPLES = 40


def example(images: int, side: str = "test") -> Predictions:
    chance = np.random.default_rng(len(side))
    labels, shares = informed_probabilities(chance, images, [0.5, 0.3, 0.2])
    names = tuple(f"{side}-{number}" for number in range(images))
    groups = tuple(f"{side}-{number // 2}" for number in range(images))
    sexes = tuple(chance.choice(["male", "female"], images).tolist())
    return Predictions(names, CLASSES, shares, labels, groups, {"sex": sexes})


TEST, VALIDATION = example(160), example(80, "validation")
MALE = np.array([sex == "male" for sex in TEST.attributes["sex"]])


def judged(predictions: Predictions, validation: Predictions | None = VALIDATION) -> WholeSetResults:
    return WholeSetResults(
        operating_points(predictions, "melanoma", validation=validation, resamples=RESAMPLES),
        decision_curve(predictions, "melanoma", resamples=RESAMPLES),
        calibration_of(predictions, validation, "melanoma", resamples=RESAMPLES),
        confusion(predictions, "melanoma"),
    )


WHOLE = judged(TEST)


def figures(chosen: np.ndarray, whole: WholeSetResults = WHOLE) -> GroupFigures:
    return group_figures(TEST.among(chosen), whole, resamples=RESAMPLES)


def test_a_group_s_figures_are_those_of_judging_its_images_alone() -> None:
    found, alone = figures(MALE), judged(TEST.among(MALE))
    for group, own in zip(found.points, alone.operating.points, strict=True):
        assert repr((group.target, group.threshold)) == repr((own.target, own.threshold))
        assert (group.true_positives, group.false_positives) == (own.true_positives, own.false_positives)
        assert group.reached == own.reached
        # Validation images are drawn next to those of a whole set, so that the resamples are others.
        assert [one.value for one in group.precision] == [one.value for one in own.precision]
    places = [alone.decision.thresholds.index(one) for one in SHOWN]
    assert found.thresholds == SHOWN
    assert found.net_benefit == tuple(alone.decision.net_benefit[place] for place in places)
    assert found.treat_all == tuple(alone.decision.treat_all[place] for place in places)
    assert alone.calibration.after is not None
    for group, own in ((found.before, alone.calibration.before), (found.after, alone.calibration.after)):
        assert group is not None
        assert group.measures == {name: own.measures[name] for name in CALIBRATION}
        assert group.by_chance == own.by_chance
    assert (found.counts, found.by_class) == (alone.confusion.counts, alone.confusion.by_class)
    assert found.mean_recall == alone.confusion.mean_recall


def test_the_partial_area_and_its_interval_are_those_of_the_group_alone() -> None:
    alone = operating_points(TEST.among(MALE), "melanoma", resamples=RESAMPLES)
    assert figures(MALE).partial_share == pytest.approx(alone.partial_share)


def test_a_perfect_order_of_few_images_claims_no_certainty() -> None:
    order = np.argsort(TEST.probability("melanoma"))
    truth = TEST.is_class("melanoma")[order]
    ends = np.isin(np.arange(160), [*order[~truth][:3], *order[truth][-3:]])
    assert figures(ends).partial_share == pytest.approx((1, math.nan, math.nan), nan_ok=True)


def test_the_thresholds_are_those_of_the_whole_set_whatever_the_group() -> None:
    expected = [point.threshold for point in WHOLE.operating.points]
    for chosen in (MALE, ~MALE):
        assert [point.threshold for point in figures(chosen).points] == expected
        assert figures(chosen).prevalences == WHOLE.operating.prevalences


def test_the_counts_of_the_groups_add_up_to_those_of_the_whole_set() -> None:
    both = [figures(chosen) for chosen in (MALE, ~MALE)]
    for place, point in enumerate(WHOLE.operating.points):
        assert sum(one.points[place].true_positives for one in both) == point.true_positives
        assert sum(one.points[place].false_positives for one in both) == point.false_positives
    assert np.array_equal(sum(np.array(one.counts) for one in both), WHOLE.confusion.counts)


@pytest.mark.parametrize("kind", [0, 1])
def test_a_group_of_one_class_has_what_is_defined_and_is_no_error(kind: int) -> None:
    found = figures(TEST.labels == kind)
    melanoma = CLASSES[kind] == "melanoma"
    for point in found.points:
        assert math.isnan(point.reached.sensitivity.value) is not melanoma
        assert math.isnan(point.reached.specificity.value) is melanoma
        assert all(math.isnan(end) for one in point.precision for end in one)
    assert all(math.isnan(end) for end in found.partial_share)
    assert math.isnan(found.before.measures["intercept"].value)
    assert math.isnan(found.before.measures["slope"].value)
    assert 0 < found.before.measures["brier"].value < 1
    assert math.isnan(found.by_class[2].recall.value)
    assert found.treat_all[-1] == pytest.approx(1 if melanoma else -1), "the odds at 0.5 are even"


@pytest.mark.parametrize("images", [1, 2, 3])
def test_a_tiny_group_is_no_error(images: int) -> None:
    found = figures(np.arange(160) < images)
    assert sum(sum(row) for row in found.counts) == images
    assert found.before.measures["brier"].value >= 0


def test_without_validation_images_only_the_threshold_of_a_half_reaches_anything() -> None:
    whole = judged(TEST, None)
    found = figures(MALE, whole)
    half, *others = found.points
    assert half.reached.sensitivity.value > 0
    for point in others:
        assert math.isnan(point.threshold)
        assert math.isnan(point.reached.sensitivity.value)
        assert (point.true_positives, point.false_positives) == (0, 0)
        assert all(math.isnan(one.value) for one in point.precision)
    assert found.after is None


def test_all_images_have_the_figures_of_the_whole_set() -> None:
    found = subgroups(TEST, "melanoma", WHOLE, resamples=RESAMPLES)
    everyone = found.everyone.figures
    assert everyone is not None
    assert [one.reached for one in everyone.points] == [one.reached for one in WHOLE.operating.points]
    assert everyone.partial_share == WHOLE.operating.partial_share
    assert everyone.before.by_chance == WHOLE.calibration.before.by_chance
    assert repr(next(one.figures for one in found.groups if one.group == "male")) == repr(figures(MALE))
    assert found.resamples == RESAMPLES
    assert subgroups(TEST, "melanoma").everyone.figures is None


def test_what_is_reached_is_what_a_plain_count_finds() -> None:
    truth, scores = TEST.is_class("melanoma")[MALE], TEST.probability("melanoma")[MALE]
    for point in figures(MALE).points:
        called = scores > point.threshold
        sensitivity, specificity = called[truth].mean(), (~called[~truth]).mean()
        assert point.reached.sensitivity.value == pytest.approx(sensitivity)
        assert point.reached.ppv.value == pytest.approx(truth[called].mean())
        assert point.reached.npv.value == pytest.approx((~truth[~called]).mean())
        for prevalence, found in zip((0.02, 0.1), point.precision, strict=True):
            true, false = prevalence * sensitivity, (1 - prevalence) * (1 - specificity)
            assert found.value == pytest.approx(true / (true + false))


def test_a_group_of_one_class_is_marked_and_written_as_json_without_a_nan() -> None:
    words = tuple("clinic" if label == 1 else "screening" for label in TEST.labels)
    one_sided = dataclasses.replace(TEST, attributes={"source": words})
    found = subgroups(one_sided, "melanoma", WHOLE, resamples=RESAMPLES).groups
    assert {one.group: one.few for one in found} == {"clinic": True, "screening": True}
    for one in found:
        plain = json.loads(TypeAdapter(Subgroup).dump_json(one, exclude_none=True))
        assert plain["figures"]["partial_share"] == [None, None, None]
        assert plain["figures"]["before"]["measures"]["slope"] == [None, None, None]


def test_a_group_that_an_earlier_version_stored_is_read() -> None:
    adapter = TypeAdapter(GroupFigures)
    new = adapter.dump_python(figures(MALE))
    for point in new["points"]:
        del point["validation_sensitivity"], point["read_off"], point["redrawn"]
    for found in (new["before"], new["after"]):
        del found["bins"], found["histogram"]
    old = adapter.validate_python(new)
    assert [one.reached for one in old.points] == [one.reached for one in figures(MALE).points]
    assert all(math.isnan(one.read_off.value) for one in old.points)
    assert (old.before.bins, old.before.histogram) == ((), ())
