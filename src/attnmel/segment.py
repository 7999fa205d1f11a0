"""Lesion masks from Python: train a segmenter, draw masks with it, score masks. As `attnmel segment`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attnmel.api.model_names import refuse_swapped
from attnmel.api.places import Place, optional_path, own_folder
from attnmel.api.recipes import Settings, overrides
from attnmel.arguments import FromOne, FromZero, checked_arguments
from attnmel.errors import counted
from attnmel.files.data_frames import frame
from attnmel.files.folders import RunFolder, home_folder
from attnmel.progress import Progress, Report, as_progress

if TYPE_CHECKING:
    from pandas import DataFrame

    from attnmel.pipeline.segment.predict import Masks
    from attnmel.pipeline.segment.score import MasksScore
    from attnmel.pipeline.segment.train import TrainedSegmenter


@dataclass(frozen=True)
class Segmenter:
    """A trained segmenter, measured on its held-out images."""

    found: "TrainedSegmenter"

    def __repr__(self) -> str:
        return f"Segmenter({str(self.path)!r}; see .to_dict() and .to_frame())"

    @property
    def path(self) -> Path:
        """Its run folder."""
        return self.found.run.path

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as `attnmel segment train --json`."""
        return self.found.as_dict()

    def to_frame(self) -> "DataFrame":
        """Return a table with a row for each measure."""
        return frame({"measure": name, **one._asdict()} for name, one in self.found.figures.items())


@dataclass(frozen=True)
class Drawn:
    """The masks that were drawn."""

    found: "Masks"

    def __repr__(self) -> str:
        return f"Drawn({str(self.folder)!r}; see .to_dict() and .to_frame())"

    @property
    def folder(self) -> Path:
        """Where they are."""
        return self.found.folder.path

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as `attnmel segment predict --json`."""
        return self.found.as_dict()

    def to_frame(self) -> "DataFrame":
        """Return a table with a row for each image: confidence, share of the image, what is odd, or the error."""
        return frame(self.to_dict()["masks"])

    def raise_for_failures(self) -> None:
        """Complain of images that could not be read, once the others are done.

        Raises:
            ImageError: names them.
        """
        self.found.raise_for_failures()


@dataclass(frozen=True)
class ScoredMasks:
    """Masks against the true ones."""

    found: "MasksScore"

    def __repr__(self) -> str:
        found = self.found
        images = counted(found.images, "image")
        return f"ScoredMasks({found.dataset}, {found.split}, {images}; see .to_dict() and .to_frame())"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as `attnmel segment score --json`."""
        return self.found.as_dict()

    def to_frame(self) -> "DataFrame":
        """Return a table with a row for each part of the images and measure."""
        return frame(
            {"kind": part.kind, "part": part.name, "images": part.images, "measure": name, **one._asdict()}
            for part in self.found.parts
            for name, one in part.figures.items()
        )


@checked_arguments()
def train(
    out: Place = "runs/segmenter",
    settings: Settings = (),
    *,
    resume: bool = False,
    home: Place | None = None,
    threads: int | None = None,
    command: str = "attnmel.segment.train (Python)",
    progress: Progress | Report | None = None,
) -> Segmenter:
    """Train a U-Net on the true lesion masks of a data set, and measure it on held-out images.

    `settings` are changes of its recipe, such as {"data.dataset": "isic2018", "training.epochs": 20}.

    Raises:
        ConfigError: an unknown setting, a folder that holds a run already, or MONAI is not installed.
        LabelError: too few images have a mask.
        TrainingError: the loss is no longer finite; finished epochs are kept.
    """
    from attnmel.config.load import load_segmenter_recipe

    # Before torch is loaded, so that an error in a setting shows at once.
    recipe = load_segmenter_recipe(overrides=overrides(settings))

    from attnmel.compute.runtime import use_threads
    from attnmel.pipeline.segment.train import train_segmenter

    use_threads(threads)
    where = home_folder(optional_path(home))
    shown = as_progress(progress)
    run = RunFolder(Path(out))
    return Segmenter(train_segmenter(recipe, run, home=where, resume=resume, command=command, progress=shown))


@checked_arguments()
def predict(
    model: Place,
    images: Place | Sequence[Place],
    out: Place | None = None,
    *,
    replace: bool = False,
    batch: FromOne = 16,
    dicom: Place | None = None,
    home: Place | None = None,
    threads: int | None = None,
    progress: Progress | Report | None = None,
) -> Drawn:
    """Draw the lesion masks of a known data set, or of files and folders, as PNG in the size of the images.

    Masks that the same segmenter drew before are kept, unless `replace`. An image that cannot be read gets a row with
    the reason. Without `out` masks of a known data set are where networks look for them.

    Raises:
        ConfigError: no image, no `out` for files, or MONAI is not installed.
        CheckpointError: the model is no segmenter, or is damaged.
        PredictionsError: the folder holds masks of another segmenter.
    """
    from attnmel.compute.runtime import use_threads
    from attnmel.pipeline.segment.predict import predict_masks

    named = [str(one) for one in ([images] if isinstance(images, str | Path) else images)]
    refuse_swapped(str(model), named)
    use_threads(threads)
    return Drawn(
        predict_masks(
            Path(model),
            named,
            home=home_folder(optional_path(home)),
            out=own_folder(out),
            replace=replace,
            batch=batch,
            dicom=own_folder(dicom),
            progress=as_progress(progress),
        )
    )


@checked_arguments()
def score(
    dataset: Place,
    masks: Place | None = None,
    *,
    split: str = "all",
    resamples: FromOne = 2000,
    seed: FromZero = 0,
    home: Place | None = None,
    progress: Progress | Report | None = None,
) -> ScoredMasks:
    """Compare lesion masks with the true ones of a data set: Jaccard and Dice at the images' size, with intervals.

    Without `masks` they are those that `predict` drew for the data set. A missing mask counts as empty.

    Raises:
        ConfigError: an unknown data set.
        LabelError: no image of the split has a true mask.
        PredictionsError: no mask in the folder, or masks that cannot be read or are of another size.
    """
    from attnmel.pipeline.segment.score import score_masks

    return ScoredMasks(
        score_masks(
            str(dataset),
            optional_path(masks),
            home=home_folder(optional_path(home)),
            split=split,
            resamples=resamples,
            seed=seed,
            progress=as_progress(progress),
        )
    )
