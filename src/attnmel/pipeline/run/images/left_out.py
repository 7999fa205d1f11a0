"""Images that a run leaves out: those on an exclusion list, and those whose diagnosis is none of its classes."""

import dataclasses
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from attnmel.data.datasets.dataset import Dataset
from attnmel.data.datasets.published.gather import counts_in_words
from attnmel.errors import LabelError, listed
from attnmel.records import EVERY_SPLIT, Lesion, Split, place_among

if TYPE_CHECKING:
    from attnmel.pipeline.run.images.dataset import Prepared

ALL = "all"
"""Every image of a data set, whatever its split: how an external data set is evaluated."""


def refuse_unknown_ids(excluded: Iterable[str], lesions: Iterable[Lesion], problem: str) -> None:
    """Refuse to exclude ids that are not in the data set: after a typing error the leak would stay.

    Raises:
        LabelError: the problem, and the ids.
    """
    if unknown := sorted(set(excluded) - {lesion.image_id for lesion in lesions}):
        raise LabelError(
            f"{problem}: {listed(unknown)}. Take them out of the exclusion list, or write it anew with `attnmel audit`."
        )


def without_class(dataset: Dataset, classes: Sequence[str], *, external: bool) -> tuple[Dataset, frozenset[str]]:
    """Return the ids of the images whose diagnosis is none of the classes, and the data set with a note of them.

    There are none in a data set that a run is trained on, where they are an error, unless it leaves them out by itself.

    Raises:
        LabelError: no image has one of the classes.
    """
    if not (external or dataset.leaves_out):
        return dataset, frozenset()
    labelled = [lesion for lesion in dataset.lesions if lesion.diagnosis is not None]
    left = [lesion for lesion in labelled if place_among(lesion, classes) is None]
    if not left:
        return dataset, frozenset()
    words = counts_in_words(Counter(str(lesion.diagnosis) for lesion in left))
    if len(left) == len(labelled):
        raise LabelError(
            f"none of the diagnoses of {dataset.name} ({words}) is one of the classes {', '.join(classes)}; "
            "choose another data set, or train with classes that it has"
        )
    note = (
        f"{len(left):,} of {len(dataset.lesions):,} images of {dataset.name} are left out, since the classes "
        f"{', '.join(classes)} do not include their diagnosis: {words}"
    )
    ids = frozenset(lesion.image_id for lesion in left)
    return dataclasses.replace(dataset, notes=(*dataset.notes, note)), ids


def unclassed_notes(prepared: "Prepared", split: str) -> tuple[str, ...]:
    """Return the note on how many images of the run's own split have none of its classes; none where all have one."""
    within = [lesion.image_id in prepared.unclassed for lesion in prepared.lesions if split in (lesion.split, ALL)]
    note = f"{sum(within):,} of {len(within):,} images are left out, since their diagnosis is none of the classes"
    return (note,) if any(within) else ()


def evaluated_splits(prepared: "Prepared") -> tuple[Split, ...]:
    """Return the splits besides that of training that hold an image that is not left out."""
    there = {lesion.split for lesion in prepared.used}
    return tuple(split for split in EVERY_SPLIT if split != "train" and split in there)
