"""A network that torch compiles for its steps trains as one that it does not, and leaves the same files."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
from tests.conftest import TINY

from attnmel.config.load import load_recipe
from attnmel.errors import ConfigError
from attnmel.files.folders import RunFolder
from attnmel.models.weights.checkpoints import load_checkpoint
from attnmel.pipeline.experiment import run_recipe
from attnmel.pipeline.run.training.history import read_history
from attnmel.pipeline.train.train import train_run

if TYPE_CHECKING:
    from lightning_fabric import Fabric
    from tests.conftest import Phantoms


SETTINGS = (*TINY, "training.epochs=2", "training.learning_rate=0.001")

TRACED = """
import sys, torch
compile_ = torch.compile
# What the compiler does with the traced network takes it a minute and is torch's to test.
torch.compile = lambda network, **named: compile_(network, backend="aot_eager", **named)
from attnmel.cli import main
sys.argv[0] = "attnmel"
main()
"""


@pytest.mark.slow
def test_compiled_steps_are_those_of_the_network_and_its_files_are_the_same(
    phantoms: "Phantoms", fabric: "Fabric", tmp_path: Path
) -> None:
    plain, fast = RunFolder(tmp_path / "plain"), RunFolder(tmp_path / "demo" / "seed-0")
    run_recipe(load_recipe("demo", SETTINGS), plain, home=phantoms.home, fabric=fabric)
    # In a process of its own: here the types of all arguments are checked, which torch does not trace.
    asked = [word for setting in (*SETTINGS, "training.compile=true") for word in ("--set", setting)]
    command = [sys.executable, "-c", TRACED, "train", "demo", "--home", phantoms.home, "--out", tmp_path, *asked]
    environment = os.environ | {"TORCH_LOGS": "graph_breaks,aot_graphs"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "Graph break" not in done.stderr
    # One graph for all steps, none for the validation.
    assert done.stderr.count("===== Forward graph") == done.stderr.count("===== Backward graph") == 1
    assert "===== Inference graph" not in done.stderr
    for one, other in zip(read_history(plain.history), read_history(fast.history), strict=True):
        assert other.loss == pytest.approx(one.loss, abs=1e-5)
        assert other.validation_auc == pytest.approx(one.validation_auc, abs=1e-6)
    weights, others = (load_checkpoint(run.path)[0].state_dict() for run in (plain, fast))
    assert list(weights) == list(others)
    for name, values in weights.items():
        torch.testing.assert_close(others[name], values, rtol=1e-3, atol=1e-5)


def test_a_machine_without_a_compiler_is_told_so_before_the_first_step(
    phantoms: "Phantoms", fabric: "Fabric", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_: None)
    recipe = load_recipe("demo", [*TINY, "training.compile=true"])
    with pytest.raises(ConfigError, match=r"needs a C\+\+ compiler; install g\+\+, or set training.compile=false"):
        train_run(recipe, RunFolder(tmp_path / "run"), home=phantoms.home, fabric=fabric)
    assert not (tmp_path / "run").exists()
