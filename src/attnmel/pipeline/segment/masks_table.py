"""masks.csv: a row for each image that a segmenter drew a mask of, and which segmenter it was."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass

from attnmel.errors import PredictionsError
from attnmel.files.folders import MasksFolder
from attnmel.files.table_files import read_table, write_table

COLUMNS = ("image", "confidence", "area", "pieces", "flag", "error")

SEGMENTER = "segmenter"
"""Last column: the SHA-256 of the checkpoint that drew the masks, the same in every row."""

OLD_SEGMENTER = "# Segmenter: "
"""Start of the comment above the header that an earlier version wrote in place of the column."""


@dataclass(frozen=True)
class MaskRow:
    """The mask that a segmenter drew on one image."""

    image_id: str
    confidence: float
    area: float
    pieces: int
    flag: str
    """As in `evaluation.masks.quality`; an "empty" mask is not written as a file."""
    error: str = ""
    """Why the image could not be read; then the other fields mean nothing."""


@dataclass(frozen=True)
class MasksTable:
    """The rows of a folder of masks, by image id, and the segmenter they are all from."""

    segmenter: str
    """SHA-256 of its checkpoint."""
    rows: dict[str, MaskRow]


def write_masks_table(folder: MasksFolder, segmenter: str, rows: Iterable[MaskRow], licence: str) -> None:
    """Write the table anew, in the order of the rows."""
    write_table(folder.table, (*COLUMNS, SEGMENTER), (_cells(row, segmenter) for row in rows), licence=licence)


def read_masks_table(folder: MasksFolder) -> MasksTable | None:
    """Read a table of `write_masks_table`; None where there is no table.

    Raises:
        PredictionsError: the file is damaged.
    """
    if not folder.table.is_file():
        return None
    try:
        cells = read_table(folder.table, COLUMNS)
        segmenters = {row[SEGMENTER] for row in cells if SEGMENTER in row} or _old_segmenter(folder)
        (segmenter,) = segmenters or {""}
        rows = [_row(row) for row in cells]
    except (csv.Error, ValueError, KeyError, TypeError):
        raise PredictionsError(
            f"{folder.table} is damaged or not of `attnmel segment predict`; draw the masks anew with --replace"
        ) from None
    return MasksTable(segmenter, {row.image_id: row for row in rows})


def _old_segmenter(folder: MasksFolder) -> set[str]:
    lines = folder.table.read_text(encoding="utf-8").splitlines()
    return {line.removeprefix(OLD_SEGMENTER) for line in lines if line.startswith(OLD_SEGMENTER)}


def _cells(row: MaskRow, segmenter: str) -> list[object]:
    if row.error:
        return [row.image_id, None, None, None, None, row.error, segmenter]
    return [row.image_id, round(row.confidence, 6), round(row.area, 6), row.pieces, row.flag, None, segmenter]


def _row(cells: dict[str, str]) -> MaskRow:
    if cells["error"]:
        return MaskRow(cells["image"], 0.0, 0.0, 0, "", cells["error"])
    return MaskRow(
        cells["image"], float(cells["confidence"]), float(cells["area"]), int(cells["pieces"]), cells["flag"]
    )
