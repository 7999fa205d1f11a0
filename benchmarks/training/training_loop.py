"""The program's own training of AttnMel-CNN-Lesion, set up as `attnmel train` does, over a cache of noise."""

from collections.abc import Callable, Iterator
from typing import Literal

import torch
from lightning_fabric import Fabric
from torch import nn

from attnmel.compute import runtime
from attnmel.config.load import load_recipe
from attnmel.data.batches.loader import TrainingBatches
from attnmel.data.preprocess.cache import Cache
from attnmel.models.classifiers import build_network
from attnmel.pipeline.train.train import recipe_fabric
from attnmel.training.loop import EpochLoss, train_epochs
from attnmel.training.losses import TotalLoss
from attnmel.training.objectives import ClassifierObjective
from attnmel.training.schedules import EpochSchedule

RECIPE = "isic2017/attnmel-lesion"
LOSS = TotalLoss(gamma=2.0, pool3_weight=0.001, pool4_weight=0.01)
RATE = 1e-3


def training_loop(
    cache: Cache,
    batches: TrainingBatches,
    *,
    width: float,
    precision: runtime.ComputePrecision | Literal["float64"],
    epochs: int,
    trunk: str = "vgg16_bn",
    rate: float = RATE,
    compiled: bool = False,
    device: Literal["cpu", "cuda"] = "cpu",
    changed: Callable[[nn.Module], object] = lambda network: None,
) -> Iterator[EpochLoss]:
    """Set up network, optimiser and Fabric, and give the loop itself: each `next` trains one epoch.

    `changed` may do something to the network before it is set up. float64, which no recipe has, is to tell rounding
    from an error.
    """
    if precision == "float64":
        fabric = Fabric(accelerator="cpu", devices=1, precision="64-true")
    else:
        changes = [f"model.trunk={trunk}", f"training.precision={precision}", f"training.device={device}"]
        fabric = recipe_fabric(load_recipe(RECIPE, changes))
    torch.manual_seed(0)
    network = build_network("attnmel-cnn", trunk=trunk, width=width, classes=2)
    network = network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue] - torch's types lack this overload
    if compiled:
        network.compile()
    changed(network)
    optimizer = torch.optim.SGD(network.parameters(), lr=rate, momentum=0.9, nesterov=True, weight_decay=1e-4)
    wrapped, optimizer = fabric.setup(network, optimizer)
    return train_epochs(
        wrapped,
        optimizer,
        batches,
        fabric=fabric,
        objective=ClassifierObjective(LOSS),
        schedule=EpochSchedule(epochs=epochs, learning_rate=rate, decay=1.0, decay_every=epochs),
        seed=0,
        image_ids=cache.image_ids,
    )
