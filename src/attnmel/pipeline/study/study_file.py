"""The frozen file of a study: its cases, machines, questions and rules, with a hash that shows any change."""

import hashlib
import json
from datetime import date
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from attnmel.errors import ConfigError
from attnmel.evaluation.readers.decisions import DecisionThreshold
from attnmel.files.table_files import damage, read_json, write_json

Design = Literal["alone", "sequential", "crossed"]
Show = Literal["probability", "map", "both"]

ALONE = "alone"
"""Stage and modality of answers without support."""
SUPPORT = "support"
"""Stage of answers after a machine's output was shown."""

LONGEST_CHOICE = 200
"""Letters of a diagnosis or management that readers choose among."""

NEW_STUDY = "freeze a new one by `attnmel study new`"


class _Frozen(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")


class StudyCase(_Frozen):
    """One case; its image is in the study's folder."""

    case: str
    diagnosis: str
    diseased: bool
    image: str
    """Name of the file in `images`, which says nothing of the case."""
    sha256: str
    """Of that file."""
    training: bool = False
    """Whether it is practice, which is not analysed."""


class Machine(_Frozen):
    """A machine whose output readers see."""

    name: str
    source: str
    """What the probabilities were taken from."""
    probabilities: dict[str, float]
    """Shown probability of the disease, by case."""
    maps: dict[str, str] = Field(default_factory=dict)
    """Name and sha256 of the picture with the attention map, by case, as NAME:SHA256."""
    wrong: bool = False
    """Whether it is wrong on purpose."""
    threshold: float | None = None
    """Probability strictly above which it calls a case diseased; None in a file of an earlier version."""
    threshold_source: str = ""
    """Where the threshold comes from, in words."""
    learnt_from: tuple[str, ...] = ()
    """Cases that it is known to have learnt from, which the study was allowed to have."""


class Questions(_Frozen):
    """What readers answer to each case, besides the suspicion from 0 to 100."""

    disease: str
    """What the suspicion is of."""
    diagnoses: tuple[str, ...]
    management: tuple[str, ...]
    confidence: int = 5
    """Steps of the confidence in the answer."""


class Study(_Frozen):
    """Everything that is fixed before the first reading."""

    version: Literal[1] = 1
    name: str
    design: Design
    seed: int
    readers: tuple[str, ...]
    experience: dict[str, str] = Field(default_factory=dict)
    """Of the readers, as far as it was given."""
    cases: tuple[StudyCase, ...]
    machines: tuple[Machine, ...]
    show: Show
    repeats: int
    """Images that each reader sees a second time, alone."""
    washout_days: int
    """Between the sessions of a crossed study."""
    questions: Questions
    endpoint: str
    completion: float
    """Share of the answers that a reader has to give to be analysed."""
    ends: date | None
    """Last day on which answers are taken."""
    created: str
    software: str

    @property
    def by_name(self) -> dict[str, StudyCase]:
        """The cases by name."""
        return {one.case: one for one in self.cases}

    @property
    def thresholds(self) -> dict[str, DecisionThreshold]:
        """Where each machine decides; nothing of those in a file of an earlier version."""
        known = [one for one in self.machines if one.threshold is not None]
        return {one.name: DecisionThreshold(one.threshold or 0.0, one.threshold_source) for one in known}

    @property
    def machine_of(self) -> dict[str, Machine]:
        """The machines by name."""
        return {one.name: one for one in self.machines}


class StudyFolder:
    """The files of a study, by name."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def file(self) -> Path:
        """The frozen file."""
        return self.path / "study.json"

    @property
    def database(self) -> Path:
        """Readers and answers."""
        return self.path / "study.db"

    @property
    def images(self) -> Path:
        """The images as readers see them."""
        return self.path / "images"

    @property
    def maps(self) -> Path:
        """Attention maps over the images."""
        return self.path / "maps"


def hash_of(study: Study) -> str:
    """Return the SHA-256 of a study's content, which does not depend on how the file is laid out."""
    return _hash(study.model_dump(mode="json"))


def _hash(plain: object) -> str:
    return hashlib.sha256(json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def freeze(study: Study, folder: StudyFolder) -> str:
    """Write the file of a study; return its hash."""
    found = hash_of(study)
    write_json(folder.file, {"sha256": found, "study": study.model_dump(mode="json")}, durable=True)
    return found


def open_frozen(folder: StudyFolder) -> tuple[Study, str]:
    """Return a study and its hash.

    Raises:
        ConfigError: there is none, or it was changed after it was frozen.
    """
    if not folder.file.is_file():
        raise ConfigError(f"{folder.path} holds no study ({folder.file.name}); {NEW_STUDY}")
    with damage(folder.file, ConfigError, NEW_STUDY):
        plain = read_json(folder.file)
        stated, study = plain["sha256"], Study.model_validate(plain["study"])
    if stated != _hash(plain["study"]):  # of what is in the file: one of an earlier version lacks later fields
        raise ConfigError(f"{folder.file} was changed after it was frozen; restore it, or {NEW_STUDY}")
    return study, stated


def require_unchanged_pictures(study: Study, folder: StudyFolder) -> None:
    """Refuse a study whose pictures are not those that were frozen.

    Raises:
        ConfigError: names the first such file.
    """
    stated = {folder.images / one.image: one.sha256 for one in study.cases}
    for machine in study.machines:
        for text in machine.maps.values():
            name, _, digest = text.partition(":")
            stated[folder.maps / name] = digest
    for path, digest in stated.items():
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            raise ConfigError(f"{path} is missing or was changed after the study was frozen; restore it")
