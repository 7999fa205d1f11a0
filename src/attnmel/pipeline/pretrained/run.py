"""A model that comes with the program -> a run folder of the user's own, for what is written beside a network."""

import shutil
from pathlib import Path

from attnmel.errors import ConfigError
from attnmel.folders import RunFolder, replacing
from attnmel.pipeline.pretrained.cross_validation import SPLITS
from attnmel.pipeline.run.dataset import ALL
from attnmel.pipeline.run.provenance import read_recipe
from attnmel.pipeline.run.results import CHOOSES
from attnmel.pretrained.catalogue import Shipped, file_digest


def own_run(model: Shipped, folder: Path | None = None) -> RunFolder:
    """Return a run folder that holds the model: made where there is none, else the one that is there.

    The installation itself is never written to. The default is runs/<name> in the current folder.

    Raises:
        CheckpointError: a file of the model is missing or damaged.
        ConfigError: the folder holds something else.
    """
    folder = folder or Path("runs") / model.card.name
    run = RunFolder(folder)
    if run.best.is_file() and file_digest(run.best) == model.card.files[run.best.name].sha256:
        return run
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(
            f"{folder} holds something else than {model.card.name}; name another place by --out, or move it away"
        )
    with replacing(folder) as part:
        for name in model.card.files:
            if name == run.onnx.name:
                continue  # it is run from where it lies
            (part / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(model.file(name), part / name)
    return run


def copy_onnx(model: Shipped, out: Path | None = None, *, int8: bool = False) -> Path:
    """Copy the model's ONNX file, which was checked when it was made; by default to <name>.onnx in the current folder.

    Raises:
        CheckpointError: the file is missing or damaged.
        ConfigError: int8 is asked for, whose thresholds would be chosen on images that the model was trained on.
    """
    if int8:
        raise ConfigError(
            f"{model.card.name} comes in float32 alone: in int8 its thresholds would be chosen anew, on images that it "
            "was trained on. Leave out --int8, or train a network and export that"
        )
    path = out or Path(f"{model.card.name}.onnx")
    with replacing(path) as part:
        shutil.copyfile(model.onnx, part)
    return path


def refuse_trained_on(model: Shipped, on: str | None, split: str | None) -> None:
    """Refuse to judge a model on the images that it was trained on, under the name of its own splits.

    Predictions of the split 'validation' choose the thresholds, and those of cross-validation would be overwritten.

    Raises:
        ConfigError: says what to judge.
    """
    own = read_recipe(RunFolder(model.folder)).data.dataset
    if on in (None, own) and split in (*SPLITS, ALL):
        raise ConfigError(
            f"{model.card.name} was trained on the images of the split '{split}'; its predictions of '{CHOOSES}' are "
            f"{model.card.chosen_on}. Judge the split 'test', or another data set by --on"
        )
