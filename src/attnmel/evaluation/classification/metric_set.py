"""Predictions -> every measure as one function of the resample weights.

Shapes: N images, R resamples, M measures, K tasks.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from attnmel.errors import PredictionsError, listed
from attnmel.evaluation.classification.left_out import counts_without, recalls_without
from attnmel.evaluation.classification.ranking import MEASURES, Counts, Measure, Ranking, TopOneHits, Values
from attnmel.evaluation.statistics.bootstrap import Sampling
from attnmel.evaluation.statistics.left_out import LeftOut
from attnmel.evaluation.statistics.proportions import mean_of_defined
from attnmel.records import Predictions

MEAN = "mean"
"""Task of the unweighted mean over the tasks; of ISIC 2017's two tasks it is the AUC that ranked the challenge."""

ALL_CLASSES = "all classes"
"""Task of the balanced accuracy of three or more classes: mean recall by the highest probability, and each recall."""

RECALL = "recall "
"""Of one class by the highest probability: this and the class is the name of the measure."""


@dataclass(frozen=True)
class MetricSet:
    """All measures of some images as one function of the resample weights."""

    rankings: dict[str, Ranking]
    """By task: a class against the rest."""
    hits: TopOneHits | None
    """Of three or more classes."""
    classes: tuple[str, ...]
    """Those that occur among the images, in the order of the recalls."""
    measures: Mapping[str, Measure]
    averaged: tuple[str, ...] = ("auc",)
    """Measures whose mean over several tasks is measured too."""
    sample_weights: Float[np.ndarray, " N"] | None = None
    """How much each image counts; None where all count alike."""
    half_is_positive: bool = False
    """Whether an image at exactly one half is called positive."""

    @staticmethod
    def of(
        predictions: Predictions,
        positives: Sequence[str],
        measures: Mapping[str, Measure] = MEASURES,
        *,
        one_sided: bool = False,
    ) -> "MetricSet":
        """Sort the images once for each class that is measured against the rest.

        If `one_sided`, all images may be of a class, or none: what is not defined then is NaN.

        Raises:
            PredictionsError: an unlabelled image, a probability that is not finite, a class that is not predicted, or
                one with all images or none.
        """
        _check(predictions, positives)
        if not one_sided:
            _check_both_kinds(predictions, positives)
        rankings = {name: Ranking.of(predictions.is_class(name), predictions.probability(name)) for name in positives}
        hits = TopOneHits.of(predictions.labels, predictions.probabilities) if len(predictions.classes) > 2 else None
        present = tuple(name for name, count in class_counts(predictions).items() if count)
        return MetricSet(rankings, hits, present, measures)

    @property
    def names(self) -> tuple[tuple[str, str], ...]:
        """Task and measure of each column."""
        names = [(task, measure) for task in self.rankings for measure in self.measures]
        names += [(MEAN, measure) for measure in self._averaged]
        if self.hits is not None:
            names.append((ALL_CLASSES, "balanced_accuracy"))
            names += [(ALL_CLASSES, f"{RECALL}{name}") for name in self.classes]
        return tuple(names)

    @property
    def _averaged(self) -> list[str]:
        return [name for name in self.measures if name in self.averaged] if len(self.rankings) > 1 else []

    @cached_property
    def _needed(self) -> list[Ranking]:
        known = all(MEASURES.get(name) is measure for name, measure in self.measures.items())
        return [ranking.corners() if known else ranking for ranking in self.rankings.values()]

    def __call__(self, weights: Float[np.ndarray, "R N"]) -> Float[np.ndarray, "R M"]:
        """Compute every measure on every resample."""
        weighted = weights if self.sample_weights is None else weights * self.sample_weights
        # One task after the other, so that the counts of only one are in memory.
        tasks = [self._task(ranking.counts(weighted)) for ranking in self._needed]
        return self._columns(tasks, None if self.hits is None else self.hits.recalls(weighted))

    def without(self, sampling: Sampling) -> Callable[[Int[np.ndarray, " R"]], Float[np.ndarray, "R M"]]:
        """Return the function that computes every measure without each of some units, a row each."""
        if self.sample_weights is not None:  # no whole numbers
            return lambda units: self(sampling.without(units))
        left_out = LeftOut(sampling)
        of_tasks = [counts_without(ranking, left_out) for ranking in self._needed]
        of_hits = None if self.hits is None else recalls_without(self.hits, sampling)
        return lambda units: self._columns(
            [self._task(counts(units)) for counts in of_tasks], None if of_hits is None else of_hits(units)
        )

    def _columns(
        self, tasks: Sequence[Mapping[str, Values]], recalls: Float[np.ndarray, "R C"] | None
    ) -> Float[np.ndarray, "R M"]:
        columns = [column for task in tasks for column in task.values()]
        columns += [mean_of_defined(np.stack([task[name] for task in tasks]), axis=0) for name in self._averaged]
        if recalls is not None:
            columns += [mean_of_defined(recalls, axis=1), *recalls.T]
        return np.stack(columns, axis=1)

    def values(self) -> dict[tuple[str, str], float]:
        """Return every measure on the images as they are."""
        images = len(next(iter(self.rankings.values())).order)
        return dict(zip(self.names, self(np.ones((1, images)))[0].tolist(), strict=True))

    def _task(self, counts: Counts) -> dict[str, Values]:
        return {name: measure(counts) for name, measure in self.measures.items()}


def class_counts(predictions: Predictions) -> dict[str, int]:
    """Return how many images there are of each class."""
    counted = Counter(predictions.labels.tolist())
    return {name: counted[index] for index, name in enumerate(predictions.classes)}


def mixed(groups: Sequence[str], labels: Int[np.ndarray, " N"]) -> bool:
    """Return whether a group has images of several classes, so that proportions of them are not independent."""
    return len(set(zip(groups, labels.tolist(), strict=True))) > len(set(groups))


def _check(predictions: Predictions, positives: Sequence[str]) -> None:
    unlabelled = [name for name, label in zip(predictions.image_ids, predictions.labels, strict=True) if label < 0]
    if unlabelled:
        raise PredictionsError(
            f"{len(unlabelled)} of {len(predictions.image_ids)} images have no label ({listed(unlabelled)}); "
            "measures need the truth of every image: label these or leave them out"
        )
    rows = np.flatnonzero(~np.isfinite(predictions.probabilities).all(axis=1))
    if bad := [predictions.image_ids[row] for row in rows.tolist()]:
        raise PredictionsError(
            f"{len(bad)} of {len(predictions.image_ids)} images have a probability that is not finite ({listed(bad)}); "
            "expected numbers in [0, 1]: predict them again from a checkpoint that is sound"
        )
    if not positives:
        raise PredictionsError(f"no class to measure; name one of: {', '.join(predictions.classes)}")
    if unknown := [name for name in positives if name not in predictions.classes]:
        raise PredictionsError(f"no probability of {', '.join(unknown)}; known: {', '.join(predictions.classes)}")


def _check_both_kinds(predictions: Predictions, positives: Sequence[str]) -> None:
    counts = class_counts(predictions)
    images = len(predictions.image_ids)
    for name in positives:
        if counts[name] in (0, images):
            present = ", ".join(f"{count} {other}" for other, count in counts.items())
            raise PredictionsError(
                f"{counts[name]} of {images} images are {name} ({present}); "
                f"measures of {name} against the rest need images of both kinds"
            )
