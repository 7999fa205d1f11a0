"""Every network by its name: compositions of a trunk, further layers and a head; each returns `Output`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from attnmel.config.settings.model import (
    ATTENTIONS,
    GRIDS,
    HEAD_KINDS,
    LEFT_OUT,
    LITE_TRUNKS,
    OWN,
    PADDINGS,
    PASSINGS,
    Attention,
    Grid,
    LeftOut,
    Passing,
)
from attnmel.errors import ConfigError, require_known
from attnmel.models.attention import HIDDEN_CHANNELS, AttentionGate
from attnmel.models.chen import MASK_CHANNELS, ChenNetwork
from attnmel.models.dermaknet import RATE_SHARES, STRUCTURE_CHANNELS, DermaKNet
from attnmel.models.harangi import HarangiNetwork
from attnmel.models.heads import HEADS, Head
from attnmel.models.output import Output
from attnmel.models.own_network import own_network
from attnmel.models.trunks.registry import TRUNKS
from attnmel.models.trunks.trunk import Pooled, Trunk, kept_channels
from attnmel.models.trunks.vgg import VggTrunk

# VGG-16's dense part, as published: units of its two layers, and side of the map they see.
DENSE_UNITS = 4096
DENSE_SIDE = 7
DROPOUT = 0.5


class DenseNetwork(nn.Module):
    """VGG-16: the deepest map, averaged to 7x7, through two dense layers with dropout; start as `Head`."""

    def __init__(self, trunk: Trunk, *, units: int, classes: int) -> None:
        super().__init__()
        self.trunk = trunk
        # Places 0 and 3 are those of torchvision's `classifier`.
        self.dense = nn.Sequential(
            nn.Linear(trunk.channels[2] * DENSE_SIDE**2, units),
            nn.ReLU(inplace=True),
            nn.Dropout(DROPOUT),
            nn.Linear(units, units),
            nn.ReLU(inplace=True),
            nn.Dropout(DROPOUT),
        )
        for layer in self.dense:
            if isinstance(layer, nn.Linear):
                nn.init.normal_(layer.weight, std=0.01)
                nn.init.zeros_(layer.bias)
        self.head = Head(units, classes)

    def forward(self, images: Float[Tensor, "B 3 s s"] | Pooled) -> Output:
        """Classify normalised images of a side that is a multiple of 32, or their frozen maps."""
        deepest = self.trunk(images).stride32
        averaged = functional.adaptive_avg_pool2d(deepest, DENSE_SIDE)
        return self.head.output(self.dense(averaged.flatten(1)))


class PooledNetwork(nn.Module):
    """VGG-16-GAP: the mean of the deepest map through one linear layer, so it has class activation maps."""

    def __init__(self, trunk: Trunk, *, classes: int) -> None:
        super().__init__()
        self.trunk = trunk
        self.head = Head(trunk.channels[2], classes)

    def forward(self, images: Float[Tensor, "B 3 s s"] | Pooled) -> Output:
        """Classify normalised images of a side that is a multiple of 32, or their frozen maps."""
        return self.head.output(_mean(self.trunk(images).stride32))


class MelNetwork(nn.Module):
    """Mel-CNN and AttnMel-CNN: pool-5, pool-3 and pool-4 averaged, joined in this order, through one linear layer.

    With two gates, on pool-3 and pool-4, the gates' features replace these maps' means.
    """

    def __init__(self, trunk: Trunk, gates: Sequence[AttentionGate], *, classes: int) -> None:
        super().__init__()
        self.trunk = trunk
        self.gates = nn.ModuleList(gates)
        self.head = Head(sum(trunk.channels), classes)

    def forward(self, images: Float[Tensor, "B 3 s s"] | Pooled) -> Output:
        """Classify normalised images of a side that is a multiple of 32, or their frozen maps."""
        pool3, pool4, pool5 = self.trunk(images)
        if not self.gates:
            return self.head.output(torch.cat([_mean(pool5), _mean(pool3), _mean(pool4)], dim=1))
        shallow, deep = (gate(local, pool5) for gate, local in zip(self.gates, (pool3, pool4), strict=True))
        features = torch.cat([_mean(pool5), shallow.features, deep.features], dim=1)
        return self.head.output(features)._replace(attention=(shallow.attention, deep.attention))


OneTrunk = DenseNetwork | PooledNetwork | MelNetwork | ChenNetwork | DermaKNet
"""The networks that have one trunk, and so one map at each of its pools."""


def trunk_of(network: nn.Module) -> Trunk:
    """Return the trunk of a network that `build_network` built."""
    trunk = network.get_submodule("trunk")
    assert isinstance(trunk, Trunk)
    return trunk


def needs_means_alone(network: nn.Module) -> bool:
    """Whether a network makes nothing but means of its trunk's maps, so that a map may be given as one position."""
    return isinstance(network, PooledNetwork) or (isinstance(network, MelNetwork) and not network.gates)


def train_without_masks(network: nn.Module) -> None:
    """Keep the layers as they start that nothing but a loss of the network's masks would train."""
    if isinstance(network, ChenNetwork | DermaKNet):
        for layer in network.mask_layers():
            layer.requires_grad_(False)


