"""The U-Net that draws lesion masks, its loss, and its checkpoint: weights and card in one file.

Network and loss are MONAI's, an optional package that takes seconds to load: only the functions that need it do.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from pydantic import TypeAdapter
from torch import Tensor, nn

from attnmel import NOTICE, __version__
from attnmel.config.fields import Level, Means, Size, Spreads
from attnmel.config.segmenter import Channels, Norm
from attnmel.files.packages import require_installed
from attnmel.models.weights.card import checked, refuse_later
from attnmel.models.weights.checkpoints import check_tensors, read_with_card, save_with_card

CARD = "attnmel-segmenter"
"""Key of the card among a checkpoint's metadata; not that of the classifiers."""

THRESHOLD = 0.5
"""Probability above which a pixel is lesion."""

Loss = Callable[[Float[Tensor, "B 1 s s"], Float[Tensor, "B 1 s s"]], Float[Tensor, ""]]
"""From logits and masks in [0, 1]."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class SegmenterCard:
    """All that is needed to use a segmenter's weights, and their origin; values keep the limits of the settings."""

    channels: Channels
    residual_units: int
    norm: Norm
    size: Size
    """Side in pixels of the square that the whole image is squashed to."""
    mean: Means
    """Normalisation of RGB in [0, 1]."""
    std: Spreads
    threshold: Level
    epoch: int
    measures: dict[str, float]
    """Of the held-out images, at this epoch and in the prepared size."""
    data: dict[str, Any]
    """Fingerprint of the training images and masks."""
    licence: str
    """Of the training images and masks."""
    seed: int
    notice: str = NOTICE
    version: str = __version__


_CARD = TypeAdapter(SegmenterCard)


def build_segmenter(channels: Sequence[int], residual_units: int, norm: str) -> nn.Module:
    """Return a U-Net from RGB [B, 3, s, s] to the logit of lesion [B, 1, s, s]; s divides by 2^(levels - 1).

    Raises:
        ConfigError: MONAI is not installed.
    """
    require_installed({"monai": "monai"}, "the segmenter", "segment")
    from monai.networks.nets.unet import UNet

    return UNet(
        spatial_dims=2,
        in_channels=3,
        out_channels=1,
        channels=tuple(channels),
        strides=(2,) * (len(channels) - 1),
        num_res_units=residual_units,
        norm=norm.upper(),
    )


def segmentation_loss() -> Loss:
    """Return the mean over images of one minus the soft Dice, plus the mean cross-entropy over pixels.

    Raises:
        ConfigError: MONAI is not installed.
    """
    require_installed({"monai": "monai"}, "the segmenter", "segment")
    from monai.losses.dice import DiceCELoss

    return DiceCELoss(sigmoid=True)


def save_segmenter(path: Path, weights: Mapping[str, Tensor], card: SegmenterCard) -> None:
    """Write weights and card to `path` (.safetensors), and the card also as .json; replaces a former checkpoint."""
    save_with_card(path, weights, CARD, _CARD.dump_json(card, indent=2))


def load_segmenter(path: Path) -> tuple[nn.Module, SegmenterCard]:
    """Read a run folder's best checkpoint, or a checkpoint file; the network is in evaluation mode, on the CPU."""
    tensors, card = read_with_card(path, CARD, _read_card, "attnmel segment train")
    with torch.device("meta"):
        network = build_segmenter(card.channels, card.residual_units, card.norm)
    check_tensors(tensors, network.state_dict(), f"{path}, a U-Net of channels {card.channels}")
    network.load_state_dict(tensors, assign=True)
    return network.eval(), card


def _read_card(text: str, path: Path) -> SegmenterCard:
    refuse_later(text, SegmenterCard, path)
    return checked(text, _CARD.validate_json, path)
