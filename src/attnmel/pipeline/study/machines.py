"""The machines whose output readers see: of a run, an ONNX file, a table of predictions, and one that is wrong."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8

from attnmel.data.dicom.frames import image_id
from attnmel.data.tables.text import TableText, read_text
from attnmel.diagnoses import class_among
from attnmel.errors import ConfigError, listed
from attnmel.evaluation.readers.decisions import DecisionThreshold
from attnmel.files.hub import hub_name, pinned_hub_name
from attnmel.files.table_files import unguarded
from attnmel.models.weights.operating_points import Threshold, usual_threshold
from attnmel.pipeline.predict.attention_maps import shown_image, with_map
from attnmel.pipeline.predict.predict import predict_images
from attnmel.pipeline.study.machine_thresholds import Chosen
from attnmel.pretrained.named import exported_file
from attnmel.progress import SILENT, Progress
from attnmel.records import CALIBRATED, REST, Lesion

WRONG = "wrong machine"
"""Name of the machine that is wrong on purpose."""

LONGEST = 1600
"""Longer side in pixels of the pictures that readers see."""

IMAGE_COLUMNS = ("image", "image_id", "case")
SCORE_COLUMNS = ("probability", "score")


UNNAMED = "machine"
"""Name of a model that is given none."""

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


def named_machine(text: str) -> tuple[str, str]:
    """Return the name of a machine, "" where it has none, and its source, from PATH or NAME=PATH.

    A study is frozen, and so is the model of a hub that it names.
    """
    name, _, path = text.rpartition("=")
    named = None if is_table(path) else hub_name(path)
    return name, path if named is None else str(pinned_hub_name(named))


def machine_output(
    text: str,
    lesions: Sequence[Lesion],
    is_diseased: Mapping[str, bool],
    progress: Progress = SILENT,
    chosen: Chosen = None,
) -> MachineOutput:
    """Run a model, or read a table of predictions, named as PATH or NAME=PATH.

    `is_diseased` says which of the drawn diagnoses are the disease: its probability is the sum over the machine's
    classes of these. The machine decides at the `chosen` threshold; without one a model at the operating point that
    `attnmel serve` shows first, and a table at 0.5.

    Raises:
        ConfigError: a table lacks a case, or has no column of probabilities; or a class of the machine is of diseased
            and of healthy diagnoses.
        ArchiveError, CheckpointError: the model cannot be used.
        ImageError: an image cannot be used.
    """
    name, source = named_machine(text)
    if is_table(source):
        name = name or Path(source).stem
        decides = _threshold(name, chosen, DecisionThreshold(NO_POINT, "the default for a table of predictions"))
        return MachineOutput(name, source, _of_table(Path(source), lesions, name, is_diseased), {}, decides)
    results = predict_images(exported_file(source) or Path(source), [one.image for one in lesions], progress=progress)
    card, name = results.model.card, name or UNNAMED
    of_disease = disease_classes(name, card.classes, is_diseased)
    places = [card.classes.index(one) for one in of_disease]
    probabilities, maps = {}, {}
    for lesion, result in zip(lesions, results, strict=True):
        if result.error:
            continue
        probabilities[lesion.image_id] = min(sum(result.probabilities[place] for place in places), 1.0)
        if result.attention and result.seen is not None:
            image, _ = shown_image(lesion.image, LONGEST)
            maps[lesion.image_id] = with_map(image, list(result.attention.values())[-1], result.seen)
    results.raise_for_failures()
    usual = _usual(
        usual_threshold(results.model.thresholds, of_disease[0]) if len(of_disease) == 1 else None, of_disease
    )
    return MachineOutput(name, source, probabilities, maps, _threshold(name, chosen, usual))


def is_table(source: str) -> bool:
    """Return whether a machine is a table of its predictions, by the ending of its name."""
    return Path(source).suffix.lower() == ".csv"


def disease_classes(machine: str, classes: Sequence[str], is_diseased: Mapping[str, bool]) -> tuple[str, ...]:
    """Return the classes of a machine that the diseased diagnoses are, by any of their names, else "rest".

    Raises:
        ConfigError: a diseased diagnosis is none of them, or one of them is a healthy diagnosis, too.
    """
    found: dict[str, str] = {}
    shown = "the machine" if machine == UNNAMED else f"the machine {machine}"
    for diagnosis in (one for one, yes in is_diseased.items() if yes):
        name = class_among(diagnosis, classes) or (REST if REST in classes else None)
        if name is None:
            raise ConfigError(
                f"{shown} has the classes {', '.join(classes)}, none of which is {diagnosis}, which is "
                "diseased here; choose another machine, or other classes by --count and --diseased"
            )
        found.setdefault(name, diagnosis)
    for diagnosis in (one for one, yes in is_diseased.items() if not yes):
        name = class_among(diagnosis, classes) or (REST if REST in classes else None)
        if name in found:
            raise ConfigError(
                f"{shown} has one class, '{name}', for {found[name]}, which is diseased here, and "
                f"{diagnosis}, which is not, so it has no probability of the disease; choose another machine, or other "
                "classes by --count and --diseased"
            )
    return tuple(found)


def _usual(point: Threshold | None, classes: Sequence[str]) -> DecisionThreshold:
    if point is None:
        return DecisionThreshold(
            NO_POINT, f"the default, since the model has no operating point for {' or '.join(classes)}"
        )
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

    Diseased cases get what the other says of healthy ones and the other way round, drawn by the seed, so that its
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


def _of_table(path: Path, lesions: Sequence[Lesion], machine: str, is_diseased: Mapping[str, bool]) -> dict[str, float]:
    try:
        text = read_text(path)
    except ValueError as error:
        raise ConfigError(f"{path} is {error}; expected a table of predictions") from None
    image, scores = _columns(path, text, machine, is_diseased)
    if short := [row.line for row in text.rows[1:] if len(row.cells) <= max(image, *scores)]:
        raise ConfigError(f"{path}, line {short[0]}: found fewer cells than columns; write a number for each image")
    cases, found = {one.image_id for one in lesions}, dict[str, list[str]]()
    for row in text.rows[1:]:
        numbers, cell = [text.number(row.cells[place]) for place in scores], unguarded(row.cells[image]).strip()
        for case in cases & {cell, image_id(PurePath(cell))}:  # the id itself, which may have a dot, or a file
            if found.setdefault(case, numbers) != numbers:
                raise ConfigError(
                    f"{path}, line {row.line}: another row of {case} with other numbers; keep one of them"
                )
    if missing := [one.image_id for one in lesions if one.image_id not in found]:
        raise ConfigError(f"{path} has no row for {len(missing)} of the cases ({listed(missing)}); add them")
    return {
        one.image_id: min(sum(_probability(path, one.image_id, cell) for cell in found[one.image_id]), 1.0)
        for one in lesions
    }


def _columns(path: Path, text: TableText, machine: str, is_diseased: Mapping[str, bool]) -> tuple[int, tuple[int, ...]]:
    """Return the places of the image and of the probabilities whose sum is that of the disease."""
    header = text.rows[0].cells
    image = [place for place, name in enumerate(header) if name.casefold() in IMAGE_COLUMNS]
    score = [place for place, name in enumerate(header) if name.casefold() in SCORE_COLUMNS]
    shares = {
        name[len(CALIBRATED) :]: place
        for place, name in enumerate(header)
        if name.casefold().startswith(CALIBRATED) and not score
    }
    if not image or not (score or shares):
        raise ConfigError(
            f"{path} has the columns {listed(header)}; expected 'image', and 'probability' of the disease or the "
            "columns of `attnmel predict`, of which those of the diseased classes are added"
        )
    if score or len(shares) == 1:
        return image[0], (score[0] if score else next(iter(shares.values())),)
    return image[0], tuple(shares[one] for one in disease_classes(machine, tuple(shares), is_diseased))


def _probability(path: Path, case: str, cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise ConfigError(f"{path} gives '{cell}' for {case}; expected a probability between 0 and 1")
    return value
