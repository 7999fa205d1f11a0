"""The models that really come along: whole, small enough, and what their cards say. Needs their files, as users do."""

import re
from pathlib import Path

import numpy as np
import pytest

from attnmel import Predictor
from attnmel.deploy.onnx.export_facts import read_onnx_card
from attnmel.evaluation.calibration.temperature import fit_temperature
from attnmel.evaluation.classification.report import evaluate_classification
from attnmel.files.folders import RunFolder
from attnmel.models.weights.checkpoints import checkpoint_card
from attnmel.pipeline.predict.models.onnx_model import OnnxModel
from attnmel.pipeline.predict.predict import predict_images
from attnmel.pipeline.predict.table import PredictionTable
from attnmel.pipeline.run.run import Run
from attnmel.pretrained.card import MOST_BYTES
from attnmel.pretrained.catalogue import CARD_FILE, DEFAULT, Shipped, model_names, open_model
from attnmel.pretrained.examples import example_images
from attnmel.records import Predictions


@pytest.fixture(params=model_names())
def model(request: pytest.FixtureRequest) -> Shipped:
    return open_model(request.param)


def test_the_default_is_among_them() -> None:
    assert DEFAULT in model_names()


def test_files_are_whole_and_small_enough(model: Shipped) -> None:
    there = {path.relative_to(model.folder).as_posix() for path in model.folder.rglob("*") if path.is_file()}
    assert there - {CARD_FILE} == set(model.card.files)
    assert sum(model.file(name).stat().st_size for name in model.card.files) <= MOST_BYTES


def test_the_cards_figures_follow_from_its_predictions(model: Shipped) -> None:
    run = RunFolder(model.folder)
    judged, chose = (Predictions.read(run.predictions(one), uncalibrated=True) for one in ("test", "validation"))
    found = {row.measure: row.value for row in evaluate_classification(judged, (model.card.measures[0].task,)).rows}
    assert {one.measure: one.value for one in model.card.measures} == pytest.approx(found)
    assert model.card.calibration.temperature == pytest.approx(fit_temperature(chose).value)
    assert not set(judged.image_ids) & set(chose.image_ids)


def test_card_and_both_files_average_the_same_transforms(model: Shipped) -> None:
    of_files = {checkpoint_card(model.folder).transforms, Predictor(model.onnx).transforms}
    assert of_files == {model.card.transforms}


def test_it_ranks_melanomas_far_better_than_chance() -> None:
    card = open_model(DEFAULT).card
    assert card.measure("auc").low > 0.75
    assert card.measure("ap").low > 0.45, "by chance it would be the share of melanomas, .195"


def test_its_two_files_give_the_same_answers(model: Shipped) -> None:
    examples = example_images("example:all") or []
    fast, slow = (list(predict_images(path, examples)) for path in (model.onnx, model.checkpoint))
    for one, other in zip(fast, slow, strict=True):
        np.testing.assert_allclose(one.probabilities, other.probabilities, rtol=0, atol=1e-4)
        assert one.attention.keys() == other.attention.keys() == {"pool3", "pool4"}


def test_examples_are_answered_as_the_judged_images_were(model: Shipped) -> None:
    """They are among the test images, so that what a newcomer sees stands in the predictions that were judged."""
    judged = Predictions.read(RunFolder(model.folder).predictions("test"), uncalibrated=True)
    predictor = Predictor(model.onnx)
    for path in example_images("example:all") or []:
        row = judged.image_ids.index(path.stem)
        said = predictor.predict(Path(path)).uncalibrated
        np.testing.assert_allclose(list(said.values()), judged.probabilities[row], rtol=0, atol=1e-4)


def test_a_single_pass_is_said_to_be_decided_by_thresholds_of_the_mean(model: Shipped) -> None:
    results = predict_images(model.onnx, example_images("example:ISIC_0012395") or [], transforms="none")
    said = "temperature and thresholds were chosen, and what they achieve was measured, with dihedral"
    assert f"Probabilities are of each image as it is; {said}." in results.table.notice.splitlines()


def test_what_bf16_costs_is_said_to_be_of_the_mean(model: Shipped, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attnmel.deploy.openvino.has_bf16", lambda: True)
    options = {"precision": "bf16", "calibrated": True, "bound": 0.02}
    (own,), (other,) = (OnnxModel(model.onnx, **options, transforms=name).costs for name in (None, "none"))
    assert other == f"{own}, measured with dihedral"
    assert " images of the split test of ISIC 2017, in float32 " in own
    of_test = "on 600 images of the split test of ISIC 2017 (117 positive)."
    card, facts = read_onnx_card(model.onnx)
    assert PredictionTable(card, thresholds=facts.thresholds).notice.count(of_test) == 3


def test_its_operating_points_are_the_same_everywhere_and_achieve_what_the_card_says(model: Shipped) -> None:
    run, predictor = Run(model.folder), Predictor(model.onnx)
    details = run.details(run.results["test"])
    assert details is not None
    assert details.temperature == predictor.card.temperature
    points = [point for operating in details.operating for point in operating.points[1:]]
    thresholds = [one.threshold for one in model.card.operating]
    assert thresholds == [one.threshold for one in points]
    assert thresholds == [one.threshold for one in checkpoint_card(model.folder).thresholds]
    assert thresholds == [one.threshold for one in predictor.facts.thresholds]
    test = run.predictions("test")
    for one in model.card.operating:
        called = test.probability(one.task) > one.threshold
        assert one.sensitivity.value == called[test.is_class(one.task)].mean()
        assert one.specificity.value == (~called[~test.is_class(one.task)]).mean()
        assert one.chosen_images == len(run.predictions("validation").image_ids)


def test_no_path_of_the_machine_that_made_it_is_left(model: Shipped) -> None:
    for name in model.card.files:
        content = (model.folder / name).read_bytes()
        assert b"file:///" not in content
        if not name.endswith((".safetensors", ".onnx")):
            assert not re.search(rb"[\"\s=]/\w+/", content)
