"""Groups that are not the same readers: a machine against readers, and modalities with readers of their own.

Shapes: R readers, N cases.
"""

import math
from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float

from attnmel.errors import ReadingsError
from attnmel.evaluation.readers.inference.covariance import aucs_without_each_case, jackknife_covariance
from attnmel.evaluation.readers.inference.estimates import ONE_READER, Estimate, t_estimate, undefined
from attnmel.evaluation.readers.readings import Readings, reader_aucs
from attnmel.evaluation.statistics.bootstrap import CONFIDENCE


def machine_against_readers(
    machine: Float[np.ndarray, " R"],
    readers: Float[np.ndarray, " R"],
    covariance: Float[np.ndarray, "R R"],
    confidence: float = CONFIDENCE,
) -> Estimate:
    """Return a machine's figure minus the readers' mean, for random readers and cases and this very machine.

    `machine` holds its figure once for each reader (all alike where all cases are the same) and `covariance` is that of
    the differences. With D the differences, MS their variance and Cov2 their mean covariance: variance
    (MS + max(R Cov2, 0)) / R on (R - 1) ((MS + max(R Cov2, 0)) / MS)^2 degrees of freedom (Hillis, Obuchowski and
    Berbaum 2011, section 3). With one reader it is the paired comparison of two, for this very reader.
    """
    differences = machine - readers
    count, value = len(differences), float(differences.mean())
    if count == 1:
        only = t_estimate(value, float(covariance[0, 0]), math.inf, confidence, difference=True)
        return replace(only, note=only.note or ONE_READER)
    square = float(differences.var(ddof=1))
    between = covariance[~np.eye(count, dtype=bool)].mean()
    spread = square + max(count * float(between), 0)
    degrees = (count - 1) * (spread / square) ** 2 if square > 0 else math.inf
    return t_estimate(value, spread / count, degrees, confidence, difference=True)


def machine_auc_against_readers(
    readings: Readings, machine: int, modality: int, confidence: float = CONFIDENCE
) -> Estimate:
    """Compare the AUC of the one reader of a machine's modality with those of the readers of another modality.

    With each reader on the cases that this reader read. A reader who lacks a diseased or healthy case is left out.

    Raises:
        ReadingsError: not exactly one reader in the machine's modality, or none in the other.
    """
    both = readings.of([readings.modalities[machine], readings.modalities[modality]])
    both = with_machine_for_every_reader(both)
    aucs = reader_aucs(both)
    known = ~np.isnan(aucs).any(axis=0)
    if not known.any():
        raise ReadingsError(
            f"no reader of '{readings.modalities[modality]}' read a diseased and a healthy case; expected at least one"
        )
    cells = aucs_without_each_case(both).reshape(len(both.cases), 2, -1)[:, :, known]
    covariance = jackknife_covariance(cells[:, 0] - cells[:, 1])
    return machine_against_readers(aucs[0, known], aucs[1, known], covariance, confidence)


def with_machine_for_every_reader(readings: Readings) -> Readings:
    """Give the scores of a machine (the one reader of the first modality) to each reader of the second.

    Only of the cases that the reader read: so the machine is compared with each reader on the same cases. Its own
    variance over cases is counted once: it does not vary as readers do.

    Raises:
        ReadingsError: not exactly one reader in the machine's modality.
    """
    own = readings.present[0]
    if own.sum() != 1:
        raise ReadingsError(
            f"'{readings.modalities[0]}' has {own.sum()} readers; a machine's modality has exactly one, the machine"
        )
    readers: Bool[np.ndarray, " R"] = readings.present[1]
    scores = readings.scores[:, readers].copy()
    scores[0] = np.where(np.isnan(scores[1]), np.nan, readings.scores[0, own])
    names = tuple(name for name, kept in zip(readings.readers, readers, strict=True) if kept)
    return replace(readings, readers=names, scores=scores)


def independent_readers(readings: Readings, confidence: float = CONFIDENCE) -> Estimate:
    """Return the mean AUC of the first modality minus that of the second, whose readers are others (random, as cases).

    Each modality has its own mean square of readers MS_i and covariance Cov2_i, and Cov3 is that of readers of both
    modalities: variance sum of MS_i / R_i + max(Cov2_i - Cov3, 0), degrees of freedom after Satterthwaite (Hillis 2014,
    section 5).
    """
    aucs = reader_aucs(readings)
    shape = aucs.shape
    covariance = jackknife_covariance(aucs_without_each_case(readings)).reshape(*shape, *shape)
    groups = [np.flatnonzero(~np.isnan(own)) for own in aucs]
    value = float(np.nanmean(aucs[0]) - np.nanmean(aucs[1]))
    if min(map(len, groups)) < 2:
        return undefined(value, ONE_READER)
    cov3 = covariance[0, groups[0]][:, 1, groups[1]].mean()
    spread, degrees = 0.0, 0.0
    for place, own in enumerate(groups):
        part = aucs[place, own].var(ddof=1) / len(own)
        within = covariance[place, own][:, place, own][~np.eye(len(own), dtype=bool)].mean()
        spread += part + max(within - cov3, 0)
        degrees += part**2 / (len(own) - 1)
    return t_estimate(value, spread, spread**2 / degrees if degrees else math.inf, confidence, difference=True)
