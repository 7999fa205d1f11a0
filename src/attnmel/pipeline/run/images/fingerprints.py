"""Fingerprints of the images that a model learnt from: the file that goes with it, and images that are copies."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

import numpy as np
from jaxtyping import UInt8

from attnmel.compute.threads import available_processors
from attnmel.data.audit.chunks import threads
from attnmel.data.audit.descriptors import CHUNK, CROP, SIDE
from attnmel.data.audit.fingerprints import BYTES, SAME, fingerprints, most_alike
from attnmel.data.preprocess.cache_build import Work, prepared_rows
from attnmel.data.preprocess.workers import taken_in_turn, worthwhile_processes
from attnmel.errors import CheckpointError, ImageError
from attnmel.files.folders import RunFolder, replacing
from attnmel.pipeline.run.images.seen_images import Known, Leak, read_images
from attnmel.progress import SILENT, Progress
from attnmel.records import Lesion

Result = TypeVar("Result")


def write_fingerprints(run: RunFolder, lesions: Iterable[Lesion], progress: Progress = SILENT) -> None:
    """Write the fingerprint of each image that a run learnt from, in the order of its list; `lesions` have them all.

    Raises:
        ImageError: names an image that cannot be read.
    """
    by_id = {one.image_id: one for one in lesions}
    learnt = [by_id[one.image_id] for one in read_images(run)]
    with replacing(run.fingerprints) as part, part.open("wb") as file:
        np.save(file, np.concatenate(_of_chunks(fingerprints, learnt, progress)), allow_pickle=False)


def read_fingerprints(run: RunFolder, count: int) -> UInt8[np.ndarray, "K b"]:
    """Return the fingerprints of so many images.

    Raises:
        CheckpointError: the file is missing, damaged, or of another number of images.
    """
    try:
        found = np.load(run.fingerprints, allow_pickle=False)
    except (ValueError, EOFError, OSError):
        found = None
    if not isinstance(found, np.ndarray) or found.dtype != np.uint8 or found.shape != (count, BYTES):
        raise CheckpointError(
            f"{run.fingerprints} is damaged; expected {BYTES} bytes for each of the {count} images of "
            f"{run.images.name}. Put the file back, or delete it: copies of training images are then not looked for"
        )
    return found


def copied_images(
    known: UInt8[np.ndarray, "K b"],
    learnt: Sequence[Known],
    lesions: Sequence[Lesion],
    name: str,
    progress: Progress = SILENT,
) -> tuple[Leak, ...]:
    """Return the evaluated images that show the picture of a learnt one, most alike first.

    Raises:
        ImageError: names an image that cannot be read.
    """
    found = _of_chunks(lambda images: most_alike(images, known), lesions, progress)
    places, likeness = (np.concatenate(column) for column in zip(*found, strict=True))
    rows = [row for row in np.argsort(-likeness, kind="stable").tolist() if likeness[row] > SAME]
    of_rows = [(lesions[row].image_id, float(likeness[row]), learnt[int(places[row])]) for row in rows]
    return tuple(Leak(name, image, "same picture", like, one.image_id, one.split) for image, like, one in of_rows)


def _of_chunks(function: Callable[[np.ndarray], Result], lesions: Sequence[Lesion], progress: Progress) -> list[Result]:
    done: list[Result] = []
    with threads() as pool, progress.bar("Comparing pictures", len(lesions), "images") as advance:
        for one in taken_in_turn(pool, function, _squares(lesions), available_processors()):
            done.append(one)
            advance(min(CHUNK, len(lesions) - CHUNK * (len(done) - 1)))
    return done


def _squares(lesions: Sequence[Lesion]) -> Iterator[UInt8[np.ndarray, "B S S 3"]]:
    """Yield the central squares of images, some at a time, as an audit prepares them; none is kept on the disk."""
    works = [Work(one.image_id, one.image, None, CROP, SIDE) for one in lesions]
    rows = prepared_rows(works, worthwhile_processes(len(works)))
    while some := list(islice(rows, CHUNK)):
        if wrong := [row for row in some if isinstance(row, str)]:
            raise ImageError(wrong[0])
        yield np.stack([row[..., :3] for row in some if not isinstance(row, str)])
