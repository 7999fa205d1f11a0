"""`attnmel.predict`: the class probabilities of image files by a model of any kind."""

import copy
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any

from attnmel.api.model_names import fast_model, image_paths, place_of, refuse_swapped
from attnmel.api.places import Place, optional_path, own_folder, places
from attnmel.arguments import FromOne, Share, Within, checked_arguments
from attnmel.config.fields import ComputePrecision
from attnmel.deploy.workers import STALL_LIMIT
from attnmel.errors import ConfigError, counted
from attnmel.files.data_frames import frame
from attnmel.progress import Progress, Report, as_progress

if TYPE_CHECKING:
    from pandas import DataFrame

    from attnmel.pipeline.predict.image_results import ImageResults
    from attnmel.pipeline.run.run import Run

IMAGES = "the path of a file or a folder, or example:ID (arrays are for attnmel.Predictor)"
_COLUMNS = {"probabilities": "probability", "uncalibrated": "uncalibrated", "decisions": "decision"}
"""Values by class or threshold, and how their columns begin."""


@dataclass(frozen=True)
class Predicted:
    """The predictions of a model for some images."""

    results: "ImageResults" = field(repr=False)
    """What predicts each image anew, whenever it is read."""

    def __repr__(self) -> str:
        return f"Predicted({counted(len(self.results.paths), 'image')}; see .images, .to_dict() and .to_frame())"

    @cached_property
    def table(self) -> dict[str, Any]:
        """Notice, licence, calibration and thresholds, and the images."""
        return json.loads("".join(self.results.lines(as_json=True)))

    @property
    def images(self) -> list[dict[str, Any]]:
        """Of each image its name, probabilities, decisions, shares and warnings; or `error`, why it has none."""
        return self.table["images"]

    def read(self) -> "Predicted":
        """Predict all images, and write their maps and DICOM files, unless that is done."""
        _ = self.table
        return self

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as `attnmel predict --json`; they are a copy."""
        return copy.deepcopy(self.table)

    def to_frame(self) -> "DataFrame":
        """Return a table with a row for each image and the columns of the CSV of `attnmel predict`."""
        rows = (dict(_cells(one)) for one in self.images)
        return frame({name: row.get(name) for name in self.results.table.columns} for row in rows)

    def raise_for_failures(self) -> None:
        """Complain of images that could not be used, once the others are done.

        Raises:
            ImageError: names them.
        """
        self.read().results.raise_for_failures()


def _cells(image: dict[str, Any]) -> list[tuple[str, object]]:
    nested = [(f"{_COLUMNS[key]}_{name}", one) for key in _COLUMNS for name, one in image.get(key, {}).items()]
    return [("image", image["image"]), *nested, *((k, v) for k, v in image.items() if k not in ("image", *_COLUMNS))]


@checked_arguments("model", "images")
def predict(
    model: "Run | Place",
    images: Place | Sequence[Place],
    *,
    calibrated: bool = True,
    thresholds: Sequence[float] = (),
    transforms: str | None = None,
    metadata: Place | None = None,
    shard: str | None = None,
    precision: ComputePrecision = "float32",
    bound: Share | None = None,
    batch: FromOne | None = None,
    maps: Place | None = None,
    dicom: Place | None = None,
    masks: Place | None = None,
    segmenter: Place | None = None,
    stall_limit: Annotated[float, Within(0)] = STALL_LIMIT,
    lazily: bool = False,
    progress: Progress | Report | None = None,
) -> Predicted:
    """Predict the class probabilities of image files, as `attnmel predict`; for arrays see `Predictor`.

    `model` is a run, an ONNX file, a checkpoint, a folder of seeds (whose mean it is), a name of `attnmel models`, or
    hf:OWNER/NAME@REVISION. `images` are files, folders, or example:ID. Range: probabilities in [0, 1], divided by the
    temperature if `calibrated`; `thresholds` of the target class are decided next to the model's own. An image that
    cannot be used has an `error` in place of probabilities. With `shard`, "K/N", only that part of the images is
    predicted. With `lazily` images are predicted when the answer is read.
    docs/prediction/predict.md says what each option does.

    Raises:
        ConfigError: no such model, or an option that it does not have.
        CheckpointError: the model is damaged.
        ImageError: there is no image at all.
        StalledError: an exported model gave no result of several images for `stall_limit` seconds; 0 means no limit.
    """
    from attnmel.pipeline.predict.predict import predict_images

    named = [str(one) for one in places(images, "images", IMAGES)]
    if not named:
        raise ConfigError("no images to predict: name image files, folders of them, or example:ID")
    place, shown = place_of(model), as_progress(progress)
    refuse_swapped(place, named)
    results = predict_images(
        fast_model(place, shown),
        image_paths(named),
        precision=precision,
        bound=bound,
        batch=batch,
        calibrated=calibrated,
        thresholds=thresholds,
        maps=own_folder(maps),
        dicom=own_folder(dicom),
        masks=optional_path(masks),
        segmenter=optional_path(segmenter),
        transforms=transforms,
        metadata=optional_path(metadata),
        shard=shard,
        stall_limit=stall_limit,
        progress=shown,
    )
    predicted = Predicted(results)
    return predicted if lazily else predicted.read()
