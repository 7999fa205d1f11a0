"""Rows of published tables and the files of a folder -> what a folder holds. No torch."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from attnmel.data.datasets.own.folder import FolderContent
from attnmel.data.datasets.splits import large_groups
from attnmel.data.image_files.formats import SUFFIXES
from attnmel.data.tables.problems import Problem
from attnmel.errors import listed
from attnmel.records import Lesion, Split


@dataclass(frozen=True)
class ListedImage:
    """One image as the tables describe it."""

    line: int
    image_id: str
    image: Path | None
    """None where there is no such file."""
    diagnosis: str
    mask: Path | None = None
    split: Split | None = None
    group: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


def images_below(folder: Path) -> dict[str, Path]:
    """Return the images in a folder and all folders below it by their names without ending.

    Hidden files and folders are left out, such as the thumbnails of a viewer, which have the names of the images.
    Of two images of one name the first counts; published ids are unique.
    """
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.suffix.lower() in SUFFIXES and not hidden:
            found.setdefault(path.stem, path)
    return found


def gathered_content(
    folder: Path,
    table: str,
    rows: Sequence[ListedImage],
    problems: Iterable[Problem] = (),
    *,
    files: Iterable[Path] = (),
    notes: Sequence[str] = (),
    licence: str = "",
) -> FolderContent:
    """Return the content of a folder from the rows of its tables.

    Rows without an image are left out and counted, as are `files` (the images that should have a row) without one. No
    row with an image is a problem, and so are two rows of one image.
    """
    found = list(problems)
    times = Counter(row.image_id for row in rows)
    if doubled := sorted(name for name, count in times.items() if count > 1):
        found.append(Problem(0, "", f"images in two rows ({listed(doubled)})", "each image once", kind="doubled"))
    lesions = tuple(_lesion(row, row.image) for row in rows if row.image is not None)
    missing = [
        Problem(row.line, "", f"'{row.image_id}', of which there is no image", "its file in the folder", row.image_id)
        for row in rows
        if row.image is None
    ]
    if not lesions and not found:
        some = f" ({missing[0].sentence()})" if missing else ""
        found.append(Problem(0, "", f"no row that can be used{some}", "some", kind="file"))
    named = {row.image for row in rows}
    return FolderContent(
        lesions,
        tuple(sorted(found)),
        tuple(missing),
        tuple(sorted(path.relative_to(folder) for path in files if path not in named)),
        large_groups(lesions),
        tuple(notes),
        table,
        licence,
    )


def _lesion(row: ListedImage, image: Path) -> Lesion:
    known = {name: value for name, value in row.attributes.items() if value}
    return Lesion(
        image_id=row.image_id,
        image=image,
        diagnosis=row.diagnosis,
        split=row.split,
        mask=row.mask,
        group=row.group,
        attributes=known,
    )


def counts_in_words(counts: Mapping[str, int]) -> str:
    """Return "A 3, B 1", the most frequent first."""
    return ", ".join(f"{name} {count:,}" for name, count in sorted(counts.items(), key=lambda one: (-one[1], one[0])))
