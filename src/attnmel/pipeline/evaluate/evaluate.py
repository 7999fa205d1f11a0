"""A run and a split or an external data set -> predictions, attention maps, measures with intervals, all on disk."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from attnmel import NOTICE
from attnmel.config.settings.tta import transforms_note, transforms_of
from attnmel.data.batches.stored_maps import StoredMaps
from attnmel.data.preprocess.cache import Cache
from attnmel.data.preprocess.images import central_crop
from attnmel.errors import ConfigError
from attnmel.evaluation.classification.operating_points import check_points
from attnmel.evaluation.classification.report import evaluate_classification
from attnmel.evaluation.maps.attention_overlap import Overlap, attention_overlap
from attnmel.evaluation.predict import PredictionsWithMaps
from attnmel.evaluation.statistics.bootstrap import RESAMPLES
from attnmel.files.folders import replacing
from attnmel.files.locks import hold_folder
from attnmel.models.weights.age_sex_prior import AGE_SEX, NO_PRIOR
from attnmel.pipeline.evaluate.calibrate import store_at_temperature, store_calibration
from attnmel.pipeline.evaluate.evaluated_images import (
    WITHOUT_KNOWN,
    EvaluatedImages,
    images_to_evaluate,
    without_known,
)
from attnmel.pipeline.evaluate.leakage import check_leakage, leak_notes, write_leaks
from attnmel.pipeline.evaluate.seen import segmenter_notes, write_seen
from attnmel.pipeline.evaluate.submissions import write_if_official
from attnmel.pipeline.predict.cached_rows import predict_rows
from attnmel.pipeline.run.images.age_and_sex import score_prior, with_prior
from attnmel.pipeline.run.results.results import (
    CHOOSES,
    TTA,
    SplitResults,
    check_columns,
    external_set,
    plain_word,
    results_name,
)
from attnmel.pipeline.run.run import Run
from attnmel.records import ATTENTION_MAPS

ROWS = 256
"""Masks read at once."""

FROM_MAPS = (
    "the frozen layers' maps were read from the cache: computed in float32 from the same weights, kept in half floats"
)
"""Note of measures that were not predicted from the images."""

CHOSEN_WITH = {NO_PRIOR: "without age and sex", AGE_SEX: "with age and sex"}


def evaluate_run(
    run: Run,
    *,
    on: str | None = None,
    split: str | None = None,
    exclude: Path | None = None,
    exclude_known: bool = False,
    allow_leakage: bool = False,
    columns: Mapping[str, str] | None = None,
    maps: StoredMaps | None = None,
    transforms: str | None = None,
    prior: str | None = None,
    sensitivities: Sequence[float] = (),
    prevalences: Sequence[float] = (),
    resamples: int = RESAMPLES,
) -> SplitResults:
    """Evaluate a run's best epoch on a split of its own data, or on another data set or folder `on`.

    With `exclude`, a list of `attnmel audit`, the split is evaluated without the images on the list, under a name of
    its own, so that the results on the whole split stay. Images that are known from training are listed, or with
    `exclude_known` left out, also under a name of its own.

    The validation split of the run's own data chooses temperature and thresholds, which go into the checkpoint; results
    of earlier evaluations are then brought to them.

    `transforms` of each image, whose probabilities are averaged, are by default those of the run's own recipe, with
    which temperature and thresholds were chosen; results with others have a name of their own, and leave these alone.
    So it is with the `prior`: "age-sex", fitted on the training images, or "none".

    `columns` are how the labels.csv of `on` calls its columns, as by `read_folder`; of any other data none.

    Predicts in float32 whatever the training's precision. `maps` are the feature maps of the run's frozen trunk for the
    split, computed in float32 and kept in half floats, used in place of its images; a note records it.
    Predictions, maps, submission, measures and details are written into the run folder. Target sensitivities and
    prevalences are added to those that are always reported.

    Raises:
        ConfigError: no run folder, no such data set or split, a sensitivity or prevalence outside its range.
        CheckpointError: the run has no usable best checkpoint.
        PredictionsError: a measure is not defined, for example on a single class of the run's own data.
        LabelError: another data set shares an id, a file or a lesion with what the run learnt from, or an exclusion
            list that cannot be used.
        BusyError: another command writes into the run folder.
    """
    check_points(sensitivities, prevalences)
    place = external_set(on, run.recipe.data.dataset)  # no lock where there is no run
    check_columns(columns or {}, place, run.recipe.data)
    with hold_folder(run.path):
        _, card = run.checkpoint
        transforms = card.transforms if transforms is None else transforms
        chosen = transforms_of(transforms)
        own_prior = NO_PRIOR if card.age_sex_prior is None else AGE_SEX
        prior = own_prior if prior is None else prior
        fitted = card.age_sex_prior if prior == own_prior else score_prior(prior, run.same_dataset(), card.seed)
        tag = "" if transforms == card.transforms else f"{TTA}{plain_word(transforms)}"
        tag += "" if prior == own_prior else f"-prior-{prior}"
        tag += WITHOUT_KNOWN if exclude_known else ""
        if card.chosen_elsewhere and results_name(place, split, exclude, tag)[1] == CHOOSES:
            raise ConfigError(
                f"temperature and thresholds of {run.path} were chosen on {card.chosen_elsewhere}; an evaluation of "
                f"its own split '{CHOOSES}' would choose others. Evaluate the split 'test', or another data set by --on"
            )
        images = images_to_evaluate(run, place, split, exclude, columns, tag)
        leaks = check_leakage(
            run,
            images.prepared,
            images.rows,
            name=images.name,
            split=images.split,
            on=images.on,
            columns=images.columns,
            allowed=allow_leakage or exclude_known,
        )
        if exclude_known:
            images, leaks = without_known(run, images, leaks), ()
        predicted = predict_rows(run, images.prepared, images.rows, chosen, maps)
        adjusted, prior_notes = with_prior(fitted, predicted.predictions)
        predicted = predicted._replace(predictions=adjusted)
        notes = (
            *images.notes,
            *prior_notes,
            *([] if prior == own_prior else [f"temperature and thresholds were chosen {CHOSEN_WITH[own_prior]}"]),
            *([FROM_MAPS] if maps is not None else []),
            *_grid_notes(predicted),
            *filter(None, [transforms_note(transforms, card.transforms)]),
            *[f"temperature and thresholds were chosen on {one}" for one in [card.chosen_elsewhere] if one],
            *write_seen(run, images.name, images.prepared, images.rows),
            *segmenter_notes(run, images.prepared, images.rows, images.split),
            *leak_notes(leaks, run),
        )
        recalibrated = images.name == CHOOSES and store_calibration(run, predicted.predictions)
        run.write_predictions(images.name, predicted.predictions, card.licence)
        results = _results(run, images, predicted, notes, resamples)
        write_leaks(run.folder, leaks, images.name, images.prepared.dataset.name, card.licence)
        details = run.find_details(results, sensitivities=sensitivities, prevalences=prevalences, resamples=resamples)
        run.write_results(results, details)
        if recalibrated:
            store_at_temperature(run, [one for one in run.results.values() if one.name != CHOOSES])
    return results


def _grid_notes(predicted: PredictionsWithMaps) -> tuple[str, ...]:
    missed, images = predicted.without_lesion, len(predicted.predictions.image_ids)
    return (
        (f"the network found no lesion in {missed} of {images} images; its polar grid is the disc",) if missed else ()
    )


def _results(
    run: Run, images: EvaluatedImages, predicted: PredictionsWithMaps, notes: tuple[str, ...], resamples: int
) -> SplitResults:
    """Return the results, and write what belongs to them: the submission, the attention maps and their overlap."""
    card, predictions = run.checkpoint[1], run.predictions(images.name)
    overlap = _overlap(run, images, predicted)
    one_sided = images.on is not None  # other data may be of one class; the own would be an error
    report = evaluate_classification(predictions, card.positives, resamples=resamples, one_sided=one_sided)
    return SplitResults(
        name=images.name,
        dataset=images.prepared.dataset.name,
        on=images.on,
        split=images.split,
        epoch=card.epoch,
        licence=card.licence,
        judgement=dataclasses.replace(report, notes=(*report.notes, *notes)),
        overlap={name: overlap.mean(name, resamples=resamples) for name in overlap.jaccard} if overlap else {},
        masks=int(images.prepared.cache.has_mask[images.rows].sum()),
        submission=write_if_official(predictions, run.folder.submission(images.name), images.prepared.dataset.name),
        temperature=predictions.temperature,
        columns=images.columns,
    )


def _overlap(run: Run, images: EvaluatedImages, predicted: PredictionsWithMaps) -> Overlap | None:
    """Write the attention maps and, where there are masks, how they overlap."""
    if not predicted.attention:
        return None
    card, cache = run.checkpoint[1], images.prepared.cache
    ids, groups = predicted.predictions.image_ids, predicted.predictions.groups
    maps = dict(zip(ATTENTION_MAPS, predicted.attention, strict=True))
    notices = {"notice": np.array(NOTICE), "licence": np.array(card.licence)}
    with replacing(run.folder.attention(images.name)) as part, part.open("wb") as file:
        np.savez_compressed(file, image=np.array(ids), **notices, **maps)
    if not cache.has_mask[images.rows].any():
        return None
    jaccard = {name: _jaccard(one, cache, images.rows, card.size) for name, one in maps.items()}
    overlap = Overlap(ids, groups, jaccard)
    overlap.write(run.folder.overlap(images.name), card.licence)
    return overlap


def _jaccard(maps: np.ndarray, cache: Cache, rows: np.ndarray, size: int) -> np.ndarray:
    """Compare maps with the masks of their rows, some rows at a time, so that memory stays flat."""
    parts = []
    for start in range(0, len(rows), ROWS):
        some = rows[start : start + ROWS]
        masks = np.ascontiguousarray(central_crop(cache.gather(some), size)[..., 3])
        parts.append(attention_overlap(maps[start : start + ROWS], masks, cache.has_mask[some]))
    return np.concatenate(parts)
