"""Files that an earlier version wrote still open, and give what that version computed.

How they were made: `tests/old_files/README.md`.
"""

import csv
import io
import json
import shutil
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest

from attnmel.evaluation.maps.summary import MapSummary
from attnmel.evaluation.maps.table import MapColumn, MapTable
from attnmel.files.folders import RunFolder, cache_folder, predicted_masks
from attnmel.files.table_files import table_lines
from attnmel.pipeline.run.run import Run
from attnmel.pipeline.run.training.history import read_history
from attnmel.records import Predictions

if TYPE_CHECKING:
    from tests.cli.conftest import Attnmel

FILES = Path(__file__).parents[1] / "old_files" / "files.zip"

SETTINGS = (
    "data.size=32",
    "model.width=0.03",
    "training.epochs=3",
    "training.batch=4",
    "training.precision=float32",
    "training.device=cpu",
)


class Old(NamedTuple):
    """Copies of the old files, to be written into."""

    folder: Path

    @property
    def home(self) -> tuple[str, Path]:
        """The option of every command that reads the old data set."""
        return "--home", self.folder / "home"

    @property
    def run(self) -> RunFolder:
        """The finished run."""
        return RunFolder(self.folder / "runs" / "demo" / "seed-0")

    @property
    def images(self) -> list[Path]:
        """The images of the test split."""
        folder = self.folder / "home" / "data" / "phantoms" / "ISIC-2017_Test_v2_Data"
        return sorted(folder.glob("*.jpg"))

    def predicted(self, name: str) -> dict[str, float]:
        """The probability of melanoma by image, as the earlier version's `predict` wrote it."""
        return probabilities((self.folder / "predicted" / name).read_text())


@pytest.fixture
def old(tmp_path: Path) -> Old:
    with zipfile.ZipFile(FILES) as archive:
        archive.extractall(tmp_path)
    return Old(tmp_path)


def probabilities(text: str) -> dict[str, float]:
    rows = csv.DictReader(table_lines(io.StringIO(text)))
    return {Path(row["image"]).stem: float(row["probability_melanoma"]) for row in rows}


def assert_same(found: Predictions, expected: Predictions) -> None:
    assert (found.image_ids, found.classes, found.groups) == (expected.image_ids, expected.classes, expected.groups)
    assert found.labels.tolist() == expected.labels.tolist()
    np.testing.assert_allclose(found.probabilities, expected.probabilities, atol=1e-5)


def test_an_old_run_is_evaluated_with_the_same_results_from_its_old_cache(old: Old, attnmel: "Attnmel") -> None:
    before = Run(old.run)
    stored, results = before.predictions("test"), before.results["test"]
    details = before.details(results)
    pixels = {path: path.stat().st_mtime_ns for path in cache_folder(old.folder / "home").rglob("*.bin")}
    ran = attnmel("evaluate", old.run.path, *old.home)
    assert not ran.code, ran.err
    after = Run(old.run)
    assert_same(after.predictions("test"), stored)
    found = after.results["test"]
    assert (found.epoch, found.masks, found.submission) == (results.epoch, results.masks, results.submission)
    for row, other in zip(found.judgement.rows, results.judgement.rows, strict=True):
        assert (row.task, row.measure) == (other.task, other.measure)
        np.testing.assert_allclose([row.value, row.low, row.high], [other.value, other.low, other.high], atol=1e-3)
    again = after.details(found)
    assert details is not None
    assert again is not None
    assert [one.task for one in again.operating] == [one.task for one in details.operating]
    assert again.confusion is not None
    assert details.confusion is not None
    for one, other in zip(again.confusion.by_class, details.confusion.by_class, strict=True):
        assert (one.name, one.images, one.called) == (other.name, other.images, other.called)
        for interval in ("recall", "precision", "f1"):
            np.testing.assert_allclose(getattr(one, interval), getattr(other, interval), atol=1e-9)
    np.testing.assert_allclose(again.confusion.accuracy, details.confusion.accuracy, atol=1e-9)
    np.testing.assert_allclose(again.confusion.mean_f1, details.confusion.mean_f1, atol=1e-9)
    assert {path: path.stat().st_mtime_ns for path in cache_folder(old.folder / "home").rglob("*.bin")} == pixels


