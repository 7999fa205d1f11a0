import dataclasses
import math

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, recall_score, roc_auc_score

from attnmel.errors import PredictionsError
from attnmel.evaluation.classification.report import evaluate_classification
from attnmel.evaluation.subgroups import AGE_BANDS, SHOWN, UNKNOWN, Subgroups, group_of, subgroups
from attnmel.records import ATTRIBUTES, Predictions


def example(images: int = 160, *, seed: int = 0) -> Predictions:
    chance = np.random.default_rng(seed)
    labels = (chance.random(images) < 0.4).astype(np.int64)
    share = 1 / (1 + np.exp(0.8 - chance.normal(size=images) - 1.5 * labels))
    names = tuple(f"ISIC_{number:07d}" for number in range(images))
    ages = [str(one) if one < 90 else "" for one in chance.integers(5, 95, images)]
    attributes = {
        "age": tuple(ages),
        "sex": tuple(chance.choice(["male", "female"], images).tolist()),
        "site": tuple(chance.choice(["back", "face", ""], images, p=[0.7, 0.2, 0.1]).tolist()),
        "confirmation": ("histopathology",) * images,
    }
    groups = tuple(f"lesion-{number // 2}" for number in range(images))
    return Predictions(names, ("rest", "melanoma"), np.stack([1 - share, share], axis=1), labels, groups, attributes)


def members(predictions: Predictions, attribute: str, group: str) -> np.ndarray:
    return np.array([group_of(attribute, word) == group for word in predictions.attributes[attribute]])


def named(found: Subgroups, attribute: str) -> list[str]:
    return [one.group for one in found.groups if one.attribute == attribute]


def test_the_figures_of_a_group_are_those_of_its_images_alone() -> None:
    predictions = example()
    for one in subgroups(predictions, "melanoma").groups:
        inside = members(predictions, one.attribute, one.group)
        truth, scores = predictions.is_class("melanoma")[inside], predictions.probability("melanoma")[inside]
        assert (one.images, one.positives) == (inside.sum(), truth.sum())
        assert one.auc.value == pytest.approx(roc_auc_score(truth, scores))
        assert one.ap.value == pytest.approx(average_precision_score(truth, scores))
        assert one.sensitivity.value == pytest.approx(recall_score(truth, scores > 0.5))
        assert one.specificity.value == pytest.approx(recall_score(~truth, scores <= 0.5))


def test_the_intervals_are_those_of_judging_the_group_as_a_set_of_its_own() -> None:
    predictions = example()
    inside = members(predictions, "sex", "male")
    alone = Predictions(
        tuple(np.array(predictions.image_ids)[inside]),
        predictions.classes,
        predictions.probabilities[inside],
        predictions.labels[inside],
        tuple(np.array(predictions.groups)[inside]),
    )
    expected = evaluate_classification(alone, ["melanoma"], resamples=5)
    found = next(one for one in subgroups(predictions, "melanoma").groups if one.group == "male")
    for name in SHOWN:
        row = expected.row("melanoma", name)
        assert getattr(found, name) == pytest.approx((row.value, row.low, row.high), abs=1e-12)


def test_groups_stand_by_attribute_ages_in_order_others_by_size_the_unknown_last() -> None:
    found = subgroups(example(), "melanoma")
    assert named(found, "age") == [*AGE_BANDS, UNKNOWN]
    assert named(found, "site") == ["back", "face", UNKNOWN]
    attributes = [one.attribute for one in found.groups]
    assert attributes == sorted(attributes, key=ATTRIBUTES.index)
    assert (found.everyone.images, found.everyone.attribute) == (160, "")


def test_an_attribute_that_does_not_part_the_images_is_told_apart() -> None:
    found = subgroups(example(), "melanoma")
    assert found.alike == {"confirmation": "histopathology"}
    assert not named(found, "confirmation")
    assert not named(found, "source"), "nothing is known of it at all"


def test_every_image_is_in_one_group_of_each_attribute() -> None:
    predictions = example()
    found = subgroups(predictions, "melanoma")
    for attribute in ("age", "sex", "site"):
        assert sum(one.images for one in found.groups if one.attribute == attribute) == 160


def test_without_attributes_all_images_stand_alone() -> None:
    found = subgroups(dataclasses.replace(example(), attributes={}), "melanoma")
    assert (found.groups, found.alike) == ((), {})
    assert found.everyone.images == 160


def test_a_group_of_one_class_has_no_auc_and_is_no_error() -> None:
    predictions = example()
    words = tuple("clinic" if label else "screening" for label in predictions.labels)
    found = subgroups(dataclasses.replace(predictions, attributes={"source": words}), "melanoma").groups
    for one in found:
        assert one.few
        assert math.isnan(one.auc.value)
        assert math.isnan(one.ap.value)
    clinic = next(one for one in found if one.group == "clinic")
    assert 0 < clinic.sensitivity.value < 1
    assert math.isnan(clinic.specificity.value)


def test_groups_with_fewer_than_ten_on_a_side_are_marked() -> None:
    predictions = example()
    positives, negatives = np.flatnonzero(predictions.labels == 1), np.flatnonzero(predictions.labels == 0)
    words = np.full(160, "many")
    words[[*positives[:9], *negatives[:20]]] = "nine"
    words[[*positives[9:19], *negatives[20:30]]] = "ten"
    few = {
        one.group: one.few
        for one in subgroups(
            dataclasses.replace(predictions, attributes={"site": tuple(words.tolist())}), "melanoma"
        ).groups
    }
    assert few == {"many": False, "nine": True, "ten": False}


@pytest.mark.parametrize(
    ("attribute", "value", "group"),
    [
        ("age", "29", "under 30"),
        ("age", "30", "30 to 44"),
        ("age", "44.0", "30 to 44"),
        ("age", "45", "45 to 59"),
        ("age", "60", "60 to 74"),
        ("age", "75", "75 and over"),
        ("age", "0", "under 30"),
        ("age", "", UNKNOWN),
        ("age", "nan", UNKNOWN),
        ("age", "-1", UNKNOWN),
        ("age", "about 50", UNKNOWN),
        ("sex", "Male ", "male"),
        ("site", "lower  Extremity", "lower extremity"),
        ("site", " ", UNKNOWN),
    ],
)
def test_a_value_has_its_group(attribute: str, value: str, group: str) -> None:
    assert group_of(attribute, value) == group


def test_every_measure_that_is_shown_is_one_of_a_group() -> None:
    everyone = subgroups(example(), "melanoma").everyone
    assert all(0 <= getattr(everyone, name).value <= 1 for name in SHOWN)


def test_what_cannot_be_judged_is_refused() -> None:
    with pytest.raises(PredictionsError, match="no probability of nevus"):
        subgroups(example(), "nevus")
