"""MILK10k as the ISIC Archive publishes it -> its content. No torch.

    MILK10k_Training_GroundTruth.csv    lesion_id,AKIEC,BCC,BEN_OTH,BKL,DF,INF,MAL_OTH,MEL,NV,SCCKA,VASC
    MILK10k_Training_Metadata.csv       lesion_id,image_type,isic_id,...,age_approx,sex,...,site,...
    MILK10k_Training_Input/             IL_x/ISIC_x.jpg, or all of them side by side

Each lesion has a clinical and a dermoscopic photograph, of which only the latter is read.
"""

from pathlib import Path

from attnmel.data.datasets.own.folder import FolderContent
from attnmel.data.datasets.published.gather import ListedImage, gathered, images_below
from attnmel.data.datasets.published.isic_metadata import attributes_of, dermoscopic_rows, licences_of
from attnmel.data.tables.columns import in_file, read_columns
from attnmel.data.tables.problems import Problem

TABLE, METADATA = "MILK10k_Training_GroundTruth.csv", "MILK10k_Training_Metadata.csv"
DIAGNOSES = ("AKIEC", "BCC", "BEN_OTH", "BKL", "DF", "INF", "MAL_OTH", "MEL", "NV", "SCCKA", "VASC")
COLUMNS = ("lesion_id", "isic_id", "image_type")
ONES = ("1", "1.0")


def examine_milk10k(folder: Path) -> FolderContent:
    """Return what the folder with `TABLE` holds, with every problem."""
    diagnoses, problems = _diagnoses(folder / TABLE)
    table = read_columns(folder / METADATA, COLUMNS)
    problems += table.problems
    dermoscopic, notes = dermoscopic_rows(() if problems else table.rows, METADATA)
    images, rows = images_below(folder), []
    for line, cells in dermoscopic:
        lesion, image_id = cells["lesion_id"], cells["isic_id"]
        if lesion not in diagnoses:
            problems.append(in_file(folder / METADATA, line, "lesion_id", f"'{lesion}'", f"a lesion of {TABLE}"))
            continue
        known = attributes_of(cells)
        rows.append(
            ListedImage(line, image_id, images.get(image_id), diagnoses[lesion], group=lesion, attributes=known)
        )
    licence = licences_of(cells for _, cells in table.rows)
    return gathered(folder, TABLE, rows, problems, notes=notes, licence=licence)


def _diagnoses(path: Path) -> tuple[dict[str, str], list[Problem]]:
    """Return the diagnosis of each lesion: the one column that is 1."""
    columns = {name.lower(): name for name in DIAGNOSES}
    table = read_columns(path, ("lesion_id", *columns))
    diagnoses: dict[str, str] = {}
    problems = list(table.problems)
    for line, cells in table.rows:
        ones = [name for column, name in columns.items() if cells[column] in ONES]
        if len(ones) != 1:
            problems.append(in_file(path, line, "", f"{len(ones)} columns that are 1", "exactly 1"))
        else:
            diagnoses[cells["lesion_id"]] = ones[0]
    return diagnoses, problems
