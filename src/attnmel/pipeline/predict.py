"""A model and image files -> class probabilities as CSV or JSON; loads no training code."""

import csv
import dataclasses
import io
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from attnmel import NOTICE, runtime
from attnmel.data.decoding import SUFFIXES
from attnmel.data.images import central_crop, normalised, prepared_image
from attnmel.data.own_folder import TABLE, read_folder
from attnmel.errors import ImageError
from attnmel.folders import replacing
from attnmel.models.card import Card
from attnmel.models.checkpoints import load_checkpoint
from attnmel.models.output import Output
from attnmel.progress import SILENT, Progress
from attnmel.records import notice_lines

SUPERPIXELS = "_superpixels"
"""Ending of the PNG that ISIC 2017's archives hold beside each image: no photograph."""

TOLD = 5
"""Failures told with their reasons; the others are counted."""


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a model says of one file."""

    image: str
    probabilities: tuple[float, ...]
    """In the order of the classes; empty where the file could not be used."""
    error: str = ""


@dataclasses.dataclass(frozen=True)
class Answers:
    """What a model says of many files, in their order."""

    card: Card
    answers: tuple[Answer, ...]
    temperature: float | None = None
    """What divided the scores; None where probabilities are not calibrated."""

    def text(self, *, as_json: bool = False) -> str:
        """Return the table as CSV or JSON, with the notice and the licence."""
        table = self._json() if as_json else self._csv()
        # A file's name may hold bytes that are no text, which neither a file nor a terminal takes.
        return table.encode("utf-8", "backslashreplace").decode("utf-8")

    def write(self, path: Path, *, as_json: bool = False) -> None:
        """Write the table into a file."""
        with replacing(path) as part:
            part.write_text(self.text(as_json=as_json), encoding="utf-8")

    def raise_for_failures(self) -> None:
        """Complain of files that could not be used, after the others are done.

        Raises:
            ImageError: names them.
        """
        raise_for_failures([answer.error for answer in self.answers if answer.error], len(self.answers))

    def _csv(self) -> str:
        text = io.StringIO(f"{notice_lines(self.card.licence)}# {self._calibration()}\n")
        text.seek(0, io.SEEK_END)
        table = csv.writer(text, lineterminator="\n")
        table.writerow(["image", *(f"probability_{name}" for name in self.card.classes), "error"])
        blank = [""] * len(self.card.classes)
        for answer in self.answers:
            shares = [f"{share:.6f}" for share in answer.probabilities]
            table.writerow([answer.image, *(shares or blank), answer.error])
        return text.getvalue()

    def _json(self) -> str:
        card = self.card
        images = [
            {"image": one.image, "error": one.error}
            if one.error
            else {"image": one.image, "probabilities": dict(zip(card.classes, one.probabilities, strict=True))}
            for one in self.answers
        ]
        head = {"notice": NOTICE, "licence": card.licence, "recipe": card.recipe, "epoch": card.epoch}
        told = {"calibration": self._calibration(), "temperature": self.temperature}
        return json.dumps({**head, **told, "images": images}, indent=2) + "\n"

    def _calibration(self) -> str:
        """Say whether the probabilities are calibrated, and why not."""
        if self.temperature is not None:
            return f"Calibrated: temperature {self.temperature:g}, fitted on the validation images of the training."
        reason = "the checkpoint holds no temperature" if self.card.temperature is None else "as asked for"
        return f"Not calibrated: {reason}."


def predict_images(
    model: Path, images: Sequence[Path], *, batch: int = 16, calibrated: bool = True, progress: Progress = SILENT
) -> Answers:
    """Predict files, and the files of folders, one after another; a file that cannot be used gets its reason.

    Probabilities are at the checkpoint's temperature, where it holds one and `calibrated` is not switched off.

    Raises:
        CheckpointError: the model cannot be used.
        ImageError: no file, or an empty folder, is named.
    """
    network, card = load_checkpoint(model)
    device = runtime.choose_device()
    network = network.to(device)
    say_control(model, card, progress)
    paths = image_files(images)
    temperature = card.temperature if calibrated else None
    answers: list[Answer] = []
    with progress.bar("predicting", len(paths), "images") as advance:
        for first in range(0, len(paths), batch):
            some = paths[first : first + batch]
            answers += _predict_batch(network, card, some, device, temperature)
            advance(len(some))
    return Answers(card, tuple(answers), temperature)


def say_control(model: Path, card: Card, progress: Progress) -> None:
    """Say of a control that it was not trained on images as they are, which it is given here."""
    if control := card.data.get("control"):
        progress.note(
            f"{model} is the control {control}, a network to compare with: what it says of an image means little"
        )


def raise_for_failures(failed: Sequence[str], total: int) -> None:
    """Complain of images that could not be used, if there are any: the first ones with their reasons, a line each.

    Raises:
        ImageError: says how many.
    """
    if failed:
        told = "".join(f"\n  {reason}" for reason in failed[:TOLD])
        more = f"\n  and {len(failed) - TOLD} more" if len(failed) > TOLD else ""
        raise ImageError(f"{len(failed)} of {total} images could not be used; the others are done:{told}{more}")


def image_files(images: Sequence[Path]) -> list[Path]:
    """Return the files named and the images of the folders named: by their labels.csv, else each JPEG and PNG, sorted.

    Raises:
        ImageError: a name that is neither a file nor a folder, or a folder without such files.
        LabelError: a labels.csv that cannot be used.
    """
    paths: list[Path] = []
    for given in images:
        found = _files_of(given)
        if not found:
            raise ImageError(f"no image at {given}; expected a file or a folder of {', '.join(SUFFIXES)} files")
        paths += found
    return paths


def model_input(image: np.ndarray, card: Card) -> torch.Tensor:
    """Return one prepared square [S, S, 3] as the network takes it, [1, 3, s, s]."""
    pixels = central_crop(image[None], card.size)[0]
    return torch.from_numpy(np.ascontiguousarray(normalised(pixels, card.mean, card.std)))[None]


def _files_of(given: Path) -> list[Path]:
    if (given / TABLE).is_file():
        return [lesion.image for lesion in read_folder(given.absolute())]
    if given.is_dir():
        paths = (path for path in given.iterdir() if path.suffix.lower() in SUFFIXES and not path.is_dir())
        return sorted(path for path in paths if not path.name.startswith(".") and not path.stem.endswith(SUPERPIXELS))
    return [given] if given.is_file() else []


@torch.inference_mode()
def _predict_batch(
    network: nn.Module, card: Card, paths: Sequence[Path], device: torch.device, temperature: float | None
) -> list[Answer]:
    inputs: dict[Path, torch.Tensor] = {}
    errors: dict[Path, str] = {}
    for path in paths:
        try:
            inputs[path] = model_input(prepared_image(path, crop=card.crop, side=card.side), card)
        except ImageError as error:
            errors[path] = str(error)
    shares: dict[Path, tuple[float, ...]] = {}
    if inputs:
        output: Output = network(torch.cat(list(inputs.values())).to(device))
        logits = output.logits.double() / (1 if temperature is None else temperature)
        rows = logits.softmax(dim=1).cpu().tolist()
        shares = {path: tuple(row) for path, row in zip(inputs, rows, strict=True)}
    return [Answer(str(path), shares.get(path, ()), errors.get(path, "")) for path in paths]
