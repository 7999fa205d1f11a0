"""Predict image files by a run or a checkpoint, with torch but without training code."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32, UInt8

from attnmel.compute import runtime
from attnmel.config.settings.tta import transforms_of
from attnmel.data.preprocess.framing import framing_of
from attnmel.data.preprocess.images import central_crop, normalised
from attnmel.data.preprocess.network_input import NetworkInput, network_input
from attnmel.errors import ImageError
from attnmel.features.store import load_classifier
from attnmel.files.folders import RunFolder
from attnmel.models.output import predict_squares
from attnmel.models.weights.card import Card
from attnmel.models.weights.checkpoints import checkpoint_file
from attnmel.models.weights.operating_points import Threshold
from attnmel.pipeline.predict.masks.lesion_masks import NO_MASKS, MaskOf
from attnmel.pipeline.predict.table import ImageResult
from attnmel.pipeline.run.results.thresholds import stored_thresholds
from attnmel.records import ATTENTION_MAPS


class CheckpointModel:
    """A trained network or fitted system, which predicts `together` images in one pass, each with its mask if known.

    Raises:
        CheckpointError: the model cannot be used.
    """

    def __init__(
        self,
        path: Path,
        *,
        batch: int,
        calibrated: bool,
        masks: MaskOf = NO_MASKS,
        transforms: str | None = None,
    ) -> None:
        network, self.card = load_classifier(path)
        self._masks = masks
        self.transforms = self.card.transforms if transforms is None else transforms
        self._transforms = transforms_of(self.transforms)
        self.file = checkpoint_file(path)
        self.temperature = self.card.temperature if calibrated else None
        self.thresholds = self._operating_points(path) if self.temperature == self.card.temperature else ()
        self.together = batch
        self._device = runtime.choose_device()
        self._network = network.to(self._device)
        device = runtime.device_name(self._device) if self._device.type == "cuda" else "cpu"
        self.made_with = {"engine": f"torch {torch.__version__} on {device}", "batch": str(batch)}

    def predict(self, paths: Sequence[Path], *, many: bool) -> Iterator[ImageResult]:
        """Yield the result of each file; `many` makes no difference."""
        for first in range(0, len(paths), self.together):
            yield from self._predict_batch(paths[first : first + self.together])

    def _operating_points(self, path: Path) -> tuple[Threshold, ...]:
        """Return those of the card; of a run folder of an earlier version those that its predictions choose."""
        if self.card.thresholds or not path.is_dir():
            return self.card.thresholds
        return stored_thresholds(RunFolder(path), self.card)

    def _predict_batch(self, paths: Sequence[Path]) -> list[ImageResult]:
        inputs: dict[Path, NetworkInput] = {}
        errors: dict[Path, str] = {}
        for path in paths:
            try:
                inputs[path] = network_input(
                    path,
                    framing_of(self.card),
                    mask=self._masks(path),
                    colours=self.card.colours,
                    colour_constancy=self.card.colour_constancy,
                    transforms=self._transforms,
                )
            except ImageError as error:
                errors[path] = str(error)
        results = dict(zip(inputs, self._results(inputs), strict=True)) if inputs else {}
        return [results.get(path) or ImageResult(str(path), (), errors[path]) for path in paths]

    def _results(self, inputs: Mapping[Path, NetworkInput]) -> Iterator[ImageResult]:
        """Predict prepared images; the probabilities of several squares of an image are averaged."""
        squares = [model_input(one, self.card) for found in inputs.values() for one in found.prepared]
        batch = torch.cat(squares).to(self._device)
        predicted = predict_squares(self._network, batch, len(inputs), self.temperature)
        rows = zip(inputs.items(), predicted.probabilities.tolist(), strict=True)
        for place, ((path, found), row) in enumerate(rows):
            attention = {str(name): one[place] for name, one in zip(ATTENTION_MAPS, predicted.attention, strict=False)}
            yield ImageResult(str(path), tuple(row), attention=attention, seen=found.seen)


def model_input(image: UInt8[np.ndarray, "S S 3"], card: Card) -> Float32[torch.Tensor, "1 3 s s"]:
    """Return a prepared square as input of the network."""
    pixels = central_crop(image[None], card.size)[0]
    return torch.from_numpy(np.ascontiguousarray(normalised(pixels, card.mean, card.std)))[None]
