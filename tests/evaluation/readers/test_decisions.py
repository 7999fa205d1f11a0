"""Decisions of readers: shares by counting, intervals by scipy, averages by the analysis of figures."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from attnmel.evaluation.readers.decisions import Share, decisions, share_analysis
from attnmel.evaluation.readers.inference.obuchowski_rockette import obuchowski_rockette
from attnmel.evaluation.readers.readings import Readings


@pytest.mark.parametrize("confidence", [0.95, 0.9])
def test_shares_are_counts_with_wilsons_interval(confidence: float, drawn: Callable[..., Readings]) -> None:
    readings = drawn()
    decided = decisions(readings, 0.5)
    kinds: dict[Share, np.ndarray] = {"sensitivity": readings.diseased, "specificity": ~readings.diseased}
    for share, kind in kinds.items():
        found = share_analysis(readings, decided, share, confidence)
        for cell, interval in found.by_reader.items():
            right = (readings.scores[cell][kind] > 0.5) == (share == "sensitivity")
            expected = stats.binomtest(int(right.sum()), int(kind.sum())).proportion_ci(confidence, method="wilson")
            np.testing.assert_allclose(interval, (right.mean(), expected.low, expected.high), atol=1e-12)


def test_the_average_has_the_value_of_the_mean_and_readers_without_a_share_are_left_out(
    drawn: Callable[..., Readings],
) -> None:
    readings = drawn()
    scores = readings.scores.copy()
    scores[1, 2, readings.diseased] = np.nan
    readings = replace(readings, scores=scores)
    found = share_analysis(readings, decisions(readings, 0.5), "sensitivity")
    assert found.readers == (0, 1, 3)
    assert found.averaged is not None
    values = [np.mean([found.by_reader[modality, reader].value for reader in found.readers]) for modality in (0, 1)]
    np.testing.assert_allclose([one.value for one in found.averaged.means], values)
    assert len(share_analysis(readings, decisions(readings, 0.5), "specificity").readers) == 4


def test_balanced_accuracy_is_the_mean_of_both(drawn: Callable[..., Readings]) -> None:
    readings = drawn()
    decided = decisions(readings, 0.5)
    parts = [share_analysis(readings, decided, share).by_reader for share in ("sensitivity", "specificity")]
    for cell, interval in share_analysis(readings, decided, "balanced_accuracy").by_reader.items():
        assert interval.value == pytest.approx((parts[0][cell].value + parts[1][cell].value) / 2)


def test_a_score_at_the_threshold_is_no_positive_answer(drawn: Callable[..., Readings]) -> None:
    readings = drawn()
    scores = np.full_like(readings.scores, 3.0)
    scores[0, 0, 0] = np.nan
    decided = decisions(replace(readings, scores=scores), 3)
    assert np.isnan(decided[0, 0, 0])
    assert np.nansum(decided) == 0


@pytest.mark.parametrize("share", ["sensitivity", "specificity", "balanced_accuracy"])
def test_the_average_is_as_uncertain_as_readers_and_cases_left_out_one_by_one_make_it(
    share: Share, drawn: Callable[..., Readings]
) -> None:
    """By a plain loop over the cases that the share is of."""
    readings = drawn()
    of_kind = {"sensitivity": readings.diseased, "specificity": ~readings.diseased}
    counted = np.flatnonzero(of_kind.get(share, np.ones_like(readings.diseased)))
    whole = np.arange(len(readings.cases))

    def figures(cases: np.ndarray) -> np.ndarray:
        right = (readings.scores[:, :, cases] > 0.5) == readings.diseased[cases]
        kinds = [readings.diseased[cases], ~readings.diseased[cases]]
        both = [right[:, :, kind].mean(axis=2) for kind in kinds]
        return {"sensitivity": both[0], "specificity": both[1]}.get(share, (both[0] + both[1]) / 2)

    left_out = np.array([figures(np.delete(whole, case)).ravel() for case in counted])
    covariance = np.cov(left_out, rowvar=False, bias=True) * (len(counted) - 1)
    expected = obuchowski_rockette(figures(whole), covariance.reshape(2, 4, 2, 4)).random
    found = share_analysis(readings, decisions(readings, 0.5), share).averaged
    assert found is not None
    for one, other in zip(
        (*found.means, found.differences[0, 1]), (*expected.means, expected.differences[0, 1]), strict=True
    ):
        assert (one.value, one.error, one.low) == pytest.approx((other.value, other.error, other.low))
