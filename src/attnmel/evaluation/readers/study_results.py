"""What is asked of a study of readers, and all results of it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from attnmel.evaluation.readers.agreement import Repeatability
from attnmel.evaluation.readers.automation import AutomationBias
from attnmel.evaluation.readers.binormal import BinormalStudy
from attnmel.evaluation.readers.decisions import DecisionThreshold, ShareAnalysis
from attnmel.evaluation.readers.inference.covariance import CovarianceMethod
from attnmel.evaluation.readers.inference.estimates import Estimate
from attnmel.evaluation.readers.inference.obuchowski_rockette import ObuchowskiRockette
from attnmel.evaluation.readers.inference.u_statistics import UStatistics
from attnmel.evaluation.readers.readings import Readings
from attnmel.evaluation.statistics.bootstrap import CONFIDENCE, Interval


@dataclass(frozen=True)
class StudyOptions:
    """What to analyse; what is not given is found in the readings."""

    machines: tuple[str, ...] = ()
    """The modalities of machines; by default each with a single reader, who is in no other."""
    reference: str | None = None
    """The modality that others are compared with; `alone` where there is one."""
    threshold: float | None = None
    """Score strictly above which a reader's answer is positive; by default what the readings say, then the middle
    of the scale, then 0.5 where all scores are 0 or 1."""
    machine_threshold: float | Mapping[str, float] | None = None
    """That of all machines, or of each by name; by default what the readings say, then that of readers."""
    stated: Mapping[str, DecisionThreshold] = field(default_factory=dict)
    """What the readings say of thresholds, by modality."""
    scale_threshold: float | None = None
    """The middle of the scale of the scores, where it is known, such as 50 of a suspicion from 0 to 100."""
    covariance: CovarianceMethod = "jackknife"
    margin: float | None = None
    """Smallest loss of AUC that would matter, for tests of non-inferiority."""
    binormal: bool = False
    """Whether binormal curves are fitted, too."""
    confidence: float = CONFIDENCE


@dataclass(frozen=True)
class ModalityResult:
    """The AUCs of one modality: of each reader with DeLong's interval on the logit scale, and averaged."""

    name: str
    readers: dict[str, Interval]
    analysis: ObuchowskiRockette | None
    """None where no reader read a diseased and a healthy case."""
    u: UStatistics


@dataclass(frozen=True)
class PairResult:
    """The AUC of the first modality minus that of the second."""

    first: str
    second: str
    readers: int
    """Who used both, or whom a machine is compared with; 0 where each modality has its own readers."""
    aucs: tuple[float, float]
    """Of the first and of the second, averaged over these readers; of a machine on the cases that each of them read."""
    random: Estimate
    """For random readers and cases (Obuchowski and Rockette)."""
    analysis: ObuchowskiRockette | None
    u: UStatistics
    non_inferior: float
    """One-sided p that the first is worse by the margin or more; NaN without a margin."""


@dataclass(frozen=True)
class MachineResult:
    """A machine alone, with intervals over cases."""

    name: str
    auc: Interval
    shares: dict[str, Interval]
    """Sensitivity, specificity and balanced accuracy; empty without a threshold."""
    threshold: DecisionThreshold | None
    """At which it decides."""


@dataclass(frozen=True)
class AgreementResult:
    """Agreement of decisions (`decisions`), and of scores of few values (`scores`)."""

    modality: str
    reader: str
    """Empty for the agreement of all readers with each other."""
    ac1: Estimate | None = None
    """Of decisions."""
    kappa: float = math.nan
    """Cohen's, of decisions; the mean over pairs of readers."""
    ac2: Estimate | None = None
    """Gwet's of scores with quadratic weights."""
    weighted_kappa: float = math.nan
    repeatability: Repeatability | None = None


@dataclass(frozen=True)
class GroupResult:
    """The readers of one level of experience."""

    level: str
    readers: tuple[str, ...]
    modalities: dict[str, Estimate]
    differences: dict[tuple[str, str], Estimate]
    toward_wrong: dict[str, Estimate] = field(default_factory=dict)
    """Automation bias, by the modality with support."""


@dataclass(frozen=True, kw_only=True)
class StudyAnalysis:
    """All results of a study; parts that the readings do not allow are empty."""

    readings: Readings
    options: StudyOptions
    threshold: float | None
    """Of readers; None where it is not known, so that nothing is said of their decisions."""
    reference: str | None
    """The modality that others are compared with; None where none is known."""
    modalities: tuple[ModalityResult, ...]
    together: ObuchowskiRockette | None
    """All modalities of the readers who used each of them; None for less than two."""
    pairs: tuple[PairResult, ...]
    machines: tuple[MachineResult, ...]
    against_machine: tuple[PairResult, ...]
    """Each machine minus the readers of each modality, but those who were shown another machine."""
    shares: dict[str, ShareAnalysis]
    """Sensitivity, specificity and balanced accuracy of the modalities of readers."""
    between: tuple[AgreementResult, ...]
    within: tuple[AgreementResult, ...]
    """Of readers with themselves, on repeated images."""
    changes: Mapping[str, AutomationBias]
    """By the modality with support, against the reference."""
    groups: tuple[GroupResult, ...]
    binormal: BinormalStudy | None
    """Of the modalities of readers; None where it is not asked for."""

    @property
    def human(self) -> tuple[str, ...]:
        """The modalities of readers, in the order of all tables: the reference last."""
        return tuple(one.name for one in self.modalities)

    @property
    def machine_names(self) -> tuple[str, ...]:
        """The modalities of machines."""
        return tuple(one.name for one in self.machines)
