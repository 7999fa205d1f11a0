"""Recipes: frozen settings, read from TOML, changed by `--set key=value`, checked before anything runs. No torch."""

import re
import tomllib
from collections.abc import Iterator, Sequence
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from attnmel.errors import ConfigError, require_known
from attnmel.limits import Classes, Crop, Means, Positive, Positives, Size, Spreads, Width, check_names, prepared_side

Network = Literal["vgg16", "vgg16-gap", "mel-cnn", "attnmel-cnn"]
Trunk = Literal["vgg16_bn", "vgg16"]
Prior = Literal["none", "lesion", "background"]
Attention = Literal["sigmoid", "softmax"]
Precision = Literal["auto", "float32", "bf16"]
Selection = Literal["auc", "ap", "balanced_accuracy"]

_WORD = r"[A-Za-z0-9_][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*"
RECIPE_NAME = re.compile(rf"{_WORD}(/{_WORD})*")
LONGEST_NAME = 100
"""Characters; file systems take 255 a folder."""


class Settings(BaseModel):
    """A frozen group of settings that refuses keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Statistics(Settings):
    """Normalisation of RGB in [0, 1], with where the numbers are from."""

    of: str
    """The data set they were computed on; another data set has its own computed."""
    mean: Means
    std: Spreads
    source: str


class DataSettings(Settings):
    """Which images, cut and repeated how."""

    dataset: str = Field(min_length=1)
    """A known data set, or a folder with labels.csv."""
    classes: Classes
    """Diagnoses, in the order of the network's scores.

    A class called "rest" takes every diagnosis of a known data set that has no class of its own; a class that no image
    is of, as by a slip of the pen, is refused before training. An own folder is another matter, since its labels are
    written by hand: its labels.csv names these classes or their places (0 for the first) and nothing else. There "rest"
    is written out (or its place), and another word, such as "melnoma" or "nevus", is an error that names the line. So a
    slip of the pen never makes a melanoma one of the rest.
    """
    positives: Positives
    """Classes judged against all others; the first is the main task."""
    crop: Crop = 0.8
    """Side of the central square as a share of the image's shorter side."""
    size: Size = 224
    """Side of the network's input in pixels; images are kept at 8/7 of it, for random crops."""
    repeats: dict[str, Positive] = {}
    """How often an image of a class stands in the list of an epoch; 1 where it is not named."""
    passes: Positive = 1
    """How often an epoch goes over that list."""
    statistics: Statistics | None = None

    @property
    def side(self) -> int:
        """Side of the prepared images in pixels, 256 for an input of 224."""
        return prepared_side(self.size)

    @model_validator(mode="after")
    def _names(self) -> "DataSettings":
        check_names(self.classes, positives=self.positives, repeats=self.repeats)
        return self


class ModelSettings(Settings):
    """Which network, and where its weights start."""

    network: Network
    trunk: Trunk = "vgg16_bn"
    width: Width = 1.0
    """Share of each layer's channels that is kept."""
    attention: Attention = "sigmoid"
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
    select: Selection = "auc"
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
    """Also the folder of its runs: words of letters, digits, "-", "_" and single dots, joined by "/"."""
    title: str
    published: str | None = None
    """Row of `evaluation.published` that the measures stand beside; None where nothing was published."""
    data: DataSettings
    model: ModelSettings
    loss: LossSettings = LossSettings()
    training: TrainingSettings = TrainingSettings()

    @model_validator(mode="after")
    def _place(self) -> "Recipe":
        if not RECIPE_NAME.fullmatch(self.name) or len(self.name) > LONGEST_NAME:
            raise ValueError(
                f"name = {self.name[:LONGEST_NAME]!r}; runs lie in a folder of that name: expected one like "
                f"isic2017/attnmel-lesion (letters, digits, '-', '_', single dots and '/'), at most {LONGEST_NAME} "
                "characters"
            )
        return self

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


def changes(recipe: Recipe) -> tuple[str, ...]:
    """Say which settings a recipe changes of the shipped one of its name; nothing where none is shipped.

    The seed, and what was only worked out (colour statistics, the precision that "auto" came to), is no change.
    """
    if recipe.name not in recipe_names():
        return ()
    shipped, own = flat(load_recipe(recipe.name).model_dump()), flat(recipe.model_dump())
    return tuple(
        f"{key} {own.get(key)} instead of {shipped.get(key)}"
        for key in sorted(own | shipped)
        if own.get(key) != shipped.get(key) != "auto" and not key.startswith(("data.statistics", "training.seed"))
    )


def flat(settings: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested settings by dotted name."""
    rows: dict[str, Any] = {}
    for key, value in settings.items():
        rows |= flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return rows


def _shipped(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, Traversable]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _shipped(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith(".toml"):
            yield prefix + entry.name.removesuffix(".toml"), entry


def _read_toml(name: str) -> dict[str, Any]:
    path = Path(name)
    if path.suffix == ".toml":
        text = _read_text(path)
    else:
        shipped = dict(_shipped(resources.files("attnmel") / "recipes"))
        require_known("recipe", name, shipped)
        text = shipped[name].read_text(encoding="utf-8")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{name} is not TOML: {error}") from None


def _read_text(path: Path) -> str:
    if not path.is_file():
        raise ConfigError(f"no recipe file {path}; expected a TOML file there, or a recipe's name without .toml")
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not TOML: not UTF-8 text ({error})") from None


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
    if error["type"] == "missing":
        return f"the key '{place}' is missing"
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
