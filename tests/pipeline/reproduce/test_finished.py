"""A finished run is known by the settings that it was begun with, also by those of them that it stores otherwise."""

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
