"""What is known of a model that comes with the program: the file card.json in its folder. No torch."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from attnmel import NOTICE
from attnmel.errors import CheckpointError

MOST_BYTES = 20_000_000
"""That checkpoint and ONNX file of one model may take together: they come with every installation."""


class _Fact(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


class FileFact(_Fact):
    """By what a file is known to be whole."""

    size: int
    sha256: str


class Source(_Fact):
    """One set of images or weights that the model was made from."""

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
    """One threshold on the calibrated probability, with what it reaches on the images that chose it and on the test."""

    task: str
    """The class that is called strictly above the threshold."""
    target: float
    """Sensitivity aimed at."""
    threshold: float
    chosen_sensitivity: float
    """On the images that chose it, as the specificity."""
    chosen_specificity: float
    sensitivity: Measured
    """On the test images, as the specificity."""
    specificity: Measured


class CalibrationFact(_Fact):
    """How far the probabilities can be believed."""

    temperature: float | None
    """None where none could be fitted."""
    before: tuple[Measured, ...]
    """On the test images, as predicted."""
    after: tuple[Measured, ...]
    """At the temperature; empty without one."""


class Words(_Fact):
    """What people write about a model; `benchmarks/pretrained.toml` holds it for the model that comes along."""

    name: str
    """Also of its folder."""
    title: str
    made: tuple[str, ...]
    """Commands, in their order."""
    chosen_on: str
    """In words: the images that temperature and thresholds were chosen on."""
    data: tuple[Source, ...]
    limits: tuple[str, ...]


class ModelCard(Words):
    """All that a user of the model should know; measures are of the weights as they are stored, after rounding."""

    network: str
    """In words."""
    size: int
    """Side of the network's input in pixels."""
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
    """By path in the model's folder."""

    def measure(self, name: str) -> Measured:
        """Return a measure of the main task on the test images.

        Raises:
            KeyError: there is none of that name.
        """
        for one in self.measures:
            if one.measure == name:
                return one
        raise KeyError(name)


def read_model_card(path: Path) -> ModelCard:
    """Read a card.

    Raises:
        CheckpointError: there is none, or it is damaged.
    """
    if not path.is_file():
        raise CheckpointError(
            f"{path.parent.name} should have come with attnmel, but {path} is missing; install attnmel again"
        )
    try:
        return ModelCard.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise CheckpointError(
            f"{path}, which came with attnmel, is damaged or of another version ({error.error_count()} of its fields "
            "cannot be read); install attnmel again"
        ) from None
