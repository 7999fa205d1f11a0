"""A run and a split or an external set -> predictions, attention maps, measures with intervals, all on disk."""

import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from attnmel import NOTICE, runtime
from attnmel.config.recipe import Recipe
from attnmel.data.archives.catalog import source_of
from attnmel.data.audit.exclusions import read_exclusions
from attnmel.data.batches.stored_maps import StoredMaps
from attnmel.data.datasets.isic import own_folder_path
from attnmel.data.preprocess.cache import Cache
from attnmel.data.preprocess.images import central_crop
from attnmel.errors import ConfigError, LabelError, require_known
from attnmel.evaluation.challenge.submission import SUBMISSIONS, takes, write_submission
from attnmel.evaluation.classification.operating_points import check_points
from attnmel.evaluation.classification.report import evaluate_classification
from attnmel.evaluation.maps.attention_overlap import Overlap, attention_overlap
from attnmel.evaluation.predict import Predicted, predict
from attnmel.evaluation.statistics.bootstrap import RESAMPLES
from attnmel.folders import RunFolder, replacing
from attnmel.locks import hold_folder
from attnmel.models.weights.card import VALIDATION, Card
from attnmel.models.weights.checkpoints import load_checkpoint
from attnmel.pipeline.evaluate.leakage import check_leakage, write_leaks
from attnmel.pipeline.run.dataset import ALL, Prepared, prepare, refuse_unknown, split_batches
from attnmel.pipeline.run.provenance import check_card, check_same_data, read_recipe
from attnmel.pipeline.run.results import SplitResults, add_measures, read_measures
from attnmel.pipeline.run.results_details import find_details, write_details
from attnmel.pipeline.run.seen_images import Leak, judged_images, read_images, segmenter_note, shared_images
from attnmel.progress import SILENT, Progress
from attnmel.records import ATTENTION_MAPS, EVERY_SPLIT

BATCH = 32
"""Images a forward pass; no measure depends on it."""

ROWS = 256
"""Masks read at once."""

FROM_MAPS = (
    "the frozen layers' maps were read from the cache: computed in float32 from the same weights, kept in half floats"
)
"""Note of measures that were not predicted from the images."""


def evaluate_run(
    run: RunFolder,
    *,
    home: Path,
    on: str | None = None,
    split: str | None = None,
    exclude: Path | None = None,
    allow_leakage: bool = False,
    prepared: Prepared | None = None,
    maps: StoredMaps | None = None,
    sensitivities: Sequence[float] = (),
    prevalences: Sequence[float] = (),
    resamples: int = RESAMPLES,
    progress: Progress = SILENT,
) -> SplitResults:
    """Judge a run's best epoch on a split of its own data, or on another data set or folder `on`.

    With `exclude`, a list of `attnmel audit`, the split is judged without the images that it names, under a name of its
    own, so that the figure of the whole split stays. Images that are known from training are listed.

    Predicts in float32 whatever the training's precision. `maps` holds what the run's frozen trunk makes of the split,
    computed in float32 and kept in half floats, and stands in place of its images; a note of the measures says so.
    Predictions, maps, submission, measures and details are written into the run folder; the measures are computed from
    the predictions file alone, the details from it and the validation split's. Sensitivities to aim at and prevalences
    are added to those that are always shown.

    Raises:
        ConfigError: no run folder, no such data set or split, a sensitivity or prevalence that is none.
        CheckpointError: the run has no usable best checkpoint.
        PredictionsError: a measure is not defined, for example on a single class.
        LabelError: another data set shares an id, a file or a lesion with what the run learnt from, or an exclusion
            list that cannot be used.
        BusyError: another command writes into the run folder.
    """
    check_points(sensitivities, prevalences)
    recipe = read_recipe(run)
    with hold_folder(run.path):
        return _evaluate(
            run,
            recipe,
            home,
            on,
            split,
            exclude,
            allow_leakage,
            prepared,
            maps,
            sensitivities,
            prevalences,
            resamples,
            progress,
        )


