"""The analysis of a study as the rows of one table."""

import math
from collections.abc import Iterator

from attnmel.evaluation.readers.inference.estimates import Estimate
from attnmel.evaluation.readers.study_results import StudyAnalysis


def analysis_rows(found: StudyAnalysis) -> Iterator[dict[str, object]]:
    """Yield the mean AUC of each modality and each difference, for other readers and other cases."""
    singles = [(one.name, "", one.analysis and one.analysis.random.means[0]) for one in found.modalities]
    pairs = [(one.first, one.second, one.random) for one in (*found.pairs, *found.against_machine)]
    return (_row(first, minus, one) for first, minus, one in (*singles, *pairs) if one is not None)


def _row(first: str, minus: str, one: Estimate) -> dict[str, object]:
    name = f"{first} - {minus}" if minus else first
    p = one.p if minus else math.nan
    return {"modality": name, "auc": one.value, "error": one.error, "low": one.low, "high": one.high, "p": p}
