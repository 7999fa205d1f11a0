"""A folder of images with labels.csv -> lesions, joined by image id. No torch.

FOLDER/labels.csv    image,label[,mask][,group][,split][,age][,sex][,site][,confirmation][,source]
                     one row an image; all but image and label may be empty
FOLDER/...           the images and masks, named relative to FOLDER, with or without their ending
"""

import csv
import dataclasses
from collections import Counter
from collections.abc import Sequence
from itertools import chain
from pathlib import Path, PurePosixPath

from attnmel.data.datasets.dicom_lesions import with_dicom_facts
from attnmel.data.datasets.metadata import OLDEST, age_in_words, word
from attnmel.data.dicom.frames import file_of, frame_path, image_id, named_frame
from attnmel.data.preprocess.formats import SUFFIXES
from attnmel.errors import LabelError
from attnmel.records import ATTRIBUTES, REST, SPLITS, Lesion, Split

TABLE = "labels.csv"
REQUIRED = ("image", "label")
OPTIONAL = ("mask", "group", "split", *ATTRIBUTES)
COLUMNS = f"{','.join(REQUIRED)}[,{'][,'.join(OPTIONAL)}]"
MOST_TOLD = 5
"""Problems that are listed; the others are counted."""


@dataclasses.dataclass(frozen=True)
class _Row:
    line: int
    cells: dict[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")


def read_folder(folder: Path, classes: Sequence[str] | None = None) -> tuple[Lesion, ...]:
    """Read the images of a folder as its labels.csv describes them, in the table's order.

    A label is the name of a class, or its place among `classes` from 0 on. Any other is an error even where a class is
    called "rest", which would otherwise take any typing error. Without classes, names are kept as they are.
    The split is None throughout where the table gives none. An image next to those of the table that is not in it is an
    error, as is a doubled name: an image id is a file name without its ending. Attributes are words in small letters,
    the age a number of years; "unknown" is the same as nothing.

    Raises:
        LabelError: every problem of the table in one message, the first ones word by word.
    """
    lesions, problems = examined_folder(folder, classes)
    if problems:
        more = f"; and {len(problems) - MOST_TOLD} more" if len(problems) > MOST_TOLD else ""
        raise LabelError(f"{folder / TABLE}: {'; '.join(problems[:MOST_TOLD])}{more}")
    return lesions


def examined_folder(folder: Path, classes: Sequence[str] | None = None) -> tuple[tuple[Lesion, ...], tuple[str, ...]]:
    """Return the lesions of the rows that can be used, and every problem of the table, as `read_folder` reports it.

    Raises:
        LabelError: the table cannot be read at all.
    """
    rows = _read_table(folder / TABLE)
    files = _Files(folder)
    lesions, problems = [], []
    for row in rows:
        lesion, objections = _lesion(row, files, classes)
        problems += [f"line {row.line}: {objection}" for objection in objections]
        lesions += [lesion] if lesion else []
    problems += _doubled(lesions) + _half_split(rows)
    if not problems:  # else images of broken rows would be reported twice
        problems += files.left_over(lesions)
    return with_dicom_facts(lesions), tuple(problems)


def _read_table(path: Path) -> list[_Row]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, strict=True)
            header = [cell.strip() for cell in next(reader, [])]
            _check_header(header, path)
            lines = [
                (reader.line_num, [cell.strip() for cell in cells]) for cells in reader if any(map(str.strip, cells))
            ]
    except (UnicodeDecodeError, csv.Error) as error:
        raise LabelError(f"{path} is not a table of comma-separated UTF-8 text ({error}); save it so") from None
    if not lines:
        raise LabelError(f"{path} has no row below its header; expected one for every image")
    for line, cells in lines:
        if len(cells) != len(header):
            raise LabelError(
                f"{path}, line {line}: {len(cells)} values for the {len(header)} columns {','.join(header)}"
            )
    return [_Row(line, dict(zip(header, cells, strict=True))) for line, cells in lines]


def _check_header(header: list[str], path: Path) -> None:
    if not any(header):
        raise LabelError(f"{path} is empty; expected a first line {COLUMNS}")
    for separator, name in ((";", "semicolons"), ("\t", "tabs")):
        if len(header) == 1 and separator in header[0]:
            raise LabelError(f"{path} is separated by {name}; save it separated by commas, with a first line {COLUMNS}")
    missing = [name for name in REQUIRED if name not in header]
    unknown = [name or "(no name)" for name in header if name not in (*REQUIRED, *OPTIONAL)]
    doubled = [name for name, times in Counter(header).items() if times > 1]
    problems = [("lacks", missing), ("has the unknown", unknown), ("has twice", doubled)]
    if wrong := [f"{what} {', '.join(names)}" for what, names in problems if names]:
        raise LabelError(f"{path}: the header {' and '.join(wrong)}; expected {COLUMNS}")


