"""A network and labelled images of another place -> a copy with offsets, temperature and thresholds of that place.

The offsets go into the bias of the last layer, so that everything which takes a run takes the copy. The images and what
the copy predicts of them take the place of the validation split: later evaluations choose thresholds on them.
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from attnmel import NOTICE
from attnmel.config.settings.tta import transforms_note, transforms_of
from attnmel.data.datasets.read_dataset import refuse_unread_columns
from attnmel.errors import CheckpointError, ConfigError, LabelError, PredictionsError
from attnmel.evaluation.calibration.calibration import Reliability, reliabilities
from attnmel.evaluation.calibration.recalibration import cross_fitted, fit_recalibration
from attnmel.evaluation.calibration.temperature import at_temperature
from attnmel.evaluation.classification.report import evaluate_classification
from attnmel.evaluation.statistics.bootstrap import RESAMPLES
from attnmel.features.folds import draw_folds
from attnmel.files.folders import RunFolder, replacing
from attnmel.files.locks import hold_file
from attnmel.files.own_files import require_new_folder
from attnmel.files.table_files import nan_to_null
from attnmel.models.weights.card import Card
from attnmel.models.weights.checkpoints import checkpoint_card, read_checkpoint, require_network, save_weights
from attnmel.models.weights.operating_points import Threshold
from attnmel.number_formats import fixed
from attnmel.pipeline.evaluate.evaluated_images import EvaluatedImages, images_to_evaluate, without_known
from attnmel.pipeline.evaluate.leakage import check_leakage, leak_notes, write_leaks
from attnmel.pipeline.predict.cached_rows import predict_rows
from attnmel.pipeline.run.images.age_and_sex import with_prior
from attnmel.pipeline.run.images.dataset import ALL
from attnmel.pipeline.run.images.seen_images import judged_images, read_images, write_images
from attnmel.pipeline.run.provenance import write_provenance
from attnmel.pipeline.run.results.results import CHOOSES, SplitResults, external_set
from attnmel.pipeline.run.results.thresholds import fitted_scale
from attnmel.pipeline.run.run import Run
from attnmel.pipeline.run.run_copy import copy_without_results
from attnmel.progress import SILENT, Progress
from attnmel.records import Predictions

BIAS = "head.bias"
"""Of the last layer, whose outputs are the scores."""

FOLDS = 5
"""Parts of the images, each of which is evaluated with what the others fit."""

ADVISED = 100
"""Images of the target class, and others, that are advised where a model meets another place (Vergouwe et al. 2005)."""

ON_THESE = "offsets, temperature and thresholds were chosen on these very images"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recalibrated:
    """What a recalibration changed, and the calibration of the target class before and after it."""

    run: RunFolder
    target_class: str
    images: int
    positives: int
    offsets: dict[str, float]
    """What was added to the score of each class."""
    temperature: float
    before: Reliability
    """With the temperature of before."""
    after: Reliability
    """Each fifth of the images with what the others fit."""
    thresholds: tuple[Threshold, ...]
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        measures = {name: dataclasses.asdict(getattr(self, name))["measures"] for name in ("before", "after")}
        plain = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)} | measures
        thresholds = [dataclasses.asdict(one) for one in self.thresholds]
        return {"notice": NOTICE, **nan_to_null(plain | {"run": str(self.run.path), "thresholds": thresholds})}


def recalibrate_run(
    run: RunFolder,
    out: Path,
    *,
    on: str,
    split: str | None = None,
    exclude: Path | None = None,
    columns: Mapping[str, str] | None = None,
    exclude_known: bool = False,
    allow_leakage: bool = False,
    resamples: int = RESAMPLES,
    home: Path | None = None,
    progress: Progress = SILENT,
    named: str = "",
) -> Recalibrated:
    """Write a copy of a run to the new folder `out`, recalibrated on labelled images of another data set or folder.

    `on`, `split` (all images without it), `exclude`, `columns`, `exclude_known` and `allow_leakage` are those of
    `evaluate_run`; messages call the run as it was `named`, by default by its path.

    Raises:
        ConfigError: no run folder, no such data set or split, the run's own data set, or `out` is not empty.
        CheckpointError: no network with a softmax over its last layer.
        LabelError: images that the run learnt from, or labels that cannot be used.
        PredictionsError: too few images, or images that no temperature between the limits fits.
    """
    place, original = require_new_folder(out), Run(run.path, home, progress)
    own = original.recipe.data.dataset
    elsewhere = external_set(on, own)
    _require_softmax(run)
    if elsewhere is None:
        chosen = "" if original.card is None else original.card.chosen_elsewhere
        by = "its validation images choose temperature and thresholds by `attnmel evaluate`"
        by = f"temperature and thresholds were chosen on {chosen}" if chosen else by
        raise ConfigError(
            f"{own} is the data set that {named or run.path} was trained on ({by}); name images of another place by "
            "--on"
        )
    refuse_unread_columns(columns or (), elsewhere)
    with hold_file(place), replacing(place) as part:
        require_new_folder(place)  # another command may have written it meanwhile
        part.mkdir()
        copy_without_results(run, RunFolder(part), place)
        found = _recalibrated(
            original,
            Run(RunFolder(part), home, progress),
            elsewhere,
            split=split or ALL,
            exclude=exclude,
            columns=columns,
            exclude_known=exclude_known,
            allowed=allow_leakage,
            resamples=resamples,
        )
        if place.exists():
            place.rmdir()
    return dataclasses.replace(found, run=RunFolder(out))


def _require_softmax(run: RunFolder) -> None:
    card = checkpoint_card(run.path)
    require_network(card, run.path)
    if card.own or card.heads != "softmax":
        kind = f"the network '{card.own}' of one's own" if card.own else f"a network with the heads '{card.heads}'"
        raise CheckpointError(f"{kind} cannot be recalibrated; expected one of attnmel's with a softmax")


def _recalibrated(
    original: Run,
    run: Run,
    on: str,
    *,
    split: str,
    exclude: Path | None,
    columns: Mapping[str, str] | None,
    exclude_known: bool,
    allowed: bool,
    resamples: int,
) -> Recalibrated:
    """Recalibrate the copy `run` of a run, whose own folder is the one that the user knows."""
    tensors, card = read_checkpoint(run.path)
    images = images_to_evaluate(run, on, split, exclude, columns)
    leaks = check_leakage(
        original,
        images.prepared,
        images.rows,
        name=CHOOSES,
        split=split,
        on=on,
        columns=images.columns,
        allowed=allowed or exclude_known,
    )
    if exclude_known:
        images, leaks = without_known(original, images, leaks), ()
    name, target_class = images.prepared.dataset.name, card.positives[0]
    uncalibrated = _predicted(run, images, card)
    fitted = fit_recalibration(uncalibrated)
    scales = [at_temperature(uncalibrated, card.temperature), cross_fitted(uncalibrated, _folds(uncalibrated, name))]
    (before, _), (after, _) = reliabilities(scales, target_class, resamples)
    tensors[BIAS] = tensors[BIAS] + tensors[BIAS].new_tensor(fitted.offsets)
    card = dataclasses.replace(
        card, temperature=None, not_calibrated="", thresholds=(), recalibrated_on=_in_words(name, split)
    )
    save_weights(run.folder.best, tensors, card)
    run = Run(run.folder, run.home, run.progress)  # of these weights
    # Of several squares or transforms an image the mean is of other probabilities now, so that they are predicted.
    now = _predicted(run, images, card)
    scale = fitted_scale(now, card.positives)
    if scale.temperature is None:
        raise PredictionsError(f"the images of {name} fit no temperature: {scale.fitted.reason}")
    run.write_temperature(scale.temperature, scale.thresholds)
    offsets = dict(zip(card.classes, fitted.offsets, strict=True))
    write_leaks(run.folder, leaks, CHOOSES, name, card.licence)
    _write_images(run, images, card.licence)
    facts = {
        "dataset": name,
        "split": split,
        "images": len(images.rows),
        "offsets": offsets,
        "temperature": scale.temperature,
    }
    write_provenance(run.folder, {**run.provenance, "recalibrated": _with_earlier(facts, run.provenance)})
    averaged = filter(None, [transforms_note(card.transforms, card.transforms)])
    of_fit = (*_few(now, target_class), *_no_better(before, after), ON_THESE)
    notes = (*images.notes, *averaged, *leak_notes(leaks, run), *of_fit)
    _write_results(run, images, now, split, notes, resamples)
    return Recalibrated(
        run=run.folder,
        target_class=target_class,
        images=len(images.rows),
        positives=int(now.is_class(target_class).sum()),
        offsets=offsets,
        temperature=scale.temperature,
        before=before,
        after=after,
        thresholds=scale.thresholds,
        notes=notes,
    )


def _predicted(run: Run, images: EvaluatedImages, card: Card) -> Predictions:
    """Return uncalibrated predictions of the images by the run's checkpoint, with its prior of age and sex."""
    predicted = predict_rows(run, images.prepared, images.rows, transforms_of(card.transforms)).predictions
    return with_prior(card.age_sex_prior, predicted)[0]


