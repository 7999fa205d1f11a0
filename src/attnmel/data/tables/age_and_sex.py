"""A table of one's own with the age and sex of images, such as labels.csv or the metadata of ISIC -> both by image."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from attnmel.data.image_files.formats import SUFFIXES
from attnmel.data.tables.metadata import AGE, SEX, Known
from attnmel.data.tables.problems import Problem, refuse, shown_cell
from attnmel.data.tables.schema import CellKind
from attnmel.data.tables.text import Row, read_text
from attnmel.data.tables.words import folded
from attnmel.errors import LabelError

IMAGE = ("image", "image_id", "isic_id", "image_name", "filename", "file_name", "file", "path", "name")
KINDS: Mapping[str, tuple[tuple[str, ...], CellKind]] = {
    "age": (("age", "age_approximate", "age_approx"), AGE),
    "sex": (("sex", "gender"), SEX),
}
"""Names that the columns may have, and what their cells may hold."""


def read_age_and_sex(table: Path) -> Known:
    """Return age and sex of each image as `words` reads them, by the image's name as `looked_up_name` gives it.

    Columns besides image, age and sex are not read; one of age and sex may be missing, as a cell may be empty.

    Raises:
        LabelError: no such table, columns that are missing, or a cell that is no age or no sex.
    """
    if not table.is_file():
        raise LabelError(f"no file at {table}; expected a table with the columns image, age and sex")
    try:
        rows = read_text(table).rows
    except ValueError as error:
        raise LabelError(f"{table} is {error}; expected a table with the columns image, age and sex") from None
    header = [folded(cell) for cell in rows[0].cells]
    image = _place(header, IMAGE)
    places = {name: place for name, (names, _) in KINDS.items() if (place := _place(header, names)) is not None}
    if image is None or not places:
        found = shown_cell(",".join(rows[0].cells))
        raise LabelError(f"{table} has the columns {found}; expected image, and age or sex or both")
    known: Known = {}
    problems = [problem for row in rows[1:] for problem in _read_row(row, image, places, known)]
    refuse({str(table): problems}, LabelError)
    return known


def looked_up_name(text: str) -> str:
    """Return the name of an image as it is looked up: in small letters, without folders and the ending of a picture."""
    name = text.strip().replace("\\", "/").rpartition("/")[2]
    ending = Path(name).suffix
    return (name[: -len(ending)] if ending.lower() in SUFFIXES else name).strip().casefold()


def _place(header: Sequence[str], names: Sequence[str]) -> int | None:
    return next((header.index(name) for name in names if name in header), None)


def _read_row(row: Row, image: int, places: Mapping[str, int], known: Known) -> list[Problem]:
    """Add what a row says of its image, and return what is wrong in it."""
    if len(row.cells) <= max(image, *places.values()):
        return [Problem(row.line, "", f"{len(row.cells)} cells", "an image with its age and sex")]
    name = looked_up_name(row.cells[image])
    cells = {column: row.cells[place] for column, place in places.items()}
    values = {column: KINDS[column][1].read(cell) for column, cell in cells.items()}
    if name in known:
        return [Problem(row.line, "image", shown_cell(row.cells[image]), "each image once", name, "doubled")]
    known[name] = {column: str(value) for column, value in values.items() if value}
    return [
        Problem(row.line, column, shown_cell(cells[column]), KINDS[column][1].expected, name)
        for column, value in values.items()
        if value is None
    ]
