"""How start weights were trained: the scale of their input, and the padding of their strided convolutions.

Both are known for torchvision's published files. A .safetensors file states them by the key `INPUT` of its metadata, a
JSON object {"mean": [r, g, b], "std": [r, g, b], "padding": "symmetric" or "tensorflow"} (the padding may be left out);
`with_input` writes one into a copy of a file. A checkpoint of attnmel has them in its card.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from pydantic import ConfigDict, TypeAdapter, ValidationError

from attnmel.config.expected import expected
from attnmel.config.fields import Means, Spreads
from attnmel.config.settings.model import PADDINGS, Padding
from attnmel.errors import CheckpointError, ConfigError
from attnmel.models.weights.card import CARD, read_card
from attnmel.models.weights.efficientnet_lite import PACKAGED
from attnmel.models.weights.safetensors_io import load_state, read_metadata, save_state
from attnmel.models.weights.start_weights import RANDOM, is_published, weights_file

INPUT = "attnmel_input"
"""Key of the metadata of a .safetensors file with the scale and padding that its weights were trained with."""


@dataclass(frozen=True, kw_only=True)
class Scale:
    """Normalisation of RGB in [0, 1]."""

    mean: Means
    std: Spreads


@dataclass(frozen=True, kw_only=True)
class TrainedWith:
    """How weights were trained; None where it is not known."""

    scale: Scale | None = None
    padding: Padding | None = None


@dataclass(frozen=True, kw_only=True)
class _Stated(Scale):
    """The object under `INPUT`."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    padding: Padding | None = None


_STATED = TypeAdapter(_Stated)

# PyTorch, torchvision's documentation of its models: mean and standard deviation of ImageNet.
IMAGENET = TrainedWith(scale=Scale(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)), padding="symmetric")


# TensorFlow, models/official/efficientnet/lite/efficientnet_lite_builder.py: MEAN_RGB 127 and STDDEV_RGB 128 of 255.
MEAN, STD = 127 / 255, 128 / 255
LITE = TrainedWith(scale=Scale(mean=(MEAN, MEAN, MEAN), std=(STD, STD, STD)), padding="tensorflow")


def trained_with(source: str, trunk: str = "vgg16_bn") -> TrainedWith:
    """Return how the start weights of a trunk were trained; `source` as in `start_weights`, not loaded here.

    Raises:
        CheckpointError: a file that is not there or damaged, or whose key `INPUT` cannot be read.
    """
    if source == RANDOM:
        return TrainedWith()
    if is_published(source):
        return LITE if trunk in PACKAGED else IMAGENET
    path = weights_file(source)
    metadata = read_metadata(path)
    if CARD in metadata:
        card = read_card(metadata[CARD], path)
        return TrainedWith(scale=Scale(mean=card.mean, std=card.std), padding=PADDINGS.get(card.padding, "symmetric"))
    return _by_metadata(metadata, path)


def input_scale(source: str, trunk: str = "vgg16_bn") -> Scale:
    """Return the scale of the input that the start weights of a trunk were trained with.

    Raises:
        CheckpointError: a random start, or a file that does not say it; also as `trained_with`.
    """
    if source == RANDOM:
        raise CheckpointError(
            'data.normalise_by = "weights", but a random start was trained with no scale; set data.normalise_by = '
            '"dataset", or name weights by model.weights'
        )
    scale = trained_with(source, trunk).scale
    if scale is None:
        raise CheckpointError(
            f'data.normalise_by = "weights", but {source} does not say which mean and std its input had, for its '
            f"metadata lack the key {INPUT}: write it into a copy of the file (docs/training/trunks.md says how), or "
            'set data.normalise_by = "dataset" and data.statistics to the mean and std of the weights'
        )
    return scale


def with_input(
    source: str | Path,
    target: str | Path,
    *,
    mean: Sequence[float],
    std: Sequence[float],
    padding: Padding | None = None,
) -> None:
    """Copy a .safetensors file of weights with the key `INPUT` in its metadata; all else stays as it is.

    `mean` and `std` are of red, green and blue in [0, 1].

    Raises:
        ConfigError: numbers outside the limits of a recipe's.
    """
    entry = json.dumps({"mean": [*mean], "std": [*std], **({"padding": padding} if padding else {})})
    try:
        _STATED.validate_json(entry)
    except ValidationError as error:
        raise ConfigError(f"mean and std of red, green and blue in [0, 1]: {expected(error.errors()[0])}") from None
    tensors, metadata = load_state(Path(source))
    save_state(Path(target), tensors, {**metadata, INPUT: entry})


def _by_metadata(metadata: Mapping[str, str], path: Path) -> TrainedWith:
    if INPUT not in metadata:
        return TrainedWith()
    try:
        stated = _STATED.validate_json(metadata[INPUT])
    except ValidationError as error:
        raise CheckpointError(
            f"{path}: its metadata's {INPUT} cannot be read ({expected(error.errors()[0])}); expected "
            '{"mean": [r, g, b], "std": [r, g, b], "padding": "symmetric" or "tensorflow"}'
        ) from None
    return TrainedWith(scale=Scale(mean=stated.mean, std=stated.std), padding=stated.padding)
