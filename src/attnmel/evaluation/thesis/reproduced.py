"""What a table of recipes holds: a row each, tests between rows, and one Holm's correction over all of them.

Shapes: S seeds.
"""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from attnmel.evaluation.comparison.align import RecipeRuns, RunPredictions, aligned_runs
from attnmel.evaluation.comparison.differences import MeasureDifference
from attnmel.evaluation.comparison.resampled_metrics import Column, measured
from attnmel.evaluation.statistics.bootstrap import Interval, ResamplingConfig
from attnmel.evaluation.statistics.hypothesis_tests import holm
from attnmel.evaluation.statistics.multi_seed import recipe_estimate
from attnmel.evaluation.statistics.sampling import Sampling
from attnmel.evaluation.thesis.published import PublishedRow


@dataclass(frozen=True, kw_only=True)
class TableRow:
    """One system on one split: a recipe of ours, or another group's published row."""

    name: str
    """Of the recipe; the published name for another group's row."""
    title: str
    status: str = ""
    """Empty of a row that is whole; else what it lacks, in words."""
    seeds: int = 0
    """Runs that the figures are of."""
    images: int = 0
    figures: tuple[Interval, ...] = ()
    """One a column, its mean over seeds with a 95 % interval; empty where nothing was evaluated yet."""
    by_seed: tuple[tuple[float, ...], ...] = ()
    """One a column: the figure of each seed."""
    published_values: tuple[float | None, ...] = ()
    """The published figure of each column."""
    published: PublishedRow | None = None
    given: bool = False
    """Whether the command named it: predictions that were there already."""


Against = Literal["above", "baseline", "plain", "reference"]
"""The row above; the network that the thesis's others are built on; of another group's system, the plain classifier; of
predictions that were given, the same or the first row that there is."""


@dataclass(frozen=True)
class RowTest:
    """A row against another one, by one measure."""

    against: Against
    """One test under "above" and "baseline" where they are one row."""
    found: MeasureDifference


@dataclass(frozen=True, kw_only=True)
class TableBlock:
    """All rows on one split."""

    split: str
    title: str
    rows: tuple[TableRow, ...]
    tests: tuple[RowTest, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ReproducedTable:
    """A table with all that a reader must know of it."""

    name: str
    title: str
    heads: tuple[str, ...]
    """One a column."""
    measures: tuple[str, ...]
    """Name of each column's measure."""
    blocks: tuple[TableBlock, ...]
    notes: tuple[str, ...] = ()
    """Footnotes, a sentence or two each."""
    facts: tuple[tuple[str, str], ...] = ()
    """Where the table comes from: name and value."""
    runs: tuple[tuple[str, ...], ...] = ()
    """A line a run: row, seed, state, epoch evaluated, epochs, hours, device."""
    failures: tuple[tuple[str, str], ...] = ()
    """Run and reason."""


def over_seeds(
    runs: Sequence[RunPredictions],
    positive: str,
    columns: Sequence[Column],
    resampling: ResamplingConfig,
) -> dict[Column, tuple[Interval, tuple[float, ...]]]:
    """Return mean over seeds with its interval over seeds and images, and each seed's own figure, of each column.

    Columns of another class, and the mean of both, are of runs that predict it.

    Raises:
        PredictionsError: the runs were evaluated on different images, or as `evaluate_classification`.
    """
    (entrant,) = aligned_runs([RecipeRuns(positive, tuple(runs))])
    truth = entrant.runs[0].predictions
    others = [task for task, _ in columns if task != positive and _can_measure(entrant.runs, task)]
    every = measured(
        entrant.runs,
        (positive, *dict.fromkeys(others)),
        Sampling.of(truth.groups, truth.labels),
        measures=list(dict.fromkeys(measure for _, measure in columns)),
        with_mean=True,
        resamples=resampling.resamples,
        seed=resampling.seed,
    )
    return {
        column: (
            recipe_estimate(every.values[:, place], every.covariance[place]).share_interval(),
            tuple(every.values[:, place].tolist()),
        )
        for place, column in enumerate(every.columns)
    }


def _can_measure(runs: Sequence[RunPredictions], name: str) -> bool:
    """Return whether all runs predict a class, of which there are images, and others."""
    if any(name not in run.predictions.classes for run in runs):
        return False
    return len(set(runs[0].predictions.is_class(name).tolist())) > 1


def corrected(blocks: Sequence[TableBlock]) -> tuple[TableBlock, ...]:
    """Correct every p by Holm over all tests of all blocks; the same two rows by one measure count once."""
    every = {(block.split, _key(test.found)): test.found for block in blocks for test in block.tests}
    p_values = dict(zip(every, holm([one.outcome.chosen.p for one in every.values()]), strict=True))
    return tuple(
        dataclasses.replace(
            block,
            tests=tuple(
                dataclasses.replace(
                    test, found=dataclasses.replace(test.found, corrected=p_values[block.split, _key(test.found)])
                )
                for test in block.tests
            ),
        )
        for block in blocks
    )


def count_tests(blocks: Sequence[TableBlock]) -> int:
    """Return over how many tests `corrected` corrects."""
    every = {(block.split, _key(test.found)): test.found.outcome.chosen.p for block in blocks for test in block.tests}
    return sum(not math.isnan(p) for p in every.values())


def _key(found: MeasureDifference) -> tuple[frozenset[str], str]:
    """What makes two tests the same, whichever row is named first."""
    return frozenset((found.first, found.second)), found.measure
