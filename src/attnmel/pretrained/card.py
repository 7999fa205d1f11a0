"""The card of a pretrained model: the file card.json in its folder. No torch."""

from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, ValidationError

from attnmel import NOTICE
from attnmel.config.settings.tta import NO_TRANSFORMS
from attnmel.errors import CheckpointError

MOST_BYTES = 20_000_000
"""Largest size of the files of one model together, since they are part of every installation."""


class _Fact(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


class FileFact(_Fact):
    """Size and checksum of a file."""

    size: int
    sha256: str


class SourceFact(_Fact):
    """A set of images or weights that the model was made from."""

    name: str
    use: str
    licence: str
    source: str


class Measured(_Fact):
    """One measure with its 95 % interval."""

    task: str
    measure: str
    value: float
    low: float
    high: float


class OperatingFact(_Fact):
    """A threshold of the model's probability, with its sensitivity and specificity on two sets of images.

    The probability is calibrated where the model has a temperature, as everywhere.
    """

    task: str
    """The class that is predicted strictly above the threshold."""
    target: float
    """Target sensitivity."""
    threshold: float
    chosen_sensitivity: float
    """On the images that it was chosen on, as the specificity."""
    chosen_specificity: float
    chosen: tuple[Measured, ...] = ()
    """Both with their intervals; empty if an earlier version wrote the card."""
    chosen_images: int = 0
    chosen_positives: int = 0
    sensitivity: Measured
    """On the test images, as the specificity."""
    specificity: Measured


class CalibrationFact(_Fact):
    """Calibration of the probabilities."""

    temperature: float | None
    """None if none could be fitted."""
    before: tuple[Measured, ...]
    """On the test images, without the temperature."""
    after: tuple[Measured, ...]
    """On the test images, with the temperature; empty without one."""


class Words(_Fact):
    """The parts of the card that people write, as in `benchmarks/pretrained/pretrained.toml`."""

    name: str
    """Name of the model and of its folder."""
    title: str
    made: tuple[str, ...]
    """Commands that made it, in order."""
    chosen_on: str
    """In words: the images that temperature and thresholds were chosen on."""
    data: tuple[SourceFact, ...]
    limits: tuple[str, ...]


class ModelCard(Words):
    """Everything that a user of the model should know; all measures are of the rounded weights in its files."""

    network: str
    """In words."""
    size: int
    """Side of the network's input in pixels."""
    transforms: str = NO_TRANSFORMS
    """Of each image, whose probabilities are averaged, as `--tta` names them; everything on the card is of the mean."""
    classes: tuple[str, ...]
    parameters: int
    judged_on: str
    """In words: data set, split and images of each class."""
    measures: tuple[Measured, ...]
    operating: tuple[OperatingFact, ...]
    calibration: CalibrationFact
    licence: str
    """Of the data and start weights."""
    notice: str = NOTICE
    versions: dict[str, str]
    files: dict[str, FileFact]
    """By path in the folder of the model."""

    def measure(self, name: str) -> Measured:
        """Return a measure of the first target class on the test images.

        Raises:
            KeyError: there is no measure of that name.
        """
        for one in self.measures:
            if one.measure == name:
                return one
        raise KeyError(name)


def read_model_card(path: Path) -> ModelCard:
    """Read a card.

    Raises:
        CheckpointError: the file is missing or damaged.
    """
    if not path.is_file():
        raise CheckpointError(f"{path}, the card of a pretrained model, is missing; install attnmel again")
    try:
        return ModelCard.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise CheckpointError(
            f"{path}, the card of a pretrained model, is damaged or of another version ({error.error_count()} of its "
            "fields cannot be read); install attnmel again"
        ) from None
