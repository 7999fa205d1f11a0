"""Each file gets one result, in order; a file that cannot be used gets the reason."""

import csv
import itertools
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from attnmel import NOTICE
from attnmel.data.preprocess.images import prepared_image
from attnmel.errors import ConfigError, ImageError
from attnmel.evaluation.calibration.temperature import at_temperature
from attnmel.files.folders import RunFolder
from attnmel.models.weights.checkpoints import load_checkpoint, read_checkpoint, set_temperature
from attnmel.pipeline.predict.image_results import ImageResults
from attnmel.pipeline.predict.models.torch_model import model_input
from attnmel.pipeline.predict.predict import predict_images
from attnmel.pipeline.predict.table import ImageResult
from attnmel.records import Predictions

CROP = 0.8
"""Of the recipe of the trained network."""

if TYPE_CHECKING:
    from tests.conftest import Phantoms


@pytest.mark.parametrize("batch", [1, 5, 32])
def test_results_agree_with_evaluate_whatever_the_batch(
    batch: int, calibrated: RunFolder, phantoms: "Phantoms"
) -> None:
    folder = next((phantoms.home / "data").rglob("*Test_v2_Data"))
    results = list(predict_images(calibrated.path, [folder], batch=batch, calibrated=False))
    judged = Predictions.read(calibrated.predictions("test"), uncalibrated=True)
    assert [Path(one.image).stem for one in results] == list(judged.image_ids)
    found = np.array([one.probabilities for one in results])
    np.testing.assert_allclose(found, judged.probabilities, atol=1e-6)


def test_calibrated_results_are_the_softmax_of_the_logits_over_the_temperature(
    calibrated: RunFolder, phantoms: "Phantoms"
) -> None:
    network, card = load_checkpoint(calibrated.path)
    assert card.temperature is not None
    assert card.temperature != 1
    images = sorted((phantoms.home / "data").rglob("*Test_v2_Data/*.jpg"))[:4]
    inputs = [model_input(prepared_image(path, crop=CROP, side=card.side), card) for path in images]
    with torch.inference_mode():
        logits = network(torch.cat(inputs)).logits.double()
    expected = (logits / card.temperature).softmax(dim=1).numpy()
    results = predict_images(calibrated.path, images)
    np.testing.assert_allclose([one.probabilities for one in results], expected, atol=1e-6)


def test_calibration_is_that_of_the_predictions_file(calibrated: RunFolder, phantoms: "Phantoms") -> None:
    results = predict_images(calibrated.path, [next((phantoms.home / "data").rglob("*Test_v2_Data"))])
    assert results.table.temperature is not None
    judged = Predictions.read(calibrated.predictions("test"), uncalibrated=True)
    cooled = at_temperature(judged, results.table.temperature)
    np.testing.assert_allclose([one.probabilities for one in results], cooled.probabilities, atol=1e-6)


def test_a_table_says_whether_its_probabilities_are_calibrated(
    calibrated: RunFolder, phantoms: "Phantoms", tmp_path: Path
) -> None:
    image = next((phantoms.home / "data").rglob("*Test*Data/*.jpg"))
    temperature = read_checkpoint(calibrated.path)[1].temperature
    sentence = f"Calibrated: temperature {temperature:g}, fitted on the validation images of the training."
    assert calibration_of(predict_images(calibrated.path, [image])) == (sentence, temperature)
    plain = predict_images(calibrated.path, [image], calibrated=False)
    assert calibration_of(plain) == ("Not calibrated: as requested.", None)
    shutil.copy(calibrated.best, tmp_path / "old.safetensors")
    set_temperature(tmp_path / "old.safetensors", None)
    old = predict_images(tmp_path / "old.safetensors", [image])
    assert calibration_of(old) == ("Not calibrated: the checkpoint has no temperature.", None)
    assert list(old) == list(plain)


def calibration_of(results: ImageResults) -> tuple[str, float | None]:
    """Return the sentence, which the CSV and the JSON share, and the temperature."""
    plain = json.loads("".join(results.lines(as_json=True)))
    assert results.table.notice.splitlines()[2] == plain["calibration"]
    return plain["calibration"], plain["temperature"]


def test_a_checkpoint_file_predicts_like_its_run(calibrated: RunFolder, phantoms: "Phantoms") -> None:
    image = next((phantoms.home / "data").rglob("*Test*Data/*.jpg"))
    assert list(predict_images(calibrated.best, [image])) == list(predict_images(calibrated.path, [image]))


