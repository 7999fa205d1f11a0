"""A network that predicts widely, and labelled images of another place whose melanomas are rarer than it says."""

import dataclasses
import shutil
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image
from scipy.special import expit, logit

from attnmel.data.phantoms import draw_phantom
from attnmel.files.folders import RunFolder
from attnmel.models.weights.checkpoints import read_checkpoint, save_weights
from attnmel.pipeline.predict.models.torch_model import CheckpointModel

IMAGES = 90


class OtherPlace(NamedTuple):
    """The folder of the images with their labels, and the network's run."""

    run: RunFolder
    clinic: Path


def make_other_place(trained: RunFolder, folder: Path) -> OtherPlace:
    """Copy a run, spread its scores, and draw the labels of the images by others than it predicts."""
    run, clinic = RunFolder(Path(shutil.copytree(trained.path, folder / "run"))), folder / "clinic"
    clinic.mkdir()
    images = [clinic / f"C{number:03d}.png" for number in range(IMAGES)]
    for number, path in enumerate(images):
        Image.fromarray(draw_phantom(7, number, height=48, width=48).image).save(path)
    _spread(run, images)
    positive = np.random.default_rng(0).random(IMAGES) < expit(0.7 * (logit(predicted(run.path, images)) - 1))
    rows = [f"{path.name},{'melanoma' if one else 'nevus'}" for path, one in zip(images, positive, strict=True)]
    (clinic / "labels.csv").write_text("\n".join(["image,label", *rows]) + "\n")
    return OtherPlace(run, clinic)


def predicted(run: Path, images: list[Path], *, calibrated: bool = False) -> np.ndarray:
    """Return the probability of melanoma of each image."""
    model = CheckpointModel(run, batch=30, calibrated=calibrated)
    return np.array([one.probabilities[1] for one in model.predict(images, many=True)])


def _spread(run: RunFolder, images: list[Path]) -> None:
    """Give the log-odds a standard deviation of 1.5 about 0 and no temperature, whatever was learnt here."""
    odds = logit(predicted(run.path, images))
    tensors, card = read_checkpoint(run.path)
    factor = 1.5 / odds.std()
    half = odds.mean() * factor / 2
    tensors["head.weight"] = tensors["head.weight"] * factor
    tensors["head.bias"] = tensors["head.bias"] * factor + tensors["head.bias"].new_tensor([half, -half])
    save_weights(run.best, tensors, dataclasses.replace(card, temperature=None, thresholds=()))
