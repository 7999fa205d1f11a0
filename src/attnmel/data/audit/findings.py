"""Entries of data sets -> findings: images that are in two places, and images with two labels."""

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from attnmel.data.audit.align import Match
from attnmel.data.tables.labels import BENIGN, MALIGNANT, MELANOMA, NEVUS, SEBORRHEIC_KERATOSIS
from attnmel.records import Split, plain_id

Kind = Literal["same id", "same bytes", "same picture", "same lesion", "labels differ", "alike"]
KINDS: tuple[Kind, ...] = ("same id", "same bytes", "same picture", "same lesion", "labels differ", "alike")
"""What is found of two entries. Of the first three a pair has one, the first that is true; a lesion's name and labels
are compared as well; "alike" only means that two images have similar embeddings."""

LEAKS: tuple[Kind, ...] = ("same id", "same bytes", "same picture", "same lesion")
"""Kinds of finding between a training and a test image that make the test image known to a network."""

MELANOMAS = frozenset({"MEL"})
KERATOSES = frozenset({"BKL"})
NEVI = frozenset({"NV"})
CARCINOMAS = frozenset({"AK", "SCC"})
"""Of AKIEC: HAM10000's 327 became 130 AK and 197 SCC in ISIC 2019."""
MEANINGS: Mapping[str, frozenset[str]] = {
    **{name: frozenset({name}) for name in ("MEL", "NV", "BCC", "AK", "SCC", "BKL", "DF", "VASC")},
    "AKIEC": CARCINOMAS,
    "SCCKA": frozenset({"SCC"}),
    MELANOMA: MELANOMAS,
    **dict.fromkeys((SEBORRHEIC_KERATOSIS, "seborrheic keratosis", "solar lentigo", "lichenoid keratosis"), KERATOSES),
    **dict.fromkeys((NEVUS, "common nevus", "atypical nevus"), NEVI),
    MALIGNANT: MELANOMAS | {"BCC"} | CARCINOMAS,
    BENIGN: NEVI | KERATOSES | {"DF", "VASC"},
}
"""What the labels of the known data sets may mean, in the diagnoses of ISIC 2019."""


@dataclass(frozen=True)
class AuditEntry:
    """One image of one data set."""

    dataset: str
    split: Split | None
    image_id: str
    digest: str
    """SHA-256 of the file."""
    diagnosis: str | None
    group: str | None
    """Lesion or patient, where it is known."""

    @property
    def side(self) -> str:
        """Return the data set and split, as they are named on the command line."""
        return f"{self.dataset}:{self.split}" if self.split else self.dataset


@dataclass(frozen=True)
class AuditFinding:
    """A finding on two entries, by their indices."""

    kind: Kind
    first: int
    second: int
    likeness: float | None = None
    """Correlation of fine structure, or cosine of embeddings; None where pictures were not compared."""
    symmetry: int = 0
    """What the second picture is turned by to lie like the first; see `candidates.turned`."""


def findings_of(entries: Sequence[AuditEntry], matches: Iterable[tuple[str, str, Match]]) -> tuple[AuditFinding, ...]:
    """Return everything found of the entries; each match has the digests of its two pictures."""
    copies = [*_same_ids(entries), *_same_bytes(entries), *_same_pictures(entries, matches)]
    conflicts = [
        AuditFinding("labels differ", one.first, one.second, one.likeness, one.symmetry)
        for one in copies
        if labels_differ(entries[one.first], entries[one.second])
    ]
    return (*copies, *_same_lesions(entries), *conflicts)


def labels_differ(one: AuditEntry, other: AuditEntry) -> bool:
    """Whether two labels cannot both be true of one picture; unknown words are compared within a data set only."""
    if one.diagnosis is None or other.diagnosis is None or one.diagnosis == other.diagnosis:
        return False
    if one.diagnosis in MEANINGS and other.diagnosis in MEANINGS:
        return not MEANINGS[one.diagnosis] & MEANINGS[other.diagnosis]
    return one.dataset == other.dataset


def repeated_lesions(entries: Sequence[AuditEntry]) -> dict[tuple[str, str], list[int]]:
    """Return the entries of every lesion or patient that has several, by data set and name."""
    lesions: dict[tuple[str, str], list[int]] = defaultdict(list)
    for place, entry in enumerate(entries):
        if entry.group is not None:
            lesions[entry.dataset, entry.group].append(place)
    return {name: places for name, places in lesions.items() if len(places) > 1}


def _same_ids(entries: Sequence[AuditEntry]) -> Iterator[AuditFinding]:
    for places in _by(plain_id(entry.image_id) for entry in entries):
        for first, second in itertools.combinations(places, 2):
            same = entries[first].digest == entries[second].digest
            yield AuditFinding("same id", first, second, 1.0 if same else None)


def _same_bytes(entries: Sequence[AuditEntry]) -> Iterator[AuditFinding]:
    for places in _by(entry.digest for entry in entries):
        for first, second in itertools.combinations(places, 2):
            if plain_id(entries[first].image_id) != plain_id(entries[second].image_id):
                yield AuditFinding("same bytes", first, second, 1.0)


def _same_pictures(entries: Sequence[AuditEntry], matches: Iterable[tuple[str, str, Match]]) -> Iterator[AuditFinding]:
    places: dict[str, list[int]] = defaultdict(list)
    for place, entry in enumerate(entries):
        places[entry.digest].append(place)
    for one, other, match in matches:
        for first, second in itertools.product(places[one], places[other]):
            if plain_id(entries[first].image_id) != plain_id(entries[second].image_id):
                yield AuditFinding("same picture", first, second, match.likeness, match.symmetry)


def _same_lesions(entries: Sequence[AuditEntry]) -> Iterator[AuditFinding]:
    # By name alone, as `evaluate --on` compares them: another data set may hold other images of a lesion.
    named = [(place, entry.group) for place, entry in enumerate(entries) if entry.group is not None]
    for members in _by(group for _, group in named):
        for first, second in itertools.combinations(members, 2):
            yield AuditFinding("same lesion", named[first][0], named[second][0])


def _by(names: Iterable[str]) -> list[list[int]]:
    """Return the places of every name that has several."""
    places: dict[str, list[int]] = defaultdict(list)
    for place, name in enumerate(names):
        places[name].append(place)
    return [some for some in places.values() if len(some) > 1]
