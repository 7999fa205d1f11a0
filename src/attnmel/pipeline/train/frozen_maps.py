"""A run with a frozen trunk -> the stored maps that it is trained and evaluated on."""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from attnmel.compute import runtime
from attnmel.config.fields import ComputePrecision
from attnmel.config.recipe import Recipe
from attnmel.data.batches.ablate import NO_ABLATION, PAINTED
from attnmel.data.batches.loader import view_batches
from attnmel.data.batches.stored_maps import VERSION, StoredMaps, Wanted, open_maps
from attnmel.data.batches.stored_views import Views
from attnmel.errors import CheckpointError, ConfigError
from attnmel.features.trunk_network import state_hash
from attnmel.files.checksums import json_sha256
from attnmel.models.classifiers import needs_means_alone, trunk_of
from attnmel.models.trunks.trunk import Trunk
from attnmel.number_formats import significant
from attnmel.pipeline.run.images.dataset import Prepared, batch_maker
from attnmel.pipeline.run.images.left_out import evaluated_splits
from attnmel.progress import SILENT, Progress
from attnmel.records import Split

BATCH = 32
"""Views a forward pass."""


class RunMaps(NamedTuple):
    """The stored maps of a run, which replace its images."""

    views: Views
    training: StoredMaps
    evaluated: Mapping[Split, StoredMaps]
    """The central crops of every other split, in float32 up to the end of the frozen layers."""


def open_run_maps(
    recipe: Recipe,
    prepared: Prepared,
    network: nn.Module,
    *,
    home: Path,
    device: torch.device,
    progress: Progress = SILENT,
) -> RunMaps | None:
    """Return the maps of a run, computed first where they are new; None where its recipe keeps none.

    The network is the run's, with its start weights and on its device. Training maps are computed in the precision of
    the training, those of the other splits in float32. A network that only averages its maps gets their means.

    Raises:
        AttnmelError: the disk is full or cannot be written.
        CheckpointError: the weights give maps that half floats cannot hold.
    """
    settings = recipe.training
    if not settings.keeps_maps:
        return None
    find = partial(_open, recipe, prepared, network, home=home, device=device, progress=progress)
    evaluated: dict[Split, StoredMaps] = {
        split: find(rows, _views(recipe, rows, turned=1, crops=0), precision="float32")
        for split in evaluated_splits(prepared)
        for rows in (prepared.rows(split),)
    }
    rows = prepared.rows("train")
    if recipe.data.fold is not None:
        # The folds of a cross-validation then share one set of maps.
        rows = np.sort(np.concatenate([rows, prepared.rows("validation")]))
    views = _views(recipe, rows, turned=settings.views, crops=settings.crops)
    precision = runtime.choose_precision(settings.precision, device)
    return RunMaps(views, find(rows, views, precision=precision), evaluated)


def _views(recipe: Recipe, rows: np.ndarray, *, turned: int, crops: int) -> Views:
    return Views(turned, crops, len(rows), recipe.data.side, recipe.data.size)


def _open(
    recipe: Recipe,
    prepared: Prepared,
    network: nn.Module,
    rows: np.ndarray,
    views: Views,
    *,
    precision: ComputePrecision,
    home: Path,
    device: torch.device,
    progress: Progress,
) -> StoredMaps:
    trunk, statistics = trunk_of(network), recipe.data.statistics
    if statistics is None:
        raise ConfigError("maps need the colour statistics of their recipe")
    ids = tuple(prepared.cache.image_ids[row] for row in rows)
    maker = batch_maker(recipe.data, prepared, rows, np.full(len(rows), -1), device)

    def make(chosen: range) -> Iterator[dict[int, np.ndarray]]:
        batches = view_batches(maker, views, chosen, batch=BATCH)
        return (halves(trunk, images, device, precision) for images in batches)

    shown = recipe.data.ablation if recipe.data.ablation in PAINTED else NO_ABLATION
    key = json_sha256(
        [
            VERSION,
            prepared.cache.key,
            ids,
            shown,
            (statistics.mean, statistics.std),
            (views.turned, views.crops, views.size),
            precision,
            (recipe.model.trunk, recipe.model.padding, trunk.frozen, state_hash(trunk.frozen_part().state_dict())),
        ]
    )
    wanted = Wanted(key, ids, len(views), _shapes(trunk, views.size, device))
    stored = open_maps(wanted, make, home=home, progress=progress)
    everything = trunk.frozen == len(trunk.ends)
    return stored.means if everything and needs_means_alone(network) else stored


@torch.no_grad()
def halves(
    trunk: Trunk, images: torch.Tensor, device: torch.device, precision: ComputePrecision
) -> dict[int, np.ndarray]:
    """Return the frozen maps of normalised images, channels last, in half floats.

    Raises:
        CheckpointError: maps that half floats cannot hold.
    """
    trunk.frozen_part().eval()
    with runtime.autocast(device, precision):
        maps = trunk.frozen_maps(images)
    rounded = {pool: one.permute(0, 2, 3, 1).to(torch.float16).contiguous() for pool, one in maps.items()}
    if not all(bool(one.isfinite().all()) for one in rounded.values()):
        largest = max(float(one.abs().max()) for one in maps.values())
        raise CheckpointError(
            f"the frozen layers give values up to {significant(largest)}, and half floats end at 65504; set "
            "training.cache_maps=false, or start from weights of smaller activations"
        )
    return {pool: one.cpu().numpy() for pool, one in rounded.items()}


def _shapes(trunk: Trunk, size: int, device: torch.device) -> dict[int, tuple[int, int, int]]:
    with torch.no_grad():
        maps = trunk.frozen_maps(torch.zeros(1, 3, size, size, device=device))
    return {pool: (one.shape[2], one.shape[3], one.shape[1]) for pool, one in maps.items()}
