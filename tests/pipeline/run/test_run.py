"""A run is opened once: no file of it is read twice, its data set is prepared once, and what is written is seen."""

import builtins
import dataclasses
import io
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from attnmel.errors import ConfigError
from attnmel.files.folders import RunFolder
from attnmel.files.locks import IN_FOLDER
from attnmel.models.weights import safetensors_io
from attnmel.pipeline.evaluate.calibrate import store_calibration
from attnmel.pipeline.evaluate.evaluate import evaluate_run
from attnmel.pipeline.evaluate.leakage import write_leaks
from attnmel.pipeline.explain.runs import explain_runs
from attnmel.pipeline.report.report import report_runs
from attnmel.pipeline.run import run as opening
from attnmel.pipeline.run.images.seen_images import Leak
from attnmel.pipeline.run.results.details import read_details
from attnmel.pipeline.run.results.results import read_measures
from attnmel.pipeline.run.run import Run
from attnmel.records import Predictions

if TYPE_CHECKING:
    from tests.conftest import Phantoms


class Reads(Counter[str]):
    """How often each file below a folder was opened for reading, and "data set" for each preparation of one."""

    @property
    def again(self) -> dict[str, int]:
        """What was read more than once."""
        return {name: count for name, count in self.items() if count > 1}


@contextmanager
def counted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reads]:
    reads = Reads()

    def note(path: Any, mode: str = "r") -> None:  # noqa: ANN401 - whatever open takes
        read = isinstance(path, str | os.PathLike) and "r" in mode and Path(path).name != IN_FOLDER
        if read and Path(path).is_relative_to(folder):
            reads[Path(path).relative_to(folder).as_posix()] += 1

    def opened(path: Any, mode: str = "r", *arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - as io.open
        note(path, mode)
        return plain_open(path, mode, *arguments, **named)

    def prepared(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - as prepare
        reads["data set"] += 1
        return plain_prepare(*arguments, **named)

    def loaded(path: Path) -> Any:  # noqa: ANN401 - as load_state; the library opens the file itself
        note(path)
        return plain_load(path)

    plain_open, plain_prepare, plain_load = io.open, opening.prepare, safetensors_io.load_state
    with monkeypatch.context() as patch:
        patch.setattr(io, "open", opened)
        patch.setattr(builtins, "open", opened)
        patch.setattr(opening, "prepare", prepared)
        patch.setattr("attnmel.models.weights.checkpoints.load_state", loaded)
        yield reads


@pytest.fixture
def folder(trained: RunFolder, tmp_path: Path) -> RunFolder:
    return RunFolder(Path(shutil.copytree(trained.path, tmp_path / "run")))


def test_a_report_of_one_run_with_all_its_parts_reads_each_file_once(
    folder: RunFolder, phantoms: "Phantoms", monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(folder, phantoms.home)
    explain_runs([run], split="test", methods=["cam", "attention-pool3"])
    image = run.predictions("test").image_ids[0]
    write_leaks(folder, [Leak("test", image, "same bytes", 1.0, "known", "train")], "test", "phantoms", "CC-0")
    ablation = folder.ablation("background-only")
    shutil.copytree(folder.path, ablation.path)
    ablation.recipe.write_text(folder.recipe.read_text().replace('ablation = "none"', 'ablation = "background-only"'))
    with counted(folder.path.parent, monkeypatch) as reads:
        page = report_runs([Run(folder, phantoms.home)]).read_text()
    assert reads.again == {}
    assert reads["data set"] == 1
    parts = ("recipe.toml", "provenance.json", "history.csv", "measures.json", "leakage.csv", "predictions/test.csv")
    maps = ("maps/test/summary.json", "maps/test/measures.csv", "maps/test/cam.npz")
    attention = ("predictions/test-details.json", "predictions/test-attention.npz", "predictions/test-overlap.csv")
    assert {f"run/{name}" for name in (*parts, *maps, *attention)} <= reads.keys()
    assert {"background-only/run/recipe.toml", "background-only/run/predictions/test.csv"} <= reads.keys()
    for heading in ("Images known from training", "Subgroups", "Calibration"):
        assert heading in page


def test_evaluating_reads_each_file_once(
    folder: RunFolder, phantoms: "Phantoms", monkeypatch: pytest.MonkeyPatch
) -> None:
    # Another number of threads than the training's rounds otherwise, and a temperature that moved is written and read.
    evaluate_run(Run(folder, phantoms.home), split="validation", resamples=20)
    with counted(folder.path, monkeypatch) as reads:
        run = Run(folder, phantoms.home)
        for split in ("validation", "test"):
            evaluate_run(run, split=split, resamples=20)
    assert reads.again == {}
    assert {"recipe.toml", "provenance.json", "measures.json", "images.csv", "best.safetensors"} <= reads.keys()
    assert reads["data set"] == 1


def test_explaining_a_split_reads_each_file_once(
    folder: RunFolder, phantoms: "Phantoms", monkeypatch: pytest.MonkeyPatch
) -> None:
    with counted(folder.path, monkeypatch) as reads:
        explain_runs([Run(folder, phantoms.home)], split="test", methods=["cam", "attention-pool3"], channels=["pool5"])
    assert reads.again == {}
    assert {"recipe.toml", "provenance.json", "best.safetensors", "maps/test/cam.npz"} <= reads.keys()
    assert reads["data set"] == 1


def test_what_is_written_through_a_run_is_what_it_returns_and_what_others_read(
    folder: RunFolder, phantoms: "Phantoms"
) -> None:
    run = Run(folder, phantoms.home)
    before = run.results["test"]
    folder.measures.unlink()
    results = evaluate_run(run)
    assert results == before == run.results["test"] == read_measures(folder)["test"]
    details = run.details(results)
    assert details is not None
    assert repr(details) == repr(read_details(folder, results))
    stored, kept = Predictions.read(folder.predictions("test")), run.predictions("test")
    assert (stored.image_ids, stored.groups, stored.attributes) == (kept.image_ids, kept.groups, kept.attributes)
    assert stored.probabilities.tobytes() == kept.probabilities.tobytes()


def test_a_new_temperature_is_seen_in_the_card(folder: RunFolder, phantoms: "Phantoms") -> None:
    run = Run(folder, phantoms.home)
    assert run.checkpoint[1].temperature is None or run.checkpoint[1].temperature != 3.5
    run.write_temperature(3.5, ())
    assert run.checkpoint[1].temperature == 3.5
    assert store_calibration(run, run.uncalibrated("validation"))
    assert run.checkpoint[1].temperature != 3.5


def test_validation_predictions_of_another_epoch_are_none(folder: RunFolder) -> None:
    run = Run(folder)
    epoch = run.results["validation"].epoch
    assert run.validation_predictions(epoch) is run.predictions("validation")
    assert run.validation_predictions(epoch + 1) is None
    run = Run(folder)
    run.results = {"validation": dataclasses.replace(run.results["validation"], epoch=99)}
    assert run.validation_predictions(epoch) is None


def test_a_folder_without_a_run_is_refused_at_once(tmp_path: Path) -> None:
    for folder, why in ((tmp_path, "no recipe.toml in it"), (tmp_path / "nowhere", "there is no such folder")):
        with pytest.raises(ConfigError) as caught:
            Run(folder)
        assert str(caught.value) == f"{folder} is not a run folder: {why}; train one first"
    with pytest.raises(
        ConfigError, match=r"^pretraned is not a run folder \(did you mean 'pretrained'\?\): there is no"
    ):
        Run("pretraned")


def test_a_run_is_shown_by_its_path(trained: RunFolder) -> None:
    assert repr(Run(str(trained.path))) == f"Run('{trained.path}')"
