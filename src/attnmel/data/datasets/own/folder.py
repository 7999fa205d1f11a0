"""A folder of images with labels.csv -> lesions, joined by image id. No torch.

FOLDER/labels.csv    image,label[,mask][,group][,split][,age][,sex][,site][,confirmation][,source]
                     one row an image; all but image and label may be empty
FOLDER/...           the images and masks, named relative to FOLDER, with or without their ending; or by a name
                     alone that fits one file of all subfolders
"""

import dataclasses
import shlex
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from attnmel.data.datasets.own.columns import COLUMNS, TABLE, find_columns
from attnmel.data.datasets.own.dicom import patient_notes, with_dicom_facts
from attnmel.data.datasets.own.files import FolderFiles
from attnmel.data.datasets.own.rows import SPACES, FolderRow, RowReader
from attnmel.data.datasets.splits import SMALLEST_SHARE, large_groups
from attnmel.data.dicom.frames import file_of, image_id
from attnmel.data.image_files.masks import jpeg_note
from attnmel.data.tables.problems import LISTED, Problem, refuse
from attnmel.data.tables.text import read_text
from attnmel.errors import LabelError, listed
from attnmel.number_formats import percent
from attnmel.records import Lesion


@dataclasses.dataclass(frozen=True)
class TableReading:
    """How labels.csv is read."""

    classes: Sequence[str] | None = None
    """What a label may be; None: anything, kept as it is written first."""
    columns: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """How the table calls its columns, where it calls them differently."""
    strict: bool = False
    """Whether a row without its image, or an image without a row, is an error."""
    fold: tuple[int, int] | None = None
    """Which part of the training and validation images validates, of how many, once the table was read (`with_splits`);
    None: those of the split."""
    exclude: frozenset[str] = frozenset()
    """Ids that a training leaves out of every split."""
    limit: int | None = None
    """Of the training images, how many a training uses at most; None: all."""
    own: str = ""
    """What results call the data set that the recipe names, which the ids to leave out are of; empty without one."""


GROUP = "the group '"
"""Start of the sentence on a group that is too large; its name follows."""

AS_WRITTEN = TableReading()


@dataclasses.dataclass(frozen=True)
class FolderContent:
    """What a folder and its labels.csv hold, with all that is wrong."""

    lesions: tuple[Lesion, ...]
    """Of the rows that can be used, in the table's order."""
    problems: tuple[Problem, ...] = ()
    """What must be corrected, by line."""
    without_image: tuple[Problem, ...] = ()
    """Rows whose image is not there, which are left out."""
    without_row: tuple[Path, ...] = ()
    """Images next to those of the table that no row names, relative to the folder; they are left out."""
    large_groups: Mapping[str, int] = dataclasses.field(default_factory=dict)
    """Images of each group that holds more of them than the smallest split should."""
    notes: tuple[str, ...] = ()
    """How the table was read, as far as it is not the plain form, a sentence each."""
    table: str = TABLE
    """The file that names the images; a published layout has another than labels.csv."""
    licence: str = ""
    """Licences of the images, where the table states them."""

    @property
    def sentences(self) -> tuple[str, ...]:
        """What a user should know of a table that can be used."""
        found = [*self.notes]
        if rows := self.without_image:
            of = f"{len(rows)} of {len(self.lesions) + len(rows)} ({listed(f'line {one.line}' for one in rows)})"
            found.append(f"rows of {self.table} whose image is not in the folder: {of}")
        if images := self.without_row:
            names = listed(map(str, images))
            found.append(f"images in the folder without a row in {self.table}: {len(images)} ({names})")
        return (*found, *(group_sentence(name, count, len(self.lesions)) for name, count in self.large_groups.items()))


def may_name_patients(sentence: str) -> bool:
    """Whether one of the `sentences` of a folder may quote names of files or groups, or cells of its table."""
    return TABLE in sentence or sentence.startswith((GROUP, SPACES))


def group_sentence(name: str, count: int, images: int) -> str:
    """Return what to think of a group that is too large."""
    return (
        f"{GROUP}{name}' holds {count} of {images} images, and a split should hold {percent(SMALLEST_SHARE)} "
        "of them; is it one patient? leave the cell empty where that is not known"
    )


def read_folder(folder: Path, reading: TableReading = AS_WRITTEN) -> FolderContent:
    """Read the images of a folder as its labels.csv describes them, in the table's order.

    A label is the name of a class in any case, its place among them from 0 on, or another name of the same diagnosis
    (`SAME_DIAGNOSES`). Any other is an error even where a class is called "rest", which would otherwise take any
    typing error. The split is None throughout where the table gives none. Rows without image and images without row are
    left out, or an error if the reading is strict. An image id is a file name without its ending, or the path relative
    to the folder where two images in different folders have one name. Attributes are words in small letters, the age a
    number of years; what means "not known" (`words.UNKNOWN`) is the same as nothing in every column.

    Raises:
        LabelError: every problem of the table in one message, the first `LISTED` word by word.
        ConfigError: the reading names what is no column.
    """
    found = examined_folder(folder, reading)
    every = f"`attnmel verify {shlex.quote(str(folder))} --json` lists them all"
    advice = every if len(found.problems) > LISTED else ""
    refuse({str(folder / TABLE): found.problems}, LabelError, advice)
    return found


