"""The parts of a table together are one valid table."""

import dataclasses
import json

from attnmel import NOTICE
from attnmel.files.folders import RunFolder
from attnmel.models.weights.card import Card
from attnmel.models.weights.checkpoints import read_checkpoint
from attnmel.models.weights.operating_points import Achieved, Threshold
from attnmel.pipeline.predict.table import ImageResult, PredictionTable

RESULTS = (ImageResult("\udcff,.jpg", (0.25, 0.75)), ImageResult("b.png", (), "b.png is empty"))


def plain_card(trained: RunFolder) -> Card:
    """Whether three epochs give a temperature depends on the processor."""
    return dataclasses.replace(read_checkpoint(trained.best)[1], temperature=None)


POINTS = (
    Threshold(task="melanoma", target=0.89, threshold=0.2),
    Threshold(task="rest", target=0.95, threshold=0.25),
    Threshold(task="melanoma", threshold=0.75),
)


def test_each_operating_point_has_a_column_of_decisions_strictly_above_it(trained: RunFolder) -> None:
    table = PredictionTable(plain_card(trained), thresholds=POINTS)
    lines = "".join(table.lines(RESULTS)).splitlines()
    assert lines[0] == (
        "image,probability_rest,probability_melanoma,decision_melanoma_sensitivity_0.89,"
        "decision_rest_sensitivity_0.95,decision_melanoma_threshold_0.75,"
        "share_of_image,share_of_lesion,warnings,notes,error"
    )
    assert lines[1].endswith(",0.25,0.75,1,0,0,,,,,")
    assert lines[2] == "b.png,,,,,,,,,,b.png is empty"
    plain = json.loads("".join(table.lines(RESULTS, as_json=True)))
    assert plain["images"][0]["decisions"] == {
        "melanoma_sensitivity_0.89": 1,
        "rest_sensitivity_0.95": 0,
        "melanoma_threshold_0.75": 0,
    }
    assert [one["name"] for one in plain["thresholds"]] == list(plain["images"][0]["decisions"])
    assert plain["thresholds"][2]["target"] is None


def test_probabilities_without_the_model_s_temperature_have_another_name(trained: RunFolder) -> None:
    card = dataclasses.replace(plain_card(trained), temperature=2.0)
    assert PredictionTable(card).columns[1:3] == ("uncalibrated_rest", "uncalibrated_melanoma")
    assert PredictionTable(card, 2.0).columns[1:3] == ("probability_rest", "probability_melanoma")
    assert PredictionTable(plain_card(trained)).columns[1:3] == ("probability_rest", "probability_melanoma")
    assert "uncalibrated" in json.loads("".join(PredictionTable(card).lines(RESULTS, as_json=True)))["images"][0]


def test_the_notice_says_what_a_decision_means_and_what_its_threshold_achieved(trained: RunFolder) -> None:
    achieved = Achieved(
        split="validation", images=90, positives=20, sensitivity=(0.9, 0.7, 0.97), specificity=(0.5, 0.4, 0.6)
    )
    point = dataclasses.replace(POINTS[0], achieved=(achieved,))
    notice = PredictionTable(plain_card(trained), thresholds=(point,)).notice
    called = plain_card(trained).data["title"]
    assert notice.startswith(NOTICE)
    assert notice.splitlines()[-1] == (
        "decision_melanoma_sensitivity_0.89: 1 if the probability of melanoma is above 0.2, else 0; sensitivity 0.900 "
        "(0.700 to 0.970), specificity 0.500 (0.400 to 0.600) on 90 images of the split validation of "
        f"{called} (20 positive)."
    )
    nameless = dataclasses.replace(plain_card(trained), data={})
    assert (
        "on 90 images of the split validation (20 positive)." in PredictionTable(nameless, thresholds=(point,)).notice
    )
    folds = dataclasses.replace(plain_card(trained), temperature=2.0, chosen_on="predictions of five folds")
    assert (
        PredictionTable(folds, 2.0, thresholds=(point,))
        .short_notice.splitlines()[1]
        .endswith(f". Decisions: 1 above {point.threshold:.6g} ({point.name}).")
    )
    lines = PredictionTable(folds, 2.0, thresholds=(point,)).notice.splitlines()
    assert lines[-1].endswith(" on 90 images (20 positive), out-of-fold predictions of five folds.")
    assert "Calibrated: temperature 2, fitted on out-of-fold predictions of five folds." in lines


def test_the_notice_and_the_json_say_of_which_transforms_a_probability_is_the_mean(trained: RunFolder) -> None:
    note = "probabilities are means over 8 transforms of each image (dihedral)"
    table = PredictionTable(plain_card(trained), transforms=(note,))
    assert "Probabilities are means over 8 transforms of each image (dihedral)." in table.notice.splitlines()
    assert json.loads("".join(table.lines(RESULTS, as_json=True)))["transforms"] == [note]
    assert PredictionTable(plain_card(trained)).head()["transforms"] == ()


def test_a_name_that_is_no_text_is_written_with_its_bytes_in_figures(trained: RunFolder) -> None:
    table = PredictionTable(plain_card(trained))
    lines = "".join(table.lines(RESULTS)).encode("utf-8").decode().splitlines()
    assert lines[-2:] == ['"\\udcff,.jpg",0.25,0.75,,,,,', "b.png,,,,,,,b.png is empty"]
    assert json.loads("".join(table.lines(RESULTS, as_json=True)))["images"][0]["image"] == "\\udcff,.jpg"


def test_json_in_parts_is_laid_out_as_json_in_one(trained: RunFolder) -> None:
    text = "".join(PredictionTable(plain_card(trained)).lines(RESULTS, as_json=True))
    assert text == json.dumps(json.loads(text), indent=2) + "\n"
    assert json.loads(text)["images"] == [
        {"image": "\\udcff,.jpg", "probabilities": {"rest": 0.25, "melanoma": 0.75}},
        {"image": "b.png", "error": "b.png is empty"},
    ]
