"""The machines whose output readers see: of a run, an ONNX file, a table of predictions, and one that is wrong."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8

from attnmel.data.tables.text import TableText, read_text
from attnmel.errors import ConfigError, listed
from attnmel.evaluation.readers.decisions import DecisionThreshold
from attnmel.files.hub import hub_name, pinned
from attnmel.files.table_files import unguarded
from attnmel.models.weights.operating_points import Threshold, usual_threshold
from attnmel.pipeline.predict.attention_maps import shown_image, with_map
from attnmel.pipeline.predict.predict import predict_images
from attnmel.pipeline.study.machine_thresholds import Chosen
from attnmel.pretrained.named import exported_file
from attnmel.progress import SILENT, Progress
from attnmel.records import Lesion

WRONG = "wrong machine"
"""Name of the machine that is wrong on purpose."""

LONGEST = 1600
"""Longer side in pixels of the pictures that readers see."""

IMAGE_COLUMNS = ("image", "image_id", "case")
SCORE_COLUMNS = ("probability", "score")


NO_POINT = 0.5
"""Threshold of a machine without an operating point, such as a table of predictions, where none is named."""


class MachineOutput(NamedTuple):
    """What a machine says of each case."""

    name: str
    source: str
    probabilities: Mapping[str, float]
    maps: Mapping[str, UInt8[np.ndarray, "h w 3"]]
    """The image with the attention map over it; empty where it has none."""
    threshold: DecisionThreshold
    """Probability above which it calls a case diseased."""


def machine_output(
    text: str, lesions: Sequence[Lesion], progress: Progress = SILENT, chosen: Chosen = None
) -> MachineOutput:
    """Run a model, or read a table of predictions, named as PATH or NAME=PATH.

    The machine decides at the `chosen` threshold; without one a model at the operating point that `attnmel serve` shows
    first, and a table at 0.5.

    Raises:
        ConfigError: a table lacks a case, or has no column of probabilities.
        ArchiveError, CheckpointError: the model cannot be used.
        ImageError: an image cannot be used.
    """
    name, _, path = text.rpartition("=")
    if Path(path).suffix.lower() == ".csv":
        name = name or Path(path).stem
        decides = _threshold(name, chosen, DecisionThreshold(NO_POINT, "the default for a table of predictions"))
        return MachineOutput(name, path, _of_table(Path(path), lesions), {}, decides)
    # A study is frozen, and so is the model of a hub that it names.
    source = str(pinned(named)) if (named := hub_name(path)) else path
    results = predict_images(exported_file(source) or Path(source), [one.image for one in lesions], progress=progress)
    card = results.model.card
    probabilities, maps = {}, {}
    for lesion, result in zip(lesions, results, strict=True):
        if result.error:
            continue
        probabilities[lesion.image_id] = float(result.probabilities[card.classes.index(card.positives[0])])
        if result.attention and result.seen is not None:
            image, _ = shown_image(lesion.image, LONGEST)
            maps[lesion.image_id] = with_map(image, list(result.attention.values())[-1], result.seen)
    results.raise_for_failures()
    name = name or "machine"
    usual = _usual(usual_threshold(results.model.thresholds, card.positives[0]))
    return MachineOutput(name, source, probabilities, maps, _threshold(name, chosen, usual))


def _usual(point: Threshold | None) -> DecisionThreshold:
    if point is None:
        return DecisionThreshold(NO_POINT, "the default, since the model has no operating point")
    words = f"the model's operating point for {point.task}, target sensitivity {point.target:g}"
    return DecisionThreshold(point.threshold, words)


def _threshold(name: str, chosen: Chosen, usual: DecisionThreshold) -> DecisionThreshold:
    """Return the threshold that is named for a machine, else the usual one.

    Raises:
        ConfigError: it is no probability below 1.
    """
    value = chosen.get(name) if isinstance(chosen, Mapping) else chosen
    if value is None:
        return usual
    if not 0 <= value < 1:
        raise ConfigError(f"a threshold of {value:g} for the machine {name}; expected a probability from 0 to below 1")
    return DecisionThreshold(value, "chosen for this study (machine threshold)")


def wrong_output(machine: MachineOutput, diseased: Mapping[str, bool], seed: int) -> MachineOutput:
    """Return a machine that is wrong as often as another is right.

    Diseased cases get what the other says of healthy ones and the other way round, in the opposite order, so that its
    numbers look like those of the other. Its map is the same.
    """

    def kind(wanted: bool) -> list[str]:
        own = [case for case in machine.probabilities if diseased[case] == wanted]
        return sorted(own, key=lambda one: hashlib.sha256(f"{seed}|wrong|{one}".encode()).hexdigest())

    sides = {wanted: kind(wanted) for wanted in (False, True)}
    swapped = {
        case: machine.probabilities[sides[not wanted][place % len(sides[not wanted])]]
        for wanted, cases in sides.items()
        for place, case in enumerate(cases)
    }
    decides = DecisionThreshold(machine.threshold.value, f"that of {machine.name}")
    return MachineOutput(WRONG, f"{machine.name}, classes swapped", swapped, machine.maps, decides)


def _of_table(path: Path, lesions: Sequence[Lesion]) -> dict[str, float]:
    try:
        text = read_text(path)
    except ValueError as error:
        raise ConfigError(f"{path} is {error}; expected a table of predictions") from None
    image, score = _columns(path, text)
    if short := [row.line for row in text.rows[1:] if len(row.cells) <= max(image, score)]:
        raise ConfigError(f"{path}, line {short[0]}: found fewer cells than columns; write a number for each image")
    found = {Path(unguarded(row.cells[image])).stem.strip(): text.number(row.cells[score]) for row in text.rows[1:]}
    if missing := [one.image_id for one in lesions if one.image_id not in found]:
        raise ConfigError(f"{path} has no row for {len(missing)} of the cases ({listed(missing)}); add them")
    return {one.image_id: _probability(path, one.image_id, found[one.image_id]) for one in lesions}


def _columns(path: Path, text: TableText) -> tuple[int, int]:
    header = text.rows[0].cells
    image = [place for place, name in enumerate(header) if name.casefold() in IMAGE_COLUMNS]
    score = [place for place, name in enumerate(header) if name.casefold() in SCORE_COLUMNS]
    score = score or [place for place, name in enumerate(header) if name.casefold().startswith("probability_")]
    if not image or not score:
        raise ConfigError(
            f"{path} has the columns {listed(header)}; expected 'image', and 'probability' of the disease or the "
            "columns of `attnmel predict`, of which the first probability is used"
        )
    return image[0], score[0]


def _probability(path: Path, case: str, cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise ConfigError(f"{path} gives '{cell}' for {case}; expected a probability between 0 and 1")
    return value
