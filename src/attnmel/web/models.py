"""The models of a server, opened and run once, and what they say of one image."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from attnmel.data.image_files.picture import NamedBytes
from attnmel.data.preprocess.image_warnings import not_checked
from attnmel.data.preprocess.network_input import Mask
from attnmel.errors import ImageError
from attnmel.files.table_files import nan_to_null, printable_texts
from attnmel.models.weights.operating_points import usual_threshold
from attnmel.pipeline.predict.age_and_sex import AgeAndSex
from attnmel.pipeline.predict.image_results import transforms_notes
from attnmel.pipeline.predict.masks.lesion_masks import NO_MASKS, LesionMasks, require_masks
from attnmel.pipeline.predict.models.onnx_model import OnnxModel
from attnmel.pipeline.predict.table import ImageResult, PredictionTable, seen_cells
from attnmel.pretrained.card_text import on_the_whole
from attnmel.pretrained.catalogue import find_model

MaskOf = Callable[[NamedBytes], Mask]
"""Draws the lesion mask of an image; raises ImageError where it cannot be read."""

FIRST_SIDE = 64
"""Pixels a side of the image that every model is run on before the first request."""


class Case(NamedTuple):
    """One image: the result of each model, and what pictures are made of."""

    source: NamedBytes
    results: Mapping[str, ImageResult]
    mask: Mask | None


class ServedModel:
    """One model of a server."""

    def __init__(self, name: str, path: Path, *, masks: bool) -> None:
        self.name = name
        self._model = OnnxModel(path, precision="float32", calibrated=True)
        self.card = self._model.card
        require_masks(self.card, LesionMasks(lambda _: None, "segmenter") if masks else NO_MASKS)
        unchecked = not_checked(self.card.colours, self.card.size, masks=masks)
        self._age_and_sex = AgeAndSex(self.card, self._model.temperature, None)
        self.table = PredictionTable(
            self.card,
            self._model.temperature,
            self._model.thresholds,
            unchecked,
            transforms=transforms_notes(self._model),
        )
        self.facts = nan_to_null(printable_texts({"model": name, **self.table.head()}))
        """What its numbers mean, as plain values."""
        shipped = find_model(name)
        is_shipped = shipped is not None and shipped.folder == path.parent
        self.on_test_images = on_the_whole(shipped.card.calibration) if shipped and is_shipped else ""
        """Whether its probabilities are too low or too high on its test images, in words; empty where not known."""
        self.usual_threshold = usual_threshold(self._model.thresholds, self.card.positives[0])
        """The operating point that the page shows first; a study decides at it, too."""
        self.at_once = self._model.at_once
        """Number of images that it computes at the same time."""

    def predict(self, source: NamedBytes, mask: Mask | None, *, many: bool) -> ImageResult:
        """Return the result of one image as `attnmel predict` does."""
        result = self._age_and_sex.of_results(source, self._model.predict_upload(source, mask, many=many))
        return result if result.seen is None else dataclasses.replace(result, added=seen_cells(result.seen))


class Models:
    """The models of a server by name, in order, with what draws lesion masks.

    `given_names` are further names that requests may use, such as those typed at the start, with the name of each.
    """

    def __init__(
        self, paths: Mapping[str, Path], mask_of: MaskOf | None, given_names: Mapping[str, str] | None = None
    ) -> None:
        self.given_names = given_names or {}
        self.by_name = {name: ServedModel(name, path, masks=mask_of is not None) for name, path in paths.items()}
        self.mask_of = mask_of
        for many in (False, True):
            self.predict(_first_image(), list(self.by_name), many=many)

    def predict(self, source: NamedBytes, names: Sequence[str], *, many: bool) -> Case:
        """Return what the named models say of an image; one that cannot be used has an error in each result."""
        mask = None
        if self.mask_of is not None:
            try:
                mask = self.mask_of(source)
            except ImageError as error:
                return Case(source, {name: ImageResult(source.name, (), str(error)) for name in names}, None)
        return Case(source, {name: self.by_name[name].predict(source, mask, many=many) for name in names}, mask)


def _first_image() -> NamedBytes:
    file = BytesIO()
    Image.new("RGB", (FIRST_SIDE, FIRST_SIDE), "grey").save(file, "PNG")
    return NamedBytes(file.getvalue(), "the first image")
