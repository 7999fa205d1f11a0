"""A model and image files -> maps over each image, in its own geometry."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from attnmel import runtime
from attnmel.data.preprocess.images import prepared_image
from attnmel.data.preprocess.reading import ReadingNotes
from attnmel.errors import CheckpointError, ImageError
from attnmel.folders import RunFolder
from attnmel.locks import hold_folder
from attnmel.models.output import Output
from attnmel.models.weights.card import Card
from attnmel.models.weights.checkpoints import load_checkpoint
from attnmel.pipeline.predict.attention_maps import require_own_names, write_image_maps
from attnmel.pipeline.predict.image_files import image_files, own_folders, raise_for_failures
from attnmel.pipeline.predict.predict import note_ablation
from attnmel.pipeline.predict.torch_model import model_input
from attnmel.progress import SILENT, Progress
from attnmel.records import ATTENTION_MAPS
from attnmel.saliency.methods.registry import BASELINES, build_method, maps_of, usual_methods


def explain_images(
    model: Path,
    images: Sequence[Path],
    *,
    methods: Sequence[str] = (),
    out: Path | None = None,
    progress: Progress = SILENT,
) -> Iterator[Path]:
    """Write `<image>-<map>.png` for each file and map, and `<image>.npz` for each file, and yield the paths.

    Without methods, the maps are those of the attention gates, as the network returns them ("pool3", "pool4"). Those of
    methods are at the network's input size and explain the predicted class. Overlays stretch each map over its own
    range; the NPZ holds it as it is, and placed in the frame of the original image ("pool3_frame"), 0 outside the
    network's input.

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
    folder = out or (RunFolder(model).maps if model.is_dir() else Path("maps"))
    paths = image_files(images, progress)
    require_own_names(paths)
    folders = own_folders(folder, paths)
    for name in methods:
        build_method(name)
    failed: list[str] = []
    readings = ReadingNotes()
    with hold_folder(folder), progress.bar("explaining", len(paths), "images") as advance:
        for path in paths:
            try:
                square = prepared_image(path, crop=card.crop, side=card.side)
            except ImageError as error:
                failed.append(str(error))
                advance(1)
                continue
            pixels = model_input(square, card).to(device)
            maps = _of_methods(network, pixels, methods) if methods else _of_gates(network, pixels, model, card)
            readings.add(path)
            yield from write_image_maps(folders[path], path, maps, card)
            advance(1)
    readings.note(progress)
    raise_for_failures(failed, len(paths))


def _of_methods(network: nn.Module, pixels: Tensor, methods: Sequence[str]) -> dict[str, np.ndarray]:
    with torch.inference_mode():
        output: Output = network(pixels)
    maps = maps_of(network, pixels, output.logits.argmax(dim=1), methods)
    return {name.replace(":", "-"): one[0].float().cpu().numpy() for name, one in maps.items()}


def _of_gates(network: nn.Module, pixels: Tensor, model: Path, card: Card) -> dict[str, np.ndarray]:
    with torch.inference_mode():
        output: Output = network(pixels)
    if not output.attention:
        raise CheckpointError(
            f"{model} is a {card.network}, which has no attention maps; use an attnmel-cnn, or name another method: "
            f"{' '.join(f'--method {name}' for name in usual_methods(network) if name not in BASELINES)}"
        )
    maps = [one[0, 0].float().cpu().numpy() for one in output.attention]
    return dict(zip(ATTENTION_MAPS, maps, strict=True))
