"""Files become answers, one each, in order; one that cannot be used says why."""

import csv
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from PIL import Image

from attnmel import NOTICE
from attnmel.data.images import prepared_image
from attnmel.errors import ImageError
from attnmel.evaluation.temperature import at_temperature
from attnmel.folders import RunFolder
from attnmel.models.checkpoints import load_checkpoint, read_checkpoint, set_temperature
from attnmel.pipeline.predict import Answer, Answers, image_files, model_input, predict_images
from attnmel.records import Predictions

if TYPE_CHECKING:
    from tests.conftest import Phantoms


def test_folders_are_walked_in_order_and_other_files_left_alone(tmp_path: Path) -> None:
    for name in ("b.JPG", "a.png", "notes.txt", "c.jpeg"):
        (tmp_path / name).touch()
    assert [path.name for path in image_files([tmp_path])] == ["a.png", "b.JPG", "c.jpeg"]


def test_a_folder_with_labels_gives_its_images_and_not_its_masks(tmp_path: Path) -> None:
    lines = ["image,label,mask"]
    for name in ("b", "a"):
        for kind in ("images", "masks"):
            (tmp_path / kind).mkdir(exist_ok=True)
            Image.new("RGB", (8, 8)).save(tmp_path / kind / f"{name}.png")
        lines.append(f"images/{name}.png,melanoma,masks/{name}.png")
    (tmp_path / "labels.csv").write_text("\n".join(lines) + "\n")
    assert [path.relative_to(tmp_path) for path in image_files([tmp_path])] == [
        Path("images/b.png"),
        Path("images/a.png"),
    ]


def test_a_name_without_an_image_is_told(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"no image at .*; expected a file or a folder of \.jpg, \.jpeg, \.png files"):
        image_files([tmp_path])


@pytest.mark.parametrize("batch", [1, 5, 32])
def test_answers_agree_with_evaluate_whatever_the_batch(batch: int, trained: RunFolder, phantoms: "Phantoms") -> None:
    folder = next((phantoms.home / "data").rglob("*Test_v2_Data"))
    answers = predict_images(trained.path, [folder], batch=batch, calibrated=False)
    judged = Predictions.read(trained.predictions("test"))
    assert [Path(one.image).stem for one in answers.answers] == list(judged.image_ids)
    found = np.array([one.probabilities for one in answers.answers])
    np.testing.assert_allclose(found, judged.probabilities, atol=1e-6)


def test_calibrated_answers_are_the_softmax_of_the_logits_over_the_temperature(
    trained: RunFolder, phantoms: "Phantoms"
) -> None:
    network, card = load_checkpoint(trained.path)
    assert card.temperature is not None
    assert card.temperature != 1
    images = sorted((phantoms.home / "data").rglob("*Test_v2_Data/*.jpg"))[:4]
    inputs = [model_input(prepared_image(path, crop=card.crop, side=card.side), card) for path in images]
    with torch.inference_mode():
        logits = network(torch.cat(inputs)).logits.double()
    expected = (logits / card.temperature).softmax(dim=1).numpy()
    answers = predict_images(trained.path, images)
    np.testing.assert_allclose([one.probabilities for one in answers.answers], expected, atol=1e-6)


def test_calibration_is_that_of_the_predictions_file(trained: RunFolder, phantoms: "Phantoms") -> None:
    answers = predict_images(trained.path, [next((phantoms.home / "data").rglob("*Test_v2_Data"))])
    assert answers.temperature is not None
    cooled = at_temperature(Predictions.read(trained.predictions("test")), answers.temperature)
    np.testing.assert_allclose([one.probabilities for one in answers.answers], cooled.probabilities, atol=1e-6)


def test_a_table_says_whether_its_probabilities_are_calibrated(
    trained: RunFolder, phantoms: "Phantoms", tmp_path: Path
) -> None:
    image = next((phantoms.home / "data").rglob("*Test*Data/*.jpg"))
    temperature = read_checkpoint(trained.path)[1].temperature
    sentence = f"Calibrated: temperature {temperature:g}, fitted on the validation images of the training."
    assert told(predict_images(trained.path, [image])) == (sentence, temperature)
    plain = predict_images(trained.path, [image], calibrated=False)
    assert told(plain) == ("Not calibrated: as asked for.", None)
    shutil.copy(trained.best, tmp_path / "old.safetensors")
    set_temperature(tmp_path / "old.safetensors", None)
    old = predict_images(tmp_path / "old.safetensors", [image])
    assert told(old) == ("Not calibrated: the checkpoint holds no temperature.", None)
    assert old.answers == plain.answers


def told(answers: Answers) -> tuple[str, float | None]:
    """Return the sentence, which the CSV and the JSON share, and the temperature."""
    plain = json.loads(answers.text(as_json=True))
    assert answers.text().splitlines()[2] == f"# {plain['calibration']}"
    return plain["calibration"], plain["temperature"]


def test_a_checkpoint_file_answers_like_its_run(trained: RunFolder, phantoms: "Phantoms") -> None:
    image = next((phantoms.home / "data").rglob("*Test*Data/*.jpg"))
    assert predict_images(trained.best, [image]).answers == predict_images(trained.path, [image]).answers


def test_a_name_that_is_no_text_is_written_with_its_bytes_in_figures(trained: RunFolder, tmp_path: Path) -> None:
    answers = Answers(read_checkpoint(trained.best)[1], (Answer("\udcff,.jpg", (0.25, 0.75)),))
    answers.write(tmp_path / "out.csv")
    lines = (tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()
    assert lines[-1] == '"\\udcff,.jpg",0.250000,0.750000,'
    assert json.loads(answers.text(as_json=True))["images"][0]["image"] == "\udcff,.jpg"


def test_a_broken_file_gets_its_reason_and_the_others_their_answer(
    trained: RunFolder, phantoms: "Phantoms", tmp_path: Path
) -> None:
    image = next((phantoms.home / "data").rglob("*Test*Data/*.jpg"))
    (tmp_path / "a.jpg").write_bytes(image.read_bytes()[:200])
    shutil.copy(image, tmp_path / "b.jpg")
    answers = predict_images(trained.path, [tmp_path])
    answers.write(tmp_path / "out.csv")
    with (tmp_path / "out.csv").open() as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    assert "a.jpg" in rows[0]["error"]
    assert not rows[0]["probability_melanoma"]
    assert 0 < float(rows[1]["probability_melanoma"]) < 1
    plain = json.loads(answers.text(as_json=True))
    assert plain["notice"] == NOTICE
    assert "error" in plain["images"][0]
    with pytest.raises(ImageError, match="1 of 2 images could not be used"):
        answers.raise_for_failures()
