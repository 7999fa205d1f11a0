"""The loop: batches, network and loss in, one `EpochLoss` out after each epoch; the caller measures, logs and saves."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from jaxtyping import Int64
from lightning_fabric import Fabric
from lightning_fabric.wrappers import _FabricModule
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils import get_total_norm

from attnmel import runtime
from attnmel.data.batches.loader import Batch, TrainingBatches
from attnmel.errors import TrainingError, listed
from attnmel.losses import Dice, DiceSums, LossParts, dice_loss, dice_sums, focal_loss
from attnmel.models.output import Output
from attnmel.progress import SILENT, Progress


@dataclass(frozen=True, kw_only=True)
class Objective:
    """The slides' loss: focal plus the weighted Dice terms of the attention maps."""

    gamma: float
    """Focusing exponent of the focal loss."""
    map_weights: tuple[float, float]
    """Weight of the Dice term of pool-3 and of pool-4; both 0 without a prior."""
    dice: Dice = "batch"
    """Whether a Dice term is one ratio over the batch or the mean of each image's own."""

    @property
    def regularised(self) -> bool:
        """Whether attention maps are drawn toward a prior at all."""
        return any(self.map_weights)


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How long is trained, and the learning rate at each step.

    "steps" multiplies the rate by `decay` after every `decay_every` epochs; "cosine" lowers it along half a cosine to 0
    (Loshchilov and Hutter, "SGDR", ICLR 2017, equation 5, without restarts).
    """

    epochs: int
    learning_rate: float
    decay: float
    decay_every: int
    kind: Literal["steps", "cosine"] = "steps"
    warm_up: float = 0.0
    """Epochs over which the rate rises from 0 in a straight line."""

    def rate(self, epoch: float) -> float:
        """Learning rate at a moment, in epochs from the start: 1.5 is the middle of the second epoch."""
        rising = min(1.0, epoch / self.warm_up) if self.warm_up else 1.0
        falling = (
            self.decay ** (epoch // self.decay_every)
            if self.kind == "steps"
            else (1 + math.cos(math.pi * epoch / self.epochs)) / 2
        )
        return self.learning_rate * rising * falling


class EpochLoss(NamedTuple):
    """What one epoch of training gave."""

    number: int
    loss: LossParts
    learning_rate: float
    """In the middle of the epoch."""


def train(
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
    remedy: str = "lower training.learning_rate",
    progress: Progress = SILENT,
) -> Iterator[EpochLoss]:
    """Train from epoch `start` on and yield after each epoch.

    Batches and dropout of an epoch depend on `seed` and its number alone, so that starting at epoch 7 from the state
    after epoch 6 gives the weights of a run that was never stopped. `remedy` is what the error about
    a loss or gradient that is not finite advises.

    Raises:
        TrainingError: a loss or gradient that is not finite, with the epoch and its batch's image ids. It is seen once
            the next step is under way, so the network is spoilt by then; its epoch is not yielded.
    """
    for number in range(start, schedule.epochs):
        runtime.seed_everything(seed, number)
        network.train()
        seen: list[LossParts] = []
        with progress.bar(f"epoch {number + 1}/{schedule.epochs}", len(batches), "batches") as advance:
            epoch = _at_its_rate(
                batches.epoch(number, rank=fabric.global_rank, world=fabric.world_size),
                optimizer,
                lambda step, epoch=number: schedule.rate(epoch + (step + 0.5) / len(batches)),
            )
            for step in _one_late(_step(fabric, network, optimizer, batch, objective, accumulate) for batch in epoch):
                seen.append(_finite_loss(step, objective, number + 1, image_ids, remedy))
                advance(1)
        yield EpochLoss(
            number,
            LossParts(*(sum(values) / len(seen) for values in zip(*seen, strict=True))),
            schedule.rate(number + 0.5),
        )


def _at_its_rate(
    batches: Iterator[Batch], optimizer: torch.optim.Optimizer, rate: Callable[[int], float]
) -> Iterator[Batch]:
    """Give each batch once the optimiser has the learning rate of its step."""
    for step, batch in enumerate(batches):
        for group in optimizer.param_groups:
            group["lr"] = rate(step)
        yield batch


class _Step(NamedTuple):
    """A step that is taken, or at least queued on the device."""

    numbers: Callable[[], list[float]]
    """Waits for the focal loss, the norm of the gradient and the Dice terms."""
    rows: Int64[Tensor, " B"]


def _one_late(steps: Iterator[_Step]) -> Iterator[_Step]:
    """Give each step once the next one is queued, so that a GPU never waits for somebody to look at its numbers."""
    before = None
    for step in steps:
        if before is not None:
            yield before
        before = step
    if before is not None:
        yield before


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
    totals = _sums_ahead(fabric, network, parts, objective.dice) if objective.regularised and len(parts) > 1 else None
    focal = torch.zeros((), device=batch.labels.device)
    dice: list[Tensor] = []
    for place, part in enumerate(parts):
        with fabric.no_backward_sync(network, enabled=place < len(parts) - 1):
            output: Output = network(part.inputs)
            share = len(part.labels) / len(batch.labels)
            part_focal = share * focal_loss(output.logits, part.labels, objective.gamma)
            dice = _dice_terms(fabric, output, part, totals, objective.dice) if objective.regularised else []
            # Processes average their gradients, but the Dice terms of a batch are theirs together: hence world_size.
            regulariser = sum(w * d for w, d in zip(objective.map_weights, dice, strict=False)) * fabric.world_size
            fabric.backward(part_focal + regulariser)
            focal += part_focal.detach()
    norm = get_total_norm([weights.grad for weights in network.parameters() if weights.grad is not None])
    numbers = torch.stack([_joined(fabric, focal, "mean"), norm, *(term.detach() for term in dice)])
    optimizer.step()
    return _Step(runtime.read_later(numbers), batch.rows)


def _finite_loss(step: _Step, objective: Objective, epoch: int, image_ids: Sequence[str], remedy: str) -> LossParts:
    """Return the loss of a step; refuse one, or a gradient behind a finite one, that is no number."""
    focal, norm, *dice = step.numbers()
    total = focal + sum(w * d for w, d in zip(objective.map_weights, dice, strict=False))
    what, value = ("loss", total) if not math.isfinite(total) else ("gradient", norm)
    if not math.isfinite(value):
        ids = [image_ids[int(row)] for row in step.rows.tolist()]
        raise TrainingError(
            f"the {what} became {value} in epoch {epoch}; its batch: {listed(ids, most=len(ids))}. "
            f"Checkpoints of finished epochs are kept; look at these images, or {remedy}."
        )
    return LossParts(total, focal, *(dice or [math.nan, math.nan]))


def _dice_terms(fabric: Fabric, output: Output, part: Batch, totals: list[DiceSums] | None, kind: Dice) -> list[Tensor]:
    """Dice of each map over the whole batch: its other parts and processes join as constants.

    A ratio of sums has the gradient of its parts one by one as long as each part sees the sums of all.
    """
    own = [dice_sums(attention, part.priors, part.has_prior, kind) for attention in output.attention]
    everyone = totals or [_over_processes(fabric, sums) for sums in own]
    others = [
        DiceSums(*(a - o.detach() for a, o in zip(*pair, strict=True))) for pair in zip(everyone, own, strict=True)
    ]
    return [dice_loss(mine, rest) for mine, rest in zip(own, others, strict=True)]


def _over_processes(fabric: Fabric, sums: DiceSums) -> DiceSums:
    return DiceSums(*(_joined(fabric, value.detach().clone(), "sum") for value in sums))


def _joined(fabric: Fabric, value: Tensor, how: Literal["sum", "mean"]) -> Tensor:
    """Join one number of every process."""
    return torch.as_tensor(fabric.all_reduce(value, reduce_op=how))


def _sums_ahead(fabric: Fabric, network: _FabricModule, parts: Sequence[Batch], kind: Dice) -> list[DiceSums]:
    """Sums of the regulariser over all parts, by one more forward pass that leaves no trace in the network."""
    with torch.no_grad(), _untracked(network):
        outputs = [(network(part.inputs), part) for part in parts]
        by_part = [[dice_sums(a, part.priors, part.has_prior, kind) for a in out.attention] for out, part in outputs]
    by_map = [
        DiceSums(*(torch.stack(values).sum() for values in zip(*sums, strict=True)))
        for sums in zip(*by_part, strict=True)
    ]
    return [_over_processes(fabric, sums) for sums in by_map]


@contextmanager
def _untracked(network: nn.Module) -> Iterator[None]:
    """Keep batch-norm from counting the images of a pass in its running statistics."""
    norms = [module for module in network.modules() if isinstance(module, _BatchNorm)]
    for norm in norms:
        norm.track_running_stats = False
    try:
        yield
    finally:
        for norm in norms:
            norm.track_running_stats = True
