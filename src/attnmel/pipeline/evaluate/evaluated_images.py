"""Which images an evaluation is of: a split of the run's own data or of another set, less those that are left out."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from attnmel.data.audit.exclusions import read_exclusions
from attnmel.errors import ConfigError, LabelError
from attnmel.pipeline.evaluate.leakage import kinds_in_words
from attnmel.pipeline.run.images.dataset import ALL, Prepared
from attnmel.pipeline.run.images.left_out import refuse_unknown_ids, unclassed_notes
from attnmel.pipeline.run.images.seen_images import Leak
from attnmel.pipeline.run.results.results import SplitResults, columns_on, is_same_set, results_name
from attnmel.pipeline.run.run import Run

WITHOUT_KNOWN = "-without-known"
"""In the name of results on the images that are not known from training."""


@dataclass(frozen=True, kw_only=True)
class EvaluatedImages:
    """The images of one evaluation."""

    name: str
    """Of the results."""
    on: str | None
    """Another data set or folder than the run's own."""
    split: str
    prepared: Prepared
    rows: np.ndarray
    """Of the image cache."""
    notes: tuple[str, ...]
    """Which images were left out."""
    columns: dict[str, str]
    """How the table of `on` calls its columns, where it calls them differently."""


def images_to_evaluate(
    run: Run,
    on: str | None,
    split: str | None,
    exclude: Path | None = None,
    columns: Mapping[str, str] | None = None,
    tag: str = "",
) -> EvaluatedImages:
    """Find the images of an evaluation and the name of their results; `tag` tells of changed settings.

    Raises:
        ConfigError: no such data set or split, or the name stands for results on another data set.
        LabelError: the data set or the exclusion list cannot be used.
    """
    split, name = results_name(on, split, exclude, tag)
    prepared = run.same_dataset() if on is None else run.dataset_on(on, columns)
    rows, notes = prepared.rows(split), _excluded(prepared, split)
    if exclude is not None:
        rows, note = _without(rows, prepared, split, exclude)
        notes = (*notes, note)
    if (before := run.results.get(name)) is not None:
        _refuse_other_set(run, before, on, [prepared.lesions[row].image_id for row in rows])
    notes = (*notes, *(prepared.dataset.notes if on is not None else unclassed_notes(prepared, split)))
    own = dict(columns_on(run.results, on) if columns is None else columns) if on is not None else {}
    return EvaluatedImages(name=name, on=on, split=split, prepared=prepared, rows=rows, notes=notes, columns=own)


def _refuse_other_set(run: Run, before: SplitResults, on: str | None, image_ids: Sequence[str]) -> None:
    """Refuse to replace results on another data set of the same name; a folder that was moved is the same one.

    Raises:
        ConfigError: names the other one and what to do.
    """
    if is_same_set(before.on, on):
        return
    is_gone = before.on is not None and not Path(before.on).exists()
    is_stored = run.folder.predictions(before.name).is_file()
    if is_gone and (not is_stored or set(run.predictions(before.name).image_ids) == set(image_ids)):
        return
    raise ConfigError(
        f"{run.path} was evaluated on another folder as '{before.name}' ({before.on}), whose results those on {on} "
        "would replace; rename one of the two folders, or evaluate a copy of the run by --out"
    )


def _excluded(prepared: Prepared, split: str) -> tuple[str, ...]:
    """Return the note on how many images of the split the recipe itself leaves out; none where it leaves out none."""
    within = [lesion.image_id in prepared.excluded for lesion in prepared.lesions if split in (lesion.split, ALL)]
    left_out = sum(within)
    return (f"{left_out} of {len(within)} images are left out by the recipe's data.exclude",) if left_out else ()


def _without(rows: np.ndarray, prepared: Prepared, split: str, exclude: Path) -> tuple[np.ndarray, str]:
    """Return the rows that an exclusion list leaves, and the note on how many it leaves out."""
    dataset = prepared.dataset.name
    named = set(read_exclusions(exclude, dataset))
    refuse_unknown_ids(named, prepared.lesions, f"{exclude} names images that {dataset} does not hold")
    left = np.array([row for row in rows if prepared.lesions[row].image_id not in named], dtype=np.int64)
    if not len(left) or len(left) == len(rows):
        what = "no image" if len(left) else "every image"
        raise LabelError(
            f"{exclude} names {what} of {dataset} in the split '{split}'; expected some of them: write a list with "
            "`attnmel audit --exclusions FILE --leave-out test`"
        )
    return left, f"{len(rows) - len(left)} of {len(rows)} images are left out by {exclude.name}"


def without_known(run: Run, images: EvaluatedImages, leaks: Sequence[Leak]) -> EvaluatedImages:
    """Return the images that are not among the `leaks`, those known from the run's training.

    Raises:
        ConfigError: the split trained the run, or the run does not list what it learnt from.
        LabelError: all are known.
    """
    if images.on is None and images.split in ("train", ALL):
        raise ConfigError(
            f"images of the split '{images.split}' trained this run, so that --exclude-known has no meaning; evaluate "
            "the split 'test', or another data set by --on"
        )
    if not run.learnt_images:
        raise ConfigError(
            f"{run.path} does not list what it learnt from (no {run.folder.images.name}), so that it is not known "
            "which images to leave out; evaluate without --exclude-known"
        )
    known = {one.image for one in leaks}
    left = np.array([row for row in images.rows if images.prepared.lesions[row].image_id not in known], dtype=np.int64)
    every = len(images.rows)
    if not len(left):
        raise LabelError(
            f"all {every} images of {images.prepared.dataset.name} in the split '{images.split}' are known from "
            f"training ({kinds_in_words(leaks)}), so that none is left; name other images"
        )
    said = f"{every - len(left)} of {every} images are left out, as they are known from training"
    note = f"{said} ({kinds_in_words(leaks)})" if leaks else "no image is known from training, so that none is left out"
    return dataclasses.replace(images, rows=left, notes=(*images.notes, note))
