"""Which images a run learnt from, told by id, lesion and content, and the file that says so wherever the run goes."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from attnmel.data.cache import MEMORY
from attnmel.data.fingerprints import content_hashes
from attnmel.data.processes import available_processors
from attnmel.errors import PredictionsError
from attnmel.folders import MasksFolder, RunFolder, cache_folder, replacing
from attnmel.pipeline.prepare import Prepared
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


def learnt_images(prepared: Prepared, home: Path) -> tuple[Known, ...]:
    """Return the images that train a run or choose its epoch."""
    return _known((lesion for lesion in prepared.used if lesion.split in LEARNT), home)


def judged_images(prepared: Prepared, rows: np.ndarray, home: Path) -> tuple[Known, ...]:
    """Return the images of the rows that are judged."""
    return _known((prepared.lesions[row] for row in rows), home)


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


def _known(lesions: Iterable[Lesion], home: Path) -> tuple[Known, ...]:
    """Return what images are told by; their files are read only where they changed."""
    every = list(lesions)
    digests = content_hashes(
        [lesion.image for lesion in every], memory=cache_folder(home) / MEMORY, workers=available_processors()
    )
    return tuple(Known(one.image_id, str(one.split), one.group or "", digests[one.image]) for one in every)
