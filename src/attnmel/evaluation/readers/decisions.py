"""Decisions of readers (a score above a threshold): sensitivity, specificity and their mean, by reader and averaged.

Shapes: M modalities, R readers, N cases.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from attnmel.evaluation.readers.inference.covariance import jackknife_covariance, means_without_each_case
from attnmel.evaluation.readers.inference.obuchowski_rockette import Analysis, obuchowski_rockette
from attnmel.evaluation.readers.readings import Readings
from attnmel.evaluation.statistics.bootstrap import CONFIDENCE, Interval
from attnmel.evaluation.statistics.proportions import mean_interval_of, wilson_interval

Share = Literal["sensitivity", "specificity", "balanced_accuracy"]
SHARES: tuple[Share, ...] = ("sensitivity", "specificity", "balanced_accuracy")


@dataclass(frozen=True)
class DecisionThreshold:
    """Score strictly above which an answer is positive."""

    value: float
    source: str
    """Where it comes from, in words."""


@dataclass(frozen=True)
class ShareAnalysis:
    """One share of right decisions: of each reader, with Wilson's interval, and averaged over readers and cases."""

    by_reader: dict[tuple[int, int], Interval]
    """By the places of modality and reader; balanced accuracy with Newcombe's combination of both intervals."""
    averaged: Analysis | None
    """Of the readers who have the share with every modality, for random readers and cases; None without any."""
    readers: tuple[int, ...]
    """Who is in the average."""


def decisions(readings: Readings, threshold: float) -> Float[np.ndarray, "M R N"]:
    """Return 1 where a score is strictly above the threshold, 0 where it is not, NaN where a case was not read."""
    return np.where(readings.read, (readings.scores > threshold).astype(np.float64), np.nan)


def share_analysis(
    readings: Readings, decided: Float[np.ndarray, "M R N"], share: Share, confidence: float = CONFIDENCE
) -> ShareAnalysis:
    """Return one share of right decisions: of diseased cases (sensitivity), of healthy ones, or the mean of both."""
    right = np.where(readings.diseased, decided, 1 - decided)
    kinds = {"sensitivity": [readings.diseased], "specificity": [~readings.diseased]}
    chosen = kinds.get(share, [readings.diseased, ~readings.diseased])
    parts = [np.where(kind, right, np.nan) for kind in chosen]
    figures = np.mean([_means(part) for part in parts], axis=0)
    known = ~np.isnan(figures)
    complete = np.flatnonzero(known.all(axis=0))
    averaged = None
    if len(complete):
        averaged = _averaged([part[:, complete] for part in parts], figures[:, complete], confidence)
    cells = [(int(modality), int(reader)) for modality, reader in np.argwhere(known)]
    return ShareAnalysis(
        {cell: _of_reader([part[cell] for part in parts], confidence) for cell in cells},
        averaged,
        tuple(complete.tolist()),
    )  # fmt: skip


def _averaged(
    parts: list[Float[np.ndarray, "M R N"]], figures: Float[np.ndarray, "M R"], confidence: float
) -> Analysis:
    # The jackknife leaves out the cases that the share is of: healthy ones have no part in a sensitivity.
    of_share = ~np.isnan(parts).all(axis=(0, 1, 2))
    left_out = np.mean(
        [means_without_each_case(part.reshape(-1, part.shape[2])[:, of_share]) for part in parts], axis=0
    )
    covariance = jackknife_covariance(left_out).reshape(*figures.shape, *figures.shape)
    return obuchowski_rockette(figures, covariance, confidence).random


def _means(values: Float[np.ndarray, "M R N"]) -> Float[np.ndarray, "M R"]:
    counts = (~np.isnan(values)).sum(axis=2)
    return np.divide(np.nansum(values, axis=2), counts, out=np.full(counts.shape, np.nan), where=counts > 0)


def _of_reader(parts: list[Float[np.ndarray, " N"]], confidence: float) -> Interval:
    """Return one reader's share, or the mean of both; each is of one case at least."""
    known = [part[~np.isnan(part)] for part in parts]
    shares = [wilson_interval(float(one.mean()), len(one), confidence) for one in known]
    return mean_interval_of(shares) if len(shares) > 1 else shares[0]
