"""A folder that `isic image download` of isic-cli wrote -> its content. No torch.

metadata.csv        isic_id,attribution,copyright_license,...,diagnosis_1,...,image_type,...,lesion_id,patient_id,...
ISIC_x.jpg          the images, here or in folders below
attribution.txt, licenses/
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from attnmel.data.datasets.own.folder import FolderContent
from attnmel.data.datasets.published.archive_diagnoses import diagnosis_of
from attnmel.data.datasets.published.gather import ListedImage, counts_in_words, gathered_content, images_below
from attnmel.data.datasets.published.isic_metadata import Row, attributes_of, dermoscopic_rows, licences_of
from attnmel.data.tables.columns import in_file, read_columns
from attnmel.data.tables.words import is_unknown

TABLE = "metadata.csv"
ID = "isic_id"
COLUMNS = (ID, "image_type", "diagnosis_1")
LEVELS = tuple(f"diagnosis_{level}" for level in range(1, 6))


def is_isic_archive(folder: Path) -> bool:
    """Whether a folder has the archive's table: a metadata.csv with a column `isic_id`."""
    try:
        with (folder / TABLE).open("rb") as file:
            return ID.encode() in file.readline(100_000).lower()
    except OSError:
        return False


def examine_isic_archive(folder: Path) -> FolderContent:
    """Return what the folder with `TABLE` holds, with every problem.

    Images that are not dermoscopic, and those of unknown diagnosis, are left out and counted. All images of a patient
    are a group, and all of a lesion where the patient is not known.
    """
    table = read_columns(folder / TABLE, COLUMNS)
    dermoscopic, notes = dermoscopic_rows(table.rows, TABLE)
    diagnoses = {line: diagnosis_of([_known(cells, level) for level in LEVELS]) for line, cells in dermoscopic}
    used = [(line, cells) for line, cells in dermoscopic if diagnoses[line][0]]
    unknown = Counter(why for _, why in diagnoses.values() if why)
    if unknown:
        count = f"{unknown.total():,} images without a diagnosis to learn from are left out"
        notes.append(f"{TABLE}: {count}: {counts_in_words(unknown)}")
    images, patients = images_below(folder), _patients(used)
    rows = [
        ListedImage(
            line,
            cells[ID],
            images.get(cells[ID]),
            diagnoses[line][0],
            group=_group(cells, patients),
            attributes=attributes_of(cells),
        )
        for line, cells in used
    ]
    problems = [*table.problems]
    if not used and not problems:
        expected = "some with image_type dermoscopic and a diagnosis_1"
        problems.append(in_file(folder / TABLE, 0, "", f"no image that can be used ({'; '.join(notes)})", expected))
    every = {cells[ID] for _, cells in table.rows}
    files = [path for name, path in images.items() if name not in every]
    licence = licences_of(cells for _, cells in used)
    notes += [f"licences of the images: {licence}"] if used else []
    return gathered_content(folder, TABLE, rows, problems, files=files, notes=notes, licence=licence)


def _known(cells: Mapping[str, str], column: str) -> str:
    cell = cells.get(column, "")
    return "" if is_unknown(cell) else cell


def _patients(rows: Iterable[Row]) -> dict[str, str]:
    """Return the patient of each lesion, as far as one row of it says it."""
    pairs = ((_known(cells, "lesion_id"), _known(cells, "patient_id")) for _, cells in rows)
    return {lesion: patient for lesion, patient in pairs if lesion and patient}


def _group(cells: Mapping[str, str], patients: Mapping[str, str]) -> str | None:
    lesion, patient = _known(cells, "lesion_id"), _known(cells, "patient_id")
    return patient or patients.get(lesion, lesion) or None
