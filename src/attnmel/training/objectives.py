"""What a training minimises: the loss of a batch computed in parts, one after another or in several processes."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float
from lightning_fabric import Fabric
from lightning_fabric.wrappers import _FabricModule
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from attnmel.data.batches.batch import Batch
from attnmel.models.output import Output
from attnmel.training.losses import DiceSums, Labels, LossParts, TotalLoss
from attnmel.training.soft_labels import SoftLabels


class PartLoss(NamedTuple):
    """The loss of one part of a batch."""

    loss: Float[Tensor, ""]
    """To be differentiated; the gradients of all parts add up, and those of all processes are averaged."""
    own: Float[Tensor, " T"]
    """The part's terms of the loss; those of all parts add up, and those of all processes are averaged."""
    common: tuple[Float[Tensor, ""], ...] = ()
    """Further terms, of the whole batch: every part and process computes the same."""


PartLosses = Callable[[Batch], PartLoss]


@dataclass(frozen=True)
class ClassifierObjective:
    """The loss of a classifier with attention maps, over images, labels and priors."""

    loss: TotalLoss
    teacher: SoftLabels | None = None
    """Whose probabilities the labels are mixed with."""

    def part_losses(self, network: _FabricModule, parts: Sequence[Batch], fabric: Fabric) -> PartLosses:
        """Return a function that computes the loss of each of the parts of a batch.

        A ratio of sums has the gradient of its parts one by one as long as each part has the sums of all.
        """
        ahead = self._sums_ahead(network, parts, fabric) if self.loss.regularised and len(parts) > 1 else None
        images, whole = sum(len(part.labels) for part in parts), self._mass_a_process(parts, fabric)

        def of_part(part: Batch) -> PartLoss:
            output: Output = network(part.inputs)
            own = self.loss.sums(output, part.priors, part.has_prior)
            everyone = ahead or [_over_processes(fabric, sums) for sums in own]
            others = [
                DiceSums(*(a - o.detach() for a, o in zip(*pair, strict=True)))
                for pair in zip(everyone, own, strict=True)
            ]
            labels = self._labels(part)
            focal, dice = self.loss.terms(output, labels, own, others)
            masks = self.loss.mask_term(output, part.priors, part.has_prior)
            focal, masks = self.loss.mass(labels) / whole * focal, len(part.labels) / images * masks
            # Processes average their gradients, but the Dice losses of a batch belong to all of them together.
            total = self.loss.total(focal, dice, copies=fabric.world_size) + masks
            return PartLoss(total, torch.stack([focal, masks]), dice)

        return of_part

    def parts(self, terms: Sequence[float]) -> LossParts:
        """Return the loss of a batch from the sums of its parts' own terms and the common ones."""
        focal, masks, *dice = terms
        return LossParts(self.loss.total(focal, dice) + masks, focal, *dice)

    def _labels(self, part: Batch) -> Labels:
        return part.labels if self.teacher is None else self.teacher(part)

    def _mass_a_process(self, parts: Sequence[Batch], fabric: Fabric) -> float | Tensor:
        """Return what the focal losses of the parts are divided by: the sum of their class weights, mean of processes.

        Without weights every process has as many images, and none waits for the others.
        """
        own = sum(self.loss.mass(self._labels(part)) for part in parts)
        return reduced(fabric, own, "mean") if isinstance(own, Tensor) else own

    def _sums_ahead(self, network: _FabricModule, parts: Sequence[Batch], fabric: Fabric) -> list[DiceSums]:
        """Compute the sums of the Dice losses over all parts, by one more forward pass without lasting effects."""
        with torch.no_grad(), _untracked(network):
            by_part = [self.loss.sums(network(part.inputs), part.priors, part.has_prior) for part in parts]
        by_map = [
            DiceSums(*(torch.stack(values).sum() for values in zip(*sums, strict=True)))
            for sums in zip(*by_part, strict=True)
        ]
        return [_over_processes(fabric, sums) for sums in by_map]


@dataclass(frozen=True)
class MaskObjective:
    """The loss of a segmenter: a mean over images, of the logits of lesion and the true masks."""

    loss: Callable[[Float[Tensor, "B 1 s s"], Float[Tensor, "B 1 s s"]], Float[Tensor, ""]]

    def part_losses(self, network: _FabricModule, parts: Sequence[Batch], fabric: Fabric) -> PartLosses:
        """Return a function that computes the loss of each of the parts of a batch."""
        images = sum(len(part.labels) for part in parts)

        def of_part(part: Batch) -> PartLoss:
            own = len(part.labels) / images * self.loss(network(part.images).float(), part.priors)
            return PartLoss(own, own[None])

        return of_part

    def parts(self, terms: Sequence[float]) -> LossParts:
        """Return the loss of a batch from the sum of its parts' own terms."""
        (own,) = terms
        return LossParts(own)


Objective = ClassifierObjective | MaskObjective


def reduced(fabric: Fabric, value: Tensor, how: Literal["sum", "mean"]) -> Tensor:
    """Join one number of every process."""
    return torch.as_tensor(fabric.all_reduce(value, reduce_op=how))


def _over_processes(fabric: Fabric, sums: DiceSums) -> DiceSums:
    return DiceSums(*(reduced(fabric, value.detach().clone(), "sum") for value in sums))


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
