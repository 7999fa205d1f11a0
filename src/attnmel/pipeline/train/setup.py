"""A recipe -> the devices, network, optimiser, objective and schedule that its training starts with."""

import logging
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

import torch
from lightning_fabric import Fabric
from lightning_fabric.wrappers import _FabricModule
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from attnmel.compute import runtime
from attnmel.config.fields import NO_WEIGHTS
from attnmel.config.recipe import Recipe
from attnmel.config.segmenter import SegmenterTraining
from attnmel.config.settings.training import TrainingSettings
from attnmel.data.priors.kinds import NO_PRIOR
from attnmel.errors import ConfigError
from attnmel.models.classifiers import build_network, rate_share, train_without_masks, trunk_of
from attnmel.models.harangi import HarangiNetwork
from attnmel.models.trunks.trunk import frozen_pool
from attnmel.models.weights.branches import check_several, with_branches
from attnmel.models.weights.card import ATTENDING, network_settings
from attnmel.models.weights.pretrained_input import trained_with
from attnmel.models.weights.start_weights import START_NAMES, Start, start_weights
from attnmel.pipeline.run.images.dataset import Prepared
from attnmel.pipeline.train.vgg_rescale import fit_start
from attnmel.progress import Progress
from attnmel.training.class_weights import median_frequency
from attnmel.training.loop import RATE_SHARE
from attnmel.training.losses import TotalLoss
from attnmel.training.objectives import ClassifierObjective
from attnmel.training.schedules import EpochSchedule
from attnmel.training.soft_labels import SoftLabels

ADAMW_SECOND_BETA = 0.999
"""Decay of AdamW's mean of squared gradients; Loshchilov and Hutter, ICLR 2019, and torch's own."""


def launched_fabric(
    settings: TrainingSettings | SegmenterTraining, *, devices: int = 1, nodes: int = 1, keep_memory: bool = False
) -> Fabric:
    """Return the launched Fabric that moves and casts tensors and joins processes.

    `keep_memory`: this process keeps the memory that it frees also in float32, not only in bf16.
    """
    # Its notes on devices and precision would appear between our own messages.
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    device = runtime.choose_device(settings.device)
    precision = runtime.choose_precision(settings.precision, device)
    if precision == "bf16" or keep_memory:
        runtime.keep_memory()
    with warnings.catch_warnings():
        # Where SLURM is installed, a training outside a job of it is no mistake.
        warnings.filterwarnings("ignore", message="The `srun` command is available")
        fabric = Fabric(
            accelerator=device.type,
            devices=devices,
            num_nodes=nodes,
            strategy="ddp" if devices * nodes > 1 else "auto",
            precision="bf16-mixed" if precision == "bf16" else "32-true",
        )
        fabric.launch()
    return fabric


def start_network(recipe: Recipe) -> nn.Module:
    """Build the network, its random weights drawn from the recipe's seed alone, and freeze layers by the recipe.

    Raises:
        ConfigError: the trunk lacks the pool to freeze up to.
    """
    runtime.seed_everything(recipe.training.seed)
    model = recipe.model
    network = build_network(model.network, classes=len(recipe.data.classes), **network_settings(model))
    if recipe.loss.prior == NO_PRIOR or not recipe.loss.mask_weight:
        train_without_masks(network)
    if pool := frozen_pool(recipe.training.freeze):
        trunk_of(network).freeze(pool)
    return network


def put_start_weights(
    network: nn.Module, recipe: Recipe, prepared: Prepared, device: torch.device, home: Path, progress: Progress
) -> Start:
    """Put the recipe's start weights into the network and return where they are from.

    Raises:
        AttnmelError: as `start_weights` and `fit_start`.
    """
    model = recipe.model
    if isinstance(network, HarangiNetwork):
        check_several(model.weights)
    start = start_weights(
        network,
        model.weights,
        trunk=model.trunk,
        width=model.width,
        classes=recipe.data.classes,
        home=home,
        progress=progress,
    )
    if isinstance(network, HarangiNetwork):
        start = with_branches(
            start, network, model.weights, model.branches, width=model.width, home=home, progress=progress
        )
    if model.weights not in START_NAMES:
        progress.note(f"start: {start.sentence}")
    padding = trained_with(model.weights, model.trunk).padding
    if padding is not None and padding != model.padding:
        progress.note(
            f"{model.weights} was trained with {padding} padding, but model.padding = '{model.padding}': with that the "
            "weights are another function"
        )
    return fit_start(network, start, recipe, prepared, device, progress)


