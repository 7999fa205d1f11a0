"""A submission as a team sent it -> the probabilities of the official columns by image id, with notes. No torch."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from attnmel.data.tables.problems import Problem, shown_cell
from attnmel.data.tables.schema import NUMBER, CheckedTable, TableHeader, TableSchema, no_table, read_body
from attnmel.data.tables.text import SEPARATORS, Row, TableText, read_text
from attnmel.data.tables.words import folded
from attnmel.diagnoses import SAME_DIAGNOSES
from attnmel.errors import PredictionsError, require_known
from attnmel.evaluation.challenge.submission import SUBMISSIONS

IDS = ("image_id", "image", "isic_id", "image_name", "img_id", "filename", "file_name", "file", "name", "id", "")
"""Names of a column of image ids, which pandas leaves without a name where it is the index."""

CONFIDENCE = ("confidence", "malignant", "melanoma", "probability", "score", "prediction")
"""Names of the one column of probabilities of ISIC 2016."""

ENDING = re.compile(r"\.(jpe?g|png|bmp|tiff?)$", re.IGNORECASE)
WHOLE = re.compile(r"[+-]?\d+", re.ASCII)

ID_NUMBER = re.compile(r"\d{4}")
"""What an image id has, and no name of a column."""

STRICT = "isic2018"
"""The challenge whose program refuses what the notes say: seen of `isic-challenge-scoring` 5.6.0 and 5.8.0."""


def read_submission(path: Path, dataset: str, columns: Mapping[str, str] | None = None) -> CheckedTable:
    """Read a table of probabilities in whatever form it came, and collect its problems and what is odd about it.

    The header may be missing where the columns are the official ones; with one, columns are found by name, in any order
    and case, and others are not read. `columns` names them by the official name, without a header by their place
    from 1 on; None where the caller has no such option, which messages then do not name. Image ids may have the ending
    of a file; an index may come first. The table may be separated and encoded as `read_text` takes it.

    Raises:
        PredictionsError: no such file.
        ConfigError: a data set without submissions, or `columns` names what is no official column.
    """
    require_known("submission format", dataset, SUBMISSIONS)
    schema = SUBMISSIONS[dataset]
    for name in columns or {}:
        require_known("column", name, schema.names)
    if not path.is_file():
        raise PredictionsError(no_table(path, schema))
    try:
        text = read_text(path)
    except ValueError as damage:
        problem = Problem(0, "", str(damage), f"{schema.first_line}one row an image, as text", kind="file")
        return CheckedTable(path.name, (), {}, {}, (problem,), ())
    header, notes = _header(text, schema, columns, dataset)
    problems = header.problems
    if not header.body:
        problems.append(Problem(0, "", "no row below the header", "one row an image", kind="file"))
    lines, cells = read_body(header, schema, problems)
    notes += [*_text_notes(text, dataset), *_whole_numbers(header, schema, dataset)]
    named = [*(f"{path.name} {note}" for note in notes), *text.notes(path.name), *text.space_notes(path.name)]
    return CheckedTable(path.name, tuple(lines), cells, lines, tuple(sorted(problems)), tuple(named))


def _header(
    text: TableText, schema: TableSchema, columns: Mapping[str, str] | None, dataset: str
) -> tuple[TableHeader, list[str]]:
    """Return where the columns are and the rows with plain ids and numbers, and what is odd about them."""
    rows = [row for row in text.rows if not row.cells[0].startswith("#")]
    first = rows[0] if rows else text.rows[0]
    is_named = not any(NUMBER.fullmatch(text.number(cell)) for cell in first.cells[1:])
    names = first.cells if is_named else [str(place + 1) for place in range(len(first.cells))]
    body = rows[1:] if is_named else rows
    places = _places(names, body, schema, columns or {}) if is_named or columns else _in_order(first, body, schema)
    missing = [name for name in schema.names if name not in places]
    expected = f"the header {','.join(schema.names)}"
    expected += "" if columns is None else f", or other names by --columns {schema.names[0]}=NAME,..."
    if any(name.startswith("probability_") for name in names):
        expected += "; of a run, take the file whose name ends in -submission.csv"
    found = shown_cell(",".join(first.cells))
    named = {
        name: f"no column {columns[name]}" if columns and name in columns else "no such column" for name in missing
    }
    problems = [Problem(first.line, name, f"{named[name]} in {found}", expected, kind="file") for name in missing]
    if problems and not columns and (not is_named or ID_NUMBER.search(first.cells[0])):
        data = f"no header: the first line looks like data ({found})"
        problems = [Problem(first.line, "", data, expected, kind="file")]
    plain = [_plain(row, text, places.get(schema.key, 0), len(names)) for row in body]
    header = TableHeader(places, len(names), plain, problems)
    return header, _header_notes(header, body, names, schema, is_named=is_named, dataset=dataset)


def _places(
    names: Sequence[str], body: Sequence[Row], schema: TableSchema, columns: Mapping[str, str]
) -> dict[str, int]:
    """Return the position of each official column by its name, or by another that it has elsewhere."""
    keys = [folded(name).removeprefix("probability_") for name in names]
    usable = [key if key or not _is_index(body, place) else "(index)" for place, key in enumerate(keys)]
    places = {}
    for name in schema.names:
        others = IDS if name == schema.key else CONFIDENCE if name == "confidence" else _same(name)
        wanted = [folded(columns[name])] if name in columns else [folded(name), *others]
        found = [usable.index(one) for one in wanted if one in usable]
        places |= {name: found[0]} if found else {}
    return places


def _in_order(first: Row, body: Sequence[Row], schema: TableSchema) -> dict[str, int]:
    """Return the positions of the official columns in their order, after an index; none where there are others."""
    start = int(len(first.cells) == len(schema.names) + 1 and _is_index(body, 0))
    fits = len(first.cells) == len(schema.names) + start
    return {name: place + start for place, name in enumerate(schema.names)} if fits else {}


def _is_index(body: Sequence[Row], place: int) -> bool:
    """Whether a column counts the rows from 0 or 1 on."""
    cells = [row.cells[place] for row in body if place < len(row.cells)]
    return any(cells == [str(number + start) for number in range(len(cells))] for start in (0, 1))


def _same(name: str) -> list[str]:
    return [folded(other) for names in SAME_DIAGNOSES if name in names for other in names]


def _plain(row: Row, text: TableText, key: int, width: int) -> Row:
    """Return a row with its id without an ending, decimal points, and no empty cells beyond the header."""
    cells = [ENDING.sub("", cell) if place == key else text.number(cell) for place, cell in enumerate(row.cells)]
    return Row(row.line, cells if any(cells[width:]) else cells[:width])


def _header_notes(
    header: TableHeader, body: Sequence[Row], names: Sequence[str], schema: TableSchema, *, is_named: bool, dataset: str
) -> list[str]:
    used = [header.places[name] for name in schema.names if name in header.places]
    extra = [names[place] or "the index" for place in range(len(names)) if place not in used]
    refused = [f"has columns that are not read ({', '.join(extra)})"] if extra and used else []
    if schema.header and not is_named:
        refused.append(f"has no header; its columns are read as {','.join(schema.names)}")
    notes = _refused(refused, dataset)
    if is_named and not schema.header:
        notes.append("has a header, which is not counted as an image")
    if used != sorted(used):
        notes.append(f"has its columns in another order than {','.join(schema.names)}")
    key = header.places.get(schema.key)
    if key is not None and any(ENDING.search(row.cells[key]) for row in body if key < len(row.cells)):
        notes.append("has the endings of files in its image ids, which are left out")
    return notes


def _text_notes(text: TableText, dataset: str) -> list[str]:
    refused = [f"has cells separated by {SEPARATORS[text.separator]}"] if text.separator != "," else []
    refused += [f"is text in {text.encoding}"] if text.encoding != "UTF-8" else []
    return _refused(refused, dataset)


def _whole_numbers(header: TableHeader, schema: TableSchema, dataset: str) -> list[str]:
    """Return the note on columns without a decimal point, which pandas reads as integers."""
    places = {name: header.places[name] for name in schema.columns if name in header.places}
    rows = [row.cells for row in header.body if len(row.cells) == header.width]
    whole = [name for name, place in places.items() if rows and all(WHOLE.fullmatch(cells[place]) for cells in rows)]
    found = f"has whole numbers alone in {', '.join(whole)} (write 0.0 and 1.0)"
    return _refused([found], dataset) if whole and dataset == STRICT else []


def _refused(notes: Sequence[str], dataset: str) -> list[str]:
    end = ": the official program refuses that" if dataset == STRICT else ""
    return [f"{note}{end}" for note in notes]
