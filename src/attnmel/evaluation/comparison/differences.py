"""Two recipes on the same images -> the difference of each measure with interval, p and a plain sentence.

Of one run each, the tests of `paired` decide; where a recipe has several seeds, the t test over seeds and images.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from attnmel.evaluation.comparison.align import RecipeRuns
from attnmel.evaluation.comparison.paired_tests import Method, Outcome, paired_outcomes
from attnmel.evaluation.comparison.resampled_metrics import ResampledMetrics
from attnmel.evaluation.statistics.bootstrap import ResamplingConfig, percentile_interval
from attnmel.evaluation.statistics.hypothesis_tests import LEVEL
from attnmel.evaluation.statistics.multi_seed import crossed_draws, difference_estimate
from attnmel.evaluation.statistics.sampling import Sampling
from attnmel.number_formats import TO, fixed, p_words, plus, plus_span, span

MEASURE_WORDS: Mapping[str, str] = {"auc": "AUC", "ap": "AP", "balanced_accuracy": "balanced accuracy"}
"""How a sentence calls a measure; one that is not listed goes by its own name."""


@dataclass(frozen=True)
class MeasureDifference:
    """One measure of two recipes, second minus first."""

    first: str
    second: str
    task: str
    measure: str
    first_value: float
    second_value: float
    value: float
    outcome: Outcome
    corrected: float = math.nan
    """p after Holm's correction over all rows of the comparison."""
    detectable: float = math.nan
    """True difference that this design shows with probability `POWER`, at the strictest step of the correction."""

    @property
    def low(self) -> float:
        """Lower end of the 95 % interval."""
        return self.outcome.chosen.low

    @property
    def high(self) -> float:
        """Upper end of the 95 % interval."""
        return self.outcome.chosen.high

    @property
    def shown(self) -> bool:
        """Whether both the corrected p and the interval speak for a difference."""
        return self.corrected < LEVEL and self._leaves_out_0

    @property
    def _leaves_out_0(self) -> bool:
        return self.low > 0 or self.high < 0

    @property
    def change(self) -> str:
        """The difference of the measure with its interval, in words; with p where the interval alone would show one."""
        ends = plus_span((self.low, self.high))
        known = f"95 % {ends}" if ends else "its uncertainty is not known"
        if self._leaves_out_0 and not self.shown and math.isfinite(self.corrected):
            known += f", but p {p_words(self.corrected)} after Holm"
        return f"{MEASURE_WORDS.get(self.measure, self.measure)} {plus(self.value)}, {known}"

    @property
    def sentence(self) -> str:
        """Say in words what was found, and no more than that."""
        if not self.shown:
            return f"no difference shown ({self.change})"
        words = MEASURE_WORDS.get(self.measure, self.measure)
        better = self.value > 0
        ends = (self.low, self.high) if better else (-self.high, -self.low)
        return (
            f"{words} {'better' if better else 'worse'} by {fixed(abs(self.value))} (95 % {span(ends, to=TO)}), "
            f"p {p_words(self.corrected)} after Holm"
        )


def differences(
    first: RecipeRuns, second: RecipeRuns, measured: ResampledMetrics, sampling: Sampling, resampling: ResamplingConfig
) -> list[MeasureDifference]:
    """Return one difference a column; `measured` is of the runs of the first recipe, then of the second."""
    seeds = len(first.runs)
    if seeds == len(second.runs) == 1:
        outcomes = paired_outcomes(first.runs[0], second.runs[0], measured, sampling, resampling)
    else:
        outcomes = [_over_seeds(measured, place, seeds, resampling) for place in range(len(measured.columns))]
    means = measured.values[:seeds].mean(axis=0), measured.values[seeds:].mean(axis=0)
    return [
        MeasureDifference(first.name, second.name, task, measure, own, other, other - own, outcome)
        for (task, measure), own, other, outcome in zip(
            measured.columns, *(mean.tolist() for mean in means), outcomes, strict=True
        )
    ]


def _over_seeds(measured: ResampledMetrics, place: int, seeds: int, resampling: ResamplingConfig) -> Outcome:
    first, second = np.split(measured.values[:, place], [seeds])
    estimate = difference_estimate(first, second, measured.covariance[place])
    draws = measured.draws[:, :, place]
    generator = np.random.default_rng([resampling.seed, place])
    crossed = crossed_draws(draws[:, seeds:], generator) - crossed_draws(draws[:, :seeds], generator)
    drawn = percentile_interval(estimate.value, crossed)
    names = "t over seeds and images", "hierarchical bootstrap"
    chosen, other = Method.of(names[0], estimate.interval(), estimate.p()), Method.of(names[1], drawn)
    return Outcome(chosen, (other,), seeds_error=(math.sqrt(estimate.variance), estimate.freedom))
