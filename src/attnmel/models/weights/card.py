"""The card of a network's weights: their origin and use, as JSON inside their file, whatever its format. No torch.

A card may come from anyone, so its values are checked against the limits of a recipe's settings.
"""

import dataclasses
import reprlib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import AfterValidator, ConfigDict, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from attnmel import NOTICE, __version__
from attnmel.config.expected import expected
from attnmel.config.fields import (
    MARGIN,
    Classes,
    Crop,
    Crops,
    Margin,
    Means,
    Positives,
    Side,
    Size,
    Spreads,
    Temperature,
    Transforms,
    Width,
    check_crops,
    check_names,
)
from attnmel.config.settings.colours import NO_COLOUR_CONSTANCY, ColourConstancy
from attnmel.config.settings.tta import NO_TRANSFORMS, transforms_of
from attnmel.errors import CheckpointError, listed
from attnmel.files.table_files import parsed_json
from attnmel.models.weights.age_sex_prior import AgeSexPrior
from attnmel.models.weights.operating_points import Threshold
from attnmel.records import ColourStatistics

CARD = "attnmel"
"""Key of the card among the texts of a checkpoint or an ONNX file."""

CONTENT = "weights_sha256"
"""Name of the hash of the weights in the card of a checkpoint, which is no field of it."""

ATTENDING = "attnmel-cnn"
"""The network with gates."""

FITTED = "features-svm"
"""The network of a fitted system's card, which is none: features and SVMs (`attnmel.features`)."""

FUSED = "fusion"
"""The network of a fusion's card, which is none: the predictions of other runs and files (`attnmel fuse`)."""

VALIDATION = "the validation images of the training"
"""The images that temperature and thresholds are chosen on, unless a card names others."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Card:
    """All that is needed to use a network's weights, and their origin."""

    # A measure that is not defined (NaN) is written as text, for JSON has no such number.
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(ser_json_inf_nan="strings")

    network: str
    own: str = ""
    """Name of the network "own", which is not the package's."""
    trunk: str
    width: Width
    attention: str
    padding: str = "symmetric"
    passing: str = "both"
    """Which branch gets features of the other, for the network chen."""
    without: tuple[str, ...] = ()
    """Parts that are left out of the network dermaknet."""
    grid: str = "disc"
    """Where the polar grid of the network dermaknet lies."""
    heads: str = "softmax"
    """How scores become probabilities: softmax, hinge, or the mean of both."""
    branches: tuple[str, ...] = ()
    """Further trunks of the network harangi."""
    classes: Classes
    """Names, in the order of the network's scores."""
    positives: Positives
    """Target classes, each evaluated against all others; the first is the main task."""
    size: Size
    """Side of the network's input in pixels."""
    side: Side
    """Side of the prepared square that the input is cut from, in pixels."""
    crop: Crop
    """Side of the central square as a share of the image's shorter side, or "lesion" for the square around it."""
    crop_margin: Margin = MARGIN
    """Around the lesion, as a share of the longer side of its box."""
    crops: Crops = 1
    """Squares of an image whose probabilities are averaged."""
    colour_constancy: ColourConstancy = NO_COLOUR_CONSTANCY
    """How the colours of prepared squares are corrected."""
    transforms: Transforms = NO_TRANSFORMS
    """Of an image whose probabilities are averaged, with which temperature and thresholds were chosen."""
    age_sex_prior: AgeSexPrior | None = None
    """What age and sex add to the scores, before the temperature; None without."""
    mean: Means
    """Normalisation of RGB in [0, 1]."""
    std: Spreads
    epoch: int
    measures: dict[str, float]
    """Of the validation split, at this epoch."""
    recipe: str
    data: dict[str, Any]
    """Fingerprint of the data set it was trained on."""
    licence: str
    """Of that data set."""
    seed: int
    temperature: Temperature | None = None
    """Divides the scores before the softmax, so that probabilities are calibrated; None where none was fitted."""
    not_calibrated: str = ""
    """Why no temperature fits the images that it is chosen on; empty where one does, or none was tried."""
    chosen_on: str = VALIDATION
    """In words: the images that the temperature and the thresholds were chosen on."""
    recalibrated_on: str = ""
    """In words: the images of another place that `attnmel recalibrate` chose them on instead; else empty."""
    thresholds: tuple[Threshold, ...] = ()
    """Operating points of the probabilities at this temperature; empty if an earlier version wrote the card."""
    colours: ColourStatistics | None = None
    """Mean colours of the training images; None in cards of earlier versions."""
    notice: str = NOTICE
    version: str = __version__

    @property
    def chosen_in_words(self) -> str:
        """What temperature and thresholds were chosen on, in words."""
        return self.chosen_elsewhere or self.chosen_on

    @property
    def chosen_elsewhere(self) -> str:
        """The same where those are not predictions of the validation images by this very network; else empty."""
        out_of_fold = "" if self.chosen_on == VALIDATION else f"out-of-fold {self.chosen_on}"
        return self.recalibrated_on or out_of_fold

    @property
    def trained_on(self) -> str:
        """What the data set is called whose splits trained and evaluated it; empty where the card does not say."""
        return str(self.data.get("title") or self.data.get("dataset") or "")

    @property
    def why_uncalibrated(self) -> str:
        """Why there is no temperature, in words; empty where there is one."""
        if self.temperature is not None:
            return ""
        if not self.not_calibrated:
            return "the checkpoint has no temperature"
        return f"no temperature fits {self.chosen_in_words} ({self.not_calibrated})"

    @property
    def has_attention(self) -> bool:
        """Whether the network gives attention maps."""
        return self.network == ATTENDING


