"""Find the image files of the paths that a user names, and report what is left out or cannot be used. No torch.

Labels are not read: a folder with labels.csv is a folder of images as any other.
"""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from attnmel.data.dicom.frames import SUFFIXES as DICOM_SUFFIXES
from attnmel.data.dicom.frames import file_of, frames_of, image_id, is_dicom
from attnmel.data.image_files.formats import READ, START, SUFFIXES, format_of, name_of_unread
from attnmel.data.image_files.names import is_mask_folder, is_mask_name
from attnmel.errors import ImageError, listed
from attnmel.progress import SILENT, Progress

NOT_PICTURES = {"PDF", "SVG"}
"""Known formats that are left out; any other that is not read is reported as an image that cannot be used."""

MOST_REASONS = 5
"""Number of failures reported with their reasons; the others are counted."""

MOST_LEFT_OUT = 20
"""Files that are named for each reason why they are left out; the others are counted."""

HIDDEN = "hidden, as the ._ files of macOS are"
IS_MASK = "by name a mask or a map; to predict such a file, name it itself"
NO_PICTURE = "not a picture"
DICOM_INDEX = "DICOMDIR"
"""Name of the file that lists the DICOM files of a medium (PS3.10, 8.6)."""
LINK = "a link to a folder, which is not followed"


class UnusedFile(NamedTuple):
    """A file or folder inside a folder, which is not used."""

    path: Path
    reason: str


def image_files(images: Sequence[Path], progress: Progress = SILENT) -> list[Path]:
    """Return the files, and for a folder the pictures in it and in its subfolders, sorted.

    A file counts as a picture by the ending of its name or by its first bytes. What is left out of a folder is noted
    with the reason: hidden files, masks and maps by their names, other files, links to folders, what may not be read.

    Raises:
        ImageError: a path is neither a file nor a folder with images.
    """
    paths: list[Path] = []
    for given in images:
        if not given.is_dir():
            if not file_of(given).exists():
                raise ImageError(f"no image at {given}; expected a file or a folder of pictures ({READ})")
            paths += _frames(given)
            continue
        left_out: list[UnusedFile] = []
        found = sorted(_pictures(given, left_out))
        _note_left_out(given, left_out, progress)
        if not found:
            raise ImageError(f"no image at {given}; expected a file or a folder of pictures ({READ})")
        paths += [frame for path in found for frame in _frames(path)]
    return paths


def distinct_names(paths: Sequence[Path]) -> dict[Path, str]:
    """Return a name for each file: its image id, or where that repeats, with its folders.

    The folders are those below the one that all files share; names that differ in case alone count as equal.
    """
    names = {path: image_id(path) for path in paths}
    stems = Counter(name.casefold() for name in names.values())
    root = Path(os.path.commonpath([path.absolute().parent for path in paths])) if paths else Path()
    inside = {path: (path.absolute().parent.relative_to(root) / name).as_posix() for path, name in names.items()}
    return {path: name if stems[name.casefold()] == 1 else inside[path] for path, name in names.items()}


def raise_for_failures(failed: Sequence[str], total: int) -> None:
    """Raise an error if some images could not be used; `failed` are the reasons.

    Raises:
        ImageError: says how many, and the first reasons.
    """
    if failed:
        reasons = "".join(f"\n  {reason}" for reason in failed[:MOST_REASONS])
        more = f"\n  and {len(failed) - MOST_REASONS} more" if len(failed) > MOST_REASONS else ""
        rest = "; the others are done" if len(failed) < total else ""
        raise ImageError(f"{len(failed)} of {total} images could not be used{rest}:{reasons}{more}")


def _frames(path: Path) -> list[Path]:
    # Only what may be DICOM is opened: of 100,000 photographs, opening each would take seconds.
    suffix = path.suffix.lower()
    return [path] if suffix in SUFFIXES and suffix not in DICOM_SUFFIXES else frames_of(path)


def _pictures(folder: Path, left_out: list[UnusedFile]) -> Iterator[Path]:
    """Yield the pictures of a folder and its subfolders, and add what is left out to the list."""

    def unreadable(error: OSError) -> None:
        left_out.append(UnusedFile(Path(error.filename), f"not readable ({error.strerror})"))

    for place, folders, files in os.walk(folder, onerror=unreadable):
        kept = []
        for name in sorted(folders):
            if reason := _why_no_folder(Path(place, name)):
                left_out.append(UnusedFile(Path(place, name), reason))
            else:
                kept.append(name)
        folders[:] = kept
        for name in sorted(files):
            if reason := _why_no_picture(Path(place, name)):
                left_out.append(UnusedFile(Path(place, name), reason))
            else:
                yield Path(place, name)


def _why_no_folder(path: Path) -> str:
    if path.name.startswith((".", "__MACOSX")):
        return HIDDEN
    if is_mask_folder(path.name):
        return IS_MASK
    return LINK if path.is_symlink() else ""


def _why_no_picture(path: Path) -> str:
    if path.name.startswith("."):
        return HIDDEN
    if path.suffix.lower() not in SUFFIXES:
        try:
            with path.open("rb") as file:
                start = file.read(START)
        except OSError as error:
            return f"not readable ({error.strerror})"
        if is_dicom(start):
            return NO_PICTURE if path.name == DICOM_INDEX else ""
        if format_of(start) is None and name_of_unread(start) in {"", *NOT_PICTURES}:
            return NO_PICTURE
    return IS_MASK if is_mask_name(path.stem) else ""


def _note_left_out(folder: Path, left_out: Sequence[UnusedFile], progress: Progress) -> None:
    by_reason: dict[str, list[str]] = {}
    for path, reason in left_out:
        name = path.relative_to(folder).as_posix()
        by_reason.setdefault(reason, []).append(f"{name}/" if path.is_dir() else name)
    for reason, names in by_reason.items():
        progress.note(f"left out of {folder}, {reason}: {len(names):,} ({listed(names, MOST_LEFT_OUT)})")


def own_folders(folder: Path, paths: Sequence[Path]) -> Mapping[Path, Path]:
    """Return the folder for the results of each file: `folder`, or where names repeat, a subfolder of it."""
    return {path: (folder / name).parent for path, name in distinct_names(paths).items()}