def test_an_old_run_and_its_old_maps_are_reported(old: Old, attnmel: "Attnmel") -> None:
    shown = Run(old.run).results["test"].judgement.row("melanoma", "auc").value
    ran = attnmel("report", old.run.path, *old.home)
    assert not ran.code, ran.err
    page = old.run.report.read_text(encoding="utf-8")
    assert f"{shown:.3f}" in page
    summary = MapSummary.read(old.run.split_maps("test").summary)
    assert summary is not None
    jaccard = next(one for one in summary.means if one.column == MapColumn("cam", "jaccard", "lesion"))
    assert f"{jaccard.interval.value:.3f}" in page


def test_an_old_run_gives_the_same_maps(old: Old, attnmel: "Attnmel") -> None:
    folder = old.run.split_maps("test")
    before = MapTable.read(folder.table)
    ran = attnmel("explain", old.run.path, "--split", "test", "--method", "cam", "--method", "gradcam-pool5", *old.home)
    assert not ran.code, ran.err
    after = MapTable.read(folder.table)
    assert (after.image_ids, after.called) == (before.image_ids, before.called)
    shared = after.values.keys() & before.values.keys()
    assert {column.map for column in shared} == {"cam", "gradcam-pool5"}
    for column in shared:
        np.testing.assert_allclose(after.values[column], before.values[column], atol=1e-3, err_msg=str(column))


@pytest.mark.parametrize(("model", "table"), [("runs/demo/seed-0", "run.csv"), ("model.onnx", "onnx.csv")])
def test_an_old_model_predicts_the_same(model: str, table: str, old: Old, attnmel: "Attnmel") -> None:
    ran = attnmel("predict", old.folder / model, *old.images)
    assert not ran.code, ran.err
    found, expected = probabilities(ran.out), old.predicted(table)
    assert found.keys() == expected.keys()
    assert len(found) == 7
    for image, probability in found.items():
        assert probability == pytest.approx(expected[image], abs=1e-5)


def test_an_old_run_that_was_stopped_goes_on(old: Old, attnmel: "Attnmel") -> None:
    stopped = RunFolder(old.folder / "stopped" / "demo" / "seed-0")
    shutil.copy(old.run.best, stopped.best)  # of epoch 2 in both, the same bytes, and once in the archive
    assert [row.epoch for row in read_history(stopped.history)] == [1, 2]
    changes = [part for setting in SETTINGS for part in ("--set", setting)]
    ran = attnmel("train", "demo", *changes, "--resume", "--out", old.folder / "stopped", *old.home)
    assert not ran.code, ran.err
    found, whole = read_history(stopped.history), read_history(old.run.history)
    assert [row.epoch for row in found] == [1, 2, 3]
    # As the run that was never stopped, but for the last bits of another processor.
    assert [row.loss for row in found] == pytest.approx([row.loss for row in whole], rel=1e-3)
    assert_same(Predictions.read(stopped.predictions("test")), Predictions.read(old.run.predictions("test")))
    assert json.loads(stopped.provenance.read_text())["resumed"][0]["after epoch"] == 2


def test_an_old_segmenter_draws_masks(old: Old, attnmel: "Attnmel") -> None:
    pytest.importorskip("monai")
    ran = attnmel("segment", "predict", old.folder / "seg", "phantoms", *old.home)
    assert not ran.code, ran.err
    masks = predicted_masks(old.folder / "home", "phantoms")
    assert {path.stem for path in old.images} <= {path.name.split("_seg")[0] for path in masks.path.glob("*.png")}
    shutil.rmtree(masks.path)
