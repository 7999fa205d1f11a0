"""Several predictors, and several seeds of each, on the same images: differences with intervals and tests."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from attnmel.arguments import FromZero, checked_arguments
from attnmel.errors import ConfigError, PredictionsError, counted, require_known
from attnmel.evaluation.classification.ranking import MEASURES, THRESHOLD
from attnmel.evaluation.comparison.align import RecipeRuns, RunPredictions
from attnmel.evaluation.comparison.recipes import Comparison, compare_recipes
from attnmel.evaluation.statistics.bootstrap import CONFIDENCE, PERMUTATIONS, RESAMPLES, ResamplingConfig
from attnmel.evaluation.statistics.delong import areas
from attnmel.evaluation.statistics.hypothesis_tests import discordant, mcnemar_p
from attnmel.evaluation.statistics.hypothesis_tests import holm as holm_corrected
from attnmel.files.data_frames import frame
from attnmel.statistics.inputs import Column, Columns, Data
from attnmel.statistics.single import (
    checked_confidence,
    checked_probabilities,
    checked_threshold,
    class_name,
    one_class,
)

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclasses.dataclass(frozen=True)
class Difference:
    """A difference, second minus first, with its interval and the two-sided p that it is 0."""

    measure: str
    first: float
    second: float
    value: float
    low: float
    high: float
    p: float
    method: str

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return dataclasses.asdict(self)

    def to_frame(self) -> "DataFrame":
        """Return a table of one row."""
        return frame([self.to_dict()])


@dataclasses.dataclass(frozen=True)
class McNemar:
    """Images that one of two predictors alone has right, and the exact p that each is as often right as the other."""

    first_alone: int
    second_alone: int
    p: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return dataclasses.asdict(self)

    def to_frame(self) -> "DataFrame":
        """Return a table of one row."""
        return frame([self.to_dict()])


@dataclasses.dataclass(frozen=True)
class Compared:
    """What each predictor reaches, and how every two differ."""

    comparison: Comparison

    def __repr__(self) -> str:
        rows = counted(len(self.comparison.differences), "difference")
        return f"Compared({rows}; see .sentences, .to_dict(), .to_frame() and .summary_frame())"

    @property
    def sentences(self) -> tuple[str, ...]:
        """Say each difference in words, and no more than was shown."""
        rows = self.comparison.differences
        return tuple(f"{row.second} against {row.first}, {row.measure}: {row.sentence}" for row in rows)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values: summaries of each predictor and all differences, with every method."""
        return dataclasses.asdict(self.comparison)

    def to_frame(self) -> "DataFrame":
        """Return a table with a row for each pair and measure; `corrected` is p after Holm's correction."""
        return frame(
            {
                "first": row.first,
                "second": row.second,
                "measure": row.measure,
                "first_value": row.first_value,
                "second_value": row.second_value,
                "difference": row.value,
                "low": row.low,
                "high": row.high,
                "p": row.outcome.chosen.p,
                "corrected": row.corrected,
                "detectable": row.detectable,
                "method": row.outcome.chosen.name,
                "shown": row.shown,
            }
            for row in self.comparison.differences
        )

    def summary_frame(self) -> "DataFrame":
        """Return a table with a row for each predictor and measure: mean over its seeds, with its interval."""
        return frame(
            {
                "name": row.name,
                "measure": row.measure,
                "seeds": len(row.values),
                "mean": row.mean,
                "low": row.chosen.low,
                "high": row.chosen.high,
                "deviation": row.deviation,
                "method": row.chosen.name,
            }
            for row in self.comparison.summaries
        )


@checked_arguments()
def auc_difference(
    truth: Column,
    first: Column,
    second: Column,
    groups: Column | None = None,
    *,
    data: Data | None = None,
    positive: object = None,
    confidence: float = CONFIDENCE,
) -> Difference:
    """Return how much larger the second AUC is than the first on the same images, with DeLong's interval and p.

    Shapes: N values each. Range: [-1, 1]. By lesion or patient where groups are given (Obuchowski 1997). Two scores
    that rank alike differ by 0 with p = 1.

    Raises:
        PredictionsError: columns that do not fit, or images of one kind alone.
        ConfigError: a confidence outside (0, 1).
    """
    columns = Columns(data)
    labels = columns.truth("truth", truth, positive)
    scores = np.stack([columns.scores("first", first), columns.scores("second", second)], axis=1)
    found = areas(labels, scores, columns.groups(groups))
    (value, low, high), p = found.difference(0, 1, checked_confidence(confidence))
    own, other = found.auc.tolist()
    return Difference("auc", own, other, value, low, high, p, "DeLong")


