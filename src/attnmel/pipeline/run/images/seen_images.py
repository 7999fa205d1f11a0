"""The images that a run learnt from, by id, lesion and content, and the file that lists them in the run folder."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from attnmel.compute.threads import available_processors
from attnmel.data.preprocess.array_file import MEMORY
from attnmel.data.preprocess.hashes import content_hashes
from attnmel.errors import PredictionsError
from attnmel.files.folders import MasksFolder, RunFolder, cache_folder
from attnmel.files.table_files import damage, read_table, write_table
from attnmel.models.weights.start_weights import is_published, weights_file
from attnmel.pipeline.run.images.dataset import Prepared
from attnmel.records import Lesion, plain_id

LEARNT = ("train", "validation")
"""Splits that a network learns from: it is fitted to the first and its epoch chosen by the second."""

IMAGE_COLUMNS = ("image", "split", "group", "sha256")


@dataclass(frozen=True)
class Known:
    """One image, by what two sets of images can have in common."""

    image_id: str
    split: str
    group: str
    """Empty where it is not known."""
    digest: str


@dataclass(frozen=True)
class Leak:
    """One evaluated image that is known from training."""

    judged: str
    """Name of the results."""
    image: str
    kind: str
    likeness: float | None
    known_image: str
    known_split: str
    dataset: str = ""
    """Of the evaluated image: with it the list in a run folder is a list of images to exclude, too."""


def learnt_images(prepared: Prepared, home: Path) -> tuple[Known, ...]:
    """Return the images that train a run or choose its epoch."""
    return known_images((lesion for lesion in prepared.used if lesion.split in LEARNT), home)


def judged_images(prepared: Prepared, rows: np.ndarray, home: Path) -> tuple[Known, ...]:
    """Return the images of the rows that are evaluated."""
    return known_images((prepared.lesions[row] for row in rows), home)


def write_images(run: RunFolder | MasksFolder, images: Sequence[Known], licence: str) -> None:
    """Write the images that a run learnt from, so that the list goes wherever the run folder goes."""
    rows = ([one.image_id, one.split, one.group, one.digest] for one in images)
    write_table(run.images, IMAGE_COLUMNS, rows, licence=licence)


def read_images(run: RunFolder | MasksFolder) -> tuple[Known, ...]:
    """Return what `write_images` wrote; empty for a run that an earlier version trained.

    Raises:
        PredictionsError: the file is damaged.
    """
    if not run.images.is_file():
        return ()
    with damage(run.images, PredictionsError, "put back the file that the training wrote, or train the run again"):
        rows = read_table(run.images, IMAGE_COLUMNS)
    return tuple(Known(*(row[name] for name in IMAGE_COLUMNS)) for row in rows)


def start_images(weights: Iterable[str]) -> tuple[Known, ...]:
    """Return the images that runs learnt from whose weights are named as in a recipe; none of published weights.

    Also those that such a run's own start weights learnt from, and those that it was recalibrated on.

    Raises:
        CheckpointError: there are no such weights.
        PredictionsError: a list of images is damaged.
    """
    runs = [RunFolder(weights_file(one).parent) for one in weights if not is_published(one)]
    runs = [run for run in runs if run.recipe.is_file()]  # a checkpoint alone has no list
    lists = (one for run in runs for one in (run, run.start, run.recalibration))
    return tuple(dict.fromkeys(image for one in lists for image in read_images(one)))


def known_images(lesions: Iterable[Lesion], home: Path) -> tuple[Known, ...]:
    """Return images by id, split, lesion and content; only files that changed are read."""
    every = list(lesions)
    digests = content_hashes(
        [lesion.image for lesion in every], memory=cache_folder(home) / MEMORY, workers=available_processors()
    )
    return tuple(Known(one.image_id, str(one.split), one.group or "", digests[one.image]) for one in every)


def shared_images(learnt: Sequence[Known], evaluated: Sequence[Known], name: str) -> tuple[Leak, ...]:
    """Return the evaluated images that share an id, a file or a lesion with a learnt one, each once.

    Ids are compared without the ending of ISIC 2019's smaller copies.
    """
    by_id = {plain_id(one.image_id): one for one in learnt}
    by_digest = {one.digest: one for one in learnt}
    by_group = {one.group: one for one in learnt if one.group}
    leaks = []
    for one in evaluated:
        ways = (
            ("same id", by_id.get(plain_id(one.image_id))),
            ("same bytes", by_digest.get(one.digest)),
            ("same lesion", by_group.get(one.group)),
        )
        for kind, other in ways:
            if other is not None:
                leaks.append(Leak(name, one.image_id, kind, None, other.image_id, other.split))
                break
    return tuple(leaks)


OF_PRIOR, OF_CROP = "are this run's prior", "the crop follows"
"""What a segmenter's masks are used for."""


def segmenter_note(shared: int, images: int, split: str, use: str = OF_PRIOR) -> str:
    """Return the note on how many evaluated images a segmenter learnt from, whose masks have some use."""
    return (
        f"the segmenter whose masks {use} learnt from {shared:,} of the {images:,} images of '{split}' "
        "(by id, file or lesion)"
    )