def test_a_broken_file_gets_its_reason_and_the_others_their_answer(
    calibrated: RunFolder, phantoms: "Phantoms", tmp_path: Path
) -> None:
    image = next((phantoms.home / "data").rglob("*Test*Data/*.jpg"))
    (tmp_path / "a.jpg").write_bytes(image.read_bytes()[:200])
    shutil.copy(image, tmp_path / "b.jpg")
    results = predict_images(calibrated.path, [tmp_path])
    results.write(tmp_path / "out.csv")
    with (tmp_path / "out.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert "a.jpg" in rows[0]["error"]
    assert not rows[0]["probability_melanoma"]
    assert 0 < float(rows[1]["probability_melanoma"]) < 1
    with pytest.raises(ImageError, match="1 of 2 images could not be used"):
        results.raise_for_failures()
    again = predict_images(calibrated.path, [tmp_path])
    plain = json.loads("".join(again.lines(as_json=True)))
    assert plain["notice"] == NOTICE
    assert "error" in plain["images"][0]
    with pytest.raises(ImageError, match="1 of 2 images could not be used"):
        again.raise_for_failures()


def test_an_exported_file_predicts_like_its_run(calibrated: RunFolder, exported: Path, phantoms: "Phantoms") -> None:
    folder = next((phantoms.home / "data").rglob("*Test_v2_Data"))
    for asked in (True, False):
        ours = predict_images(exported, [folder], calibrated=asked)
        torchs = predict_images(calibrated.path, [folder], calibrated=asked)
        assert [one.image for one in ours] == [one.image for one in torchs]
        np.testing.assert_allclose(
            [one.probabilities for one in ours], [one.probabilities for one in torchs], atol=1e-5
        )
        assert calibration_of(ours) == calibration_of(torchs)


def test_one_image_alone_is_predicted_as_among_others(exported: Path, phantoms: "Phantoms") -> None:
    images = sorted((phantoms.home / "data").rglob("*Test_v2_Data/*.jpg"))[:5]
    among = list(predict_images(exported, images))
    alone = [next(iter(predict_images(exported, [image]))) for image in images]
    assert [one.image for one in alone] == [one.image for one in among]
    np.testing.assert_allclose([one.probabilities for one in alone], [one.probabilities for one in among], rtol=1e-6)


def test_an_option_of_the_other_kind_of_model_is_refused(calibrated: RunFolder, exported: Path) -> None:
    with pytest.raises(ConfigError, match=r"for 'bf16' export it first: attnmel export .* --onnx"):
        predict_images(calibrated.path, [], precision="bf16")
    with pytest.raises(ConfigError, match="computes each image in a pass of its own; leave out --batch"):
        predict_images(exported, [], batch=4)


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize("batch", [None, 5])
def test_a_stopped_prediction_ends_as_one_that_was_not(
    as_json: bool, batch: int | None, calibrated: RunFolder, exported: Path, phantoms: "Phantoms", tmp_path: Path
) -> None:
    model = exported if batch is None else calibrated.path
    images = sorted((phantoms.home / "data").rglob("*Test_v2_Data/*.jpg"))
    images.insert(2, tmp_path / "broken.jpg")
    (tmp_path / "broken.jpg").write_bytes(images[0].read_bytes()[:200])
    predict_images(model, images, batch=batch).write(tmp_path / "whole", as_json=as_json)
    results = predict_images(model, images, batch=batch)
    with pytest.raises(ConfigError, match="stop here"):
        StoppedAfter(results, 8).write(tmp_path / "out", as_json=as_json)
    assert not (tmp_path / "out").exists()
    with (tmp_path / "out.part").open("a") as file:
        file.write('["cut sho')
    again = predict_images(model, images, batch=batch)
    again.write(tmp_path / "out", as_json=as_json, resume=True)
    assert (tmp_path / "out").read_bytes() == (tmp_path / "whole").read_bytes()
    assert not (tmp_path / "out.part").exists()
    with pytest.raises(ImageError, match=r"1 of 13 images could not be used; the others are done:\n  broken.jpg"):
        again.raise_for_failures()


class StoppedAfter(ImageResults):
    """Results of a model that stops after a number of them."""

    def __init__(self, results: ImageResults, number: int) -> None:
        super().__init__(results.model, results.paths)
        self.number = number

    def _after(self, done: int) -> Iterator[ImageResult]:
        yield from itertools.islice(super()._after(done), self.number)
        raise ConfigError("stop here")


def test_resuming_with_another_model_or_other_images_says_what_differs(
    exported: Path, phantoms: "Phantoms", tmp_path: Path
) -> None:
    images = sorted((phantoms.home / "data").rglob("*Test_v2_Data/*.jpg"))
    with pytest.raises(ConfigError, match="stop here"):
        StoppedAfter(predict_images(exported, images), 3).write(tmp_path / "out")

    def resumed(model: Path, paths: list[Path], *, calibrated: bool = True) -> None:
        predict_images(model, paths, calibrated=calibrated).write(tmp_path / "out", resume=True)

    with pytest.raises(ConfigError, match=r"contains the results of a stopped prediction; continue it by --resume"):
        predict_images(exported, images).write(tmp_path / "out")
    with pytest.raises(
        ConfigError,
        match=r"other settings: temperature was [\d.]+, and is none; columns was image, .*Use the same",
    ):
        resumed(exported, images, calibrated=False)
    (tmp_path / exported.name).write_bytes(exported.read_bytes() + b"\x32\x00")  # another version of it: domain ""
    with pytest.raises(ConfigError, match=r"model was model\.onnx \(\w{12}\), and is model\.onnx \(\w{12}\)"):
        resumed(tmp_path / exported.name, images)
    with pytest.raises(ConfigError, match=f"image 2 of the stopped .* was .*{images[1].name}, and now is "):
        resumed(exported, [images[0], *images[2:]])
    with pytest.raises(ConfigError, match="and now is none"):
        resumed(exported, images[:2])
    resumed(exported, images)
    assert len((tmp_path / "out").read_text().splitlines()) == len(images) + 1
