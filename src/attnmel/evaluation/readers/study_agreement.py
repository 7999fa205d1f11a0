"""Agreement in a study: of the readers of a modality with each other, and of the two answers of each."""

import math
from collections.abc import Iterable, Sequence

import numpy as np
from jaxtyping import Float

from attnmel.evaluation.readers.agreement import cohen_kappa, gwet, mean_kappa, repeatability
from attnmel.evaluation.readers.decisions import decisions
from attnmel.evaluation.readers.readings import Readings
from attnmel.evaluation.readers.study_results import AgreementResult, StudyOptions

FEW_SCORES = 10
"""Distinct scores up to which they are categories, whose agreement is measured too."""


def agreement_between(readings: Readings, threshold: float | None, options: StudyOptions) -> AgreementResult:
    """Return the agreement of the readers of the only modality with each other."""
    scores = readings.scores[0].T
    decided = None if threshold is None else decisions(readings, threshold)[0].T
    few = _categories(scores) is not None
    return AgreementResult(
        readings.modalities[0],
        "",
        ac1=None if decided is None else gwet(decided, confidence=options.confidence),
        kappa=math.nan if decided is None else mean_kappa(decided),
        ac2=gwet(scores, "quadratic", options.confidence) if few else None,
        weighted_kappa=mean_kappa(scores, "quadratic") if few else math.nan,
    )


def _categories(scores: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, " K"] | None:
    """Return the scores that occur, in order, where they are few enough to be categories."""
    found = np.unique(scores[~np.isnan(scores)])
    return found if len(found) <= FEW_SCORES else None


def agreement_within(
    readings: Readings,
    second: Float[np.ndarray, "M R N"],
    human: Sequence[str],
    threshold: float | None,
    options: StudyOptions,
) -> Iterable[AgreementResult]:
    """Yield the agreement of each reader's two readings of repeated images."""
    for name in human:
        place = readings.modality(name)
        categories = _categories(np.stack([readings.scores[place], second[place]]))
        for reader, own, again in zip(readings.readers, readings.scores[place], second[place], strict=True):
            twice = ~np.isnan(own + again)
            if not twice.any():
                continue
            both = np.stack([own, again], axis=1)[twice]
            decided = None if threshold is None else (both > threshold).astype(np.float64)
            yield AgreementResult(
                name,
                reader,
                ac1=None if decided is None else gwet(decided, confidence=options.confidence),
                kappa=math.nan if decided is None else cohen_kappa(*decided.T).value,
                weighted_kappa=math.nan
                if categories is None
                else cohen_kappa(own, again, "quadratic", categories=categories).value,
                repeatability=repeatability(own, again),
            )
