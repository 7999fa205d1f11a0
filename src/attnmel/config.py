"""Recipes: frozen settings, read from TOML, changed by `--set key=value`, checked before anything runs. No torch."""

import tomllib
from collections.abc import Iterator, Sequence
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from attnmel.errors import ConfigError, require_known

Network = Literal["vgg16", "vgg16-gap", "mel-cnn", "attnmel-cnn"]
Trunk = Literal["vgg16_bn", "vgg16"]
Prior = Literal["none", "lesion", "background"]
Precision = Literal["auto", "float32", "bf16"]
Rgb = tuple[float, float, float]
Positive = Annotated[int, Field(ge=1)]

STRIDE = 32
"""Total stride of every trunk: an input size is a multiple of it."""


class Settings(BaseModel):
    """A frozen group of settings that refuses keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Statistics(Settings):
    """Normalisation of RGB in [0, 1], with where the numbers are from."""

    of: str
    """The data set they were computed on; another data set has its own computed."""
    mean: Rgb
    std: Rgb
    source: str

    @model_validator(mode="after")
    def _spread(self) -> "Statistics":
        if min(self.std) <= 0:
            raise ValueError(f"std must be above 0 in each channel, got {self.std}")
        return self


class DataSettings(Settings):
    """Which images, cut and repeated how."""

    dataset: str
    """A known data set, or a folder with labels.csv."""
    classes: tuple[str, ...] = Field(min_length=2)
    """Diagnoses; "rest" takes those that are not named."""
    positives: tuple[str, ...] = Field(min_length=1)
    """Classes judged against all others; the first is the main task."""
    crop: float = Field(default=0.8, gt=0, le=1)
    """Side of the central square as a share of the image's shorter side."""
    size: int = Field(default=224, ge=STRIDE, multiple_of=STRIDE)
    """Side of the network's input in pixels; images are kept at 8/7 of it, for random crops."""
    repeats: dict[str, Positive] = {}
    """How often an image of a class stands in the list of an epoch; 1 where it is not named."""
    passes: Positive = 1
    """How often an epoch goes over that list."""
    statistics: Statistics | None = None

    @property
    def side(self) -> int:
        """Side of the prepared images in pixels, 256 for an input of 224."""
        return round(self.size * 8 / 7)

    @model_validator(mode="after")
    def _names(self) -> "DataSettings":
        if len(set(self.classes)) < len(self.classes):
            raise ValueError(f"classes are doubled: {', '.join(self.classes)}")
        if unknown := [name for name in (*self.positives, *self.repeats) if name not in self.classes]:
            raise ValueError(f"positives and repeats name {', '.join(unknown)}; known: {', '.join(self.classes)}")
        return self


class ModelSettings(Settings):
    """Which network, and where its weights start."""

    network: Network
    trunk: Trunk = "vgg16_bn"
    width: float = Field(default=1.0, gt=0, le=1)
    """Share of each layer's channels that is kept."""
    attention: Literal["sigmoid", "softmax"] = "sigmoid"
    weights: str = "imagenet"
    """"imagenet" (the published address), "random", an address, a .pth file, a run folder or a checkpoint."""


class LossSettings(Settings):
    """Focal loss plus the weighted Dice terms of the attention maps."""

    gamma: float = Field(default=2.0, ge=0)
    """Focusing exponent; 0 gives cross-entropy."""
    prior: Prior = "none"
    """What the attention maps are drawn toward."""
    pool3_weight: float = Field(default=0.001, ge=0)
    pool4_weight: float = Field(default=0.01, ge=0)


