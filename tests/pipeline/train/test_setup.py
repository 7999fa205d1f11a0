"""The start of a training says nothing of the machine that is no mistake of the user's."""

import os
from pathlib import Path

import pytest

from attnmel.config.settings.training import TrainingSettings
from attnmel.pipeline.train.setup import launched_fabric


@pytest.mark.skipif(os.name == "nt", reason="SLURM runs on Linux alone")
def test_training_outside_a_job_of_slurm_is_not_warned_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    srun = tmp_path / "srun"
    srun.write_text("#!/bin/sh\n")
    srun.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    fabric = launched_fabric(TrainingSettings(device="cpu", precision="float32"))  # a warning is an error in the tests
    assert fabric.world_size == 1
