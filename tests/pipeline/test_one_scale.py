"""A threshold of the report means in `predict` what it meant there, by every kind of file and number of classes."""

import csv
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.conftest import TINY

from attnmel import Predictor
from attnmel.config.load import load_recipe
from attnmel.deploy.onnx.export_facts import ExportFacts, append_texts
from attnmel.files.folders import RunFolder
from attnmel.models.weights.checkpoints import checkpoint_card, load_checkpoint, set_temperature
from attnmel.pipeline.evaluate.calibrate import store_at_temperature
from attnmel.pipeline.experiment import run_recipe
from attnmel.pipeline.export import export
from attnmel.pipeline.predict.predict import predict_images
from attnmel.pipeline.run.results.details import operating_table
from attnmel.pipeline.run.results.thresholds import stored_thresholds
from attnmel.pipeline.run.run import Run
from attnmel.records import Predictions

if TYPE_CHECKING:
    from lightning_fabric import Fabric
    from tests.conftest import MakeOnce, Phantoms

TEMPERATURE = 20.0
"""Of a checkpoint: so far from 1 that another scale decides otherwise, whatever network this processor trains."""


THREE = (
    "training.epochs=1",
    "data.classes=['nevus','melanoma','seborrheic_keratosis']",
    "data.positives=['melanoma','seborrheic_keratosis']",
)


@pytest.fixture(scope="module")
def three_classes(phantoms: "Phantoms", fabric: "Fabric", once: "MakeOnce") -> RunFolder:
    def make(folder: Path) -> None:
        recipe = load_recipe("demo", (*TINY, *THREE))
        run_recipe(recipe, RunFolder(folder / "seed-0"), home=phantoms.home, fabric=fabric, resamples=20)

    return RunFolder(once("three-classes", make) / "seed-0")


@pytest.fixture(scope="module", params=["trained", "three_classes"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run, brought to a temperature at which its thresholds are others than without."""
    made: RunFolder = request.getfixturevalue(request.param)
    copied = Path(shutil.copytree(made.path, tmp_path_factory.mktemp("scale") / "seed-0"))
    set_temperature(RunFolder(copied).best, TEMPERATURE)
    opened = Run(copied)
    card = checkpoint_card(copied)
    opened.write_temperature(TEMPERATURE, stored_thresholds(opened.folder, card))
    store_at_temperature(opened, opened.results.values())
    return Run(copied)


@pytest.fixture(scope="module")
def images(phantoms: "Phantoms") -> Path:
    return next((phantoms.home / "data").rglob("*Test_v2_Data"))


@pytest.fixture(params=["run", pytest.param("checkpoint", marks=pytest.mark.slow), "onnx"])
def model(request: pytest.FixtureRequest, run: Run, tmp_path: Path) -> Path:
    """A file of each kind that `predict` takes."""
    if request.param == "run":
        return run.path
    if request.param == "checkpoint":
        return Path(shutil.copy(run.folder.best, tmp_path / "alone.safetensors"))
    network, card = load_checkpoint(run.path)
    path = tmp_path / "model.onnx"
    path.write_bytes(export.onnx_graph(network, card).SerializeToString())
    thresholds = stored_thresholds(run.folder, card)
    append_texts(path, card, ExportFacts(precision="float32", versions={}, checked_on="", thresholds=thresholds))
    return path


def predicted(model: Path, images: Path, out: Path, thresholds: tuple[float, ...] = ()) -> dict[str, dict[str, str]]:
    """Return the rows of the table that `predict` writes, by image id."""
    predict_images(model, [images], thresholds=thresholds).write(out)
    with out.open(newline="") as file:
        return {Path(row["image"]).stem: row for row in csv.DictReader(file)}


def sensitivity(rows: dict[str, dict[str, str]], truth: Predictions, column: str) -> float:
    positive = [one for one, yes in zip(truth.image_ids, truth.is_class("melanoma"), strict=True) if yes]
    return sum(int(rows[one][column]) for one in positive) / len(positive)


def test_a_threshold_as_it_is_printed_gives_the_sensitivity_that_is_printed_with_it(
    model: Path, run: Run, images: Path, tmp_path: Path
) -> None:
    details = run.details(run.results["test"])
    assert details is not None
    operating = details.operating[0]
    printed = operating_table(operating)[1][0][1:]
    rows = predicted(model, images, tmp_path / "out.csv", tuple(map(float, printed)))
    truth = run.predictions("test")
    for point, text in zip(operating.points, printed, strict=True):
        expected = point.reached.sensitivity.value
        assert sensitivity(rows, truth, f"decision_melanoma_threshold_{text}") == expected
        own = f"decision_melanoma_sensitivity_{point.target:g}"
        assert np.isnan(point.target) or sensitivity(rows, truth, own) == expected


def test_a_decision_is_that_of_the_probability_in_its_row(model: Path, run: Run, images: Path, tmp_path: Path) -> None:
    rows = predicted(model, images, tmp_path / "out.csv")
    for one in checkpoint_card(run.path).thresholds:
        for row in rows.values():
            above = float(row[f"probability_{one.task}"]) > one.threshold
            assert row[f"decision_{one.name}"] == str(int(above))


def test_the_scale_matters_here(run: Run) -> None:
    """Of uncalibrated probabilities these thresholds would decide otherwise: else the tests above show nothing."""
    test = run.uncalibrated("test")
    for one in checkpoint_card(run.path).thresholds:
        plain, calibrated = (scale.probability(one.task) > one.threshold for scale in (test, run.predictions("test")))
        if (plain != calibrated).any():
            return
    pytest.fail("every threshold decides the same on both scales")


def test_every_place_has_the_same_thresholds(model: Path, run: Run) -> None:
    details = run.details(run.results["test"])
    assert details is not None
    reported = [point.threshold for operating in details.operating for point in operating.points[1:]]
    results = predict_images(model, [run.folder.best])
    assert [one.threshold for one in results.model.thresholds] == reported
    if model.suffix == ".onnx":
        predictor = Predictor(model)
        assert [one.threshold for one in predictor.card.thresholds] == reported


def test_what_a_card_says_was_achieved_is_what_the_report_says(run: Run) -> None:
    details = run.details(run.results["test"])
    assert details is not None
    card = checkpoint_card(run.path)
    points = [(operating, point) for operating in details.operating for point in operating.points[1:]]
    for one, (operating, point) in zip(stored_thresholds(run.folder, card), points, strict=True):
        validation, test = one.achieved
        assert (validation.split, test.split) == ("validation", "test")
        assert test.sensitivity == point.reached.sensitivity
        assert test.specificity == point.reached.specificity
        assert (test.images, test.positives) == (12, operating.positives)
        assert validation.sensitivity[0] == one.sensitivity == point.validation_sensitivity
