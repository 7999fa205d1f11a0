"""Predict the class probabilities of image files by any kind of model; an ONNX file needs no torch."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attnmel.config.fields import ComputePrecision
from attnmel.data.batches.ablate import ablation_of
from attnmel.deploy.onnx.texts import BOUND
from attnmel.deploy.workers import STALL_LIMIT
from attnmel.errors import CheckpointError, ConfigError
from attnmel.files.seeds import runs_to_average
from attnmel.models.weights.card import Card
from attnmel.pipeline.predict.attention_maps import require_own_names
from attnmel.pipeline.predict.image_files import image_files
from attnmel.pipeline.predict.image_results import ImageModel, ImageResults, transforms_notes
from attnmel.pipeline.predict.masks.lesion_masks import LesionMasks, note_masks, require_masks
from attnmel.pipeline.predict.masks.mask_options import open_masks
from attnmel.pipeline.predict.models.onnx_model import SUFFIX, OnnxModel
from attnmel.pipeline.predict.shards import Shard
from attnmel.progress import SILENT, Progress

BATCH = 16
"""Number of images in a forward pass of a checkpoint."""


def predict_images(
    model: Path,
    images: Sequence[Path],
    *,
    precision: ComputePrecision = "float32",
    bound: float | None = None,
    batch: int | None = None,
    calibrated: bool = True,
    thresholds: Sequence[float] = (),
    maps: Path | None = None,
    dicom: Path | None = None,
    masks: Path | None = None,
    segmenter: Path | None = None,
    transforms: str | None = None,
    metadata: Path | None = None,
    shard: str | None = None,
    stall_limit: float = STALL_LIMIT,
    progress: Progress = SILENT,
) -> ImageResults:
    """Open a model and find the images: files, and the files of folders. Reading the results predicts them.

    A folder of several seeds or folds of one recipe gives the mean of their probabilities.

    With `calibrated`, scores are divided by the model's temperature if it has one; its operating points are of these
    probabilities, so that without it there are no decisions. `thresholds` of the probability of the target class are
    decided next to the model's own. `precision` is for ONNX files, which
    are refused if it may cost more AUC than `bound` (0.02); `batch` (16) is for checkpoints. With several files, an
    error ends the prediction if no result comes for `stall_limit` seconds; 0 means no limit. The attention maps of each
    image are written to the folder `maps` by `write_image_maps`, the results of DICOM images as DICOM to `dicom`.
    `transforms` of each image, whose probabilities are averaged, are those of the model by default.
    `metadata` is a table of age and sex by image, for a model that makes use of them.
    With `shard`, "K/N", only the images of that shard are predicted.
    `masks` is a folder of lesion masks, `segmenter` a network that draws them: with either, results say how much of the
    lesion the network saw.

    Raises:
        CheckpointError: the model cannot be used, or has no attention maps to write.
        ConfigError: this kind of model does not have an option, a threshold outside [0, 1) or of uncalibrated
            probabilities, no such shard, two images have the same name for their maps, or none is DICOM for `dicom`.
        ImageError: there is no image.
        LabelError: several masks fit one image.
    """
    _check_thresholds(thresholds)
    part = Shard.parse(shard) if shard else None
    found = open_masks(masks, segmenter)
    many = len(images) > 1 or any(path.is_dir() for path in images)
    opened = _open(model, precision, bound, batch, calibrated, stall_limit, found, transforms, metadata, many, progress)
    require_masks(opened.card, found)
    if not calibrated:
        _leave_out_temperature(model, opened.card, thresholds, progress)
    for note in transforms_notes(opened):
        progress.note(note)
    note_ablation(model, opened.card, progress)
    paths = image_files(images, progress)
    note_masks(found, paths, progress)
    if maps is not None:
        if not opened.card.has_attention:
            raise CheckpointError(
                f"{model} is a {opened.card.network}, which has no attention maps; leave out --maps, or compute other "
                "maps: attnmel explain RUN IMAGES --method cam"
            )
        require_own_names(paths, "leave out --maps")
    if dicom is not None:
        require_own_names(paths, "leave out --dicom-out")
    return ImageResults(
        opened,
        paths,
        progress,
        thresholds=thresholds,
        maps=maps,
        dicom=dicom,
        masks=found,
        metadata=metadata,
        shard=part,
        stall_limit=stall_limit,
    )


def _leave_out_temperature(model: Path, card: Card, thresholds: Sequence[float], progress: Progress) -> None:
    """Print a note where there is no temperature to leave out, and refuse thresholds where there is one."""
    if card.temperature is None:
        progress.note(f"{model} has no calibration temperature, so that --uncalibrated changes nothing")
    elif thresholds:
        raise ConfigError(
            "a threshold is of the calibrated probabilities, as in the report and in the model's operating points; "
            "leave out --uncalibrated"
        )


def _check_thresholds(thresholds: Sequence[float]) -> None:
    if bad := [value for value in thresholds if not 0 <= value < 1]:
        raise ConfigError(f"threshold {bad[0]:g}; expected a probability, at least 0 and below 1")


def note_ablation(model: Path, card: Card, progress: Progress) -> None:
    """Print a note if the network is an ablation, which was not trained on images like these."""
    if ablation := ablation_of(card.data):
        progress.note(f"{model} is the ablation {ablation}, trained for comparison only: its predictions mean little")


def _open(
    model: Path,
    precision: ComputePrecision,
    bound: float | None,
    batch: int | None,
    calibrated: bool,
    stall_limit: float,
    masks: LesionMasks,
    transforms: str | None,
    metadata: Path | None,
    many: bool,
    progress: Progress,
) -> ImageModel:
    if model.suffix.lower() == SUFFIX:
        if batch is not None:
            raise ConfigError(f"{model} computes each image in a pass of its own; leave out --batch")
        bound = BOUND if bound is None else bound
        found = OnnxModel(
            model,
            precision=precision,
            calibrated=calibrated,
            bound=bound,
            stall_limit=stall_limit,
            masks=masks,
            transforms=transforms,
            many=many,
        )
        for cost in found.costs:
            progress.note(f"{precision}: {cost}")
        return found
    if precision != "float32":
        export = f"attnmel export {shlex.quote(str(model))} --onnx"
        raise ConfigError(f"{model} runs in float32; for '{precision}' export it first: {export}")
    from attnmel.compute.runtime import use_threads

    use_threads()
    more: dict[str, Any] = {"calibrated": calibrated, "masks": masks, "transforms": transforms, "metadata": metadata}
    if len(runs := runs_to_average(model)) > 1:
        from attnmel.pipeline.predict.models.mean_model import MeanModel

        return MeanModel(runs, batch=batch or BATCH, **more)
    from attnmel.pipeline.predict.models.fused_model import opened_model

    return opened_model(model, batch=batch or BATCH, **more)
