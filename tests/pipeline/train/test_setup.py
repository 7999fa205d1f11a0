"""Before a training: no warning about the machine that is no mistake of the user's; when freed memory is kept."""

import os
from pathlib import Path

import pytest
import torch
from torch import nn

from attnmel.compute import runtime
from attnmel.config.load import load_recipe
from attnmel.config.recipe import Recipe
from attnmel.config.settings.training import TrainingSettings
from attnmel.errors import ConfigError
from attnmel.models.classifiers import build_network
from attnmel.pipeline.train.setup import launched_fabric, objective, set_up, start_network
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


@pytest.mark.parametrize(
    "network",
    [
        ("chen", "loss.prior=lesion"),
        ("chen", "loss.prior=lesion", "model.passing=none"),
        ("dermaknet", "loss.prior=structures+lesion", "model.grid=ellipse"),
    ],
)
@pytest.mark.parametrize("weight", [0, 0.5])
def test_all_that_is_trained_has_a_gradient_which_several_processes_wait_for(
    network: tuple[str, ...], weight: float
) -> None:
    changes = (f"model.network={network[0]}", *network[1:], f"loss.mask_weight={weight}", "model.width=0.05")
    recipe = load_recipe("isic2017/attnmel", [*changes, "model.weights=random"])
    built, planes = start_network(recipe), 5 if network[0] == "dermaknet" else 1
    output, labels, priors = built(torch.rand(2, 3, 32, 32)), torch.tensor([0, 1]), torch.ones(2, planes, 32, 32)
    objective(recipe).loss(output, labels, priors, torch.tensor([True, True])).backward()
    assert [name for name, one in built.named_parameters() if one.requires_grad and one.grad is None] == []


@pytest.mark.parametrize("trunk", ["mobilenet_v2", "efficientnet_lite0"])
def test_a_part_of_one_image_is_refused_where_a_batch_norm_would_see_one_value(trunk: str) -> None:
    network = build_network("mel-cnn", trunk=trunk, width=0.1, classes=2).train()
    with pytest.raises(ValueError, match="Expected more than 1 value per channel"):
        network(torch.zeros(1, 3, 32, 32))
    for images, size in ((2, 32), (1, 64)):
        network(torch.zeros(images, 3, size, size))

    def recipe(*changes: str) -> Recipe:
        return load_recipe("demo", [f"model.trunk={trunk}", "data.size=32", "training.batch=8", *changes])

    with pytest.raises(ConfigError, match="the last map of a light trunk has one place, so that its batch-norm sees"):
        recipe("training.accumulate=8")
    for change in ("training.accumulate=4", "data.size=64", "training.freeze=pool5"):
        recipe(change, *([] if "accumulate" in change else ["training.accumulate=8"]))
