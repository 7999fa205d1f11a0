"""The answers of `attnmel.study`: as plain values and as frames."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attnmel.files.data_frames import frame

if TYPE_CHECKING:
    from pandas import DataFrame

    from attnmel.evaluation.readers.decisions import DecisionThreshold
    from attnmel.pipeline.study.analysis.analyse import AnalysedStudy
    from attnmel.pipeline.study.analysis.power import Plan, PowerRow
    from attnmel.pipeline.study.reader_progress import ReaderStatus


@dataclass(frozen=True)
class FrozenStudy:
    """A new study."""

    file: Path
    links: dict[str, str] = field(repr=False)
    """Of each reader; stored nowhere."""
    thresholds: "Mapping[str, DecisionThreshold]" = field(default_factory=dict)
    """Probability above which each machine calls a case diseased, and where it comes from."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as `attnmel study new --json`."""
        thresholds = {name: asdict(one) for name, one in self.thresholds.items()}
        return {"study": str(self.file), "links": self.links, "machine_thresholds": thresholds}


@dataclass(frozen=True)
class Status:
    """How far the readers of a study are."""

    readers: "tuple[ReaderStatus, ...]"

    def to_dict(self) -> list[dict[str, Any]]:
        """Return plain values, as `attnmel study status --json`."""
        return [one.as_dict() for one in self.readers]

    def to_frame(self) -> "DataFrame":
        """Return a table with a row for each reader."""
        return frame(self.to_dict())


@dataclass(frozen=True)
class Answers:
    """The tables of a study's answers."""

    out: Path
    readings: Path | None
    """What `analyse` takes; None while no reader has enough answers."""
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as `attnmel study export --json`."""
        readings = None if self.readings is None else str(self.readings)
        return {"out": str(self.out), "readings": readings, "notes": list(self.notes)}


@dataclass(frozen=True)
class Analysed:
    """The analysis of a file of readings."""

    found: "AnalysedStudy"

    def __repr__(self) -> str:
        return f"Analysed({str(self.found.file)!r}; see .sentence, .to_dict() and .to_frame())"

    @property
    def sentence(self) -> str:
        """What was read."""
        return self.found.sentence

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as `attnmel study analyse --json`."""
        return self.found.as_dict()

    def to_frame(self) -> "DataFrame":
        """Return a table with the mean AUC of each modality and each difference, for other readers and other cases."""
        from attnmel.pipeline.study.analysis.analysis_rows import analysis_rows

        return frame(analysis_rows(self.found.analysis))


@dataclass(frozen=True)
class Power:
    """The interval and power of a planned study, a row for each number of readers and of cases."""

    plan: "Plan"
    rows: "tuple[PowerRow, ...]"

    def to_dict(self) -> list[dict[str, Any]]:
        """Return plain values, as `attnmel study power --json`."""
        return [one.as_dict() for one in self.rows]

    def to_frame(self) -> "DataFrame":
        """Return a table with a row for each number of readers and of cases."""
        return frame(
            {name: value for name, value in one.items() if not isinstance(value, Mapping)}
            | {name: value for part in one.values() if isinstance(part, Mapping) for name, value in part.items()}
            for one in self.to_dict()
        )
