"""Covariances of readers' figures over cases: by the jackknife, DeLong's method or without bias.

They are of the readers as they are; differences between readers are in the analysis of variance. A case that a reader
did not read with a modality has no part in that figure, so nested and split-plot designs need nothing else.

Shapes: M modalities, R readers, N cases, P diseased cases, H healthy cases, C = M R cells (a reader with a modality).
"""

from typing import Literal

import numpy as np
from jaxtyping import Float

from attnmel.evaluation.readers.readings import Readings, pair_scores, placements

CovarianceMethod = Literal["jackknife", "delong", "unbiased"]


def auc_covariance(readings: Readings, method: CovarianceMethod = "jackknife") -> Float[np.ndarray, "M R M R"]:
    """Return the covariance of the readers' AUCs; NaN in cells without a pair of cases.

    The jackknife leaves out one case of all after another (Obuchowski and Rockette 1995); DeLong's method is nearly the
    same and never negative for one figure; the unbiased one may be (Gallas 2006; Hillis 2018).
    """
    cells = {"jackknife": _jackknife, "delong": _delong, "unbiased": _unbiased}[method](readings)
    shape = readings.scores.shape[:2]
    return cells.reshape(*shape, *shape)


def jackknife_covariance(left_out: Float[np.ndarray, "N C"]) -> Float[np.ndarray, "C C"]:
    """Return the covariance of figures, given their values without each of the N cases: (N - 1) / N sum of products."""
    centred = left_out - left_out.mean(axis=0)
    return (len(left_out) - 1) / len(left_out) * centred.T @ centred


def aucs_without_each_case(readings: Readings) -> Float[np.ndarray, "N C"]:
    """Return each cell's AUC without each of the cases; a case that was not read changes nothing.

    Without its only diseased or healthy case a cell has none (NaN).
    """
    placed = placements(readings).reshape(-1, len(readings.cases))
    left_out = np.empty_like(placed.T)
    for kind in (readings.diseased, ~readings.diseased):
        left_out[kind] = means_without_each_case(placed[:, kind])
    return left_out


def means_without_each_case(values: Float[np.ndarray, "C N"]) -> Float[np.ndarray, "N C"]:
    """Return the mean of each cell's values that are not NaN, without each of them; NaN without its only one."""
    known = ~np.isnan(values)
    counts = known.sum(axis=1, keepdims=True).astype(np.float64)
    total = np.where(known, values, 0).sum(axis=1, keepdims=True)
    means = np.divide(total, counts, out=np.full(total.shape, np.nan), where=counts > 0)
    others = np.divide(total - values, counts - 1, out=np.full(values.shape, np.nan), where=counts > 1)
    return np.where(known, others, means).T


def _jackknife(readings: Readings) -> Float[np.ndarray, "C C"]:
    return jackknife_covariance(aucs_without_each_case(readings))


def _delong(readings: Readings) -> Float[np.ndarray, "C C"]:
    """Sum over both kinds of cases; of two cells with different cases those count that both read."""
    placed = placements(readings).reshape(-1, len(readings.cases))
    total = np.zeros((len(placed), len(placed)))
    for kind in (readings.diseased, ~readings.diseased):
        known = ~np.isnan(placed[:, kind])
        counts = known.sum(axis=1).astype(np.float64)
        means = np.where(known, placed[:, kind], 0).sum(axis=1) / np.where(counts > 0, counts, np.nan)
        centred = np.where(known, placed[:, kind] - means[:, None], 0)
        common = known.astype(np.float64) @ known.T
        scale = np.divide(common, common - 1, out=np.where(common > 0, np.nan, 0), where=common > 1)
        total += scale * (centred @ centred.T) / np.outer(counts, counts)
    return total


def _unbiased(readings: Readings) -> Float[np.ndarray, "C C"]:
    """Product of two AUCs minus the mean product of pair scores that share no case."""
    sick = readings.diseased
    cells = readings.scores.reshape(-1, len(sick))
    scores = np.stack([pair_scores(one[sick], one[~sick]) for one in cells])
    read = np.stack([np.outer(~np.isnan(one[sick]), ~np.isnan(one[~sick])) for one in cells]).astype(np.float64)
    pairs = read.sum(axis=(1, 2))
    auc = scores.sum(axis=(1, 2)) / np.where(pairs > 0, pairs, np.nan)
    apart, counts = _share_no_case(scores), _share_no_case(read)
    return np.outer(auc, auc) - np.divide(apart, counts, out=np.full(apart.shape, np.nan), where=counts > 0)


def _share_no_case(values: Float[np.ndarray, "C P H"]) -> Float[np.ndarray, "C C"]:
    """Sum products over pairs of pairs that share neither case, by inclusion and exclusion."""
    whole, flat = values.sum(axis=(1, 2)), values.reshape(len(values), -1)
    of_diseased, of_healthy = values.sum(axis=2), values.sum(axis=1)
    return np.outer(whole, whole) - of_diseased @ of_diseased.T - of_healthy @ of_healthy.T + flat @ flat.T
