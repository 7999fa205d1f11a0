"""Predictions -> every measure as one function of the resample weights, ready to be resampled."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from attnmel.errors import PredictionsError, listed
from attnmel.evaluation.classification.ranking import MEASURES, Measure, Ranking, TopOneHits
from attnmel.records import Predictions

MEAN = "mean"
"""Task of the unweighted mean over the positives; of ISIC 2017's two tasks it is the AUC that ranked the challenge."""

ALL_CLASSES = "all classes"
"""Task of the balanced accuracy of three or more classes: mean recall by the highest probability, and each recall."""

RECALL = "recall "
"""Of one class by the highest probability: this and the class is the name of the measure."""


@dataclass(frozen=True)
class MetricSet:
    """All measures of one predictions record as one function of the resample weights."""

    rankings: dict[str, Ranking]
    hits: TopOneHits | None
    """Of three or more classes."""
    classes: tuple[str, ...]
    """Those that occur among the images, in the order of the recalls."""
    measures: Mapping[str, Measure]

    @staticmethod
    def of(
        predictions: Predictions, positives: Sequence[str], measures: Mapping[str, Measure] = MEASURES
    ) -> "MetricSet":
        """Sort the images once for each class that is judged against the rest.

        Raises:
            PredictionsError: an unlabelled image, a probability that is not finite, a class that is not predicted, or
                one with all images or none.
        """
        _check(predictions, positives)
        rankings = {name: Ranking.of(predictions.is_class(name), predictions.probability(name)) for name in positives}
        hits = TopOneHits.of(predictions.labels, predictions.probabilities) if len(predictions.classes) > 2 else None
        present = tuple(name for name, count in class_counts(predictions).items() if count)
        return MetricSet(rankings, hits, present, measures)

    @property
    def names(self) -> tuple[tuple[str, str], ...]:
        """Task and measure of each column."""
        names = [(task, measure) for task in self.rankings for measure in self.measures]
        if self._averaged:
            names.append((MEAN, "auc"))
        if self.hits is not None:
            names.append((ALL_CLASSES, "balanced_accuracy"))
            names += [(ALL_CLASSES, f"{RECALL}{name}") for name in self.classes]
        return tuple(names)

    @property
    def _averaged(self) -> bool:
        return len(self.rankings) > 1 and "auc" in self.measures

    def __call__(self, weights: Float[np.ndarray, "R N"]) -> Float[np.ndarray, "R M"]:
        """Compute every measure on every resample."""
        columns = []
        for ranking in self.rankings.values():
            counts = ranking.counts(weights)
            columns += [measure(counts) for measure in self.measures.values()]
        if self._averaged:
            # Each task fills as many columns as there are measures, its AUC in the same place of each.
            columns.append(np.mean(columns[list(self.measures).index("auc") :: len(self.measures)], axis=0))
        if self.hits is not None:
            columns += [self.hits.mean_recall(weights), *self.hits.recalls(weights).T]
        return np.stack(columns, axis=1)

    def values(self) -> dict[tuple[str, str], float]:
        """Return every measure on the images as they are."""
        images = len(next(iter(self.rankings.values())).order)
        return dict(zip(self.names, self(np.ones((1, images)))[0].tolist(), strict=True))


def class_counts(predictions: Predictions) -> dict[str, int]:
    """Return how many images there are of each class."""
    held = Counter(predictions.labels.tolist())
    return {name: held[index] for index, name in enumerate(predictions.classes)}


def mixed(predictions: Predictions) -> bool:
    """Return whether a lesion or patient has images of several classes, so that their shares are not independent."""
    return len(set(zip(predictions.groups, predictions.labels.tolist(), strict=True))) > len(set(predictions.groups))


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
        raise PredictionsError(f"no class to judge; name one of: {', '.join(predictions.classes)}")
    if unknown := [name for name in positives if name not in predictions.classes]:
        raise PredictionsError(f"no probability of {', '.join(unknown)}; known: {', '.join(predictions.classes)}")
    counts = class_counts(predictions)
    images = len(predictions.image_ids)
    for name in positives:
        if counts[name] in (0, images):
            held = ", ".join(f"{count} {other}" for other, count in counts.items())
            raise PredictionsError(
                f"{counts[name]} of {images} images are {name} ({held}); "
                f"measures of {name} against the rest need images of both kinds"
            )