def set_up(
    recipe: Recipe, network: nn.Module, fabric: Fabric, progress: Progress
) -> tuple[_FabricModule, torch.optim.Optimizer]:
    """Return the network, channels-last, on its device, wrapped by Fabric, with its optimiser.

    Raises:
        ConfigError: the network is to be compiled, but there is no compiler for it, or nothing of it is trained.
    """
    if fabric.world_size > 1 and fabric.device.type == "cuda":
        # Batch-norm of the slides sees the whole batch; torch has this for CUDA only.
        network = nn.SyncBatchNorm.convert_sync_batchnorm(network)
    elif fabric.world_size > 1 and any(isinstance(layer, _BatchNorm) for layer in network.modules()):
        progress.note("on CPUs each process normalises its own share of a batch; one process would see the whole")
    settings = recipe.training
    if settings.compile:
        runtime.require_compiler(fabric.device)
        # In place, so that weights keep the names that checkpoints know.
        network.compile()
    return wrap(network, _optimizer(network, settings), fabric)


def wrap(
    network: nn.Module, optimizer: torch.optim.Optimizer, fabric: Fabric
) -> tuple[_FabricModule, torch.optim.Optimizer]:
    """Return network and optimiser wrapped by Fabric; the network is channels-last and on its device."""
    network = network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue] - torch's types lack this overload
    wrapped, optimizer_ = fabric.setup(network, optimizer)
    # Fabric's wrapper is an optimiser too, by a class that it makes at run time.
    return wrapped, cast(torch.optim.Optimizer, optimizer_)


def _optimizer(network: nn.Module, settings: TrainingSettings) -> torch.optim.Optimizer:
    by_share: dict[float, list[nn.Parameter]] = {}
    for name, one in network.named_parameters():
        if one.requires_grad:
            by_share.setdefault(rate_share(network, name), []).append(one)
    if not by_share:
        raise ConfigError("the network has no weights to train: none of its parameters has requires_grad = True")
    weights = [{"params": some, RATE_SHARE: share} for share, some in by_share.items()]
    rate, decay = settings.learning_rate, settings.weight_decay
    if settings.optimizer == "adamw":
        return torch.optim.AdamW(weights, lr=rate, betas=(settings.momentum, ADAMW_SECOND_BETA), weight_decay=decay)
    return torch.optim.SGD(
        weights, lr=rate, momentum=settings.momentum, nesterov=settings.momentum > 0, weight_decay=decay
    )


def objective(
    recipe: Recipe, class_weights: Mapping[str, float] | None = None, teacher: SoftLabels | None = None
) -> ClassifierObjective:
    """Return the objective of the training, with the weight of each class; without a prior the focal loss alone."""
    return ClassifierObjective(_loss(recipe, class_weights), teacher)


def _loss(recipe: Recipe, class_weights: Mapping[str, float] | None) -> TotalLoss:
    loss = recipe.loss
    plain = TotalLoss(gamma=loss.gamma, class_weights=tuple((class_weights or {}).values()))
    if loss.prior == NO_PRIOR:
        return plain
    if recipe.model.network != ATTENDING:
        by_presence = loss.structure_labels == "presence"
        return replace(plain, mask_weight=loss.mask_weight, by_presence=by_presence)
    return replace(plain, pool3_weight=loss.pool3_weight, pool4_weight=loss.pool4_weight, dice=loss.dice)


def class_weights(recipe: Recipe, prepared: Prepared) -> dict[str, float]:
    """Return the weight of each class in the loss, in the order of the scores; empty where all classes weigh alike.

    Those by frequency are of the training images in use: without those left out, those beyond the limit, and those of
    the fold that validates. Repeats of an image in an epoch do not count.

    Raises:
        LabelError: a class without a training image.
    """
    weights, classes = recipe.loss.class_weights, recipe.data.classes
    if isinstance(weights, dict):
        return {name: weights[name] for name in classes}
    if weights == NO_WEIGHTS:
        return {}
    labels = prepared.labels(prepared.rows("train"))
    return median_frequency({name: int((labels == place).sum()) for place, name in enumerate(classes)})


def schedule(recipe: Recipe) -> EpochSchedule:
    """Return the number of epochs and their learning rates."""
    settings = recipe.training
    return EpochSchedule(
        epochs=settings.epochs,
        learning_rate=settings.learning_rate,
        decay=settings.decay,
        decay_every=settings.decay_every,
        kind=settings.schedule,
        warm_up=settings.warm_up,
    )
