"""A model and image files -> maps over each image, in its own geometry."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from attnmel.compute import runtime
from attnmel.config.settings.tta import transforms_of
from attnmel.data.image_files.reading import ReadingNotes
from attnmel.data.preprocess.framing import framing_of
from attnmel.data.preprocess.network_input import network_input
from attnmel.errors import CheckpointError, ImageError
from attnmel.files.folders import RunFolder
from attnmel.files.locks import hold_folder
from attnmel.models.output import BatchPrediction, predict_squares
from attnmel.models.weights.card import Card
from attnmel.models.weights.checkpoints import load_checkpoint
from attnmel.pipeline.predict.attention_maps import require_own_names, write_image_maps
from attnmel.pipeline.predict.image_files import image_files, own_folders, raise_for_failures
from attnmel.pipeline.predict.masks.lesion_masks import note_masks, require_masks
from attnmel.pipeline.predict.masks.mask_options import open_masks
from attnmel.pipeline.predict.models.torch_model import model_input
from attnmel.pipeline.predict.predict import note_ablation
from attnmel.progress import SILENT, Progress
from attnmel.records import ATTENTION_MAPS
from attnmel.saliency.methods.registry import BASELINES, build_method, maps_of, usual_methods


def explain_images(
    model: Path,
    images: Sequence[Path],
    *,
    methods: Sequence[str] = (),
    out: Path | None = None,
    masks: Path | None = None,
    segmenter: Path | None = None,
    progress: Progress = SILENT,
) -> Iterator[Path]:
    """Write `<image>-<map>.png` for each file and map, and `<image>.npz` for each file, and yield the paths.

    Without methods, the maps are those of the attention gates, as the network returns them ("pool3", "pool4"). Those of
    methods are at the network's input size and explain the predicted class. Where the model averages several squares
    or transforms of an image, the class and its probability are those of the mean, as `predict_images` gives them, and
    maps are of the first square. Overlays stretch each map over its own range and draw the squares that the network
    saw, with the calibrated probability of the target class and the scale below; the NPZ holds it as it is, with its
    place in the image, as `write_image_maps`. `masks` and `segmenter`: as of `predict_images`.

    Raises:
        CheckpointError: the model cannot be used, or has no attention maps and no method is named.
        ConfigError: an unknown method, or one that the network has no map for.
        ImageError: files cannot be used; raised once the others are done.
        BusyError: another command writes into the folder.
    """
    network, card = load_checkpoint(model)
    device = runtime.choose_device()
    network = network.to(device)
    note_ablation(model, card, progress)
    lesion_masks = open_masks(masks, segmenter)
    require_masks(card, lesion_masks)
    folder = out or (RunFolder(model).maps if model.is_dir() else Path("maps"))
    paths = image_files(images, progress)
    note_masks(lesion_masks, paths, progress)
    require_own_names(paths, "explain them one at a time, each into an --out of its own")
    folders = own_folders(folder, paths)
    for name in methods:
        build_method(name)
    failed: list[str] = []
    readings = ReadingNotes()
    with hold_folder(folder), progress.bar("explaining", len(paths), "images") as advance:
        for path in paths:
            try:
                found = network_input(
                    path,
                    framing_of(card),
                    mask=lesion_masks(path),
                    colour_constancy=card.colour_constancy,
                    transforms=transforms_of(card.transforms),
                )
            except ImageError as error:
                failed.append(str(error))
                advance(1)
                continue
            squares = torch.cat([model_input(one, card) for one in found.prepared]).to(device)
            predicted = predict_squares(network, squares, 1, card.temperature)
            shares = predicted.probabilities[0].tolist()
            if methods:
                maps = _of_methods(network, squares[:1], predicted, methods)
            else:
                maps = _of_gates(network, predicted, model, card)
            yield from write_image_maps(folders[path], path, maps, card, found.seen, probabilities=shares)
            readings.add(path)
            advance(1)
    readings.note(progress)
    raise_for_failures(failed, len(paths))


def _of_methods(
    network: nn.Module, pixels: Tensor, predicted: BatchPrediction, methods: Sequence[str]
) -> dict[str, np.ndarray]:
    called = torch.from_numpy(predicted.probabilities.argmax(axis=1)).to(pixels.device)
    maps = maps_of(network, pixels, called, methods)
    return {name.replace(":", "-"): one[0].float().cpu().numpy() for name, one in maps.items()}


def _of_gates(network: nn.Module, predicted: BatchPrediction, model: Path, card: Card) -> dict[str, np.ndarray]:
    if not predicted.attention:
        raise CheckpointError(
            f"{model} is a {card.network}, which has no attention maps; use an attnmel-cnn, or name another method: "
            f"{' '.join(f'--method {name}' for name in usual_methods(network) if name not in BASELINES)}"
        )
    return dict(zip(ATTENTION_MAPS, (one[0] for one in predicted.attention), strict=True))
