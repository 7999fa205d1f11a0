"""What a fitted system is made of and was fitted on: its settings and manifest, as JSON inside its file. No torch."""

from pathlib import Path
from typing import NamedTuple

from attnmel.config.fields import Classes, Means, Size, Spreads, Width
from attnmel.config.recipe import Settings
from attnmel.config.system import Feature, Kernel, Scaling, SvmSettings
from attnmel.models.weights.card import checked, require_version

SYSTEM = "attnmel-system"
"""Key of the card among the texts of a checkpoint, next to that of every checkpoint."""

VERSION = 1
"""Of the card and its arrays: raised whenever the same file would give other predictions."""


class TrunkFacts(Settings):
    """A network whose weights are in the system's file."""

    network: str
    own: str = ""
    trunk: str
    width: Width
    padding: str
    attention: str
    passing: str = "both"
    without: tuple[str, ...] = ()
    grid: str = "disc"
    heads: str = "softmax"
    branches: tuple[str, ...] = ()
    classes: int
    mean: Means
    """Of the RGB in [0, 1] that it takes."""
    std: Spreads
    origin: str
    """In words."""
    licence: str | None
    sha256: str
    """Of the weights."""


class SvmFacts(Settings):
    """One of the SVMs whose probabilities are averaged."""

    name: str
    feature: str
    tap: str
    context: float
    numbers: int
    """Of the feature vector."""
    kernel: Kernel
    scaling: Scaling
    unit: float
    gamma: float
    cost: float
    auc: float
    """Mean over the held-out folds of the training images."""
    logistics: tuple[tuple[float, float], ...]
    """Slope and offset of the probability, for each class against the rest."""


class FittedImage(NamedTuple):
    """A training image of the system."""

    image: str
    group: str
    """Its lesion or patient, or its own id."""
    fold: int
    """From 1: the part that was held out to choose costs and calibrate."""


class FittedOn(Settings):
    """All images that anything was fitted on; nothing was fitted on others."""

    dataset: str
    split: str
    content: str
    """SHA-256 of the ids, groups, folds and labels, and of the images' own hash."""
    folds: int
    images: tuple[FittedImage, ...]


class SystemCard(Settings):
    """The card of a fitted system."""

    version: int = VERSION
    classes: Classes
    target: str
    """The class of the one SVM where there are two classes."""
    size: Size
    contexts: tuple[float, ...]
    features: dict[str, Feature]
    svm: SvmSettings
    trunks: dict[str, TrunkFacts]
    """By feature."""
    members: tuple[SvmFacts, ...]
    fitted_on: FittedOn


def read_system_card(text: str, path: Path) -> SystemCard:
    """Read the card that the file at `path` holds."""
    require_version(text, path, VERSION, what="a fitted system", remedy="fit it again with `attnmel train`")
    return checked(text, SystemCard.model_validate_json, path)
