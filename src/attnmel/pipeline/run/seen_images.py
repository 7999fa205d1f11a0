"""Which images a run learnt from, told by id, lesion and content, and the file that says so wherever the run goes."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from attnmel.data.preprocess.array_file import MEMORY
from attnmel.data.preprocess.hashes import content_hashes
from attnmel.data.preprocess.workers import available_processors
from attnmel.errors import PredictionsError
from attnmel.folders import MasksFolder, RunFolder, cache_folder, replacing
from attnmel.pipeline.run.dataset import Prepared
from attnmel.records import Lesion, notice_lines, table_lines

LEARNT = ("train", "validation")
"""Splits whose images a network knows: it is fitted to the first and chosen by the second."""

IMAGE_COLUMNS = ("image", "split", "group", "sha256")


@dataclass(frozen=True)
class Known:
    """One image of one side: what an overlap is told by."""

    image_id: str
    split: str
    group: str
    """Empty where it is not known."""
    digest: str


@dataclass(frozen=True)
class Leak:
    """One judged image that is known from training."""

    judged: str
    """Name of the judgement."""
    image: str
    kind: str
    likeness: float | None
    known_image: str
    known_split: str


def learnt_images(prepared: Prepared, home: Path) -> tuple[Known, ...]:
    """Return the images that train a run or choose its epoch."""
    return known_images((lesion for lesion in prepared.used if lesion.split in LEARNT), home)


def judged_images(prepared: Prepared, rows: np.ndarray, home: Path) -> tuple[Known, ...]:
    """Return the images of the rows that are judged."""
    return known_images((prepared.lesions[row] for row in rows), home)


def write_images(run: RunFolder | MasksFolder, images: Sequence[Known], licence: str) -> None:
    """Write what a run learnt from, so that it is known wherever the run folder goes."""
    with replacing(run.images) as part, part.open("w", newline="", encoding="utf-8") as file:
        file.write(notice_lines(licence))
        table = csv.writer(file)
        table.writerow(IMAGE_COLUMNS)
        table.writerows([one.image_id, one.split, one.group, one.digest] for one in images)


def read_images(run: RunFolder | MasksFolder) -> tuple[Known, ...]:
    """Return what `write_images` wrote; empty for a run that an earlier version trained.

    Raises:
        PredictionsError: the file is damaged.
    """
    if not run.images.is_file():
        return ()
    try:
        with run.images.open(newline="", encoding="utf-8") as file:
            return tuple(Known(*(row[name] for name in IMAGE_COLUMNS)) for row in csv.DictReader(table_lines(file)))
    except (UnicodeDecodeError, csv.Error, KeyError):
        raise PredictionsError(
            f"{run.images} is damaged; put back the file that the training wrote, or train the run again"
        ) from None


def known_images(lesions: Iterable[Lesion], home: Path) -> tuple[Known, ...]:
    """Return what images are told by; their files are read only where they changed."""
    every = list(lesions)
    digests = content_hashes(
        [lesion.image for lesion in every], memory=cache_folder(home) / MEMORY, workers=available_processors()
    )
    return tuple(Known(one.image_id, str(one.split), one.group or "", digests[one.image]) for one in every)


def shared_images(learnt: Sequence[Known], judged: Sequence[Known], name: str) -> tuple[Leak, ...]:
    """Return the judged images that share an id, a file or a lesion with one that was learnt from, each once."""
    by_id = {one.image_id: one for one in learnt}
    by_digest = {one.digest: one for one in learnt}
    by_group = {one.group: one for one in learnt if one.group}
    leaks = []
    for one in judged:
        ways = (
            ("same id", by_id.get(one.image_id)),
            ("same bytes", by_digest.get(one.digest)),
            ("same lesion", by_group.get(one.group)),
        )
        for kind, other in ways:
            if other is not None:
                leaks.append(Leak(name, one.image_id, kind, None, other.image_id, other.split))
                break
    return tuple(leaks)


def segmenter_note(shared: int, judged: int, split: str) -> str:
    """Say how many judged images a segmenter learnt from."""
    return (
        f"the segmenter whose masks are this run's prior learnt from {shared:,} of the {judged:,} images of '{split}' "
        "(by id, file or lesion)"
    )
