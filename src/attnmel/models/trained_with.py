"""What start weights were trained with: the scale of their input, and the padding of their strided convolutions.

torchvision's published files are known for both. A .safetensors file says it in its metadata: by the key `INPUT`, a
JSON object {"mean": [r, g, b], "std": [r, g, b], "padding": "symmetric" or "tensorflow"}, or else in the words of
its entries "input" (recognised: "mean 0.5, std 0.5", one number for all three channels) and "padding" (recognised:
"trained with TensorFlow SAME ..."). A checkpoint of attnmel says it in its card.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ConfigDict, TypeAdapter, ValidationError

from attnmel.errors import CheckpointError
from attnmel.limits import Means, Spreads
from attnmel.models.card import CARD, read_card
from attnmel.models.lite_weights import PACKAGED
from attnmel.models.states import read_metadata
from attnmel.models.trunk import Padding
from attnmel.models.weights import ADDRESS, PICKLE, RANDOM, START_NAMES, weights_file

INPUT = "attnmel_input"
"""Key of the metadata of a .safetensors file that says what its weights were trained with."""

ONE_SCALE = re.compile(r"\bmean (\d?\.\d+), std (\d?\.\d+)(?![\d.]|, ?\d)")
TENSORFLOW = re.compile(r"trained with TensorFlow SAME\b")


@dataclass(frozen=True, kw_only=True)
class Scale:
    """Normalisation of RGB in [0, 1]."""

    mean: Means
    std: Spreads


@dataclass(frozen=True, kw_only=True)
class TrainedWith:
    """What is known of how weights were trained; None where it is not."""

    scale: Scale | None = None
    padding: Padding | None = None


@dataclass(frozen=True, kw_only=True)
class _Told(Scale):
    """The object under `INPUT`."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    padding: Padding | None = None


_TOLD = TypeAdapter(_Told)

# PyTorch, torchvision's documentation of its models: mean and standard deviation of ImageNet.
IMAGENET = TrainedWith(scale=Scale(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)), padding="symmetric")


# TensorFlow, models/official/efficientnet/lite/efficientnet_lite_builder.py: MEAN_RGB 127 and STDDEV_RGB 128 of 255.
MEAN, STD = 127 / 255, 128 / 255
LITE = TrainedWith(scale=Scale(mean=(MEAN, MEAN, MEAN), std=(STD, STD, STD)), padding="tensorflow")


def trained_with(source: str, trunk: str = "vgg16_bn") -> TrainedWith:
    """Return what the start weights of a trunk were trained with; `source` as in `start_weights`, not loaded here.

    Raises:
        CheckpointError: a file that is not there or damaged, or whose key `INPUT` cannot be read.
    """
    if source == RANDOM:
        return TrainedWith()
    if source in START_NAMES or ADDRESS.match(source) or source.endswith(PICKLE):
        return LITE if trunk in PACKAGED else IMAGENET
    path = weights_file(source)
    metadata = read_metadata(path)
    if CARD in metadata:
        card = read_card(metadata[CARD], path)
        return TrainedWith(scale=Scale(mean=card.mean, std=card.std), padding=_padding(card.padding))
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
            f'data.normalise_by = "weights", but {source} does not say which mean and std its input had: expected the '
            f'key {INPUT} ({{"mean": [r, g, b], "std": [r, g, b]}}) or words like "mean 0.5, std 0.5" under "input" '
            'among its metadata. Set data.normalise_by = "dataset", and write the mean and std of the weights, where '
            "you know them, as data.statistics of the data set."
        )
    return scale


def _by_metadata(metadata: Mapping[str, str], path: Path) -> TrainedWith:
    if INPUT in metadata:
        try:
            told = _TOLD.validate_json(metadata[INPUT])
        except ValidationError as error:
            raise CheckpointError(
                f"{path}: its metadata's {INPUT} cannot be read ({error.errors()[0]['msg']}); expected "
                '{"mean": [r, g, b], "std": [r, g, b], "padding": "symmetric" or "tensorflow"}'
            ) from None
        return TrainedWith(scale=Scale(mean=told.mean, std=told.std), padding=told.padding)
    # Two different scales in one sentence would leave open which one is meant.
    scales = {(float(mean), float(std)) for mean, std in ONE_SCALE.findall(metadata.get("input", ""))}
    scale = None
    if len(scales) == 1:
        ((mean, std),) = scales
        scale = Scale(mean=(mean, mean, mean), std=(std, std, std))
    same = TENSORFLOW.match(metadata.get("padding", ""))
    return TrainedWith(scale=scale, padding="tensorflow" if same else None)


def _padding(name: str) -> Padding:
    return "tensorflow" if name == "tensorflow" else "symmetric"
