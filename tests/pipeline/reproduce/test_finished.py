"""A finished run is known by the settings that it was begun with, also by those of them that it stores otherwise."""

import json
import shutil
from pathlib import Path

import pytest

from attnmel.config.recipe import Recipe
from attnmel.files.folders import RunFolder
from attnmel.pipeline.reproduce.finished import is_finished
from attnmel.pipeline.run.run import Run


def test_a_table_that_is_named_by_a_relative_path_is_the_stored_one(
    trained: RunFolder, tiny: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RunFolder(Path(shutil.copytree(trained.path, tmp_path / "run")))
    for name in ("one.csv", "other.csv"):
        (tmp_path / name).touch()
    text = run.recipe.read_text()
    run.recipe.write_text(text.replace('teacher = ""', f'teacher = "{tmp_path / "one.csv"}"'))
    monkeypatch.chdir(tmp_path)
    assert is_finished(Run(run), tiny.changed({"loss.teacher": "one.csv"}))
    assert not is_finished(Run(run), tiny.changed({"loss.teacher": "other.csv"}))
    assert not is_finished(Run(run), tiny)


def test_a_run_of_another_start_is_not_the_row_but_weights_may_lie_elsewhere(
    trained: RunFolder, tiny: Recipe, tmp_path: Path
) -> None:
    run = RunFolder(Path(shutil.copytree(trained.path, tmp_path / "run")))
    assert is_finished(Run(run), tiny)
    assert not is_finished(Run(run), tiny.changed({"model.weights": "imagenet"}))
    text = run.recipe.read_text()
    assert 'weights = "random"' in text
    run.recipe.write_text(text.replace('weights = "random"', 'weights = "/before/start.pth"'))
    assert is_finished(Run(run), tiny.changed({"model.weights": "start.pth"}))
    assert not is_finished(Run(run), tiny)


def test_a_split_of_which_no_image_is_in_use_need_not_be_evaluated(
    trained: RunFolder, tiny: Recipe, tmp_path: Path
) -> None:
    """As of a folder of one's own without test images, or where an exclusion list leaves all of them out."""
    run = RunFolder(Path(shutil.copytree(trained.path, tmp_path / "run")))
    measures = json.loads(run.measures.read_text())
    del measures["test"]
    run.measures.write_text(json.dumps(measures))
    assert not is_finished(Run(run), tiny)
    provenance = json.loads(run.provenance.read_text())
    provenance["data"]["splits"]["test"]["images"] = 0
    run.provenance.write_text(json.dumps(provenance))
    assert is_finished(Run(run), tiny)
