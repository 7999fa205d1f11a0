"""Copy a pretrained model to a run folder of the user, for results that are written next to a network."""

import shutil
from pathlib import Path

from attnmel.errors import ConfigError
from attnmel.files.folders import RunFolder, replacing
from attnmel.pipeline.pretrained.cross_validation import SPLITS
from attnmel.pipeline.run.images.dataset import ALL
from attnmel.pipeline.run.results.results import CHOOSES
from attnmel.pipeline.run.run_copy import placed_run
from attnmel.pipeline.run.run_location import read_recipe
from attnmel.pretrained.catalogue import Shipped


def own_run(model: Shipped, folder: Path | None = None) -> RunFolder:
    """Return a run folder with the model, and create it if it is missing.

    Nothing is written to the installation. The default is runs/<name> in the current folder.

    Raises:
        CheckpointError: a file of the model is missing or damaged.
        ConfigError: the folder contains something else.
    """
    folder = folder or Path("runs") / model.card.name
    used = (
        name for name in model.card.files if name != RunFolder(folder).onnx.name
    )  # that of the installation is used
    return placed_run({name: model.file(name) for name in used}, folder, model.card.name)


def copy_onnx(model: Shipped, out: Path | None = None, *, int8: bool = False) -> Path:
    """Copy the checked ONNX file of the model; by default to <name>.onnx in the current folder.

    Raises:
        CheckpointError: the file is missing or damaged.
        ConfigError: with int8, whose thresholds would be chosen on images that the model was trained on.
    """
    if int8:
        raise ConfigError(
            f"{model.card.name} is available in float32 only: in int8 its thresholds would be chosen again, on images "
            "that it was trained on. Leave out --int8, or train a network and export that"
        )
    path = out or Path(f"{model.card.name}.onnx")
    with replacing(path) as part:
        shutil.copyfile(model.onnx, part)
    return path


def refuse_trained_on(model: Shipped, on: str | None, split: str | None) -> None:
    """Refuse to evaluate a model on the splits that it was trained on.

    The new predictions of 'validation' would also overwrite the out-of-fold predictions that thresholds are chosen on.

    Raises:
        ConfigError: says what to evaluate instead.
    """
    own = read_recipe(RunFolder(model.folder)).data.dataset
    if on in (None, own) and split in (*SPLITS, ALL):
        raise ConfigError(
            f"{model.card.name} was trained on the images of the split '{split}'; its predictions of '{CHOOSES}' are "
            f"out-of-fold {model.card.chosen_on}. Evaluate the split 'test', or another data set by --on"
        )
