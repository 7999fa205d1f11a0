"""Predict image files by a fusion: by each of its members, fused by its rule."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from attnmel.errors import CheckpointError
from attnmel.evaluation.calibration.temperature import at_temperature
from attnmel.evaluation.fusion.align import in_classes
from attnmel.evaluation.fusion.card import KEY, located, read_fusion_card
from attnmel.models.weights.card import FUSED
from attnmel.models.weights.checkpoints import checkpoint_card, checkpoint_file
from attnmel.models.weights.safetensors_io import read_metadata
from attnmel.pipeline.predict.masks.lesion_masks import NO_MASKS, MaskOf
from attnmel.pipeline.predict.models.members import Members
from attnmel.pipeline.predict.models.torch_model import CheckpointModel
from attnmel.pipeline.predict.table import ImageResult
from attnmel.records import Predictions


class FusedModel:
    """The members of a fusion, each of which prepares an image in its own way.

    Raises:
        CheckpointError: the fusion cannot predict an image: a member is a file, or its rule ranks many images.
        PredictionsError: a member is no longer there, or has changed.
    """

    def __init__(
        self,
        path: Path,
        *,
        batch: int,
        calibrated: bool,
        masks: MaskOf = NO_MASKS,
        transforms: str | None = None,
        metadata: Path | None = None,
    ) -> None:
        self.file = checkpoint_file(path)
        self.card = checkpoint_card(path)
        self._fusion = read_fusion_card(read_metadata(self.file).get(KEY, ""), self.file)
        if files := [one.name for one in self._fusion.members if one.kind != "run"]:
            raise CheckpointError(
                f"{path} fuses files of predictions ({', '.join(files)}), which say nothing of other "
                "images; fuse runs alone"
            )
        if self._fusion.by == "rank":
            raise CheckpointError(
                f"{path} is fused by rank, and an image alone has none; fuse the runs by another rule"
            )
        self.temperature = self.card.temperature if calibrated else None
        self.thresholds = self.card.thresholds if self.temperature == self.card.temperature else ()
        self.together = batch
        folder = self.file.parent
        places = [located(one, folder) for one in self._fusion.members]
        self.members = Members(
            [
                opened_model(one, batch=batch, calibrated=True, masks=masks, transforms=transforms, metadata=metadata)
                for one in places
            ],
            metadata,
        )
        self.transforms = self.members.transforms

    @property
    def made_with(self) -> Mapping[str, str]:
        """Everything that the results depend on; the file holds the hashes of its members."""
        return self.members.models[0].made_with

    def predict(self, paths: Sequence[Path], *, many: bool) -> Iterator[ImageResult]:
        """Yield the result of each file, with what the first member saw of it."""
        for results in self.members.predict(paths, many=many):
            failed = next((one for one in results if one.error), None)
            yield failed or ImageResult(results[0].image, self._fused(results), seen=results[0].seen)

    def _fused(self, results: Sequence[ImageResult]) -> tuple[float, ...]:
        classes, dataset = self._fusion.classes, self._fusion.dataset
        rows = [
            in_classes(Predictions.of_image(member.card.classes, found.probabilities), classes, dataset).probabilities
            for member, found in zip(self.members.models, results, strict=True)
        ]
        fused = Predictions.of_image(classes, self._fusion.fusion(np.stack(rows))[0])
        return tuple(at_temperature(fused, self.temperature).probabilities[0].tolist())


def opened_model(
    path: Path,
    *,
    batch: int,
    calibrated: bool,
    masks: MaskOf = NO_MASKS,
    transforms: str | None = None,
    metadata: Path | None = None,
) -> "CheckpointModel | FusedModel":
    """Open a run or a checkpoint: of a network, a fitted system or a fusion.

    `metadata` is a table of age and sex, which the members of a fusion take; of others the caller does.

    Raises:
        CheckpointError, PredictionsError: as the models.
    """
    if checkpoint_card(path).network != FUSED:
        return CheckpointModel(path, batch=batch, calibrated=calibrated, masks=masks, transforms=transforms)
    return FusedModel(path, batch=batch, calibrated=calibrated, masks=masks, transforms=transforms, metadata=metadata)
