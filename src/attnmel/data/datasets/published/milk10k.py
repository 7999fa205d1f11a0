"""MILK10k as the ISIC Archive publishes it -> its content. No torch.

    MILK10k_Training_GroundTruth.csv    lesion_id,AKIEC,BCC,BEN_OTH,BKL,DF,INF,MAL_OTH,MEL,NV,SCCKA,VASC
    MILK10k_Training_Metadata.csv       lesion_id,image_type,isic_id,...,age_approx,sex,...,site,...
    MILK10k_Training_Input/             IL_x/ISIC_x.jpg, or all of them side by side

Each lesion has a clinical and a dermoscopic photograph, of which only the latter is read.
"""

from pathlib import Path

from attnmel.data.datasets.own.folder import FolderContent
from attnmel.data.datasets.published.gather import ListedImage, gathered_content, images_below
from attnmel.data.datasets.published.isic_metadata import attributes_of, dermoscopic_rows, licences_of
from attnmel.data.tables.columns import in_file, read_columns
from attnmel.data.tables.problems import Problem
from attnmel.data.tables.schema import TRUTH, TableSchema, check_table
from attnmel.errors import LabelError

TABLE, METADATA = "MILK10k_Training_GroundTruth.csv", "MILK10k_Training_Metadata.csv"
DIAGNOSES = ("AKIEC", "BCC", "BEN_OTH", "BKL", "DF", "INF", "MAL_OTH", "MEL", "NV", "SCCKA", "VASC")
SCHEMA = TableSchema("lesion_id", dict.fromkeys(DIAGNOSES, TRUTH), ones=(1, 1))
COLUMNS = ("lesion_id", "isic_id", "image_type")


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
    return gathered_content(folder, TABLE, rows, problems, notes=notes, licence=licence)


def _diagnoses(path: Path) -> tuple[dict[str, str], list[Problem]]:
    """Return the diagnosis of each lesion: the one column that is 1."""
    table = check_table(path, SCHEMA, LabelError)
    if table.problems:
        return {}, [in_file(path, one.line, one.column, one.found, one.expected) for one in table.problems]
    ones = table.values(DIAGNOSES).argmax(axis=1).tolist()
    return dict(zip(table.ids, (DIAGNOSES[place] for place in ones), strict=True)), []
