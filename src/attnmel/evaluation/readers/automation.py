"""Changes of answers after a machine's answer was shown: toward a right machine, and toward a wrong one.

Shapes: R readers, N cases.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from attnmel.evaluation.readers.inference.covariance import jackknife_covariance, means_without_each_case
from attnmel.evaluation.readers.inference.estimates import Estimate, within
from attnmel.evaluation.readers.inference.obuchowski_rockette import obuchowski_rockette
from attnmel.evaluation.statistics.bootstrap import CONFIDENCE, Interval
from attnmel.evaluation.statistics.proportions import wilson_interval


@dataclass(frozen=True)
class Changes:
    """How often readers changed an answer of one kind, by reader and averaged."""

    by_reader: dict[int, tuple[int, int]]
    """Changed answers and all answers of the kind, by the place of each reader who has any."""
    intervals: dict[int, Interval]
    """The share of each reader, with Wilson's interval."""
    mean: Estimate | None
    """Mean of the readers' shares, for random readers and cases; None without any."""


@dataclass(frozen=True)
class AutomationBias:
    """The four changes that matter, and the counts of all answers."""

    toward_right: Changes
    """Of answers that were wrong where the machine is right: how many became right."""
    toward_wrong: Changes
    """Of answers that were right where the machine is wrong: how many became wrong. This is automation bias."""
    against_right: Changes
    """Of answers that were right, as the machine: how many became wrong."""
    against_wrong: Changes
    """Of answers that were wrong, as the machine: how many became right."""
    flows: dict[tuple[bool, bool, bool], int]
    """Answers by (machine right, right before, right after)."""


def automation_bias(
    before: Float[np.ndarray, "R N"],
    after: Float[np.ndarray, "R N"],
    machine: Float[np.ndarray, " N"],
    diseased: Bool[np.ndarray, " N"],
    confidence: float = CONFIDENCE,
) -> AutomationBias:
    """Count changes of decisions (0, 1, NaN where not read) between two answers to the same cases.

    Cases for which the machine has no decision are left out.
    """
    known = ~np.isnan(before) & ~np.isnan(after) & ~np.isnan(machine)
    right_before, right_after, right_machine = before == diseased, after == diseased, machine == diseased

    def changes(*, machine_right: bool, first_right: bool) -> Changes:
        of_kind = known & (right_before == first_right) & (right_machine == machine_right)
        return _changes(np.where(of_kind, (right_after != first_right).astype(np.float64), np.nan), confidence)

    return AutomationBias(
        toward_right=changes(machine_right=True, first_right=False),
        toward_wrong=changes(machine_right=False, first_right=True),
        against_right=changes(machine_right=True, first_right=True),
        against_wrong=changes(machine_right=False, first_right=False),
        flows={
            (machine_right, first, second): int(
                (known & (right_machine == machine_right) & (right_before == first) & (right_after == second)).sum()
            )
            for machine_right in (True, False)
            for first in (True, False)
            for second in (True, False)
        },
    )


def _changes(changed: Float[np.ndarray, "R N"], confidence: float) -> Changes:
    known = ~np.isnan(changed)
    counts, of_kind = np.nansum(changed, axis=1), known.sum(axis=1)
    readers = np.flatnonzero(of_kind).tolist()
    by_reader = {reader: (int(counts[reader]), int(of_kind[reader])) for reader in readers}
    intervals = {
        reader: wilson_interval(part / whole, whole, confidence) for reader, (part, whole) in by_reader.items()
    }
    # A share of one answer has no value without it, so the jackknife is of readers with at least two.
    several = [reader for reader in readers if of_kind[reader] > 1]
    if not several:
        return Changes(by_reader, intervals, None)
    figures = counts[several] / of_kind[several]
    cells = changed[several]
    some = ~np.isnan(cells).all(axis=0)
    covariance = jackknife_covariance(means_without_each_case(cells[:, some]))
    size = len(several)
    found = obuchowski_rockette(figures[None], covariance.reshape(1, size, 1, size), confidence)
    mean = found.random.means[0] if size > 1 else found.fixed_readers.means[0]
    return Changes(by_reader, intervals, within(mean, 0, 1) if not math.isnan(mean.error) else mean)
