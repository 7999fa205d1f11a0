"""Start weights of a VGG-16 without batch-norm, made fit for a high learning rate: rescaling, batch-norm insertion.

Both work from one pass over some images and leave what the network computes as it is, the first up to a known factor.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from attnmel.errors import CheckpointError
from attnmel.models.classifiers import DENSE_SIDE, DenseNetwork
from attnmel.models.trunks.vgg import VggTrunk

Layer = nn.Conv2d | nn.Linear


class Activity(NamedTuple):
    """The output of one layer over all measured images, in float64."""

    mean: Float[Tensor, " C"]
    """Of each channel, before the ReLU."""
    variance: Float[Tensor, " C"]
    """Of each channel, before the ReLU; unbiased, as torch keeps it."""
    rms: float
    """Root mean square of all channels together, after the ReLU."""

    def divided(self, factor: float) -> "Activity":
        """Return the same of an output divided by a factor above 0."""
        return Activity(self.mean / factor, self.variance / factor**2, self.rms / factor)


@torch.no_grad()
def measure(network: nn.Module, batches: Iterable[Float[Tensor, "_ 3 s s"]]) -> dict[str, Activity]:
    """Return the activity of each convolution and dense layer by its name ("features.0", ..., "dense.0", ...).

    `network` is one on a `VggTrunk`, on the device of the images. Batch-norms and dropout are left out: what is
    measured is the network without them. The last layer (the head) is not measured.

    Raises:
        CheckpointError: an output that is not finite.
    """
    layers = list(_plain_layers(network))
    totals: dict[str, _Moments] = {}
    for batch in batches:
        values = batch.to(next(network.parameters()).dtype)
        for name, layer in layers:
            values = layer(values)
            if isinstance(layer, Layer):
                moments = _moments(values)
                totals[name] = totals[name].joined(moments) if name in totals else moments
    found = {name: total.activity() for name, total in totals.items()}
    for name, activity in found.items():
        if not (activity.mean.isfinite().all() and activity.variance.isfinite().all()):
            raise CheckpointError(
                f"the start weights' layer {name} gives values that are not finite for training images, so that the "
                "network cannot be trained from them; take other weights, or those that the file was made of again"
            )
    return found


@torch.no_grad()
def rescale_layers(network: nn.Module, activities: Mapping[str, Activity]) -> dict[str, Activity]:
    """Divide each layer by the RMS of its activation, in place; return the activities afterwards, each of RMS 1.

    ReLU, max-pooling and averaging pass a positive factor on: f(x / c) = f(x) / c. So a weight takes the factor of the
    layer before it over its own, a bias the inverse of its own, and each output is the former one over its own factor.

    Raises:
        CheckpointError: a layer whose activation is 0 for all images.
    """
    before = 1.0
    for name, layer in _plain_layers(network):
        if not isinstance(layer, Layer):
            continue
        factor = activities[name].rms
        if factor == 0:
            raise CheckpointError(
                f"the start weights' layer {name} is 0 after its ReLU for all measured images, so that it cannot be "
                "rescaled to 1; take other weights, or set model.rescale = false"
            )
        layer.weight.mul_(before / factor)
        if layer.bias is not None:
            layer.bias.div_(factor)
        before = factor
    return {name: activity.divided(activity.rms) for name, activity in activities.items()}


@torch.no_grad()
def insert_batch_norm(trunk: VggTrunk, activities: Mapping[str, Activity]) -> None:
    """Set each batch-norm of the trunk so that it normalises by the measured moments and, in eval mode, undoes it.

    With weight sqrt(var + eps) and bias mean, (x - mean) / sqrt(var + eps) * weight + bias is x. A convolution whose
    output is constant has variance 0, for which this holds too.
    """
    for (name, layer), (_, norm) in pairwise(trunk.features.named_children()):
        if not (isinstance(layer, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d)):
            continue
        # Every batch-norm of the trunk keeps them.
        assert norm.running_mean is not None
        assert norm.running_var is not None
        activity = activities[f"features.{name}"]
        norm.running_mean.copy_(activity.mean)
        norm.running_var.copy_(activity.variance)
        # Of the stored moments, whose last bits the copy rounded.
        norm.weight.copy_((norm.running_var.double() + norm.eps).sqrt())
        norm.bias.copy_(norm.running_mean)


def _plain_layers(network: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Give the network's layers up to its last, or up to pool-5 where other parts follow, without normalisation."""
    trunk = network.get_submodule("trunk")
    assert isinstance(trunk, VggTrunk)
    for place, layer in trunk.features.named_children():
        if not isinstance(layer, nn.BatchNorm2d):
            yield f"features.{place}", layer
    if isinstance(network, DenseNetwork):
        yield "pool", nn.AdaptiveAvgPool2d(DENSE_SIDE)
        yield "flat", nn.Flatten()
        for place, layer in network.dense.named_children():
            if not isinstance(layer, nn.Dropout):
                yield f"dense.{place}", layer


class _Moments(NamedTuple):
    """Sums over images and positions, in float64."""

    values: int
    """Of each channel."""
    mean: Tensor
    spread: Tensor
    """Sum of squared distances from the mean."""
    positive_squares: float
    """Sum of the squares of positive values."""

    def joined(self, other: "_Moments") -> "_Moments":
        """Join two parts (Chan, Golub and LeVeque, "Algorithms for computing the sample variance", 1983)."""
        values = self.values + other.values
        shift = other.mean - self.mean
        return _Moments(
            values,
            self.mean + shift * (other.values / values),
            self.spread + other.spread + shift.square() * (self.values * other.values / values),
            self.positive_squares + other.positive_squares,
        )

    def activity(self) -> Activity:
        rms = (self.positive_squares / (self.values * len(self.mean))) ** 0.5
        return Activity(self.mean, self.spread / max(1, self.values - 1), rms)


def _moments(output: Float[Tensor, "B C *sides"]) -> _Moments:
    others = [dim for dim in range(output.ndim) if dim != 1]
    count = output.numel() // output.shape[1]
    variance, mean = torch.var_mean(output, dim=others, correction=0)
    # The length in float64, for the squares of large activations would overflow sooner.
    length = torch.linalg.vector_norm(output.clamp_min(0), dtype=torch.float64)
    return _Moments(count, mean.double().cpu(), variance.double().cpu() * count, float(length) ** 2)