def _write_images(run: Run, images: EvaluatedImages, licence: str) -> None:
    """List the images, after those of earlier recalibrations, whose offsets are still in the network."""
    every = (*read_images(run.folder.recalibration), *judged_images(images.prepared, images.rows, run.home))
    write_images(run.folder.recalibration, tuple(dict.fromkeys(every)), licence)


def _with_earlier(facts: dict[str, Any], provenance: dict[str, Any]) -> dict[str, Any]:
    """Return the facts of a recalibration with those of an earlier one, and with the offsets of both together."""
    before = provenance.get("recalibrated")
    if before is None:
        return facts
    offsets = {name: value + before["offsets"][name] for name, value in facts["offsets"].items()}
    place = {name: before[name] for name in ("dataset", "split", "images")}
    return facts | {"offsets": offsets, "earlier": [*before.get("earlier", ()), place]}


def _folds(predictions: Predictions, name: str) -> np.ndarray:
    try:
        return draw_folds(predictions.labels, predictions.groups, predictions.classes, folds=FOLDS, seed=0)
    except LabelError:
        raise PredictionsError(
            f"the images of {name} cannot be divided by lesion into {FOLDS} parts that each have every class, which "
            "evaluate the recalibration; add images of more lesions"
        ) from None


def _in_words(name: str, split: str) -> str:
    return f"images of {name}" if split == ALL else f"images of {name} ({split})"


