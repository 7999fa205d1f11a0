"""The readings of a study as arrays, and the area under the ROC curve of each reader with each modality.

Shapes: M modalities, R readers, N cases, P diseased cases, H healthy cases.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float

from attnmel.errors import ReadingsError, counted, require_known


@dataclass(frozen=True, eq=False)
class Readings:
    """What each reader answered to each case with each modality (without support, with support, another device).

    Any design: a case that a reader did not read with a modality has NaN there. A higher score is more suspicious; only
    the order of a reader's scores matters for ROC curves.

    Raises:
        ReadingsError: shapes do not fit, no diseased or no healthy case, or nothing was read.
    """

    modalities: tuple[str, ...]
    readers: tuple[str, ...]
    cases: tuple[str, ...]
    diseased: Bool[np.ndarray, " N"]
    scores: Float[np.ndarray, "M R N"]

    def __post_init__(self) -> None:
        expected = (len(self.modalities), len(self.readers), len(self.cases))
        if self.scores.shape != expected or len(self.diseased) != len(self.cases):
            raise ReadingsError(
                f"scores of shape {self.scores.shape} and {len(self.diseased)} truths; expected {expected}"
            )
        if np.isinf(self.scores).any():
            raise ReadingsError("a score is infinite; expected a number, or NaN where a case was not read")
        if not self.read.any():
            raise ReadingsError("no reading; expected scores of at least one reader")
        positives = int(self.diseased.sum())
        if not 0 < positives < len(self.diseased):
            raise ReadingsError(
                f"{counted(positives, 'diseased case')} and {counted(len(self.diseased) - positives, 'healthy case')}; "
                "an ROC curve needs at least one of each"
            )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Readings):
            return NotImplemented
        names = [(one.modalities, one.readers, one.cases) for one in (self, other)]
        same = np.array_equal(self.diseased, other.diseased)
        return names[0] == names[1] and same and np.array_equal(self.scores, other.scores, equal_nan=True)

    @property
    def read(self) -> Bool[np.ndarray, "M R N"]:
        """Whether a case was read."""
        return ~np.isnan(self.scores)

    @property
    def present(self) -> Bool[np.ndarray, "M R"]:
        """Whether a reader read at least one case with a modality."""
        return np.asarray(self.read.any(axis=2))

    @property
    def crossed(self) -> bool:
        """Whether every reader read every case with every modality."""
        return bool(self.read.all())

    def modality(self, name: str) -> int:
        """Return the place of a modality.

        Raises:
            ConfigError: there is none of that name.
        """
        require_known("modality", name, self.modalities)
        return self.modalities.index(name)

    def of(self, modalities: Sequence[str]) -> "Readings":
        """Return the readings with these modalities, of the readers and cases that occur in them."""
        scores = self.scores[[self.modality(name) for name in modalities]]
        known = ~np.isnan(scores)
        return replace(self, modalities=tuple(modalities), scores=scores)._among(
            np.asarray(known.any(axis=(0, 2))), np.asarray(known.any(axis=(0, 1)))
        )

    def of_readers(self, readers: Bool[np.ndarray, " R"]) -> "Readings":
        """Return the readings of some readers, of the cases that they read."""
        return self._among(readers, np.asarray(self.read[:, readers].any(axis=(0, 1))))

    def _among(self, readers: Bool[np.ndarray, " R"], cases: Bool[np.ndarray, " N"]) -> "Readings":
        return replace(
            self,
            readers=tuple(name for name, kept in zip(self.readers, readers, strict=True) if kept),
            cases=tuple(name for name, kept in zip(self.cases, cases, strict=True) if kept),
            diseased=self.diseased[cases],
            scores=self.scores[:, readers][:, :, cases],
        )


def pair_scores(diseased: Float[np.ndarray, " P"], healthy: Float[np.ndarray, " H"]) -> Float[np.ndarray, "P H"]:
    """Score each pair of a diseased and a healthy case: 1 if ordered rightly, 1/2 if equal, 0 otherwise and for NaN."""
    higher, equal = diseased[:, None] > healthy, diseased[:, None] == healthy
    return higher + 0.5 * equal


def placements(readings: Readings) -> Float[np.ndarray, "M R N"]:
    """Return how well each case is placed among those of the other kind: its mean pair score, NaN where not read.

    The mean of the diseased cases' placements, and that of the healthy ones, is the AUC.
    """
    placed = np.full(readings.scores.shape, np.nan)
    sick = readings.diseased
    for place in np.ndindex(readings.scores.shape[:2]):
        read = ~np.isnan(readings.scores[place])
        positive, negative = read & sick, read & ~sick
        if positive.any() and negative.any():
            pairs = pair_scores(readings.scores[place][positive], readings.scores[place][negative])
            placed[place][positive], placed[place][negative] = pairs.mean(axis=1), pairs.mean(axis=0)
    return placed


def reader_aucs(readings: Readings) -> Float[np.ndarray, "M R"]:
    """Return the area under the empirical ROC curve of each reader with each modality, in [0, 1].

    NaN where a reader read no diseased or no healthy case with a modality.
    """
    placed = placements(readings)[..., readings.diseased]
    known = ~np.isnan(placed)
    counts = known.sum(axis=2)
    return np.divide(
        np.where(known, placed, 0).sum(axis=2), counts, out=np.full(counts.shape, np.nan), where=counts > 0
    )