def examined_folder(folder: Path, reading: TableReading = AS_WRITTEN) -> FolderContent:
    """Return the same as `read_folder`, with every problem instead of an error."""
    path = folder / TABLE
    try:
        text = read_text(path)
    except ValueError as damage:
        expected = f"a table with a first line {COLUMNS}"
        return FolderContent((), (Problem(0, "", str(damage), expected, kind="file"),))
    header, *body = text.rows
    found = find_columns(header.line, header.cells, reading.columns, reading.classes or ())
    if found.problems or not body:
        bare = Problem(0, "", "no row below the header", "one for every image", kind="file")
        return FolderContent((), found.problems or (bare,))
    files = FolderFiles(folder)
    reader = RowReader(text, found, files, reading.classes)
    rows = [reader.read(row) for row in body]
    used = [row for row in rows if row.lesion is not None]
    lesions, clashes = _with_ids(folder, used)
    lesions = with_dicom_facts(lesions)
    wrong = [row for row in rows if reading.strict or row.missing is None]  # else the row is left out as it is
    problems = [problem for row in wrong for problem in row.problems] + clashes + _half_split(used)
    problems += _frames_twice(lesions)
    without_image = [row.missing for row in rows if row.missing is not None]
    left = _left_over(folder, files, lesions) if not problems else ()  # else images of broken rows were reported twice
    if not lesions and not problems and without_image:
        problems.append(Problem(0, "", f"no row whose image is in the folder ({without_image[0].sentence()})", "some"))
    if reading.strict:
        problems += without_image + [Problem(0, "", f"no row of {path}", "one for each image") for path in left]
    masks = jpeg_note(lesion.mask for lesion in lesions)
    notes = (*found.notes, *_how_read(text.encoding), *reader.notes(), *_id_note(lesions), *patient_notes(lesions))
    return FolderContent(
        lesions,
        tuple(sorted(problems)),
        () if reading.strict else tuple(without_image),
        () if reading.strict else left,
        large_groups(lesions),
        (*notes, *masks),
    )


def _how_read(encoding: str) -> list[str]:
    if encoding != "Windows-1252":
        return []
    return [f"{TABLE} is not UTF-8 and was read as {encoding}; look at its letters with accents, or save it as UTF-8"]


def _with_ids(folder: Path, rows: Sequence[FolderRow]) -> tuple[tuple[Lesion, ...], list[Problem]]:
    """Return the lesions of the rows by ids that are unique, and the rows that name an image again."""
    by_path = [(row, row.lesion, _relative(folder, row.lesion.image)) for row in rows if row.lesion is not None]
    stems = {stem: name for _, lesion, stem in by_path for name in [_name(lesion)]}
    is_unique = len(set(stems.values())) == len(stems)
    lines: dict[str, int] = {}
    lesions, problems = [], []
    for row, lesion, relative in by_path:
        if relative in lines:
            once = f"each image once, and no other of its name in its folder (it is in line {lines[relative]} already)"
            problems.append(Problem(row.line, "image", lesion.image.name, once, relative, "doubled"))
        else:
            lines[relative] = row.line
            lesions.append(dataclasses.replace(lesion, image_id=_name(lesion) if is_unique else relative))
    return tuple(lesions), problems


def _name(lesion: Lesion) -> str:
    return unicodedata.normalize("NFC", image_id(lesion.image)).strip()


def _relative(folder: Path, image: Path) -> str:
    """Return the path of an image without its ending, the same on every system."""
    return unicodedata.normalize("NFC", image.relative_to(folder).with_name(image_id(image)).as_posix())


def _id_note(lesions: Sequence[Lesion]) -> list[str]:
    if any("/" in lesion.image_id for lesion in lesions):
        return ["images in different folders have one name, so that the path in the folder is the image id"]
    return []


def _left_over(folder: Path, files: FolderFiles, lesions: Sequence[Lesion]) -> tuple[Path, ...]:
    """Return the images next to those of the table that no row names."""
    named = [path for lesion in lesions for path in (file_of(lesion.image), lesion.mask) if path is not None]
    return tuple(
        path.relative_to(folder) for path in files.left_over(named, (lesion.image.parent for lesion in lesions))
    )


def _frames_twice(lesions: Sequence[Lesion]) -> list[Problem]:
    """Return the frames that rows name by their number and by their whole file."""
    times = Counter(lesion.image_id for lesion in lesions)
    expected = "each frame once: the file without a number is all of its frames"
    return [Problem(0, "image", name, expected, name, "doubled") for name, count in times.items() if count > 1]


def _half_split(rows: Sequence[FolderRow]) -> list[Problem]:
    without = [row.line for row in rows if row.lesion is not None and row.lesion.split is None]
    if not without or len(without) == len(rows):
        return []
    found = f"no split, as in {len(without)} of {len(rows)} rows"
    return [Problem(without[0], "split", found, "one in every row, or in none")]
