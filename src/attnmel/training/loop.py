"""The training loop: batches, network and objective in, the mean loss of each epoch out; the caller does the rest."""

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Int64
from lightning_fabric import Fabric
from lightning_fabric.wrappers import _FabricModule
from torch import Tensor, nn
from torch.nn.utils import get_total_norm

from attnmel.compute import runtime
from attnmel.data.batches.loader import Batch, TrainingBatches
from attnmel.errors import TrainingError, listed
from attnmel.progress import SILENT, Progress
from attnmel.training.losses import LossParts
from attnmel.training.objectives import Objective, reduced
from attnmel.training.schedules import Schedule

LOWER_RATE = "lower training.learning_rate"

RATE_SHARE = "rate_share"
"""Key of a group of the optimiser's parameters with the share of the learning rate that it has; without it all."""


class EpochLoss(NamedTuple):
    """The result of one epoch of training."""

    number: int
    """Counted from 0."""
    loss: LossParts
    learning_rate: float


def train_epochs(
    network: _FabricModule,
    optimizer: torch.optim.Optimizer,
    batches: TrainingBatches,
    *,
    fabric: Fabric,
    objective: Objective,
    schedule: Schedule,
    seed: int,
    image_ids: Sequence[str],
    start: int = 0,
    accumulate: int = 1,
    remedy: str = LOWER_RATE,
    progress: Progress = SILENT,
) -> Iterator[EpochLoss]:
    """Train from epoch `start` on and yield after each epoch.

    Batches and dropout of an epoch depend on `seed` and its number alone, so that starting at epoch 7 from the state
    after epoch 6 gives the weights of a run that was never stopped. `image_ids` are looked up by `Batch.rows`; `remedy`
    is the advice in the error about a loss or gradient that is not finite.

    Raises:
        TrainingError: a loss or gradient that is not finite, with the epoch and its batch's image ids. It is noticed
            one step later, when the network is spoilt already; its epoch is not yielded. Also weights that are not
            finite after an epoch's last step, which no loss shows any more.
    """
    for number in range(start, schedule.epochs):
        runtime.seed_everything(seed, number)
        network.train()
        seen: list[LossParts] = []
        label, later = f"epoch {number + 1}/{schedule.epochs}", schedule.epochs - number - 1
        with progress.bar(label, len(batches), "batches", further=later * len(batches)) as advance:
            epoch = _with_rates(
                batches.epoch(number, rank=fabric.global_rank, world=fabric.world_size),
                optimizer,
                lambda step, epoch=number: schedule.step_rate(epoch, step, len(batches)),
            )
            for step in _one_late(_step(fabric, network, optimizer, batch, objective, accumulate) for batch in epoch):
                seen.append(_finite_loss(step, objective, number + 1, image_ids, remedy))
                advance(1)
        _require_finite(network, number + 1, remedy)
        loss = LossParts(*(sum(values) / len(seen) for values in zip(*seen, strict=True)))
        yield EpochLoss(number, loss, schedule.epoch_rate(number, len(batches)))


def _require_finite(network: nn.Module, epoch: int, remedy: str) -> None:
    tensors = network.state_dict()
    if wrong := [name for name, tensor in tensors.items() if not tensor.isfinite().all()]:
        raise TrainingError(
            f"after the last step of epoch {epoch}, {len(wrong)} of {len(tensors)} tensors of the network are not "
            f"finite (first: '{wrong[0]}'). Checkpoints of finished epochs are kept; {remedy}."
        )


def _with_rates(
    batches: Iterator[Batch], optimizer: torch.optim.Optimizer, rate: Callable[[int], float]
) -> Iterator[Batch]:
    """Give each batch after setting the optimiser's learning rate for its step."""
    for step, batch in enumerate(batches):
        for group in optimizer.param_groups:
            group["lr"] = rate(step) * group.get(RATE_SHARE, 1.0)
        yield batch


class _Step(NamedTuple):
    """A step that is taken, or at least queued on the device."""

    numbers: Callable[[], list[float]]
    """Waits for the norm of the gradient, the parts' own terms and the common ones."""
    rows: Int64[Tensor, " B"]


def _one_late(steps: Iterator[_Step]) -> Iterator[_Step]:
    """Give each step once the next one is queued, so that a GPU never waits until its numbers are read."""
    return (step for step, _ in itertools.pairwise(itertools.chain(steps, [None])) if step is not None)


def _step(
    fabric: Fabric,
    network: _FabricModule,
    optimizer: torch.optim.Optimizer,
    batch: Batch,
    objective: Objective,
    accumulate: int,
) -> _Step:
    """Take one step, its gradient computed in `accumulate` parts; nothing here waits for the device."""
    optimizer.zero_grad(set_to_none=True)
    parts = batch.parts(accumulate)
    loss_of = objective.part_losses(network, parts, fabric)
    own, common = torch.zeros((), device=batch.labels.device), ()
    for place, part in enumerate(parts):
        with fabric.no_backward_sync(network, enabled=place < len(parts) - 1):
            found = loss_of(part)
            fabric.backward(found.loss)
        own = own + found.own.detach()
        common = found.common
    norm = get_total_norm([weights.grad for weights in network.parameters() if weights.grad is not None])
    numbers = torch.cat([norm[None], reduced(fabric, own, "mean"), *(term.detach()[None] for term in common)])
    optimizer.step()
    return _Step(runtime.read_later(numbers), batch.rows)


def _finite_loss(step: _Step, objective: Objective, epoch: int, image_ids: Sequence[str], remedy: str) -> LossParts:
    """Return the loss of a step; refuse a loss, or a gradient behind a finite loss, that is NaN or infinite."""
    norm, *terms = step.numbers()
    loss = objective.parts(terms)
    what, value = ("loss", loss.total) if not math.isfinite(loss.total) else ("gradient", norm)
    if not math.isfinite(value):
        ids = [image_ids[int(row)] for row in step.rows.tolist()]
        raise TrainingError(
            f"the {what} became {value} in epoch {epoch}; its batch: {listed(ids, most=len(ids))}. "
            f"Checkpoints of finished epochs are kept; look at these images, or {remedy}."
        )
    return loss
