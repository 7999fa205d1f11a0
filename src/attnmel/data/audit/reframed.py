"""Signatures -> pairs of which one was squashed, padded, enlarged or turned by some degrees to make the other.

A view of the one image (`frames.VIEWS`) is laid on the other by an affine map, from coarse to fine structure, each step
on fewer pairs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import Float32, UInt8

from attnmel.data.audit.align import LEAST_COMMON, Match
from attnmel.data.audit.chunks import in_parts
from attnmel.data.audit.descriptors import COARSE, FINE, MIDDLE, STEPS, Signatures, fine_structure
from attnmel.data.audit.frames import VIEWS, boxes_within
from attnmel.data.audit.register import Affines, identity, image_agreement, registered
from attnmel.data.audit.search.candidates import Candidates, turned_each, undone
from attnmel.progress import SILENT, Progress

SAME_REFRAMED = 0.65
"""Correlation of fine structure above which an affine map shows two images to be the same picture."""

# Correlations of each structure below which a pair is dropped: as the structure before it was registered, which is
# cheap to compute, and then registered by itself.
LEAST_COARSE = (0.5, 0.85)
LEAST_MIDDLE = (0.65, 0.8)
LEAST_FINE = (0.4, SAME_REFRAMED)

Images = Callable[[Sequence[int]], UInt8[np.ndarray, "B S S 3"]]
"""Gives the prepared images of some rows."""

Pair = tuple[Float32[np.ndarray, "P s s"], Float32[np.ndarray, "P s s"]]
Structures = Callable[[Candidates], Pair]
"""The structures of the two images of each pair, the second turned to lie like the first."""


@dataclass(frozen=True)
class Registration:
    """How the second image of each pair lies on a view of the first."""

    likely: Candidates
    affines: Affines
    likeness: Float32[np.ndarray, " P"]

    def of(self, rows: np.ndarray) -> "Registration":
        """Return some of the pairs."""
        return Registration(self.likely.of(rows), self.affines[rows], self.likeness[rows])


def reframed_pictures(
    signatures: Signatures, likely: Candidates, images: Images, progress: Progress = SILENT
) -> list[Match]:
    """Return the pairs that show the same picture, most alike first."""
    found = Registration(likely, identity(len(likely)), np.zeros(len(likely), dtype=np.float32))
    found = _registered(found, partial(_coarse_pair, signatures), COARSE, LEAST_COARSE, progress)
    found = _registered(found, partial(_middle_pair, signatures), MIDDLE, LEAST_MIDDLE, progress)
    found = _registered(found, partial(_fine_pair, signatures, images), FINE, LEAST_FINE, progress)
    return [_match(found, row) for row in np.argsort(-found.likeness, kind="stable").tolist()]


def _match(found: Registration, row: int) -> Match:
    first, second = found.likely.pairs[row].tolist()
    symmetries = found.likely.symmetries[row : row + 1]
    likeness = float(found.likeness[row])
    if first < second:
        return Match(first, second, int(symmetries[0]), likeness)
    return Match(second, first, int(undone(symmetries)[0]), likeness)


def _registered(
    found: Registration, structures: Structures, side: int, least: tuple[float, float], progress: Progress
) -> Registration:
    """Return the pairs that agree before and after they are registered, with the maps and correlations after it."""

    def part(rows: slice) -> tuple[np.ndarray, ...]:
        first, second = structures(found.likely.of(rows))
        affines, likeness = found.affines[rows].copy(), np.full(len(first), -1, dtype=np.float32)
        some = np.flatnonzero(image_agreement(first, second, affines)[0] >= least[0])
        affines[some] = registered(first[some], second[some], affines[some])
        likeness[some], common = image_agreement(first[some], second[some], affines[some])
        likeness[some[common < LEAST_COMMON]] = -1
        return affines, likeness

    parts = in_parts(part, len(found.likely), side, "Registering pairs", progress)
    return Registration(found.likely, *parts).of(parts[1] >= least[1])


def _coarse_pair(signatures: Signatures, likely: Candidates) -> Pair:
    first = signatures.view_coarse[likely.pairs[:, 0], likely.views].astype(np.float32)
    second = signatures.view_coarse[likely.pairs[:, 1], 0].astype(np.float32)
    first, second = (some.reshape(-1, COARSE, COARSE) for some in (first, second))
    return first, turned_each(second, likely.symmetries)


def _middle_pair(signatures: Signatures, likely: Candidates) -> Pair:
    first = signatures.view_middle[likely.pairs[:, 0], likely.views].astype(np.float32)
    second = signatures.middle[likely.pairs[:, 1]].astype(np.float32)
    return first, turned_each(second, likely.symmetries)


def _fine_pair(signatures: Signatures, images: Images, likely: Candidates) -> Pair:
    first, second = (signatures.fine[rows].astype(np.float32) for rows in likely.pairs.T)
    views = np.flatnonzero(likely.views)
    # An image's view is in as many pairs as it has nearest, and is described once.
    (rows, which), places = np.unique((likely.pairs[views, 0], likely.views[views]), axis=1, return_inverse=True)
    boxes = boxes_within(signatures.frames[rows], np.array(VIEWS, dtype=np.float32)[which])
    first[views] = (fine_structure(images(rows.tolist()), boxes) * STEPS)[places]
    return first, turned_each(second, likely.symmetries)