@checked_arguments()
def mcnemar(first_right: Column, second_right: Column, *, data: Data | None = None) -> McNemar:
    """Return McNemar's exact test of two predictors' decisions on the same images.

    Shapes: N values of 0 and 1, whether each is right. Images of one lesion are not independent: give one for each.
    p is 1 where the two never disagree (McNemar 1947; Agresti 2013, section 11.1).

    Raises:
        PredictionsError: columns that do not fit.
    """
    columns = Columns(data)
    first, second = columns.truth("first_right", first_right), columns.truth("second_right", second_right)
    alone = discordant(first, second)
    return McNemar(*alone, mcnemar_p(*alone))


def holm(p_values: Column) -> list[float]:
    """Return each p after Holm's correction for so many tests, in the same order (Holm 1979).

    Range: [0, 1]; NaN is no test and does not count.

    Raises:
        PredictionsError: what is no column of numbers, or a value outside [0, 1].
    """
    try:
        values = np.asarray(p_values, dtype=np.float64)
    except (TypeError, ValueError):
        raise PredictionsError(f"the p values are {p_values!r:.60}; expected a list of numbers in [0, 1]") from None
    if values.ndim != 1:
        raise PredictionsError(f"the p values have the shape {values.shape}; expected one for each test")
    if bad := values[(values < 0) | (values > 1)].tolist():
        raise PredictionsError(f"{bad[0]:g} is no p value; expected numbers in [0, 1]")
    return holm_corrected(values.tolist())


@checked_arguments()
def compare(
    truth: Column,
    predictors: Mapping[str, Column | Sequence[Column]],
    groups: Column | None = None,
    *,
    data: Data | None = None,
    positive: object = None,
    thresholds: Mapping[str, float] | None = None,
    measures: Sequence[str] = tuple(MEASURES),
    resamples: int = RESAMPLES,
    permutations: int = PERMUTATIONS,
    seed: FromZero = 0,
) -> Compared:
    """Compare predictors, each of one or several seeds, on the same images.

    Shapes: `truth` and `groups` N values; each predictor N probabilities in [0, 1], or a list of such columns, one a
    seed (also an array of shape (S, N), or the names of columns of `data`). Of one seed each, DeLong's test for AUC,
    McNemar's or a permutation by group for the rest; of several, a t test over seeds and images (Obuchowski and
    Rockette 1995; Hillis 2007). p values are corrected by Holm over all pairs and measures. `thresholds` by predictor,
    0.5 without.

    Raises:
        PredictionsError: columns that do not fit, fewer than two predictors or seeds, a probability outside [0, 1], or
            images of one kind alone.
        ConfigError: an unknown measure, a threshold outside [0, 1) or of no predictor, or fewer than one resample or
            permutation.
    """
    columns = Columns(data)
    labels, units = columns.truth("truth", truth, positive), columns.groups(groups)
    name = class_name(positive)
    limits = {predictor: checked_threshold(one) for predictor, one in (thresholds or {}).items()}
    if not measures:
        raise ConfigError(f"no measure to compare; known: {', '.join(MEASURES)}")
    for predictor in limits:
        require_known("predictor", predictor, predictors)
    entrants = []
    for predictor, given in predictors.items():
        limit = limits.get(predictor, THRESHOLD)
        seeds = _seeds(predictor, given)
        runs = [
            RunPredictions(
                what, one_class(labels, checked_probabilities(columns, what, column), units, name), {name: limit}
            )
            for what, column in seeds.items()
        ]
        entrants.append(RecipeRuns(predictor, tuple(runs)))
    resampling = ResamplingConfig(resamples, permutations, seed)
    return Compared(compare_recipes(entrants, (name,), measures=measures, resampling=resampling))


def _seeds(name: str, given: Any) -> dict[str, Column]:  # noqa: ANN401 - a column or several
    """Return the columns of a predictor by name: one, or one for each seed."""
    first = given[0] if isinstance(given, list | tuple) and len(given) else 0.0
    several = isinstance(first, str) or not np.isscalar(first) or np.ndim(given) == 2
    return {f"{name}, seed {place}": one for place, one in enumerate(given)} if several else {name: given}
