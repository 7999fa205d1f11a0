"""AttnMel-CNN and its loss as a plain script would write them: the reference of speed and of numbers.

Float32, contiguous, no code of the program.
"""

from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

GROUPS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
WEIGHTS = (0.001, 0.01)
"""Of the Dice terms on pool-3 and pool-4."""

PlainBatch = tuple[Tensor, Tensor, Tensor]
"""Images, labels, priors."""


class PlainGate(nn.Module):
    """The attention gate."""

    def __init__(self, local: int, deepest: int, hidden: int) -> None:
        super().__init__()
        self.local_weights = nn.Conv2d(local, hidden, 1, bias=False)
        self.global_weights = nn.Conv2d(deepest, hidden, 1, bias=False)
        self.score = nn.Conv2d(hidden, 1, 1)

    def forward(self, local: Tensor, deepest: Tensor) -> tuple[Tensor, Tensor]:
        """Give the attended features and the map."""
        up = functional.interpolate(self.global_weights(deepest), size=local.shape[2:], mode="bilinear")
        attention = torch.sigmoid(self.score(functional.relu(self.local_weights(local) + up)))
        return (attention * local).mean((2, 3)), attention


class PlainAttnMel(nn.Module):
    """VGG-16 without dense layers, gates on pool-3 and pool-4, one linear layer; parameters in the program's order."""

    def __init__(self, *, batch_norm: bool, width: float = 1.0, classes: int = 2) -> None:
        super().__init__()
        groups = [[round(channels * width) for channels in group] for group in GROUPS]
        inputs, stages = 3, []
        for group in groups:
            layers: list[nn.Module] = []
            for channels in group:
                layers += [nn.Conv2d(inputs, channels, 3, padding=1)]
                layers += [nn.BatchNorm2d(channels)] if batch_norm else []
                layers += [nn.ReLU()]
                inputs = channels
            stages.append(nn.Sequential(*layers, nn.MaxPool2d(2)))
        self.stages = nn.ModuleList(stages)
        hidden = round(256 * width)
        self.gates = nn.ModuleList([PlainGate(group[-1], inputs, hidden) for group in groups[2:4]])
        self.head = nn.Linear(sum(group[-1] for group in groups[2:]), classes)

    def forward(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Give the scores and both maps."""
        maps = []
        for stage in self.stages:
            images = stage(images)
            maps.append(images)
        pool3, pool4, pool5 = maps[2:]
        (shallow, map3), (deep, map4) = (
            gate(local, pool5) for gate, local in zip(self.gates, (pool3, pool4), strict=True)
        )
        return self.head(torch.cat([pool5.mean((2, 3)), shallow, deep], dim=1)), [map3, map4]


def plain_loss(scores: Tensor, maps: Sequence[Tensor], labels: Tensor, priors: Tensor) -> Tensor:
    """Focal loss plus the Dice terms of the maps, over images that all have a prior."""
    cross_entropy = functional.cross_entropy(scores, labels, reduction="none")
    loss = ((1 - torch.exp(-cross_entropy)) ** 2 * cross_entropy).mean()
    for weight, attention in zip(WEIGHTS, maps, strict=True):
        prior = functional.avg_pool2d(priors, priors.shape[-1] // attention.shape[-1])
        loss = loss + weight * (1 - 2 * (attention * prior).sum() / (attention + prior).sum())
    return loss


def plain_training(network: nn.Module, batches: Iterable[PlainBatch], rate: float) -> Iterator[float]:
    """Train and give the loss of each step."""
    optimizer = torch.optim.SGD(network.parameters(), lr=rate, momentum=0.9, nesterov=True, weight_decay=1e-4)
    network.train()
    for images, labels, priors in batches:
        optimizer.zero_grad()
        scores, maps = network(images)
        loss = plain_loss(scores, maps, labels, priors)
        loss.backward()
        optimizer.step()
        yield loss.item()
