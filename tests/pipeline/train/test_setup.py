"""Before a training: no warning about the machine that is no mistake of the user's; when freed memory is kept."""

import os
from pathlib import Path

import pytest
from torch import nn

from attnmel.compute import runtime
from attnmel.config.load import load_recipe
from attnmel.config.settings.training import TrainingSettings
from attnmel.errors import ConfigError
from attnmel.pipeline.train.setup import launched_fabric, set_up
from attnmel.pipeline.train.train import recipe_fabric
from attnmel.progress import SILENT


@pytest.mark.skipif(os.name == "nt", reason="SLURM runs on Linux alone")
def test_training_outside_a_job_of_slurm_is_not_warned_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    srun = tmp_path / "srun"
    srun.write_text("#!/bin/sh\n")
    srun.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    fabric = launched_fabric(TrainingSettings(device="cpu", precision="float32"))  # a warning is an error in the tests
    assert fabric.world_size == 1


@pytest.mark.parametrize(("changes", "keeps"), [
    (("data.size=128", "training.batch=32"), True),
    (("data.size=224", "training.batch=32"), False),
    (("data.size=224", "training.batch=16"), True),
    (("data.size=224", "training.batch=32", "model.trunk=mobilenet_v2"), True),
    (("data.size=224", "training.batch=32", "training.precision=bf16"), True),
])  # fmt: skip
def test_memory_is_kept_in_the_process_where_that_stays_within_bounds(
    changes: tuple[str, ...], keeps: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[bool] = []
    monkeypatch.setattr(runtime, "keep_memory", lambda: kept.append(True))
    settings = ("training.device=cpu", "training.precision=float32", *changes)
    recipe_fabric(load_recipe("isic2017/attnmel", settings))
    assert bool(kept) == keeps


def test_a_network_of_which_nothing_is_trained_is_refused() -> None:
    recipe = load_recipe("demo", ["training.device=cpu", "training.precision=float32"])
    with pytest.raises(
        ConfigError, match="the network has no weights to train: none of its parameters has requires_gr"
    ):
        set_up(recipe, nn.Linear(2, 2).requires_grad_(False), recipe_fabric(recipe), SILENT)
