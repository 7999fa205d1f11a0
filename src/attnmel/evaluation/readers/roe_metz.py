"""Simulated studies of readers, after Roe and Metz (1997), and what their figures vary by, computed without simulation.

A score is the sum of independent normal effects: of the reader, of the case, and of both with each modality. The
effects of cases have a total variance of 1.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from attnmel.errors import ConfigError
from attnmel.evaluation.readers.inference.obuchowski_rockette import Components
from attnmel.evaluation.readers.readings import Readings


@dataclass(frozen=True)
class RoeMetz:
    """Expected AUCs of the modalities, and the variances of the effects.

    The default variances are moderate: cases are read alike by different readers and modalities to about a half, and
    readers' AUCs differ with a standard deviation of about 0.03.

    Raises:
        ConfigError: an AUC not in (0, 1), a negative variance, or variances of cases that do not add up to 1.
    """

    aucs: tuple[float, ...]
    reader: float = 0.0055
    reader_modality: float = 0.0055
    case: float = 0.3
    case_modality: float = 0.3
    case_reader: float = 0.2
    error: float = 0.2

    def __post_init__(self) -> None:
        if bad := [auc for auc in self.aucs if not 0 < auc < 1]:
            raise ConfigError(f"an AUC of {bad[0]:g}; expected one between 0 and 1, such as 0.8")
        of_cases = (self.case, self.case_modality, self.case_reader, self.error)
        if min(*of_cases, self.reader, self.reader_modality) < 0 or abs(sum(of_cases) - 1) > 1e-9:
            raise ConfigError(
                "the variances of cases must not be negative and add up to 1, those of readers not negative"
            )

    @property
    def spread(self) -> float:
        """Standard deviation of the difference of a diseased and a healthy case's scores."""
        return math.sqrt(2 * (1 + self.reader + self.reader_modality))

    def draw(
        self, readers: int, healthy: int, diseased: int, generator: np.random.Generator, *, machine: bool = False
    ) -> Readings:
        """Simulate one crossed study, in which every reader reads every case with every modality.

        With a `machine` the first modality has one more reader, the only one there, who does not vary as readers do.
        """
        parts = [
            self._draw(readers + machine, count, sick, generator, machine)
            for count, sick in ((healthy, False), (diseased, True))
        ]
        scores = np.concatenate(parts, axis=2)
        names = [f"reader {number}" for number in range(1, readers + 1)]
        if machine:
            scores[0, :-1], scores[1:, -1] = np.nan, np.nan
        return Readings(
            tuple(f"modality {number}" for number in range(1, len(self.aucs) + 1)),
            (*names, "machine") if machine else tuple(names),
            tuple(f"case {number}" for number in range(1, healthy + diseased + 1)),
            np.repeat([False, True], [healthy, diseased]),
            scores,
        )

    def _draw(
        self, readers: int, cases: int, diseased: bool, generator: np.random.Generator, machine: bool
    ) -> np.ndarray:
        """Draw scores of one kind of cases, of shape (modalities, readers, cases)."""
        many = len(self.aucs)
        of_readers = sum(
            math.sqrt(variance) * generator.standard_normal(shape)
            for variance, shape in ((self.reader, (1, readers, 1)), (self.reader_modality, (many, readers, 1)))
        )
        of_cases = sum(
            math.sqrt(variance) * generator.standard_normal(shape)
            for variance, shape in (
                (self.case, (1, 1, cases)),
                (self.case_modality, (many, 1, cases)),
                (self.case_reader, (1, readers, cases)),
                (self.error, (many, readers, cases)),
            )
        )
        spread = np.full((many, 1, 1), self.spread)
        if machine:
            of_readers, spread[0] = of_readers * (np.arange(many) > 0)[:, None, None], math.sqrt(2)
        return stats.norm.ppf(self.aucs)[:, None, None] * spread * diseased + of_readers + of_cases

    def components(self, healthy: int, diseased: int) -> Components:
        """Return the expected covariances of so many cases and the variances of readers, averaged over modalities.

        Exact, by bivariate normal probabilities that two pairs of cases are both ordered rightly (Hillis 2018); mean
        squares are not defined (NaN).
        """
        kinds = {
            name: self._averaged(name, healthy, diseased)
            for name in ("same", "other modality", "other reader", "other both")
        }
        (error, both), (cov1, reader), (cov2, _), (cov3, _) = kinds.values()
        nothing = math.nan
        return Components(error, cov1, cov2, cov3, nothing, nothing, nothing, reader, both - reader)

    def _averaged(self, kind: str, healthy: int, diseased: int) -> tuple[float, float]:
        """Return the covariance over cases of two cells of one kind, and the covariance that their reader causes."""
        many = range(len(self.aucs))
        same_modality, same_reader = kind in ("same", "other reader"), kind in ("same", "other modality")
        pairs = [(one, other) for one in many for other in many if (one == other) == same_modality]
        if not pairs:  # with one modality, another one would be like it
            pairs = [(0, 0)]
        found = [self._cell(pair, same_modality, same_reader, healthy, diseased) for pair in pairs]
        return float(np.mean([cases for cases, _ in found])), float(np.mean([reader for _, reader in found]))

    def _cell(
        self, pair: tuple[int, int], same_modality: bool, same_reader: bool, healthy: int, diseased: int
    ) -> tuple[float, float]:
        reader = (2 * (self.reader + same_modality * self.reader_modality)) if same_reader else 0.0
        case = self.case + same_modality * self.case_modality + same_reader * self.case_reader
        case += self.error if same_modality and same_reader else 0.0
        apart, one, both = (self._both_right(pair, reader + shared * case) for shared in (0, 1, 2))
        weights = (healthy - 1) + (diseased - 1)
        of_cases = ((both - apart) + weights * (one - apart)) / (healthy * diseased)
        return of_cases, apart - self.aucs[pair[0]] * self.aucs[pair[1]]

    def _both_right(self, pair: tuple[int, int], covariance: float) -> float:
        """Return the probability that two pairs of cases, whose differences covary so, are both ordered rightly."""
        limits = stats.norm.ppf([self.aucs[place] for place in pair])
        correlation = covariance / self.spread**2
        if correlation > 1 - 1e-12:
            return float(stats.norm.cdf(limits.min()))
        matrix: Any = [[1.0, correlation], [correlation, 1.0]]  # scipy declares a number
        return float(stats.multivariate_normal.cdf(limits, [0.0, 0.0], matrix, abseps=1e-10, releps=1e-10))