def _few(predictions: Predictions, target_class: str) -> tuple[str, ...]:
    positives = int(predictions.is_class(target_class).sum())
    others = len(predictions.image_ids) - positives
    if min(positives, others) >= ADVISED:
        return ()
    return (f"{positives:,} images of {target_class} and {others:,} others; at least {ADVISED} of each are advised",)


def _no_better(before: Reliability, after: Reliability) -> tuple[str, ...]:
    loss, now = (one.measures["log_loss"].value for one in (before, after))
    if now < loss:
        return ()
    return (
        f"on images outside of the fit the log loss is {fixed(now)}, before {fixed(loss)}: these images give no better "
        "probabilities than the network's own",
    )


def _write_results(
    run: Run, images: EvaluatedImages, predictions: Predictions, split: str, notes: tuple[str, ...], resamples: int
) -> None:
    """Write the predictions of the recalibrated network as those that choose thresholds."""
    _, card = run.checkpoint
    run.write_predictions(CHOOSES, predictions, card.licence)
    report = evaluate_classification(run.predictions(CHOOSES), card.positives, resamples=resamples)
    results = SplitResults(
        name=CHOOSES,
        dataset=images.prepared.dataset.name,
        on=images.on,
        split=split,
        epoch=card.epoch,
        licence=card.licence,
        judgement=dataclasses.replace(report, notes=(*report.notes, *notes)),
        overlap={},
        masks=0,
        submission="",
        temperature=card.temperature,
        columns=images.columns,
    )
    run.write_results(results, run.find_details(results, resamples=resamples))
