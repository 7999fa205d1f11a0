"""The devices of a training are opened without words of other programs."""

from pathlib import Path

import pytest
from tests.conftest import TINY

from attnmel.config.load import load_recipe
from attnmel.pipeline.train.train import recipe_fabric


def test_slurm_on_the_machine_brings_no_advice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Warnings are errors here; Fabric gives one wherever it finds the command."""
    srun = tmp_path / "srun"
    srun.write_text("#!/bin/sh\n")
    srun.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert recipe_fabric(load_recipe("demo", TINY)).world_size == 1
