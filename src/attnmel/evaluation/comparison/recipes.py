"""Runs on the same images -> what each recipe reaches over its seeds, and how every two differ.

One command is one family of tests: Holm's correction goes over all pairs and measures that are requested.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from attnmel.errors import ConfigError, PredictionsError, require_known
from attnmel.evaluation.classification.metric_intervals import shown_intervals
from attnmel.evaluation.classification.ranking import MEASURES
from attnmel.evaluation.classification.report import FEW
from attnmel.evaluation.comparison.align import RecipeRuns, RunPredictions, aligned_runs, common_classes
from attnmel.evaluation.comparison.differences import MeasureDifference, differences
from attnmel.evaluation.comparison.paired_tests import Method
from attnmel.evaluation.comparison.resampled_metrics import ResampledMetrics, measured, metric_set_of
from attnmel.evaluation.statistics.bootstrap import DEFAULT, ResamplingConfig, percentile_interval
from attnmel.evaluation.statistics.hypothesis_tests import LEVEL, detectable_difference, holm
from attnmel.evaluation.statistics.multi_seed import crossed_draws, recipe_estimate
from attnmel.evaluation.statistics.sampling import Sampling
from attnmel.records import Predictions

METHOD_NAMES = {"delong": "DeLong", "wilson": "Wilson", "logit": "jackknife"}
"""What a table calls the methods of `shown_intervals`."""


@dataclass(frozen=True)
class Summary:
    """One measure of one recipe over its seeds."""

    name: str
    task: str
    measure: str
    values: tuple[float, ...]
    """One a seed."""
    mean: float
    deviation: float
    """Standard deviation over seeds; NaN of a single one."""
    chosen: Method
    """Gives the 95 % interval: over seeds and images; of a single seed over images alone, as `evaluate` shows it."""
    others: tuple[Method, ...] = ()


@dataclass(frozen=True)
class Comparison:
    """What several recipes reach on the same images, and how every two of them differ."""

    images: int
    units: int
    """Lesions or patients; as many as images where none repeats."""
    positives: tuple[tuple[str, int], ...]
    """Images of each class that is evaluated against the rest."""
    seeds: tuple[tuple[str, int], ...]
    """Runs of each recipe."""
    summaries: tuple[Summary, ...]
    differences: tuple[MeasureDifference, ...]
    """By pair, then by measure; empty of a single recipe."""
    chances: ResamplingConfig
    notes: tuple[str, ...] = ()
    """What a reader must know, a sentence each."""


def compare_recipes(
    entrants: Sequence[RecipeRuns],
    positives: Sequence[str] | None = None,
    *,
    measures: Sequence[str] = tuple(MEASURES),
    resampling: ResamplingConfig = DEFAULT,
) -> Comparison:
    """Compare recipes on the same images, every two of them in the order given.

    `positives` are the classes evaluated against the rest; without it those that all runs predict, but for "rest", and
    of two that are each other's rest the rarer.

    Raises:
        PredictionsError: a single run, other images, labels or lesions, no common class, or as
            `evaluate_classification`.
        ConfigError: an unknown measure, or fewer than one resample or permutation.
    """
    for measure in measures:
        require_known("measure", measure, MEASURES)
    if sum(len(entrant.runs) for entrant in entrants) < 2:
        raise PredictionsError("a comparison needs two runs or more; name another run, or a folder of several seeds")
    entrants = aligned_runs(entrants)
    common = common_classes(entrants)
    positives = tuple(positives or _tasks(common, entrants[0].runs[0].predictions))
    if missing := [name for name in positives if name not in common]:
        raise PredictionsError(f"not all runs predict {', '.join(missing)}; common to all: {', '.join(common)}")
    runs = [run for entrant in entrants for run in entrant.runs]
    truth = runs[0].predictions
    sampling = Sampling.of(truth.groups, truth.labels)
    every = measured(runs, positives, sampling, measures=measures, resamples=resampling.resamples, seed=resampling.seed)
    if not every.columns:
        raise ConfigError(f"no measure to compare; known: {', '.join(MEASURES)}")
    places = _places(entrants)
    rows = [
        difference
        for first, second in combinations(range(len(entrants)), 2)
        for difference in differences(
            entrants[first],
            entrants[second],
            every.of_runs([*places[first], *places[second]]),
            sampling,
            resampling,
        )
    ]
    p_values = [row.outcome.chosen.p for row in rows]
    corrected, tests = holm(p_values), int(np.isfinite(p_values).sum())
    detectable = [detectable_difference(*row.outcome.error, LEVEL / max(tests, 1)) for row in rows]
    return Comparison(
        images=len(truth.image_ids),
        units=sampling.units,
        positives=tuple((name, int(truth.is_class(name).sum())) for name in positives),
        seeds=tuple((entrant.name, len(entrant.runs)) for entrant in entrants),
        summaries=tuple(
            summary
            for entrant, place in zip(entrants, places, strict=True)
            for summary in _summaries(entrant, positives, every.of_runs(place), resampling)
        ),
        differences=tuple(
            dataclasses.replace(row, corrected=p, detectable=least)
            for row, p, least in zip(rows, corrected, detectable, strict=True)
        ),
        chances=resampling,
        notes=_notes(entrants, positives, sampling),
    )


def _tasks(common: tuple[str, ...], truth: Predictions) -> tuple[str, ...]:
    if len(common) == len(truth.classes) == 2:
        return (min(common, key=lambda name: int(truth.is_class(name).sum())),)
    return common


def _places(entrants: Sequence[RecipeRuns]) -> list[list[int]]:
    ends = np.cumsum([len(entrant.runs) for entrant in entrants]).tolist()
    return [list(range(end - len(entrant.runs), end)) for entrant, end in zip(entrants, ends, strict=True)]


def _summaries(
    entrant: RecipeRuns, positives: Sequence[str], of_recipe: ResampledMetrics, resampling: ResamplingConfig
) -> list[Summary]:
    over_seeds = len(entrant.runs) > 1
    of_one = {} if over_seeds else _of_one_run(entrant.runs[0], positives)
    found = []
    for place, (task, measure) in enumerate(of_recipe.columns):
        values, draws = of_recipe.values[:, place], of_recipe.draws[:, :, place]
        mean, deviation = float(values.mean()), float(values.std(ddof=1)) if over_seeds else np.nan
        if over_seeds:
            estimate = recipe_estimate(values, of_recipe.covariance[place])
            chosen = Method.of("t over seeds and images", estimate.share_interval())
            crossed = crossed_draws(draws, np.random.default_rng([resampling.seed, place]))
            other = Method.of("hierarchical bootstrap", percentile_interval(mean, crossed))
        else:
            chosen = of_one[task, measure]
            other = Method.of("bootstrap", percentile_interval(mean, draws[:, 0]))
        found.append(Summary(entrant.name, task, measure, tuple(values.tolist()), mean, deviation, chosen, (other,)))
    return found


def _of_one_run(run: RunPredictions, positives: Sequence[str]) -> dict[tuple[str, str], Method]:
    """Return the interval of each measure that `evaluate` shows of the run, so that one figure has one interval."""
    truth = run.predictions
    shown = shown_intervals(metric_set_of(run, positives), truth.groups, truth.labels)
    return {column: Method.of(METHOD_NAMES[method], interval) for column, (method, interval) in shown.items()}


def _notes(entrants: Sequence[RecipeRuns], positives: Sequence[str], sampling: Sampling) -> tuple[str, ...]:
    truth = entrants[0].runs[0].predictions
    notes = []
    for name in positives:
        held = int(truth.is_class(name).sum())
        if min(held, len(truth.image_ids) - held) < FEW:
            notes.append(
                f"{name}: {held} images against {len(truth.image_ids) - held}; with fewer than {FEW} on a side the "
                "intervals are too narrow"
            )
    single = [entrant.name for entrant in entrants if len(entrant.runs) == 1]
    if len(single) == len(entrants):
        notes.append("one run of each recipe: how far another seed would move it is not in these intervals")
    elif single:
        several = ", ".join(entrant.name for entrant in entrants if len(entrant.runs) > 1)
        notes.append(f"{', '.join(single)}: one run, against {several} taken to vary between seeds as that does")
        if len(single) > 1:
            notes.append(
                f"{' and '.join(single)}, one run each: how far another seed would move them is not in their test"
            )
    if pairs := [entrant.name for entrant in entrants if len(entrant.runs) == 2]:
        notes.append(f"{', '.join(pairs)}: two seeds; where seeds vary much, the interval of their mean is too narrow")
    if sampling.units < len(truth.image_ids):
        notes.append(
            f"{len(truth.image_ids)} images of {sampling.units} lesions or patients: these are drawn and swapped whole"
        )
    return tuple(notes)