def rate_share(network: nn.Module, name: str) -> float:
    """Return the share of the learning rate that a parameter of that name is trained with."""
    return RATE_SHARES.get(name.partition(".")[0], 1.0) if isinstance(network, DermaKNet) else 1.0


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What a network is built of."""

    trunk: Trunk
    width: float
    """Share of each layer's channels that is kept."""
    classes: int
    attention: Attention
    passing: Passing
    without: tuple[LeftOut, ...]
    grid: Grid
    others: tuple[Trunk, ...]


def vgg16(parts: Parts) -> DenseNetwork:
    """VGG-16 with its dense layers, the last one new; it has no attention.

    Raises:
        ConfigError: another trunk.
    """
    if not isinstance(parts.trunk, VggTrunk):
        raise ConfigError(
            "the network 'vgg16' is VGG-16 with its dense layers, which no other trunk has; choose model.trunk = "
            "'vgg16_bn' or 'vgg16', or the network vgg16-gap, mel-cnn or attnmel-cnn"
        )
    return DenseNetwork(parts.trunk, units=kept_channels(DENSE_UNITS, parts.width), classes=parts.classes)


def attnmel_cnn(parts: Parts) -> MelNetwork:
    """Mel-CNN with a gate on pool-3 and one on pool-4, both guided by pool-5."""
    c3, c4, c5 = parts.trunk.channels
    hidden = kept_channels(HIDDEN_CHANNELS, parts.width)
    gates = [AttentionGate(local, c5, hidden, parts.attention) for local in (c3, c4)]
    return MelNetwork(parts.trunk, gates, classes=parts.classes)


NETWORKS: dict[str, Callable[[Parts], nn.Module]] = {
    "vgg16": vgg16,
    "vgg16-gap": lambda of: PooledNetwork(of.trunk, classes=of.classes),
    "mel-cnn": lambda of: MelNetwork(of.trunk, [], classes=of.classes),
    "attnmel-cnn": attnmel_cnn,
    "chen": lambda of: ChenNetwork(of.trunk, kept_channels(MASK_CHANNELS, of.width), of.passing, classes=of.classes),
    "dermaknet": lambda of: DermaKNet(
        of.trunk, kept_channels(STRUCTURE_CHANNELS, of.width), of.without, of.grid, classes=of.classes
    ),
    "harangi": lambda of: HarangiNetwork(of.trunk, of.others, classes=of.classes),
}
"""What builds each network of its parts."""


def build_network(
    network: str,
    *,
    trunk: str = "vgg16_bn",
    width: float = 1.0,
    padding: str = "symmetric",
    classes: int,
    attention: str = "sigmoid",
    passing: str = "both",
    without: Sequence[str] = (),
    grid: str = "disc",
    heads: str = "softmax",
    branches: Sequence[str] = (),
    own: str = "",
) -> nn.Module:
    """Return a network with a random start, drawn from torch's global generator.

    `width` is the share of each layer's channels that is kept. `branches` are further trunks of harangi, each padded as
    its ImageNet weights were trained; the other settings are those of `ModelSettings`. The network "own" is built by
    what is registered as `own`, and takes none of them.

    Raises:
        ConfigError: an unknown network, trunk or other setting, a trunk that the network cannot have, a width outside
            (0, 1], fewer than two classes.
    """
    require_known("network", network, (*NETWORKS, OWN))
    if network == OWN:
        return own_network(own, classes)
    for kind, name, known in (
        *(("trunk", one, TRUNKS) for one in (trunk, *branches)),
        ("padding", padding, PADDINGS),
        ("attention", attention, ATTENTIONS),
        ("passing", passing, PASSINGS),
        ("grid", grid, GRIDS),
        ("head", heads, HEAD_KINDS),
        *(("part to leave out", one, LEFT_OUT) for one in without),
    ):
        require_known(kind, name, known)
    if not 0 < width <= 1:
        raise ConfigError(f"model.width is {width}; expected above 0 and at most 1")
    if classes < 2:
        raise ConfigError(f"a network for {classes} classes; expected at least 2")
    others = [TRUNKS[one](width, "tensorflow" if one in LITE_TRUNKS else "symmetric") for one in branches]
    parts = Parts(
        trunk=TRUNKS[trunk](width, PADDINGS[padding]),
        width=width,
        classes=classes,
        attention=ATTENTIONS[attention],
        passing=PASSINGS[passing],
        without=tuple(LEFT_OUT[part] for part in without),
        grid=GRIDS[grid],
        others=tuple(others),
    )
    return _with_head(NETWORKS[network](parts), heads)


def _with_head(network: nn.Module, kind: str) -> nn.Module:
    """Put another kind of head in place of a network's softmax head."""
    head = network.get_submodule("head")
    assert isinstance(head, Head)
    if kind != "softmax":
        if isinstance(network, DermaKNet):
            raise ConfigError(f"model.heads = '{kind}' is of one linear layer, and dermaknet has three; leave it out")
        network.set_submodule("head", HEADS[HEAD_KINDS[kind]](head.in_features, head.out_features))
    return network


def _mean(features: Float[Tensor, "B C h w"]) -> Float[Tensor, "B C"]:
    return features.mean((2, 3))
