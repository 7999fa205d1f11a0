"""The answers of `attnmel.evaluate`, `recalibrate`, `compare`, `score` and `fuse`: as plain values and as frames."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attnmel.errors import counted
from attnmel.files.data_frames import frame

if TYPE_CHECKING:
    from pandas import DataFrame

    from attnmel.evaluation.challenge.score import ChallengeReport
    from attnmel.pipeline.evaluate.compare import RunsCompared
    from attnmel.pipeline.evaluate.recalibrate import Recalibrated
    from attnmel.pipeline.fuse.fuse import Fused
    from attnmel.pipeline.run.results.details import Details
    from attnmel.pipeline.run.results.results import SplitResults
    from attnmel.pipeline.run.run import Run

ROW = ("task", "measure", "value", "low", "high")


@dataclass(frozen=True)
class EvaluatedRun:
    """The results of one run on one split or data set."""

    run: "Run"
    results: "SplitResults" = field(repr=False)
    details: "Details | None" = field(repr=False)
    """Operating points, official measures, calibration, decision curve, subgroups."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return self.results.as_dict() | {"details": self.details.as_dict() if self.details else None}

    def to_frame(self) -> "DataFrame":
        """Return a table with a row for each task and measure."""
        rows = self.results.judgement.rows
        return frame({"run": str(self.run.path)} | {name: getattr(row, name) for name in ROW} for row in rows)


@dataclass(frozen=True)
class Evaluated:
    """The results of a run, or of every seed of a recipe."""

    runs: tuple[EvaluatedRun, ...]

    @property
    def results(self) -> "SplitResults":
        """Those of the only run, or of the first seed."""
        return self.runs[0].results

    def to_dict(self) -> dict[str, Any] | list[dict[str, Any]]:
        """Return plain values, as `attnmel evaluate --json`: of one run an object, of several seeds a list of them."""
        plain = [one.to_dict() for one in self.runs]
        return plain[0] if len(plain) == 1 else plain

    def to_frame(self) -> "DataFrame":
        """Return a table with a row for each run, task and measure."""
        return frame(
            {"run": str(one.run.path)} | {name: getattr(row, name) for name in ROW}
            for one in self.runs
            for row in one.results.judgement.rows
        )


@dataclass(frozen=True)
class RecalibratedRun:
    """A copy of a run for another place."""

    run: "Run"
    found: "Recalibrated" = field(repr=False)
    """Offsets, temperature and thresholds, and the calibration before and after."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as `attnmel recalibrate --json`."""
        return self.found.as_dict()

    def to_frame(self) -> "DataFrame":
        """Return a table with a row for each measure of the calibration, before and after."""
        scales = {"before": self.found.before, "after": self.found.after}
        return frame(
            {"scale": scale, "measure": name, "value": one.value, "low": one.low, "high": one.high}
            for scale, reliability in scales.items()
            for name, one in reliability.measures.items()
        )


@dataclass(frozen=True)
class ComparedRuns:
    """Runs against each other on the same images."""

    found: "RunsCompared"

    def __repr__(self) -> str:
        rows = counted(len(self.found.comparison.differences), "difference")
        return f"ComparedRuns({rows}; see .sentences, .to_dict() and .to_frame())"

    @property
    def sentences(self) -> tuple[str, ...]:
        """Each difference in words."""
        return tuple(self.to_dict()["sentences"])

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as `attnmel compare --json`."""
        return self.found.as_dict()

    def to_frame(self) -> "DataFrame":
        """Return a table with a row for each pair, task and measure; `corrected` is p after Holm's correction."""
        names = ("first", "second", "task", "measure", "first_value", "second_value", "value", "low", "high")
        return frame(
            {name: getattr(row, name) for name in names}
            | {"p": row.outcome.chosen.p, "corrected": row.corrected}
            | {"detectable": row.detectable, "shown": row.shown}
            for row in self.found.comparison.differences
        )


@dataclass(frozen=True)
class Scored:
    """A submission by the official measures of a challenge."""

    report: "ChallengeReport"

    def __repr__(self) -> str:
        return f"Scored({counted(len(self.report.rows), 'measure')}; see .to_dict() and .to_frame())"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as `attnmel score --json`."""
        from attnmel.pipeline.evaluate.score import score_dict

        return score_dict(self.report)

    def to_frame(self) -> "DataFrame":
        """Return a table with a row for each task and measure."""
        return frame({name: getattr(row, name) for name in ROW} for row in self.report.rows)


@dataclass(frozen=True)
class FusedRuns:
    """Several predictions as one, and what was written."""

    found: "Fused"

    def __repr__(self) -> str:
        return f"FusedRuns({str(self.out)!r}; see .to_dict() and .to_frame())"

    @property
    def out(self) -> Path:
        """The file, or the folder, which is a run."""
        return self.found.out

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as `attnmel fuse --json`."""
        found = self.found
        return {"out": str(found.out), "measures": found.measures, **found.card.model_dump()}

    def to_frame(self) -> "DataFrame":
        """Return a table with AUC and AP of each member, the plain mean and the fusion; empty without labels."""
        return frame(
            {"member": name, "task": task, "auc": auc, "ap": ap}
            for name, by_class in self.found.measures.items()
            for task, (auc, ap) in by_class.items()
        )
