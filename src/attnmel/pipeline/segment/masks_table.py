"""masks.csv: a row for each image that a segmenter drew a mask of, and which segmenter it was."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass

from attnmel.errors import PredictionsError
from attnmel.folders import MasksFolder, replacing
from attnmel.table_files import notice_lines

COLUMNS = ("image", "confidence", "area", "pieces", "flag", "error")

SEGMENTER = "# Segmenter: "
"""Start of the comment that names the checkpoint of the masks, by SHA-256."""


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
    with (
        replacing(folder.table) as part,
        part.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file,
    ):
        file.write(f"{notice_lines(licence)}{SEGMENTER}{segmenter}\n")
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS)
        for row in rows:
            cells = ["", "", "", ""]
            if not row.error:
                cells = [f"{row.confidence:.6f}", f"{row.area:.6f}", str(row.pieces), row.flag]
            table.writerow([row.image_id, *cells, row.error])


def read_masks_table(folder: MasksFolder) -> MasksTable | None:
    """Read a table of `write_masks_table`; None where there is no table.

    Raises:
        PredictionsError: the file is damaged.
    """
    if not folder.table.is_file():
        return None
    try:
        lines = folder.table.read_text(encoding="utf-8").splitlines()
        segmenter = next(line for line in lines if line.startswith(SEGMENTER)).removeprefix(SEGMENTER)
        first = lines.index(",".join(COLUMNS))
        rows = [_row(cells) for cells in csv.DictReader(lines[first:], strict=True)]
    except (UnicodeDecodeError, csv.Error, StopIteration, ValueError, KeyError, TypeError):
        raise PredictionsError(
            f"{folder.table} is damaged or not of `attnmel segment predict`; draw the masks anew with --replace"
        ) from None
    return MasksTable(segmenter, {row.image_id: row for row in rows})


def _row(cells: dict[str, str]) -> MaskRow:
    if cells["error"]:
        return MaskRow(cells["image"], 0.0, 0.0, 0, "", cells["error"])
    return MaskRow(
        cells["image"], float(cells["confidence"]), float(cells["area"]), int(cells["pieces"]), cells["flag"]
    )
