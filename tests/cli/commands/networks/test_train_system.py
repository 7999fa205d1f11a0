"""`attnmel train` of a fitted system: by a TOML file, changed by `--set`, a folder a seed."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from attnmel.cli.app import main
from attnmel.files.folders import RunFolder
from attnmel.pipeline.run.provenance import read_provenance, read_recipe

if TYPE_CHECKING:
    from tests.conftest import Phantoms

RECIPE = """
name = "own/colours"
title = "colours"
[data]
dataset = "phantoms"
classes = ["rest", "melanoma"]
positives = ["melanoma"]
size = 32
[features.colour]
kind = "colour"
[svm]
kernel = "intersection"
scaling = "none"
"""


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["attnmel", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    return int(stopped.value.code or 0)


@pytest.fixture
def recipe(tmp_path: Path) -> str:
    path = tmp_path / "colours.toml"
    path.write_text(RECIPE)
    return str(path)


def test_a_system_is_fitted_and_evaluated_by_its_file(
    recipe: str,
    phantoms: "Phantoms",
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    places = ("--home", str(phantoms.home), "--out", str(tmp_path))
    assert run(monkeypatch, "train", recipe, "--set", "features.colour.bins=4", "--set", "svm.folds=3", *places) == 0
    folder = RunFolder(tmp_path / "own" / "colours" / "seed-0")
    captured = capsys.readouterr()
    assert captured.out.startswith(f"{folder.path}: validation auc ")
    assert "colour: AUC 0." in captured.err
    assert "on held-out folds, cost " in captured.err
    assert read_provenance(folder)["command"].startswith(f"attnmel train {recipe} --set features.colour.bins=4")
    again = (str(folder.path), "--resume", "--json", "--home", str(phantoms.home))
    assert run(monkeypatch, "train", *again) == 0
    (result,) = json.loads(capsys.readouterr().out)
    assert result["run"] == str(folder.path)
    assert 0 <= result["auc"] <= 1
    assert read_recipe(folder).name == "own/colours"


def test_a_fold_without_a_class_is_one_sentence_and_leaves_no_checkpoint(
    recipe: str,
    phantoms: "Phantoms",
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    places = ("--home", str(phantoms.home), "--out", str(tmp_path))
    assert run(monkeypatch, "train", recipe, "--set", "svm.folds=20", *places) == 1
    said = capsys.readouterr().err
    assert "of 20 holds no training image of '" in said
    assert "Traceback" not in said
    assert not RunFolder(tmp_path / "own" / "colours" / "seed-0").best.exists()


def test_a_command_of_networks_says_that_it_is_none(
    fitted: RunFolder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "export", str(fitted.path), "--onnx") == 1
    assert f"{fitted.path} is a fitted system of features and SVMs, not a network" in capsys.readouterr().err