def _consistent(card: Card) -> Card:
    check_names(card.classes, positives=card.positives)
    check_crops(card.crop, card.crops)
    if card.size > card.side:
        raise ValueError(f"size = {card.size} is more than side = {card.side}, which it is cut from")
    if unknown := sorted({one.task for one in card.thresholds} - set(card.classes)):
        raise ValueError(f"thresholds for {', '.join(unknown)}, but the classes are {', '.join(card.classes)}")
    return card


AnyCard = TypeVar("AnyCard")

_CARD = TypeAdapter(Annotated[Card, AfterValidator(_consistent)])


def card_json(card: Card) -> bytes:
    """Return the card as indented JSON."""
    return _CARD.dump_json(card, indent=2)


def read_card(text: str, path: Path) -> Card:
    """Read the card that the file at `path` holds.

    Raises:
        CheckpointError: it cannot be read, or a later version wrote it.
    """
    refuse_later(text, Card, path)
    return checked(text, _CARD.validate_json, path)


def refuse_later(text: str, kind: type, path: Path) -> None:
    """Refuse a card in JSON with settings that its kind, a dataclass, does not have.

    What a later version added may change the prediction: without it the probabilities would be others, in silence.

    Raises:
        CheckpointError: names the settings, and the version that wrote the card at `path`.
    """
    try:
        found = parsed_json(text)
        unknown = sorted(found.keys() - {field.name for field in dataclasses.fields(kind)} - {CONTENT})
    except (ValueError, AttributeError):
        return  # which the reading of it reports
    if unknown:
        raise CheckpointError(
            f"the card in {path} has settings that attnmel {__version__} does not know ({listed(unknown)}), so that "
            f"its predictions would be others here; install the version that wrote it, {found.get('version')}, or a "
            "later one"
        )


def require_version(text: str, path: Path, version: int, *, what: str, remedy: str) -> None:
    """Refuse a card of JSON of another version, such as of a fitted system or a fusion.

    Raises:
        CheckpointError: the file at `path` is `what` of another version, or holds no JSON; `remedy` says what to do.
    """
    try:
        found = parsed_json(text).get("version")
    except (ValueError, AttributeError):
        found = None
    if found != version:
        raise CheckpointError(
            f"{path} is {what} of version {found}, and attnmel {__version__} reads version {version}; {remedy}"
        )


def checked(text: str, read: Callable[[str], AnyCard], path: Path) -> AnyCard:
    """Read a text of the file at `path` with `read`, which raises pydantic's ValidationError where it cannot.

    Raises:
        CheckpointError: names the file, and the fields with their problems.
    """
    try:
        return read(text)
    except ValidationError as error:
        raise CheckpointError(
            f"the card in {path} cannot be read ({listed(map(_problem, error.errors()))}). It was written by another "
            f"version of attnmel (this is {__version__}) or changed by hand; get the checkpoint from where it was "
            "trained."
        ) from None


def _problem(error: ErrorDetails) -> str:
    """Say field and value; a value of unknown origin may be long."""
    field = ".".join(map(str, error["loc"]))
    if error["type"] == "missing":
        return f"{field} is missing"
    message = expected(error)
    if error["type"] == "value_error" or not field:
        return f"{field}: {message}" if field else message
    return f"{field} = {reprlib.repr(error['input'])}: {message}"


NETWORK_SETTINGS = ("own", "trunk", "width", "padding", "attention", "passing", "without", "grid", "heads", "branches")
"""What decides the layers of a network, besides its name and the number of its classes."""


def network_settings(of: object) -> dict[str, Any]:
    """Return the settings that decide the layers of a network, by name, from a card or a recipe's `model`."""
    return {name: getattr(of, name) for name in NETWORK_SETTINGS}


DATA_SETTINGS = ("classes", "positives", "size", "side", "crop", "crop_margin", "crops", "colour_constancy")
"""What decides how images are prepared for a network, and the meaning of its scores."""


def data_settings(of: object) -> dict[str, Any]:
    """Return the settings that decide how images are prepared, by name, from a card or a recipe's `data`."""
    return {name: getattr(of, name) for name in DATA_SETTINGS}


def described(card: Card) -> str:
    """Describe the network of a card in words."""
    if card.own:
        return f"the network '{card.own}', which is not attnmel's, for {', '.join(card.classes)}"
    padding = "" if card.padding == "symmetric" else f", {card.padding} padding"
    trunks = " and ".join((card.trunk, *card.branches))
    return f"{card.network} on {trunks}, width {card.width:g}{padding}, for {', '.join(card.classes)}"


def chosen_for(card: Card) -> str:
    """Say for what mean, and with what else, temperature and thresholds were chosen; "" for one square as it is."""
    transforms = len(transforms_of(card.transforms))
    squares = f"{card.crops} squares" if card.crops > 1 else ""
    turned = f"{transforms} transforms ({card.transforms})" if transforms > 1 else ""
    averaged = " and ".join(filter(None, [squares, turned]))
    mean = f" for the mean over {averaged} of each image" if averaged else ""
    prior = " with age and sex" if card.age_sex_prior is not None else ""
    return f"temperature and thresholds were chosen{mean}{prior}" if mean or prior else ""
