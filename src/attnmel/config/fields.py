"""The limits of settings, the same for a recipe and for the card of a checkpoint."""

import re
import reprlib
from collections.abc import Collection, Sequence
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from attnmel.config.settings.colours import LEAST_SPREAD
from attnmel.config.settings.tta import transforms_of
from attnmel.errors import ConfigError

LESION: Literal["lesion"] = "lesion"
"""The crop that follows the lesion, in place of a share of the image's shorter side."""

MARGIN = 0.2
"""Skin that such a crop keeps on each side, as a share of the longer side of the lesion's box; chosen by this project.
In the prediction files that Mahbod et al. published (2020), crops to a dilated true mask have a higher AUC than tight
ones: .894 against .864 for melanoma on ISIC 2017."""

ComputePrecision = Literal["float32", "bf16"]
"""Of convolutions, in training and prediction."""

STRIDE = 32
"""Total stride of every trunk: an input size is a multiple of it."""

LARGEST_SIZE = 1792
"""Bounds the memory that a recipe or a checkpoint of unknown origin may need: 64 times that of 224 pixels."""

LOWEST_TEMPERATURE, HIGHEST_TEMPERATURE = 0.05, 20.0
"""Limits of the divisor of the logits: beyond, probabilities would be almost 0 and 1, or almost equal."""


def prepared_side(size: int) -> int:
    """Return the side in pixels of the prepared images of an input size, 256 for 224."""
    return round(size * 8 / 7)


def fold_numbers(fold: str) -> tuple[int, int]:
    """Return the number of the part that validates and the number of parts, 2 and 5 for "2/5".

    Raises:
        ValueError: another form, fewer than two parts, or a number beyond the parts.
    """
    written = re.fullmatch(r"([1-9]\d{0,3})/([1-9]\d{0,3})", fold)
    number, parts = map(int, written.groups()) if written else (0, 0)
    if not 1 <= number <= parts or parts < 2:
        raise ValueError("expected the number of a part and how many there are, such as 1/5 to 5/5")
    return number, parts


def _checked_fold(fold: str) -> str:
    fold_numbers(fold)
    return fold


Fold = Annotated[str, AfterValidator(_checked_fold)]
Positive = Annotated[int, Field(ge=1)]
Loggers = Annotated[
    tuple[Literal["mlflow", "wandb"], ...],
    BeforeValidator(lambda value: value.split(",") if isinstance(value, str) else value),  # of --set
]
Names = tuple[Annotated[str, Field(min_length=1)], ...]
Classes = Annotated[Names, Field(min_length=2)]
Positives = Annotated[Names, Field(min_length=1)]


def _checked_crop(crop: object) -> object:
    if crop == LESION or (isinstance(crop, int | float) and not isinstance(crop, bool) and 0 < crop <= 1):
        return crop
    raise ValueError(
        f"expected a share of the image's shorter side, above 0 and at most 1, or '{LESION}'; found "
        f"{reprlib.repr(crop)}"
    )


Crop = Annotated[float | Literal["lesion"], BeforeValidator(_checked_crop)]


def _checked_transforms(text: str) -> str:
    try:
        transforms_of(text)
    except ConfigError as error:
        raise ValueError(str(error)) from None
    return text


Transforms = Annotated[str, AfterValidator(_checked_transforms)]
"""A text that `transforms_of` reads."""

NO_WEIGHTS: Literal["none"] = "none"
MEDIAN_FREQUENCY: Literal["median-frequency"] = "median-frequency"


def _checked_weights(weights: object) -> object:
    if weights in (NO_WEIGHTS, MEDIAN_FREQUENCY):
        return weights
    numbers = list(weights.values()) if isinstance(weights, dict) else []
    if numbers and all(isinstance(one, int | float) and not isinstance(one, bool) and one > 0 for one in numbers):
        return weights
    raise ValueError(
        f"expected '{NO_WEIGHTS}', '{MEDIAN_FREQUENCY}' or a number above 0 for each class, such as "
        f"{{ melanoma = 2.0, rest = 0.5 }}; found {reprlib.repr(weights)}"
    )


ClassWeights = Annotated[Literal["none", "median-frequency"] | dict[str, float], BeforeValidator(_checked_weights)]
Margin = Annotated[float, Field(ge=0, le=2)]
Crops = Literal[1, 5]
Size = Annotated[int, Field(ge=STRIDE, le=LARGEST_SIZE, multiple_of=STRIDE)]
Side = Annotated[int, Field(ge=STRIDE, le=prepared_side(LARGEST_SIZE))]
Width = Annotated[float, Field(gt=0, le=1)]
Level = Annotated[float, Field(ge=0, le=1)]
Temperature = Annotated[float, Field(ge=LOWEST_TEMPERATURE, le=HIGHEST_TEMPERATURE)]
Spread = Annotated[float, Field(ge=LEAST_SPREAD, le=1)]
Means = tuple[Level, Level, Level]
"""Mean of red, green and blue in [0, 1]."""
Spreads = tuple[Spread, Spread, Spread]
"""Spread of red, green and blue in [0, 1]."""


def check_names(classes: Sequence[str], **named: Collection[str]) -> None:
    """Refuse doubled classes, and lists of classes (by what they are) that name others, or one twice.

    Raises:
        ValueError: names them and lists the classes.
    """
    for what, names in {"classes": classes, **named}.items():
        if len(set(names)) < len(names):
            raise ValueError(f"{what} are doubled: {', '.join(names)}")
    if unknown := [name for names in named.values() for name in names if name not in classes]:
        raise ValueError(f"{' and '.join(named)} name {', '.join(unknown)}; known: {', '.join(classes)}")


def check_crops(crop: float | str, crops: int) -> None:
    """Refuse several crops of an image whose crop follows the lesion: there is no other place for them.

    Raises:
        ValueError: says what to change.
    """
    if crop == LESION and crops != 1:
        raise ValueError(f"crops = {crops} are of a central crop, but crop = '{LESION}'; set crops = 1")