def _evaluate(
    run: RunFolder,
    recipe: Recipe,
    home: Path,
    on: str | None,
    split: str | None,
    exclude: Path | None,
    allow_leakage: bool,
    prepared: Prepared | None,
    maps: StoredMaps | None,
    sensitivities: Sequence[float],
    prevalences: Sequence[float],
    resamples: int,
    progress: Progress,
) -> SplitResults:
    on = _external(on, recipe.data.dataset)
    split = split or (ALL if on is not None and own_folder_path(on) else "test")
    require_known("split", split, (*EVERY_SPLIT, ALL))
    if prepared is None:
        prepared = prepare(recipe.data, home=home, name=on, progress=progress)
    if on is None:
        check_same_data(run, prepared)
    name = split if on is None else f"{Path(on).name}-{split}"
    rows, notes = prepared.rows(split), _excluded(prepared, split)
    if exclude is not None:
        name = f"{name}-without-{re.sub(r'[^A-Za-z0-9_-]+', '-', exclude.stem)}"
        rows, taken = _without(rows, prepared, split, exclude)
        notes = (*notes, taken)
    notes = (*notes, FROM_MAPS) if maps is not None else notes
    _check_name(run, name, on)
    network, card = load_checkpoint(run.path)
    check_card(run, card, recipe)
    leaks = check_leakage(
        run,
        prepared,
        rows,
        name=name,
        split=split,
        own=recipe.data.dataset,
        on=on,
        allowed=allow_leakage,
        home=home,
        progress=progress,
    )
    if card.chosen_on != VALIDATION:
        notes = (*notes, f"temperature and thresholds were chosen on {card.chosen_on}")
    notes = (*notes, *_segmenter_notes(run, prepared, rows, split, home))
    device = runtime.choose_device()
    predicted = predict(
        network.to(device),
        split_batches(recipe.data, prepared, rows, batch=BATCH, device=device, maps=maps),
        image_ids=prepared.cache.image_ids,
        classes=card.classes,
        groups=prepared.groups,
        device=device,
        progress=progress,
    )
    judged = _write(run, name, on, split, prepared, rows, predicted, card, resamples)
    judged = dataclasses.replace(
        judged,
        judgement=dataclasses.replace(
            judged.judgement, notes=(*judged.judgement.notes, *notes, *_leak_notes(leaks, run))
        ),
    )
    write_leaks(run, leaks, name, card.licence)
    details = find_details(
        run, judged, card.positives, sensitivities=sensitivities, prevalences=prevalences, resamples=resamples
    )
    write_details(run, details)
    add_measures(run, judged)
    return judged


def _excluded(prepared: Prepared, split: str) -> tuple[str, ...]:
    """Return the note that says how many images of the split the recipe itself leaves out; none where it is whole."""
    within = [lesion.image_id in prepared.excluded for lesion in prepared.lesions if split in (lesion.split, ALL)]
    left_out = sum(within)
    return (f"{left_out} of {len(within)} images are left out by the recipe's data.exclude",) if left_out else ()


def _without(rows: np.ndarray, prepared: Prepared, split: str, exclude: Path) -> tuple[np.ndarray, str]:
    """Return the rows that an exclusion list leaves, and the note that says how many it took."""
    dataset = prepared.dataset.name
    named = set(read_exclusions(exclude, dataset))
    refuse_unknown(named, prepared.lesions, f"{exclude} names images that {dataset} does not hold")
    left = np.array([row for row in rows if prepared.lesions[row].image_id not in named], dtype=np.int64)
    if not len(left) or len(left) == len(rows):
        what = "no image" if len(left) else "every image"
        raise LabelError(
            f"{exclude} names {what} of {dataset} in the split '{split}'; expected some of them: write a list with "
            "`attnmel audit --exclusions FILE --leave-out test`"
        )
    return left, f"{len(rows) - len(left)} of {len(rows)} images are left out by {exclude.name}"


