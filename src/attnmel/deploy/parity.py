"""Answers of a network and of engines that run its file -> how far they are apart, and whether that is too far.

No torch: what the network says is given, by whatever computed it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from attnmel.deploy.engines import Engine, EngineAnswers
from attnmel.errors import ExportError
from attnmel.evaluation.statistics.delong import areas
from attnmel.records import ATTENTION_MAPS, Predictions

PROBABILITY = 1e-4
"""Furthest that a probability of the file may be from the network's."""

MAP = 1e-3
"""Furthest that a value of an attention map may be."""

AUC = 5e-5
"""Furthest that an AUC may be: equal to four digits, but for pairs of images without an order."""

ORDER = 1e-5
"""Probabilities nearer than this have no order: engines round the last digits in different ways."""

CURE = (
    "No file was written. Export once more; if it stays so, report it with the versions that `attnmel doctor` prints."
)


@dataclass
class ParityReport:
    """Compares an engine with the network, some images at a time."""

    engine: Engine
    classes: Sequence[str]
    names: list[str] = field(default_factory=list)
    expected: list[np.ndarray] = field(default_factory=list)
    found: list[np.ndarray] = field(default_factory=list)
    maps: list[tuple[np.ndarray, ...]] = field(default_factory=list)
    """The engine's."""
    map_differences: list[tuple[float, ...]] = field(default_factory=list)

    def add(self, files: Sequence[Path], expected: EngineAnswers) -> None:
        """Run the engine on some images.

        Raises:
            ExportError: the file gives other maps than the network, by number or size.
            CheckpointError, ImageError: the file gives a probability that is no number, an image cannot be used.
        """
        found = self.engine.answers(files)
        shapes = [[one.shape for one in answers.attention] for answers in (expected, found)]
        if shapes[0] != shapes[1]:
            raise ExportError(f"{self.engine.name} gives maps of {shapes[1]}, the network {shapes[0]}. {CURE}")
        self.names += [one.name for one in files]
        self.expected.append(expected.probabilities)
        self.found.append(found.probabilities)
        self.maps.append(found.attention)
        pairs = zip(found.attention, expected.attention, strict=True)
        apart = [np.abs(one - other).reshape(len(one), -1).max(axis=1) for one, other in pairs]
        self.map_differences += list(zip(*(one.tolist() for one in apart), strict=True)) or [()] * len(files)

    def check(self) -> tuple[float, float | None]:
        """Return the largest difference of a probability and of a map; None for a network without maps.

        Raises:
            ExportError: one is too far; names the image that is furthest, what was found and expected.
        """
        expected, found = np.concatenate(self.expected), np.concatenate(self.found)
        apart = np.abs(found - expected)
        row, place = _furthest(apart)
        # Asked this way round, a value that is not a number is too far.
        if not apart[row, place] <= PROBABILITY:
            self._refuse(
                row,
                f"the probability of {self.classes[place]} is {found[row, place]:.6f}, expected "
                f"{expected[row, place]:.6f} within {PROBABILITY:g}",
                int((~(apart <= PROBABILITY)).any(axis=1).sum()),
            )
        if not any(self.map_differences):
            return float(apart.max()), None
        maps = np.array(self.map_differences)
        row, place = _furthest(maps)
        if not maps[row, place] <= MAP:
            self._refuse(
                row,
                f"a value of the map {ATTENTION_MAPS[place]} is {maps[row, place]:.6f} from the network's, expected "
                f"at most {MAP:g}",
                int((~(maps <= MAP)).any(axis=1).sum()),
            )
        return float(apart.max()), float(maps.max())

    def _refuse(self, row: int, told: str, images: int) -> None:
        raise ExportError(
            f"the ONNX file, run by {self.engine.name}, does not answer as the network does: on {self.names[row]} "
            f"{told}; so it is with {images} of {len(self.names)} images. {CURE}"
        )

    def against(self, truth: Predictions) -> float | None:
        """Return the largest difference of an AUC of a class against the rest, over the images of `truth`.

        Those are the first ones that were added, in their order. None where all are of one class.

        Raises:
            ExportError: it is too large; names the class, what was found and expected.
        """
        images = len(truth.image_ids)
        expected, found = (np.concatenate(one)[:images].astype(np.float64) for one in (self.expected, self.found))
        largest = None
        for name, network, file, equal in class_aucs(truth, expected, found):
            if not equal:
                raise ExportError(
                    f"the ONNX file, run by {self.engine.name}, has an AUC of {file:.6f} for {name} on {images} "
                    f"images, expected {network:.6f} to four digits. {CURE}"
                )
            largest = max(largest or 0.0, abs(file - network))
        return largest


def class_aucs(
    truth: Predictions, expected: Float[np.ndarray, "N K"], found: Float[np.ndarray, "N K"]
) -> Iterator[tuple[str, float, float, bool]]:
    """Give each class with its two AUCs against the rest, and whether they are equal.

    A class that all images are of, or none, has no AUC and is left out. AUCs are equal within `AUC` and the share of
    pairs of a positive and a negative image that are expected nearer than `ORDER`: each of those may turn round, which
    in a small split is more than `AUC`.
    """
    for place, name in enumerate(truth.classes):
        positive = truth.is_class(name)
        if positive.all() or not positive.any():
            continue
        scores = np.stack([expected[:, place], found[:, place]], axis=1)
        first, second = areas(positive, scores).auc.tolist()
        yield name, first, second, abs(first - second) <= AUC + _unordered(scores[:, 0], positive)


def _unordered(scores: Float[np.ndarray, " N"], positive: Bool[np.ndarray, " N"]) -> float:
    """Return the share of pairs of a positive and a negative that are nearer than `ORDER`, without making the pairs."""
    negatives, positives = np.sort(scores[~positive]), scores[positive]
    below, above = (np.searchsorted(negatives, positives + shift) for shift in (-ORDER, ORDER))
    return float((above - below).mean() / len(negatives))


def _furthest(apart: Float[np.ndarray, "N M"]) -> tuple[int, int]:
    """Return where the largest difference is; what is not a number is furthest."""
    row, place = np.unravel_index(np.argmax(np.nan_to_num(apart, nan=np.inf)), apart.shape)
    return int(row), int(place)
