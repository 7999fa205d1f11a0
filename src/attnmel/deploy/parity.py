"""Differences between the outputs of a network and of an engine that runs its file, and whether they are too large.

No torch: the caller computes the network's outputs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from attnmel.deploy.engines import Engine, EngineOutput
from attnmel.errors import ExportError
from attnmel.evaluation.statistics.delong import areas
from attnmel.number_formats import fixed
from attnmel.records import ATTENTION_MAPS, Predictions

PROBABILITY = 1e-4
"""Largest accepted difference of a probability."""

MAP = 1e-3
"""Largest accepted difference of a value of an attention map."""

AUC = 5e-5
"""Largest accepted difference of an AUC: equal to four digits, except for pairs of images without an order."""

ORDER = 1e-5
"""Probabilities closer than this have no order: engines round the last digits differently."""

CURE = "No file was written. Export again; if that fails too, report it with the versions that `attnmel doctor` prints."


@dataclass
class ParityReport:
    """Compares an engine with the network, some images at a time."""

    engine: Engine
    classes: Sequence[str]
    names: list[str] = field(default_factory=list)
    expected: list[np.ndarray] = field(default_factory=list)
    """Probabilities by the network."""
    found: list[EngineOutput] = field(default_factory=list)
    """Outputs of the engine."""
    map_differences: list[tuple[float, ...]] = field(default_factory=list)
    """Largest difference of each map, for each image."""

    def add(self, files: Sequence[Path], expected: EngineOutput) -> None:
        """Run the engine on some images, for which the network gave the expected outputs.

        Raises:
            ExportError: number or size of the maps differ from the network's.
        """
        found = self.engine.run(files)
        shapes = [[one.shape for one in output.attention] for output in (expected, found)]
        if shapes[0] != shapes[1]:
            raise ExportError(f"{self.engine.name} gives maps of {shapes[1]}, the network {shapes[0]}. {CURE}")
        self.names += [one.name for one in files]
        self.expected.append(expected.probabilities)
        self.found.append(found)
        pairs = zip(found.attention, expected.attention, strict=True)
        largest = [np.abs(one - other).reshape(len(one), -1).max(axis=1) for one, other in pairs]
        self.map_differences += list(zip(*(one.tolist() for one in largest), strict=True)) or [()] * len(files)

    def check(self) -> tuple[float, float | None]:
        """Return the largest difference of a probability and of a map; None for a network without maps.

        Raises:
            ExportError: one is too large; names the image with the largest, what was found and expected.
        """
        expected, found = np.concatenate(self.expected), EngineOutput.joined(self.found).probabilities
        differences = np.abs(found - expected)
        row, place = _largest(differences)
        # Written this way round, NaN is too large.
        if not differences[row, place] <= PROBABILITY:
            self._refuse(
                row,
                f"the probability of {self.classes[place]} is {fixed(found[row, place], 6, missing='nan')}, expected "
                f"{fixed(expected[row, place], 6)} within {PROBABILITY:g}",
                int((~(differences <= PROBABILITY)).any(axis=1).sum()),
            )
        if not any(self.map_differences):
            return float(differences.max()), None
        maps = np.array(self.map_differences)
        row, place = _largest(maps)
        if not maps[row, place] <= MAP:
            self._refuse(
                row,
                f"a value of the map {ATTENTION_MAPS[place]} differs by {fixed(maps[row, place], 6, missing='nan')}, "
                f"expected at most {MAP:g}",
                int((~(maps <= MAP)).any(axis=1).sum()),
            )
        return float(differences.max()), float(maps.max())

    def _refuse(self, row: int, difference: str, images: int) -> None:
        raise ExportError(
            f"the ONNX file, run by {self.engine.name}, differs from the network: on {self.names[row]} {difference}; "
            f"too large for {images} of {len(self.names)} images. {CURE}"
        )

    def against(self, truth: Predictions) -> float | None:
        """Return the largest difference of an AUC of a class against the rest, over the images of `truth`.

        These must be the images that were added first, in the same order. None if all are of one class.

        Raises:
            ExportError: it is too large; names the class, what was found and expected.
        """
        images = len(truth.image_ids)
        expected = np.concatenate(self.expected)[:images].astype(np.float64)
        found = EngineOutput.joined(self.found, images).probabilities.astype(np.float64)
        largest = None
        for name, network, file, equal in class_aucs(truth, expected, found):
            if not equal:
                raise ExportError(
                    f"the ONNX file, run by {self.engine.name}, has an AUC of {fixed(file, 6)} for {name} on {images} "
                    f"images, expected {fixed(network, 6)} to four digits. {CURE}"
                )
            largest = max(largest or 0.0, abs(file - network))
        return largest


def class_aucs(
    truth: Predictions, expected: Float[np.ndarray, "N K"], found: Float[np.ndarray, "N K"]
) -> Iterator[tuple[str, float, float, bool]]:
    """Give each class with its two AUCs against the rest, and whether they are equal.

    A class of all images, or of none, has no AUC and is left out. AUCs are equal if they differ by at most `AUC` plus
    the share of pairs of a positive and a negative image whose expected probabilities are closer than `ORDER`: each of
    these pairs may change its order, which in a small split is more than `AUC`.
    """
    for place, name in enumerate(truth.classes):
        positive = truth.is_class(name)
        if positive.all() or not positive.any():
            continue
        scores = np.stack([expected[:, place], found[:, place]], axis=1)
        first, second = areas(positive, scores).auc.tolist()
        yield name, first, second, abs(first - second) <= AUC + _unordered(scores[:, 0], positive)


def _unordered(scores: Float[np.ndarray, " N"], positive: Bool[np.ndarray, " N"]) -> float:
    """Return the share of pairs of a positive and a negative closer than `ORDER`, without listing the pairs."""
    negatives, positives = np.sort(scores[~positive]), scores[positive]
    below, above = (np.searchsorted(negatives, positives + shift) for shift in (-ORDER, ORDER))
    return float((above - below).mean() / len(negatives))


def _largest(differences: Float[np.ndarray, "N M"]) -> tuple[int, int]:
    """Return row and column of the largest difference; NaN counts as the largest."""
    row, place = np.unravel_index(np.argmax(np.nan_to_num(differences, nan=np.inf)), differences.shape)
    return int(row), int(place)
