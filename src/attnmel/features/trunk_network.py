"""A trained or published network -> means, local descriptors and scores of prepared images."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Float16, Float32
from torch import Tensor, nn

from attnmel.config.system import Pool, Tap, TrunkSettings
from attnmel.data.preprocess.images import shift_and_scale
from attnmel.errors import CheckpointError, ConfigError
from attnmel.features.card import TrunkFacts
from attnmel.features.handcrafted import Pixels
from attnmel.models.classifiers import build_network, trunk_of
from attnmel.models.weights.card import CARD, described, network_settings
from attnmel.models.weights.checkpoints import load_checkpoint
from attnmel.models.weights.pretrained_input import IMAGENET, trained_with
from attnmel.models.weights.safetensors_io import read_metadata
from attnmel.models.weights.start_weights import START_NAMES, is_published, start_weights, weights_file
from attnmel.progress import SILENT, Progress

AnyTap = TypeVar("AnyTap", Tap, Pool)
BATCH = 16
"""Images a forward pass."""

PUBLISHED_NETWORK = "vgg16-gap"
"""Network that published weights are put into; of it the trunk alone is used."""


class TrunkNetwork:
    """A network whose trunk describes images, in evaluation mode."""

    def __init__(self, network: nn.Module, facts: TrunkFacts, device: torch.device) -> None:
        self.facts = facts
        self.network = network.to(device).eval()
        self._device = device
        shift, scale = shift_and_scale(facts.mean, facts.std)
        self._shift, self._scale = (torch.from_numpy(one).to(device) for one in (shift, scale))

    @property
    def tensors(self) -> dict[str, Tensor]:
        """The weights by name."""
        return dict(self.network.state_dict())

    def means(self, pixels: Pixels, taps: Sequence[Tap]) -> dict[str, Float32[np.ndarray, "B D"]]:
        """Return the mean of the map at each pool, and the scores of the classes as "logits"."""

        def mean(maps: dict[int, Tensor], tap: Tap) -> Tensor:
            return (self.network(maps).logits if tap == "logits" else maps[int(tap[-1])].mean((2, 3))).float()

        return self._described(pixels, taps, mean)

    def positions(self, pixels: Pixels, pools: Sequence[Pool]) -> dict[str, Float16[np.ndarray, "B T d"]]:
        """Return the values at every position of maps, each brought to unit length, in half floats; 0 stays 0."""

        def positions(maps: dict[int, Tensor], pool: Pool) -> Tensor:
            return nn.functional.normalize(maps[int(pool[-1])].flatten(2).transpose(1, 2), dim=2).half()

        return self._described(pixels, pools, positions)

    @torch.inference_mode()
    def _described(
        self, pixels: Pixels, taps: Sequence[AnyTap], describe: Callable[[dict[int, Tensor], AnyTap], Tensor]
    ) -> dict[str, np.ndarray]:
        """Return what is made of the maps of images, by their pool, for each tap."""
        found: dict[str, list[Tensor]] = {tap: [] for tap in taps}
        for start in range(0, len(pixels), BATCH):
            some = torch.from_numpy(np.ascontiguousarray(pixels[start : start + BATCH])).to(self._device)
            images = ((some.float() - self._shift) * self._scale).permute(0, 3, 1, 2)
            maps: dict[int, Tensor] = dict(zip((3, 4, 5), trunk_of(self.network)(images), strict=True))
            for tap in taps:
                found[tap].append(describe(maps, tap).cpu())
        return {tap: torch.cat(parts).numpy() for tap, parts in found.items()}


def open_trunk(
    settings: TrunkSettings, *, home: Path, device: torch.device, progress: Progress = SILENT
) -> TrunkNetwork:
    """Open the network of a recipe's settings: a run's or checkpoint's, or a trunk with published weights.

    A trunk with random weights takes images in the scale of ImageNet.

    Raises:
        CheckpointError: the weights are not there, damaged, of another architecture, or do not state their scale.
        ConfigError: "logits" of published weights, whose classes are ImageNet's, or a network of several trunks.
    """
    if is_checkpoint(settings.weights):
        network, card = load_checkpoint(weights_file(settings.weights))
        if card.own:
            raise ConfigError(
                f"{settings.weights} is {described(card)}, and taps are of the package's trunks; name another run"
            )
        if card.branches:
            raise ConfigError(
                f"{settings.weights} is a {card.network} of several trunks, and taps are of one; name another run"
            )
        return TrunkNetwork(
            network,
            TrunkFacts(
                network=card.network,
                **network_settings(card),
                classes=len(card.classes),
                mean=card.mean,
                std=card.std,
                origin=f"{card.recipe}, epoch {card.epoch}, seed {card.seed}",
                licence=card.licence,
                sha256=state_hash(network.state_dict()),
            ),
            device,
        )
    if "logits" in getattr(settings, "taps", ()):
        raise ConfigError(
            f"the tap 'logits' is of a trained network, but weights = '{settings.weights}' are published ones; name a "
            "run folder or a checkpoint by weights"
        )
    return _published(settings, home, device, progress)


def is_checkpoint(weights: str) -> bool:
    """Whether weights are a run folder or a checkpoint of attnmel, by their name or their file."""
    return not is_published(weights) and CARD in read_metadata(weights_file(weights))


def network_of(facts: TrunkFacts, tensors: Mapping[str, Tensor], device: torch.device) -> TrunkNetwork:
    """Build the network of a stored system again."""
    with torch.device("meta"):
        network = build_network(facts.network, classes=facts.classes, **network_settings(facts))
    network.load_state_dict(dict(tensors), assign=True)
    return TrunkNetwork(network, facts, device)


def state_hash(tensors: Mapping[str, Tensor]) -> str:
    """Return a hash of names, shapes and values."""
    whole = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        whole.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        whole.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return whole.hexdigest()


def _published(settings: TrunkSettings, home: Path, device: torch.device, progress: Progress) -> TrunkNetwork:
    torch.manual_seed(0)  # of random weights alone
    network = build_network(PUBLISHED_NETWORK, trunk=settings.trunk, padding=settings.padding, classes=2)
    start = start_weights(
        network,
        settings.weights,
        trunk=settings.trunk,
        width=1.0,
        classes=("unused", "head"),
        home=home,
        progress=progress,
    )
    if start.bare:
        raise CheckpointError(
            f"{settings.weights} is of a VGG-16 without batch-norm, but trunk = 'vgg16_bn'; set trunk = 'vgg16'"
        )
    nn.init.zeros_(network.get_parameter("head.weight"))
    scale = trained_with(settings.weights, settings.trunk).scale or (
        IMAGENET.scale if settings.weights in START_NAMES else None
    )
    if scale is None:
        raise CheckpointError(
            f"{settings.weights} does not say which mean and std its input had; write them into a copy of the file "
            "(docs/training/trunks.md says how)"
        )
    facts = TrunkFacts(
        network=PUBLISHED_NETWORK,
        trunk=settings.trunk,
        width=1.0,
        padding=settings.padding,
        attention="sigmoid",
        classes=2,
        mean=scale.mean,
        std=scale.std,
        origin=start.sentence.partition(";")[0],
        licence=start.licence,
        sha256=state_hash(network.state_dict()),
    )
    return TrunkNetwork(network, facts, device)
