"""A study of readers from plain columns: AUCs over readers and cases, differences, a machine, decisions, agreement."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attnmel.arguments import checked_arguments
from attnmel.errors import ReadingsError, counted, listed
from attnmel.evaluation.readers.inference.covariance import CovarianceMethod
from attnmel.evaluation.readers.study import analyse_readings
from attnmel.evaluation.readers.study_results import StudyAnalysis, StudyOptions
from attnmel.files.data_frames import frame
from attnmel.pipeline.study.analysis.analysis_dict import analysis_dict
from attnmel.pipeline.study.analysis.analysis_rows import analysis_rows
from attnmel.pipeline.study.analysis.power import Plan, PowerRow, power_rows, two_aucs
from attnmel.pipeline.study.analysis.study_data import ReadingRow, study_data
from attnmel.progress import SILENT
from attnmel.statistics.inputs import Column, Columns, Data

if TYPE_CHECKING:
    from pandas import DataFrame

SOURCE = Path("the readings")
"""What messages call the columns, which are no file."""


@dataclasses.dataclass(frozen=True)
class ReaderStudy:
    """All results of a study of readers."""

    analysis: StudyAnalysis

    def __repr__(self) -> str:
        modalities = counted(len(self.analysis.modalities), "modality", "modalities")
        return f"ReaderStudy({modalities}; see .to_dict() and .to_frame())"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as `attnmel study analyse --json`."""
        return analysis_dict(self.analysis)

    def to_frame(self) -> "DataFrame":
        """Return a table with the mean AUC of each modality and each difference, for other readers and other cases."""
        return frame(analysis_rows(self.analysis))


@checked_arguments()
def readers(
    reader: Column = "reader",
    case: Column = "case",
    modality: Column = "modality",
    score: Column = "score",
    truth: Column = "truth",
    *,
    data: Data | None = None,
    positive: object = None,
    machines: Sequence[str] = (),
    reference: str | None = None,
    threshold: float | None = None,
    machine_threshold: float | Mapping[str, float] | None = None,
    margin: float | None = None,
    covariance: CovarianceMethod = "jackknife",
) -> ReaderStudy:
    """Analyse a study of readers, of any design, for other readers and other cases.

    Shapes: one value of each column for each reading. Range: AUCs in [0, 1], differences in [-1, 1]; a higher score is
    more suspicious. `machines` and `reference` are modalities, found where they are not named; answers above the
    `threshold` are positive, those of machines above the `machine_threshold`, of all or by name; `margin` is the loss
    of AUC that would matter. Obuchowski and Rockette 1995 with Hillis 2007, U-statistics after Gallas 2006, agreement
    after Gwet 2008 (docs/how-to/study.md).

    Raises:
        PredictionsError: columns that do not fit, or a missing name.
        ReadingsError: a reading twice, two truths of a case, or cases of one kind alone; lists the rows.
        ConfigError: an unknown modality, or a margin outside (0, 1).
    """
    columns = Columns(data)
    texts = [columns.names(what, one) for what, one in (("reader", reader), ("case", case), ("modality", modality))]
    scores = columns.scores("score", score).tolist()
    truths = columns.truth("truth", truth, positive).tolist()
    rows = [
        ReadingRow(line, *words, score=value)
        for line, (*words, value) in enumerate(zip(*texts, scores, strict=True), 1)
    ]
    known = dict(zip(texts[1], truths, strict=True))
    both = sorted({name for name, value in zip(texts[1], truths, strict=True) if known[name] != value})
    if both:
        raise ReadingsError(f"cases with two truths: {listed(both)}; expected one truth for each case")
    read = study_data(SOURCE, rows, known)
    options = StudyOptions(
        machines=tuple(machines),
        reference=reference,
        threshold=threshold,
        machine_threshold=machine_threshold,
        margin=margin,
        covariance=covariance,
    )
    return ReaderStudy(analyse_readings(read.readings, options))


@checked_arguments()
def power(
    readers: int | Sequence[int] = (5, 10, 15),
    cases: int | Sequence[int] = (50, 100, 200),
    *,
    aucs: Sequence[float] = (0.85, 0.80),
    prevalence: float = 0.5,
    machine: bool = False,
    margin: float | None = None,
) -> list[PowerRow]:
    """Return the interval and power of a planned study, a row for each number of readers and of cases.

    `aucs` are expected of the first and the second modality, in [0, 1]; `machine`: the first is one machine. By the
    formula of Hillis, Obuchowski and Berbaum 2011, with moderate variances (Roe and Metz 1997; docs/how-to/study.md).

    Raises:
        ConfigError: a number that no study can have.
    """
    numbers, sizes = ((one,) if isinstance(one, int) else tuple(one) for one in (readers, cases))
    two = two_aucs(aucs)
    plan = Plan(readers=numbers, cases=sizes, prevalence=prevalence, aucs=two, machine=machine, margin=margin)
    return power_rows(plan, SILENT)
