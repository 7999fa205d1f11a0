"""How much of the evaluated images, and of their lesions, the network saw: a table of a row an image, and notes."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from pydantic import TypeAdapter

from attnmel.data.preprocess.coverage import Covered, covered
from attnmel.data.preprocess.framing import Framing, framing_of
from attnmel.data.preprocess.image_warnings import (
    BLURRED,
    LEAST_SEEN,
    NOT_BLURRED,
    SHARPNESS_SIDE,
    image_warnings,
)
from attnmel.data.preprocess.images import central_crop, image_size
from attnmel.data.preprocess.network_input import mask_of
from attnmel.data.preprocess.workers import in_order, worthwhile_processes
from attnmel.files.table_files import computed_once, write_table
from attnmel.number_formats import percent
from attnmel.pipeline.run.images.crops import crop_masks, crop_masks_folder
from attnmel.pipeline.run.images.dataset import Prepared
from attnmel.pipeline.run.images.seen_images import (
    OF_CROP,
    OF_PRIOR,
    judged_images,
    read_images,
    segmenter_note,
    shared_images,
)
from attnmel.pipeline.run.run import Run

COLUMNS = ("image", "share_of_image", "share_of_lesion", "warnings")

PHANTOMS = "phantoms"

NOT_OF_PHANTOMS = f"'{BLURRED}' is not checked: its bound is of photographs, and phantoms are drawn smoother"

CHUNK = 64
"""Prepared images read at once."""

_COVERED = TypeAdapter(list[Covered])


class _Work(NamedTuple):
    image: Path
    mask: Path | None
    """The lesion's."""
    followed: Path | None
    """The mask that the crop follows."""
    framing: Framing


def write_seen(run: Run, name: str, prepared: Prepared, rows: np.ndarray) -> tuple[str, ...]:
    """Write the table of an evaluation, and return notes of what it shows.

    Raises:
        ImageError: an image or a mask cannot be used.
    """
    card = run.checkpoint[1]
    found = _covered(run, prepared, rows)
    warnings: list[tuple[str, ...]] = []
    for start in range(0, len(rows), CHUNK):
        pixels = central_crop(prepared.cache.gather(rows[start : start + CHUNK]), card.size)[..., :3]
        some = zip(pixels, found[start : start + CHUNK], strict=True)
        warnings += [image_warnings(np.ascontiguousarray(one), where, card.colours) for one, where in some]
    drawn = prepared.dataset.name == PHANTOMS
    if drawn:
        warnings = [tuple(name for name in names if name != BLURRED) for names in warnings]
    ids = [prepared.cache.image_ids[row] for row in rows]
    table = [
        (image_id, where.of_image, where.of_lesion, "; ".join(names))
        for image_id, where, names in zip(ids, found, warnings, strict=True)
    ]
    write_table(run.folder.seen(name), COLUMNS, table, licence=card.licence)
    small = [NOT_BLURRED] if card.size < SHARPNESS_SIDE else []
    return (*seen_notes(found, warnings), *([NOT_OF_PHANTOMS] if drawn else small))


def seen_notes(found: Sequence[Covered], warnings: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Return in words how much was seen on average, and how many images have which warning."""
    words = f"the network saw {percent(np.mean([one.of_image for one in found]), 0)} of an image's area on average"
    if lesions := [one.of_lesion for one in found if one.of_lesion is not None]:
        few = sum(share < LEAST_SEEN for share in lesions)
        words += f" and {percent(np.mean(lesions), 0)} of the lesion's"
        words += f"; {few} of {len(lesions)} lesions with less than {percent(LEAST_SEEN)}"
    counts = Counter(name for names in warnings for name in names).most_common()
    warned = ", ".join(f"{count} '{name}'" for name, count in counts)
    return (words, *([f"warnings on {len(found)} images: {warned}"] if warned else []))


def segmenter_notes(run: Run, prepared: Prepared, rows: np.ndarray, split: str) -> tuple[str, ...]:
    """Return notes on how many of the images the segmenters learnt from whose masks the run uses; none without one.

    Of the prior they are those of the training, of the crop those of the data set that is evaluated.
    """
    if split == "train":
        return ()
    folder = crop_masks_folder(run.recipe.data, prepared.dataset, run.home)
    learnt = {OF_PRIOR: read_images(run.folder.prior), OF_CROP: read_images(folder) if folder is not None else ()}
    judged = judged_images(prepared, rows, run.home) if any(learnt.values()) else ()
    shared = {use: len(shared_images(known, judged, split)) for use, known in learnt.items()}
    return tuple(segmenter_note(count, len(rows), split, use) for use, count in shared.items() if count)


def _covered(run: Run, prepared: Prepared, rows: np.ndarray) -> list[Covered]:
    """Return how much of each image the network saw; computed once, then read from the cache's folder."""
    data = run.recipe.data
    ids = [prepared.cache.image_ids[row] for row in rows]
    key = hashlib.sha256("\n".join([str(framing_of(data)), *ids]).encode()).hexdigest()[:12]

    def compute() -> dict[str, list[Covered]]:
        followed = crop_masks(data, prepared.dataset, prepared.lesions, run.home)
        lesions = [prepared.lesions[row] for row in rows]
        works = [_Work(one.image, one.mask, followed.get(one.image_id), framing_of(data)) for one in lesions]
        with run.progress.bar("measuring what the network saw", len(works), "images") as advance:
            found = []
            for one in in_order(_covered_file, works, worthwhile_processes(len(works))):
                found.append(one)
                advance(1)
        return {"seen": found}

    def read(plain: dict[str, Any]) -> list[Covered]:
        found = _COVERED.validate_python(plain["seen"])
        if len(found) != len(ids):
            raise ValueError("not a row an image")
        return found

    return computed_once(prepared.cache.path / f"seen-{key}.json", compute, read)


def _covered_file(work: _Work) -> Covered:
    squares = work.framing.squares(*image_size(work.image), mask_of(work.followed, work.image))
    return covered([work.framing.seen(one) for one in squares], mask_of(work.mask, work.image))
