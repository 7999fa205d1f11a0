"""A run of several epochs ends where a plain loop over the same batches ends."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from attnmel.compute import runtime
from attnmel.config.load import load_recipe, network_recipe
from attnmel.config.recipe import Recipe
from attnmel.data.batches.loader import Batch, TrainingBatches
from attnmel.files.folders import RunFolder
from attnmel.models.classifiers import build_network
from attnmel.pipeline.run.images.dataset import prepare, training_batches
from attnmel.pipeline.run.run_location import read_recipe
from attnmel.pipeline.train.train import train_run

if TYPE_CHECKING:
    from lightning_fabric import Fabric
    from tests.conftest import Phantoms

MOMENTUM, WEIGHT_DECAY, GAMMA, POOL3, POOL4 = 0.9, 1e-4, 2.0, 0.05, 0.1
RATES = (0.01, 0.003)
TOLERANCE = 1e-6


@pytest.fixture
def recipe() -> Recipe:
    # Without batch-norm: over eight small images it multiplies rounding until the last digits decide.
    return load_recipe(
        "demo",
        [
            "data.size=32",
            "model.width=0.05",
            "model.trunk=vgg16",
            "training.epochs=2",
            "training.batch=8",
            "training.learning_rate=0.01",
            "training.decay=0.3",
            "training.decay_every=1",
            "training.precision=float32",
            "training.device=cpu",
        ],
    )


def plain_dice(maps: Tensor, batch: Batch) -> Tensor:
    block = batch.priors.shape[-1] // maps.shape[-1]
    maps = maps[batch.has_prior]
    prior = functional.avg_pool2d(batch.priors[batch.has_prior], block)
    return 1 - 2 * (maps * prior).sum() / (maps + prior).sum()


def plain_training(network: nn.Module, batches: TrainingBatches, rates: tuple[float, ...]) -> dict[str, Tensor]:
    """Nesterov's method as written down: v = m v + g, w = w - rate (g + m v), with weight decay in g."""
    network.train()
    velocities: dict[str, Tensor] = {}
    for epoch, rate in enumerate(rates):
        for batch in batches.epoch(epoch):
            network.zero_grad()
            logits, (shallow, deep), *_ = network(batch.images)
            share = logits.softmax(1)[range(len(logits)), batch.labels]
            focal = -((1 - share) ** GAMMA * share.log()).mean()
            (focal + POOL3 * plain_dice(shallow, batch) + POOL4 * plain_dice(deep, batch)).backward()
            with torch.no_grad():
                for name, weights in network.named_parameters():
                    assert weights.grad is not None
                    gradient = weights.grad + WEIGHT_DECAY * weights
                    velocities[name] = MOMENTUM * velocities.get(name, torch.zeros_like(weights)) + gradient
                    weights -= rate * (gradient + MOMENTUM * velocities[name])
    return {name: tensor.detach() for name, tensor in network.state_dict().items()}


def farthest(some: dict[str, Tensor], others: dict[str, Tensor]) -> float:
    assert some.keys() == others.keys()
    return max(float((some[name] - others[name]).abs().max()) for name in some)


def test_a_run_ends_where_a_plain_loop_over_its_batches_ends(
    recipe: Recipe, phantoms: "Phantoms", fabric: "Fabric", tmp_path: Path
) -> None:
    run = RunFolder(tmp_path / "run")
    train_run(recipe, run, home=phantoms.home, fabric=fabric)
    settled = network_recipe(read_recipe(run))
    batches = training_batches(settled, prepare(settled.data, home=phantoms.home), torch.device("cpu"))
    assert len(batches) > 1

    def plain(rates: tuple[float, ...]) -> dict[str, Tensor]:
        runtime.seed_everything(0)
        network = build_network("attnmel-cnn", trunk="vgg16", width=0.05, classes=2)
        return plain_training(network.to(memory_format=torch.channels_last), batches, rates)  # pyright: ignore[reportCallIssue] - torch's types lack this overload

    trained = load_file(run.last)
    assert farthest(trained, plain(RATES)) <= TOLERANCE
    assert farthest(trained, plain((0.01, 0.01))) > 100 * TOLERANCE, "the decay of the rate is not seen"
