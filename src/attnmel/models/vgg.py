"""VGG-16's convolutions."""

from torch import nn

from attnmel.models.trunk import Trunk, scaled

# Simonyan and Zisserman, "Very deep convolutional networks for large-scale image recognition", ICLR 2015, table 1,
# column D: the channels of each 3x3 convolution, a max-pooling after each group.
VGG16_GROUPS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))


class VggTrunk(Trunk):
    """VGG-16's convolutions, with or without batch-norm, each layer keeping `width` of its channels.

    Its pools are the outputs of the five max-poolings.

    Random start: Kaiming-normal by fan-out for ReLU, biases 0, batch-norm 1 and 0 (He et al. 2015; the same as
    torchvision's).
    """

    def __init__(self, *, batch_norm: bool, width: float) -> None:
        super().__init__()
        self.features = nn.Sequential(*_layers(batch_norm, width))
        self.ends = tuple(place for place, layer in enumerate(self.features) if isinstance(layer, nn.MaxPool2d))
        c3, c4, c5 = (scaled(group[-1], width) for group in VGG16_GROUPS[2:])
        self.channels = (c3, c4, c5)
        for layer in self.features:
            if isinstance(layer, nn.Conv2d) and layer.bias is not None:
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
                nn.init.zeros_(layer.bias)


def _layers(batch_norm: bool, width: float) -> list[nn.Module]:
    layers: list[nn.Module] = []
    inputs = 3
    for group in VGG16_GROUPS:
        for channels in (scaled(channels, width) for channels in group):
            layers.append(nn.Conv2d(inputs, channels, kernel_size=3, padding=1))
            if batch_norm:
                layers.append(nn.BatchNorm2d(channels))
            # In place: neither a convolution nor a batch-norm needs its own output for the gradient, and half of the
            # memory of training is saved.
            layers.append(nn.ReLU(inplace=True))
            inputs = channels
        layers.append(nn.MaxPool2d(kernel_size=2, stride=2))
    return layers
