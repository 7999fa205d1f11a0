"""`attnmel train` in this process: a folder a seed, and a resumed command that leaves what is finished alone."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from attnmel.cli.app import main
from attnmel.files.folders import RunFolder
from attnmel.pipeline.run.run_location import read_recipe

if TYPE_CHECKING:
    from tests.conftest import Phantoms

SETTINGS = (
    "data.size=32",
    "model.width=0.05",
    "training.epochs=1",
    "training.batch=8",
    "training.precision=float32",
    "training.device=cpu",
)


def train(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    """Give the command as a user would, and expect that it ends well."""
    changes = [part for setting in SETTINGS for part in ("--set", setting)]
    monkeypatch.setattr(sys, "argv", ["attnmel", "train", "demo", *changes, *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert not stopped.value.code


def test_each_seed_has_a_folder_and_a_finished_one_is_skipped(
    phantoms: "Phantoms", tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    places = ("--home", str(phantoms.home), "--out", str(tmp_path))
    runs = [RunFolder(tmp_path / "demo" / f"seed-{seed}") for seed in (0, 1)]

    train(monkeypatch, "--seeds", "2", "--json", *places)
    results = json.loads(capsys.readouterr().out)
    assert [result["run"] for result in results] == [str(run.path) for run in runs]
    assert all(result["best_epoch"] == 1 and 0 <= result["auc"] <= 1 for result in results)
    assert [path.name for path in sorted((tmp_path / "demo").iterdir())] == ["seed-0", "seed-1"]
    assert [read_recipe(run).training.seed for run in runs] == [0, 1]
    assert runs[0].last.read_bytes() != runs[1].last.read_bytes()
    command = json.loads(runs[1].provenance.read_text())["command"]
    assert command.startswith("attnmel train demo --set data.size=32")
    assert command.endswith(f"--out {tmp_path}")

    # Only one more seed: the two that are there must not be trained again.
    finished = [(run.last.read_bytes(), run.last.stat().st_mtime_ns) for run in runs]
    train(monkeypatch, "--seeds", "3", "--resume", *places)
    captured = capsys.readouterr()
    assert [(run.last.read_bytes(), run.last.stat().st_mtime_ns) for run in runs] == finished
    assert RunFolder(tmp_path / "demo" / "seed-2").measures.is_file()
    assert captured.err.count("epoch 1: loss") == 1
    assert captured.out.count("best epoch 1, validation auc 0.") + captured.out.count("auc 1.000") == 3


def test_an_ablation_lies_beside_the_run_and_is_known_by_name(
    phantoms: "Phantoms", tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    train(monkeypatch, "--ablation", "lesion-only", "--home", str(phantoms.home), "--out", str(tmp_path))
    run = RunFolder(tmp_path / "demo" / "lesion-only" / "seed-0")
    assert read_recipe(run).data.ablation == "lesion-only"
    assert str(run.path) in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["attnmel", "train", "demo", "--ablation", "noise"])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    assert "'background-only', 'lesion-only', 'shuffled-labels'" in capsys.readouterr().err
