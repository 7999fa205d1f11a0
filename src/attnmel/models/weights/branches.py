"""The start weights of the further trunks of a network that has several."""

from collections.abc import Sequence
from pathlib import Path

from torch import nn

from attnmel.errors import ConfigError
from attnmel.models.harangi import HarangiNetwork
from attnmel.models.weights.card import CARD, read_card
from attnmel.models.weights.safetensors_io import read_metadata
from attnmel.models.weights.start_weights import START_NAMES, Start, is_published, start_weights, weights_file
from attnmel.progress import SILENT, Progress

SEVERAL = "harangi"
"""The network of several trunks."""


def check_several(source: str) -> None:
    """Refuse start weights of one trunk for a network of several.

    Raises:
        ConfigError: names what several trunks may start from.
    """
    if source in START_NAMES:
        return
    if not is_published(source):
        path = weights_file(source)
        metadata = read_metadata(path)
        if CARD in metadata and read_card(metadata[CARD], path).network == SEVERAL:
            return
    raise ConfigError(
        f"model.weights = '{source}' is of one trunk, but {SEVERAL} has several; set model.weights to imagenet, random "
        f"or a run of {SEVERAL}"
    )


def with_branches(
    start: Start,
    network: HarangiNetwork,
    source: str,
    branches: Sequence[str],
    *,
    width: float,
    home: Path,
    progress: Progress = SILENT,
) -> Start:
    """Put the ImageNet weights of each further trunk in, where `source` is "imagenet"; return what was done in all."""
    if source != "imagenet":
        return start
    for name, trunk in zip(branches, network.others, strict=True):
        alone = nn.ModuleDict({"trunk": trunk})
        put = start_weights(alone, source, trunk=name, width=width, classes=(), home=home, progress=progress)
        terms = dict.fromkeys(one for one in (start.licence, put.licence) if one)
        start = start._replace(
            sentence=f"{start.sentence}; {put.sentence.partition(';')[0]}", licence="; ".join(terms) or None
        )
    return start
