"""PH2 as its publisher lays it out -> its content. No torch.

    PH2_dataset.txt                                     || Name || Histological Diagnosis | Clinical Diagnosis || ...
    PH2 Dataset images/IMD002/IMD002_Dermoscopic_Image/IMD002.bmp
    PH2 Dataset images/IMD002/IMD002_lesion/IMD002_lesion.bmp       lesion mask
    PH2 Dataset images/IMD002/IMD002_roi/...                        areas of colours, which are not read

The header separates some columns by | and others by ||, not as the rows do, so that both separate cells alike; what
follows the table, its legend, does not start with |.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from attnmel.data.datasets.own.folder import FolderContent
from attnmel.data.datasets.published.gather import ListedImage, gathered_content, images_below
from attnmel.data.tables.columns import in_file
from attnmel.data.tables.problems import Problem, shown_cell

TABLE = "PH2_dataset.txt"
COLUMNS = ("Name", "Histological Diagnosis", "Clinical Diagnosis")
DIAGNOSES: Mapping[str, str] = {"0": "common nevus", "1": "atypical nevus", "2": "melanoma"}
"""By the number in the column of clinical diagnoses."""

BARS = re.compile(r"\|\|?")
IMAGE = re.compile(r"IMD\d+")


def examine_ph2(folder: Path) -> FolderContent:
    """Return what the folder with `TABLE` holds, with every problem."""
    table, images = folder / TABLE, images_below(folder)
    rows, problems = [], []
    try:
        lines = table.read_bytes().decode("utf-8-sig", errors="replace").splitlines()
    except OSError as error:
        return gathered_content(
            folder, TABLE, (), [in_file(table, 0, "", f"a file that cannot be read ({error})", "a table")]
        )
    barred = [(number, _cells(line)) for number, line in enumerate(lines, start=1) if line.lstrip().startswith("|")]
    header = next((cells for _, cells in barred), [])
    if missing := [name for name in COLUMNS if name not in header]:
        found = f"the header {shown_cell(' | '.join(header))}"
        wrong = in_file(table, 1, "", found, f"cells between | or ||, among them {', '.join(missing)}")
        return gathered_content(folder, TABLE, (), [wrong])
    for number, cells in barred[1:]:
        row, problem = _row(table, number, header, cells, images)
        rows += [row] if row else []
        problems += [problem] if problem else []
    files = [path for name, path in images.items() if IMAGE.fullmatch(name)]
    return gathered_content(folder, TABLE, rows, problems, files=files)


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in BARS.split(line.strip())[1:-1]]


def _row(
    table: Path, number: int, header: Sequence[str], cells: Sequence[str], images: Mapping[str, Path]
) -> tuple[ListedImage | None, Problem | None]:
    if len(cells) != len(header):
        return None, in_file(table, number, "", f"{len(cells)} cells", f"{len(header)}, as in the header")
    name, histology, clinical = (cells[header.index(column)] for column in COLUMNS)
    if clinical not in DIAGNOSES:
        expected = ", ".join(f"{number} ({diagnosis})" for number, diagnosis in DIAGNOSES.items())
        return None, in_file(table, number, COLUMNS[2], shown_cell(clinical), expected)
    known = {"confirmation": "histopathology"} if histology else {}
    image, mask = images.get(name), images.get(f"{name}_lesion")
    return ListedImage(number, name, image, DIAGNOSES[clinical], mask, attributes=known), None
