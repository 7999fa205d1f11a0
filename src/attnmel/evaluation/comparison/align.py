"""Predictions of several runs -> the same rows in the same order, joined by image id.

Runs are only compared on the same images with the same truth; any difference is refused with the images
that it concerns.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float

from attnmel.errors import PredictionsError, listed
from attnmel.evaluation.classification.choose_threshold import chosen_threshold
from attnmel.evaluation.classification.ranking import Ranking
from attnmel.records import REST, Predictions


@dataclass(frozen=True)
class RunPredictions:
    """Predictions of one run, one seed of a recipe."""

    name: str
    predictions: Predictions
    thresholds: Mapping[str, float] = field(default_factory=dict)
    """By class: an image is called positive strictly above it; `THRESHOLD` for a class that is not named."""


@dataclass(frozen=True)
class RecipeRuns:
    """A recipe in a comparison, by its runs."""

    name: str
    runs: tuple[RunPredictions, ...]
    """One a seed."""


def aligned_runs(entrants: Sequence[RecipeRuns]) -> tuple[RecipeRuns, ...]:
    """Put the rows of every run into the order of the first run.

    A run that does not know the lesions of its images takes them from one that does.

    Raises:
        PredictionsError: other images, another truth of an image, or another lesion; names the images.
    """
    runs = [run for entrant in entrants for run in entrant.runs]
    first = runs[0]
    for run in runs[1:]:
        _check_images(first, run)
    ordered = {run.name: run.predictions.of_images(first.predictions.image_ids) for run in runs}
    for run in runs[1:]:
        _check_truth(first.name, ordered[first.name], run.name, ordered[run.name])
    groups = _groups(ordered)
    return tuple(
        replace(
            entrant,
            runs=tuple(replace(run, predictions=replace(ordered[run.name], groups=groups)) for run in entrant.runs),
        )
        for entrant in entrants
    )


def common_classes(entrants: Sequence[RecipeRuns]) -> tuple[str, ...]:
    """Return the classes that every run predicts, in the order of the first run.

    Raises:
        PredictionsError: there is none; lists those of each recipe.
    """
    runs = [run for entrant in entrants for run in entrant.runs]
    common = tuple(
        name
        for name in runs[0].predictions.classes
        if name != REST and all(name in run.predictions.classes for run in runs)
    )
    if not common:
        known = "; ".join(f"{one.name}: {', '.join(one.runs[0].predictions.classes)}" for one in entrants)
        raise PredictionsError(f"no class is common to all runs ({known}); compare runs that predict the same class")
    return common


def threshold_at(predictions: Predictions, name: str, sensitivity: float) -> float:
    """Return the threshold above which at least this share of the images of a class lies, as `chosen_threshold`.

    Raises:
        PredictionsError: a class that is not predicted, or no image of it.
    """
    if name not in predictions.classes:
        raise PredictionsError(f"no probability of {name}; known: {', '.join(predictions.classes)}")
    positive = predictions.is_class(name)
    if not positive.any():
        raise PredictionsError(f"no image of {name} among the validation images; a threshold is chosen on its images")
    return float(chosen_threshold(Ranking.of(positive, predictions.probability(name)).counts(), sensitivity)[0])


def halved(scores: Float[np.ndarray, " N"], threshold: float) -> Float[np.ndarray, " N"]:
    """Replace scores by others in the same order, ties kept, that lie above 0.5 where those lay above the threshold."""
    distinct, place = np.unique(scores, return_inverse=True)
    below = int((distinct <= threshold).sum())
    under = np.arange(below) / max(2 * below, 1)
    over = 0.5 + np.arange(1, len(distinct) - below + 1) / max(2 * (len(distinct) - below), 1)
    return np.concatenate([under, over])[place]


def _check_images(first: RunPredictions, other: RunPredictions) -> None:
    own, theirs = set(first.predictions.image_ids), set(other.predictions.image_ids)
    if own == theirs:
        return
    parts = [
        f"{len(ids)} only in {name} ({listed(sorted(ids))})"
        for name, ids in ((first.name, own - theirs), (other.name, theirs - own))
        if ids
    ]
    raise PredictionsError(
        f"{other.name} was evaluated on other images than {first.name}: {'; '.join(parts)}. Evaluate both on the same "
        "split of the same data with `attnmel evaluate`."
    )


def _check_truth(name: str, first: Predictions, other_name: str, other: Predictions) -> None:
    """Refuse an image that is of another class; "rest" is of no class that the other has not."""
    truths = zip(first.image_ids, _labels(first), _labels(other), strict=True)
    differing = [
        (image_id, own, theirs)
        for image_id, own, theirs in truths
        if own != theirs and (_tells(own, other) or _tells(theirs, first))
    ]
    if differing:
        image_id, own, theirs = differing[0]
        is_now = (
            f"'{theirs}', not '{own}'" if own and theirs else f"without a label in {name if theirs else other_name}"
        )
        raise PredictionsError(
            f"{len(differing)} of {len(first.image_ids)} images have another label in {other_name} than in {name} "
            f"({listed(one for one, _, _ in differing)}): {image_id} is {is_now}. Evaluate both runs on "
            "the same truth."
        )


def _labels(predictions: Predictions) -> list[str]:
    return [predictions.classes[label] if label >= 0 else "" for label in predictions.labels.tolist()]


def _tells(label: str, other: Predictions) -> bool:
    return not label or (label != REST and label in other.classes)


def _groups(ordered: Mapping[str, Predictions]) -> tuple[str, ...]:
    known = {name: one for name, one in ordered.items() if one.groups != one.image_ids}
    if not known:
        return next(iter(ordered.values())).groups
    (name, first), *others = known.items()
    for other_name, other in others:
        rows = zip(first.image_ids, first.groups, other.groups, strict=True)
        if differing := [image_id for image_id, own, theirs in rows if own != theirs]:
            raise PredictionsError(
                f"{len(differing)} of {len(first.image_ids)} images belong to another lesion or patient in "
                f"{other_name} than in {name} ({listed(differing)}); evaluate both runs on the same version of the data"
            )
    return first.groups
