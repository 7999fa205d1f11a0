"""VGG-16's convolutions."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from attnmel.config.settings.model import Padding
from attnmel.models.trunks.trunk import Trunk, kept_channels

# Simonyan and Zisserman, "Very deep convolutional networks for large-scale image recognition", ICLR 2015, table 1,
# column D: the channels of each 3x3 convolution, a max-pooling after each group.
VGG16_GROUPS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))


class VggTrunk(Trunk):
    """VGG-16's convolutions, with or without batch-norm, each layer keeping `width` of its channels.

    Its pools are the outputs of the five max-poolings. Its strides are all 1, where the two paddings are one.

    Random start: Kaiming-normal by fan-out for ReLU, biases 0, batch-norm 1 and 0 (He et al. 2015; the same as
    torchvision's).
    """

    def __init__(self, width: float, padding: Padding = "symmetric", *, batch_norm: bool) -> None:
        super().__init__()
        self.batch_norm = batch_norm
        self.features = nn.Sequential(*_layers(batch_norm, width))
        self.ends = tuple(place for place, layer in enumerate(self.features) if isinstance(layer, nn.MaxPool2d))
        c3, c4, c5 = (kept_channels(group[-1], width) for group in VGG16_GROUPS[2:])
        self.channels = (c3, c4, c5)
        for layer in self.features:
            if isinstance(layer, nn.Conv2d) and layer.bias is not None:
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
                nn.init.zeros_(layer.bias)


def _layers(batch_norm: bool, width: float) -> list[nn.Module]:
    layers: list[nn.Module] = []
    inputs = 3
    for group in VGG16_GROUPS:
        for channels in (kept_channels(channels, width) for channels in group):
            layers.append(nn.Conv2d(inputs, channels, kernel_size=3, padding=1))
            if batch_norm:
                layers.append(nn.BatchNorm2d(channels))
            # In place: neither a convolution nor a batch-norm needs its own output for the gradient, and half of the
            # memory of training is saved.
            layers.append(nn.ReLU(inplace=True))
            inputs = channels
        layers.append(nn.MaxPool2d(kernel_size=2, stride=2))
    return layers


def lacks_batch_norm(network: nn.Module, tensors: Mapping[str, Tensor], prefix: str = "features.") -> bool:
    """Say whether a network's trunk is VGG-16 with batch-norm, and named tensors are of a VGG-16 without.

    `prefix` comes before the layers' positions in the names of the tensors.
    """
    trunk = network.get_submodule("trunk")
    # With batch-norm, layer 2 is a ReLU, which has no weights.
    return isinstance(trunk, VggTrunk) and trunk.batch_norm and f"{prefix}2.weight" in tensors


def batch_normed_names(tensors: Mapping[str, Tensor], prefix: str = "features.") -> dict[str, Tensor]:
    """Rename the convolutions of a VGG-16 without batch-norm as in one with batch-norm; other names are kept."""
    places = zip(_convolutions(batch_norm=False), _convolutions(batch_norm=True), strict=True)
    moved = {f"{prefix}{plain}": f"{prefix}{normed}" for plain, normed in places}
    split = {name: name.rpartition(".") for name in tensors}
    return {f"{moved.get(layer, layer)}{dot}{kind}": tensors[name] for name, (layer, dot, kind) in split.items()}


def without_batch_norm(tensors: Mapping[str, Tensor], prefix: str = "features.") -> dict[str, Tensor]:
    """Leave the batch-norms out of the state dict of a VGG-16 with batch-norm."""
    kept = {f"{prefix}{place}" for place in _convolutions(batch_norm=True)}
    return {
        name: tensor
        for name, tensor in tensors.items()
        if not name.startswith(prefix) or name.rpartition(".")[0] in kept
    }


def _convolutions(*, batch_norm: bool) -> list[int]:
    """Return the places of the convolutions among the layers."""
    with torch.device("meta"):  # without memory, and without random numbers
        layers = _layers(batch_norm, 1.0)
    return [place for place, layer in enumerate(layers) if isinstance(layer, nn.Conv2d)]
