"""Predictions of members with their own names and order of classes -> arrays of the same images and classes.

No torch.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from attnmel.errors import PredictionsError
from attnmel.evaluation.challenge.submission import SUBMISSIONS, official_categories
from attnmel.evaluation.comparison.align import RecipeRuns, RunPredictions, aligned_runs
from attnmel.records import REST, Predictions


class Aligned(NamedTuple):
    """The predictions of all members for the same images."""

    truth: Predictions
    """Images, labels and lesions, with the probabilities of the first member."""
    members: Float[np.ndarray, "M N K"]

    def with_probabilities(self, probabilities: Float[np.ndarray, "N K"]) -> Predictions:
        """Return other probabilities of the same images."""
        return dataclasses.replace(self.truth, probabilities=probabilities, temperature=None)


def common_names(classes: Mapping[str, Sequence[str]], dataset: str, positives: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the classes of a fusion of members, whose own classes are given by the member's name.

    With `positives` these against the rest, else those that the members have; all in the order of the data set's
    challenge if it was one, under whose names any other name of a diagnosis is known. What is no class of the fusion is
    of `REST`, which comes first where one class is left, and else last.

    Raises:
        PredictionsError: a member that lacks a class which is wanted or which another has.
    """
    known = {name: tuple(_own_names(own, dataset)) for name, own in classes.items()}
    first = next(iter(known))
    wanted = _wanted(known[first], dataset, positives)
    for name, has in known.items():
        if positives and (missing := [one for one in wanted if one not in has]):
            raise PredictionsError(
                f"{name} has no class {', '.join(missing)}; its classes are {', '.join(classes[name])}"
            )
        if not positives and set(has) != set(wanted):
            _refuse(first, name, classes, [one for one in wanted if one in has])
    with_rest = any(set(own) - set(_own_names(own, dataset, wanted).values()) for own in classes.values())
    if not with_rest:
        return wanted
    return (REST, *wanted) if len(wanted) == 1 else (*wanted, REST)


def in_classes(predictions: Predictions, classes: Sequence[str], dataset: str) -> Predictions:
    """Return predictions of the classes of a fusion; `REST` has the sum of all that is none of them.

    Where a member has no other class, as a submission, it has what the classes leave of 1.
    """
    own = _own_names(predictions.classes, dataset, classes)
    others = [place for place, name in enumerate(predictions.classes) if name not in own.values()]
    named = {name: predictions.probability(own[name]) for name in classes if name in own}
    left = np.clip(1 - sum(named.values()), 0, 1)
    rest = predictions.probabilities[:, others].sum(axis=1) if others else left
    place = {own[name]: at for at, name in enumerate(classes) if name in own}
    index = [place.get(name, classes.index(REST) if REST in classes else -1) for name in predictions.classes]
    return dataclasses.replace(
        predictions,
        classes=tuple(classes),
        probabilities=np.stack([named.get(name, rest) for name in classes], axis=1),
        labels=np.array([*index, -1], dtype=np.int64)[predictions.labels],
    )


def align_members(members: Mapping[str, Predictions], classes: Sequence[str], dataset: str) -> Aligned:
    """Put the predictions of members, by name, into the classes of a fusion and the order of the first member's images.

    Members without labels, as submissions, take those of one that has them.

    Raises:
        PredictionsError: other images, or another truth of an image; names the images.
    """
    same = {name: in_classes(one, classes, dataset) for name, one in members.items()}
    truth = next((one for one in same.values() if (one.labels >= 0).any()), None)
    if truth is not None:
        same = {name: _labelled(one, truth) for name, one in same.items()}
    runs = aligned_runs([RecipeRuns(name, (RunPredictions(name, one),)) for name, one in same.items()])
    found = [one.runs[0].predictions for one in runs]
    fullest = max(found, key=lambda one: len(one.attributes))
    return Aligned(
        dataclasses.replace(found[0], attributes=fullest.attributes),
        np.stack([one.probabilities for one in found]).astype(np.float64),
    )


def _own_names(own: Sequence[str], dataset: str, wanted: Sequence[str] | None = None) -> dict[str, str]:
    """Return the member's own name of each class, by the name that the fusion has for it; `REST` is none."""
    found = official_categories(own, dataset) if dataset in SUBMISSIONS else {name: name for name in own}
    return {name: one for name, one in found.items() if one != REST and (wanted is None or name in wanted)}


def _wanted(known: Sequence[str], dataset: str, positives: Sequence[str]) -> tuple[str, ...]:
    if not positives:
        return tuple(known)
    official = (
        {own: name for name, own in official_categories(positives, dataset).items()} if dataset in SUBMISSIONS else {}
    )
    return tuple(dict.fromkeys(official.get(name, name) for name in positives))


def _refuse(first: str, other: str, classes: Mapping[str, Sequence[str]], common: Sequence[str]) -> None:
    advice = f"; --positive {common[0]} fuses that class against the rest" if common else ""
    raise PredictionsError(
        f"{other} has the classes {', '.join(classes[other])}, and {first} {', '.join(classes[first])}; expected "
        f"members of the same classes{advice}"
    )


def _labelled(predictions: Predictions, truth: Predictions) -> Predictions:
    if (predictions.labels >= 0).any():
        return predictions
    label_of = dict(zip(truth.image_ids, truth.labels.tolist(), strict=True))
    labels = [label_of.get(image_id, -1) for image_id in predictions.image_ids]
    return dataclasses.replace(predictions, labels=np.array(labels, dtype=np.int64))
