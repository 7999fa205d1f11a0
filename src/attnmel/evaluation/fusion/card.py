"""What a fusion is made of: its members with their hashes, and all that was fitted, as JSON in its file. No torch."""

from pathlib import Path
from typing import Literal

import numpy as np

from attnmel import NOTICE, __version__
from attnmel.config.fields import Classes, Positives
from attnmel.config.fusion import Rule
from attnmel.config.recipe import Settings
from attnmel.errors import PredictionsError
from attnmel.evaluation.fusion.fusion import Fusion
from attnmel.evaluation.fusion.stack import Stack
from attnmel.files.checksums import file_sha256
from attnmel.files.folders import RunFolder
from attnmel.models.weights.card import checked, require_version

KEY = "attnmel-fusion"
"""Key of the card among the texts of a checkpoint, next to that of every checkpoint."""

VERSION = 1
"""Raised whenever the same card would give other predictions."""

Kind = Literal["run", "predictions", "submission"]


class MemberFacts(Settings):
    """One of the fused runs or files."""

    name: str
    """As it was given."""
    kind: Kind
    path: str
    """Absolute."""
    from_fusion: str | None
    """The path from the fusion's folder, where the member is looked for first; None of another drive."""
    sha256: str
    """Of the file; of a run, of its best checkpoint."""
    validation: str = ""
    """Absolute path of a file's validation predictions."""
    validation_from_fusion: str | None = None
    """Their path from the fusion's folder, as `from_fusion`."""
    validation_sha256: str = ""
    weight: float
    """Validation accuracy where the rule uses it, else 1."""


class StackFacts(Settings):
    """The logistic models of one class: log-odds to base 2 of the members, times the slopes, plus the offset."""

    slopes: tuple[tuple[float, ...], ...]
    offsets: tuple[float, ...]


class FusionCard(Settings):
    """The card of a fusion."""

    notice: str = NOTICE
    licence: str
    """Of the data that the members were trained on, as far as it is known."""
    version: int = VERSION
    made_by: str = f"attnmel {__version__}"
    by: Rule
    seed: int
    dataset: str
    """That the classes are named after."""
    split: str
    """That files among the members are of."""
    classes: Classes
    positives: Positives
    fitted_on: str
    """In words; "nothing" for a rule without anything to fit."""
    members: tuple[MemberFacts, ...]
    stacks: tuple[StackFacts, ...] = ()

    @property
    def fusion(self) -> Fusion:
        """The rule with all that it was fitted to."""
        stacks = tuple(Stack(np.array(one.slopes), np.array(one.offsets)) for one in self.stacks)
        return Fusion(self.by, np.array([one.weight for one in self.members]), stacks)


def located(facts: MemberFacts, folder: Path) -> Path:
    """Return where a member of the fusion in a folder is: at its path from there, or else at its absolute one.

    Raises:
        PredictionsError: it is no longer there, or has changed since the fusion.
    """
    path = _near(facts.from_fusion, facts.path, folder)
    _check(_file(facts, path), facts.sha256, folder)
    return path


def has_changed(facts: MemberFacts, folder: Path) -> bool:
    """Whether a member of the fusion in a folder is there, but is another one than was fused."""
    file = _file(facts, _near(facts.from_fusion, facts.path, folder))
    return file.is_file() and file_sha256(file) != facts.sha256


def located_validation(facts: MemberFacts, folder: Path) -> Path | None:
    """Return where a file's validation predictions are, as `located`; None of a member without any.

    Raises:
        PredictionsError: as `located`.
    """
    if not facts.validation:
        return None
    path = _near(facts.validation_from_fusion, facts.validation, folder)
    _check(path, facts.validation_sha256, folder)
    return path


def _file(facts: MemberFacts, path: Path) -> Path:
    return RunFolder(path).best if facts.kind == "run" else path


def _near(from_fusion: str | None, absolute: str, folder: Path) -> Path:
    if "\0" in f"{absolute}{from_fusion}":
        raise PredictionsError(f"{folder} names a member that no file can have; fuse again")
    nearby = (folder.resolve() / from_fusion).resolve() if from_fusion else None
    return nearby if nearby is not None and nearby.exists() else Path(absolute)


def _check(file: Path, expected: str, folder: Path) -> None:
    if not file.is_file():
        raise PredictionsError(
            f"{file}, a member of the fusion {folder}, is no longer there; put it back, or fuse again"
        )
    if file_sha256(file) != expected:
        raise PredictionsError(f"{file}, a member of the fusion {folder}, has changed since; fuse again")


def stack_facts(fusion: Fusion) -> tuple[StackFacts, ...]:
    """Return the fitted stacks as plain values."""
    return tuple(
        StackFacts(slopes=tuple(map(tuple, one.slopes.tolist())), offsets=tuple(one.offsets.tolist()))
        for one in fusion.stacks
    )


def read_fusion_card(text: str, path: Path) -> FusionCard:
    """Read the card that the file at `path` holds.

    Raises:
        CheckpointError: it is of another version, or cannot be read.
    """
    require_version(text, path, VERSION, what="a fusion", remedy="fuse its members again with `attnmel fuse`")
    return checked(text, FusionCard.model_validate_json, path)