class TrainingSettings(Settings):
    """Stochastic gradient descent with Nesterov momentum, a step-wise decaying rate, best epoch by validation."""

    epochs: Positive = 50
    batch: Positive = 32
    accumulate: Positive = 1
    """Parts that a batch is computed in, one after another, to save memory."""
    learning_rate: float = Field(default=0.01, gt=0)
    decay: float = Field(default=0.1, gt=0, le=1)
    decay_every: Positive = 10
    """Epochs between two decays."""
    momentum: float = Field(default=0.9, ge=0, lt=1)
    weight_decay: float = Field(default=1e-4, ge=0)
    select: Literal["auc", "ap", "balanced_accuracy"] = "auc"
    """Validation measure that chooses the best epoch."""
    seed: int = Field(default=0, ge=0)
    precision: Precision = "auto"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    devices: Positive = 1
    """Processes a machine, one device each."""
    nodes: Positive = 1
    """Machines."""

    @model_validator(mode="after")
    def _parts(self) -> "TrainingSettings":
        if self.batch % (self.accumulate * self.devices * self.nodes):
            raise ValueError(
                f"batch {self.batch} does not divide into {self.accumulate} parts "
                f"on {self.devices * self.nodes} devices"
            )
        return self


class Recipe(Settings):
    """One row of a table: all that decides a run."""

    name: str
    title: str
    published: str | None = None
    """Row of `evaluation.published` that the measures stand beside; None where nothing was published."""
    data: DataSettings
    model: ModelSettings
    loss: LossSettings = LossSettings()
    training: TrainingSettings = TrainingSettings()

    @model_validator(mode="after")
    def _gates(self) -> "Recipe":
        if self.loss.prior != "none" and self.model.network != "attnmel-cnn":
            raise ValueError(
                f"loss.prior = '{self.loss.prior}' needs a network with attention maps "
                f"(attnmel-cnn), but model.network = '{self.model.network}'"
            )
        return self


def recipe_names() -> list[str]:
    """Return the names of the recipes that come with the program."""
    return sorted(name for name, _ in _shipped(resources.files("attnmel") / "recipes"))


def load_recipe(name: str, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe by its name or from a TOML file, then apply `key=value` overrides.

    A key is dotted (`training.epochs`); a value is TOML, or else taken as text.

    Raises:
        ConfigError: an unknown recipe, key or value, all problems at once.
    """
    settings = _read_toml(name)
    for override in overrides:
        _override(settings, override)
    return make_recipe(settings)


def make_recipe(settings: dict[str, Any]) -> Recipe:
    """Check a nested dictionary and freeze it.

    Raises:
        ConfigError: lists every problem, and the known keys where one is not known.
    """
    try:
        return Recipe.model_validate(settings)
    except ValidationError as error:
        problems = [_problem(dict(one)) for one in error.errors()]
        raise ConfigError("; ".join(problems)) from None


def _shipped(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, Traversable]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _shipped(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith(".toml"):
            yield prefix + entry.name.removesuffix(".toml"), entry


def _read_toml(name: str) -> dict[str, Any]:
    path = Path(name)
    if path.suffix == ".toml":
        if not path.is_file():
            raise ConfigError(f"no recipe file {name}")
        text = path.read_text(encoding="utf-8")
    else:
        shipped = dict(_shipped(resources.files("attnmel") / "recipes"))
        require_known("recipe", name, shipped)
        text = shipped[name].read_text(encoding="utf-8")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{name} is not TOML: {error}") from None


def _override(settings: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"--set takes key=value, got '{override}'")
    *groups, last = key.strip().split(".")
    target = settings
    for group in groups:
        target = target.setdefault(group, {})
        if not isinstance(target, dict):
            raise ConfigError(f"--set {key}: '{group}' is a value, it has no keys")
    target[last] = _toml_value(text.strip())


def _toml_value(text: str) -> object:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _problem(error: dict[str, Any]) -> str:
    place = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        return f"unknown key '{place}'; known: {', '.join(_known_keys(error['loc'][:-1]))}"
    message = str(error["msg"]).removeprefix("Value error, ")
    if isinstance(error["input"], dict) or error["type"] == "value_error":
        return f"{place}: {message}" if place else message
    return f"{place} = {error['input']!r}: {message}"


def _known_keys(groups: tuple[int | str, ...]) -> list[str]:
    model: Any = Recipe
    for group in groups:
        model = _settings_class(model.model_fields[str(group)].annotation)
    return sorted(model.model_fields)


def _settings_class(annotation: Any) -> Any:  # noqa: ANN401 - a type expression of any kind
    if isinstance(annotation, type):
        return annotation
    return next(part for part in annotation.__args__ if isinstance(part, type) and issubclass(part, Settings))