def _leak_notes(leaks: Sequence[Leak], run: RunFolder) -> tuple[str, ...]:
    images = len({one.image for one in leaks})
    return (f"{images} of the images are known from training; see {run.leakage.name}",) if images else ()


def _segmenter_notes(run: RunFolder, prepared: Prepared, rows: np.ndarray, split: str, home: Path) -> tuple[str, ...]:
    """Return the note that says how many of the images the segmenter of the run's prior learnt from; none without."""
    learnt = read_images(run.prior) if split != "train" else ()
    shared = shared_images(learnt, judged_images(prepared, rows, home), split) if learnt else ()
    return (segmenter_note(len(shared), len(rows), split),) if shared else ()


def _external(on: str | None, own: str) -> str | None:
    """Return the data set to judge on as an absolute path or a known name; None where it is the run's own after all.

    Judged as an external set, the run's own would give back the images it was trained on.
    """
    if on is None or on == own:
        return None
    folder, own_folder = own_folder_path(on), own_folder_path(own)
    if folder is None:
        return on
    return None if own_folder is not None and folder.samefile(own_folder) else str(folder)


def _check_name(run: RunFolder, name: str, on: str | None) -> None:
    before = read_measures(run).get(name)
    if before is not None and before.on != on:
        raise ConfigError(f"{run.path} was judged on another folder as '{name}' ({before.on}); rename one of the two")


def _write(
    run: RunFolder,
    name: str,
    on: str | None,
    split: str,
    prepared: Prepared,
    rows: np.ndarray,
    predicted: Predicted,
    card: Card,
    resamples: int,
) -> SplitResults:
    predictions = dataclasses.replace(predicted.predictions, attributes=prepared.attributes(rows))
    predictions.write(run.predictions(name), card.licence)
    dataset, submission = prepared.dataset.name, ""
    challenge = source_of(dataset)
    if challenge in SUBMISSIONS and takes(challenge, predictions.classes):
        submission = write_submission(predictions, run.submission(name), challenge)
    overlap = _overlap(run, name, prepared, rows, predicted, card)
    means = {map_name: overlap.mean(map_name, resamples=resamples) for map_name in overlap.jaccard} if overlap else {}
    return SplitResults(
        name=name,
        dataset=dataset,
        on=on,
        split=split,
        epoch=card.epoch,
        licence=card.licence,
        judgement=evaluate_classification(predictions, card.positives, resamples=resamples),
        overlap=means,
        masks=int(prepared.cache.has_mask[rows].sum()),
        submission=submission,
    )


def _overlap(
    run: RunFolder, name: str, prepared: Prepared, rows: np.ndarray, predicted: Predicted, card: Card
) -> Overlap | None:
    """Write the attention maps and, where there are masks, how they overlap."""
    if not predicted.attention:
        return None
    ids, groups = predicted.predictions.image_ids, predicted.predictions.groups
    maps = dict(zip(ATTENTION_MAPS, predicted.attention, strict=True))
    notices = {"notice": np.array(NOTICE), "licence": np.array(card.licence)}
    with replacing(run.attention(name)) as part, part.open("wb") as file:
        np.savez_compressed(file, image=np.array(ids), **notices, **maps)
    has_mask = prepared.cache.has_mask[rows]
    if not has_mask.any():
        return None
    overlap = Overlap(
        ids, groups, {map_name: _jaccard(one, prepared.cache, rows, card.size) for map_name, one in maps.items()}
    )
    overlap.write(run.overlap(name), card.licence)
    return overlap


def _jaccard(maps: np.ndarray, cache: Cache, rows: np.ndarray, size: int) -> np.ndarray:
    """Compare maps with the masks of their rows, some rows at a time, so that memory stays flat."""
    parts = []
    for start in range(0, len(rows), ROWS):
        some = rows[start : start + ROWS]
        masks = np.ascontiguousarray(central_crop(cache.gather(some), size)[..., 3])
        parts.append(attention_overlap(maps[start : start + ROWS], masks, cache.has_mask[some]))
    return np.concatenate(parts)
