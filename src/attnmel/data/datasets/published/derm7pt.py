"""Derm7pt, the seven-point checklist data set, as its publisher lays it out -> its content. No torch.

    meta/meta.csv                                       case_num,diagnosis,...,location,sex,...,clinic,derm,...
    meta/train_indexes.csv, valid_..., test_...         indexes: the rows of meta.csv of each split, counted from 0
    images/NEL/Nel026.jpg                               as the columns clinic and derm name them, but for the case

Each case has a clinical and a dermoscopic photograph, of which only the latter is read.
"""

from collections.abc import Mapping
from pathlib import Path

from attnmel.data.datasets.own.files import FolderFiles
from attnmel.data.datasets.own.folder import FolderContent
from attnmel.data.datasets.published.gather import ListedImage, gathered_content
from attnmel.data.tables.columns import in_file, read_columns
from attnmel.data.tables.problems import Problem, shown_cell
from attnmel.data.tables.words import sex_in_words, word
from attnmel.records import Split

TABLE = "meta/meta.csv"
COLUMNS = ("diagnosis", "derm")
SPLIT_FILES: Mapping[Split, str] = {
    "train": "train_indexes.csv",
    "validation": "valid_indexes.csv",
    "test": "test_indexes.csv",
}
INDEX = "indexes"
MELANOMA = "melanoma"
DIAGNOSES = (
    "basal cell carcinoma",
    "blue nevus",
    "clark nevus",
    "combined nevus",
    "congenital nevus",
    "dermal nevus",
    "dermatofibroma",
    "lentigo",
    MELANOMA,
    "melanosis",
    "miscellaneous",
    "recurrent nevus",
    "reed or spitz nevus",
    "seborrheic keratosis",
    "vascular lesion",
)
"""Those of the publisher; its stages of melanoma, "melanoma (in situ)" or "melanoma metastasis", are one here."""


def examine_derm7pt(folder: Path) -> FolderContent:
    """Return what the folder with `TABLE` holds, with every problem."""
    path = folder / TABLE
    table = read_columns(path, COLUMNS)
    splits, problems = _splits(path.parent, len(table.rows))
    problems = [*table.problems, *(problems if not table.problems else [])]
    files = FolderFiles(folder / "images")
    rows = []
    for number, (line, cells) in enumerate(table.rows):
        diagnosis = MELANOMA if cells["diagnosis"].startswith(MELANOMA) else cells["diagnosis"]
        if diagnosis not in DIAGNOSES:
            problems.append(in_file(path, line, "diagnosis", shown_cell(diagnosis), f"one of {', '.join(DIAGNOSES)}"))
            continue
        found = files.find(cells["derm"])
        known = {"sex": sex_in_words(cells.get("sex", "")), "site": word(cells.get("location", ""))}
        name = cells["derm"].rpartition(".")[0]
        rows.append(ListedImage(line, name, found.path, diagnosis, split=splits.get(number), attributes=known))
    return gathered_content(folder, TABLE, rows, problems)


def _splits(folder: Path, count: int) -> tuple[dict[int, Split], list[Problem]]:
    """Return the split of each row of meta.csv, and what is wrong with the files that say it."""
    splits: dict[int, Split] = {}
    problems: list[Problem] = []
    for split, name in SPLIT_FILES.items():
        table = read_columns(folder / name, (INDEX,))
        problems += table.problems
        for line, cells in table.rows:
            text = cells[INDEX]
            number = int(text) if text.isdecimal() and len(text) < 10 else -1
            if not 0 <= number < count:
                problems.append(
                    in_file(folder / name, line, INDEX, shown_cell(text), f"a number from 0 to {count - 1}")
                )
            elif number in splits:
                once = f"each row in one split (it is in '{splits[number]}' already)"
                problems.append(in_file(folder / name, line, INDEX, shown_cell(text), once))
            else:
                splits[number] = split
    if not problems and (without := sorted(set(range(count)) - splits.keys())):
        found = f"{len(without)} of {count} rows in no split, the first number {without[0]}"
        problems.append(Problem(0, "", found, f"each in one of {', '.join(SPLIT_FILES.values())}", kind="file"))
    return splits, problems