class _Files:
    """The images and masks of a folder, found by name with or without ending.

    Each subfolder is listed once, and names are looked up: searching the list for each would take time that grows with
    the square of the images.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._listings: dict[Path, dict[str, list[str]]] = {}

    def find(self, name: str) -> tuple[Path | None, str]:
        """Return the file of that name, or None and the reason; "scan.dcm#2" names a frame."""
        file, frame = named_frame(name)
        if frame is not None:
            path, problem = self.find(file)
            return path and frame_path(path, frame), problem
        relative = PurePosixPath(name.replace("\\", "/"))
        # Judged by name only: a link in the folder to images elsewhere is the owner's own doing.
        if relative.is_absolute() or ".." in relative.parts or ":" in name:
            return None, f"'{name}' leaves the folder; expected a name inside it"
        listing = self._listing(self._folder / relative.parent)
        if relative.name in listing.get(relative.stem, ()):
            return self._folder / relative, ""
        found = listing.get(relative.name, [])
        if len(found) > 1:
            return None, f"'{name}' may be {' or '.join(found)}; name one with its ending"
        if not found:
            return None, f"no file '{name}' in the folder"
        return self._folder / relative.with_name(found[0]), ""

    def left_over(self, lesions: Sequence[Lesion]) -> list[str]:
        """Name the images in the folders of the table's images that are not in the table."""
        named = {file_of(lesion.image) for lesion in lesions} | {lesion.mask for lesion in lesions}
        folders = sorted({lesion.image.parent for lesion in lesions})
        names = [(folder, sorted(chain(*self._listing(folder).values()))) for folder in folders]
        files = (folder / name for folder, several in names for name in several)
        return [
            f"{path.relative_to(self._folder)} is not in the table; give it a row, or move it away"
            for path in files
            if path not in named
        ]

    def _listing(self, folder: Path) -> dict[str, list[str]]:
        """Return the names of the folder's pictures by the name without its ending, each sorted."""
        if folder not in self._listings:
            paths = folder.iterdir() if folder.is_dir() else ()
            names = (path.name for path in paths if path.suffix.lower() in SUFFIXES and path.is_file())
            by_stem: dict[str, list[str]] = {}
            for name in sorted(name for name in names if not name.startswith(".")):
                by_stem.setdefault(PurePosixPath(name).stem, []).append(name)
            self._listings[folder] = by_stem
        return self._listings[folder]


def _lesion(row: _Row, files: _Files, classes: Sequence[str] | None) -> tuple[Lesion | None, list[str]]:
    image, no_image = files.find(row["image"]) if row["image"] else (None, "no image is named")
    mask, no_mask = files.find(row["mask"]) if row["mask"] else (None, "")
    diagnosis, no_label = _diagnosis(row["label"], classes)
    no_split = "" if row["split"] in ("", *SPLITS) else f"split '{row['split']}'; expected {', '.join(SPLITS)}"
    age = age_in_words(row["age"])
    no_age = f"age '{row['age']}'; expected years from 0 to {OLDEST}, or nothing" if age is None else ""
    objections = [
        no_image and f"image: {no_image}",
        no_mask and f"mask of {row['image']}: {no_mask}",
        no_label and f"{row['image']}: {no_label}",
        no_split and f"{row['image']}: {no_split}",
        no_age and f"{row['image']}: {no_age}",
    ]
    if image is None or any(objections):
        return None, [objection for objection in objections if objection]
    split: Split | None = next((split for split in SPLITS if split == row["split"]), None)
    known = {"age": age or "", **{name: word(row[name]) for name in ATTRIBUTES if name != "age"}}
    lesion = Lesion(
        image_id=image_id(image),
        image=image,
        diagnosis=diagnosis,
        split=split,
        mask=mask,
        group=row["group"] or None,
        attributes={name: value for name, value in known.items() if value},
    )
    return lesion, []


def _diagnosis(label: str, classes: Sequence[str] | None) -> tuple[str | None, str]:
    if not label:
        return None, "no label; give it one, or take the image out"
    if classes is None or label in classes:
        return label, ""
    if label.isdecimal() and label.isascii() and int(label) < len(classes):
        return classes[int(label)], ""
    others = f" ('{REST}' for every other diagnosis)" if REST in classes else ""
    return None, f"label '{label}'; expected one of {', '.join(classes)}{others}, or 0 to {len(classes) - 1}"


def _doubled(lesions: Sequence[Lesion]) -> list[str]:
    times = Counter(lesion.image_id for lesion in lesions)
    return [
        f"image id {image_id} stands in {count} rows; expected one" for image_id, count in times.items() if count > 1
    ]


def _half_split(rows: Sequence[_Row]) -> list[str]:
    without = [row.line for row in rows if not row["split"]]
    if not without or len(without) == len(rows):
        return []
    return [f"line {without[0]}: no split, as in {len(without)} of {len(rows)} rows; give every row one, or none"]
