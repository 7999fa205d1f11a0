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
from attnmel.training.loop import RATE_SHARE
from attnmel.training.losses import TotalLoss


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


def test_each_branch_of_dermaknet_has_its_share_of_the_rate() -> None:
    recipe = load_recipe("demo", ["model.network=dermaknet", "loss.prior=none", "model.width=0.05"])
    network, optimizer = set_up(recipe, start_network(recipe), recipe_fabric(recipe), SILENT)
    share_of = {one: group[RATE_SHARE] for group in optimizer.param_groups for one in group["params"]}
    trained = [(name, one) for name, one in network.module.named_parameters() if one.requires_grad]
    shares = {name.split(".")[0]: share_of[one] for name, one in trained}
    assert (shares["trunk"], shares["head"], shares["polar"], shares["asymmetry"]) == (1, 1, 1 / 12, 1 / 2)


def test_a_step_of_adamw_is_the_one_as_published() -> None:
    """Loshchilov and Hutter 2019, algorithm 2; `training.momentum` is beta 1."""
    changes = ("training.optimizer=adamw", "training.momentum=0.7", "training.weight_decay=0.1")
    recipe = load_recipe("demo", ["training.device=cpu", "training.learning_rate=0.01", *changes])
    torch.manual_seed(0)
    layer = nn.Linear(3, 1, bias=False)
    expected, first, second = layer.weight.detach().clone().double(), 0.0, 0.0
    network, optimizer = set_up(recipe, layer, recipe_fabric(recipe), SILENT)
    for step, inputs in enumerate((torch.tensor([[1.0, 2.0, -3.0]]), torch.tensor([[-4.0, 0.5, 1.0]])), start=1):
        optimizer.zero_grad()
        network(inputs).sum().backward()
        optimizer.step()
        gradient = inputs.double()
        first, second = 0.7 * first + 0.3 * gradient, 0.999 * second + 0.001 * gradient**2
        unbiased = (first / (1 - 0.7**step)) / ((second / (1 - 0.999**step)) ** 0.5 + 1e-8)
        expected -= 0.01 * (unbiased + 0.1 * expected)
    torch.testing.assert_close(layer.weight.detach().double(), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            ("loss.dice=image", "loss.pool3_weight=0.3", "loss.pool4_weight=0.7"),
            TotalLoss(gamma=2.0, pool3_weight=0.3, pool4_weight=0.7, dice="image"),
        ),
        (("model.network=chen", "loss.mask_weight=0.4"), TotalLoss(gamma=2.0, mask_weight=0.4)),
        (
            ("model.network=dermaknet", "loss.prior=structures+lesion", "loss.structure_labels=presence"),
            TotalLoss(gamma=2.0, mask_weight=1.0, by_presence=True),
        ),
        (("loss.prior=none", "loss.gamma=0.5"), TotalLoss(gamma=0.5)),
    ],
)
def test_the_loss_is_that_of_the_settings(changes: tuple[str, ...], expected: TotalLoss) -> None:
    assert objective(load_recipe("demo", list(changes))).loss == expected
