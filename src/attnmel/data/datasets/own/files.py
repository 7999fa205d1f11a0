"""The images and masks of a folder, found by the names that a table gives them. No torch."""

import os
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable
from itertools import compress
from operator import not_
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from attnmel.data.dicom.frames import frame_path, named_frame
from attnmel.data.image_files.formats import SUFFIXES
from attnmel.data.image_files.names import is_mask_folder, is_mask_name
from attnmel.data.tables.problems import shown_cell


class FoundFile(NamedTuple):
    """The file that a name means, or why there is none."""

    path: Path | None
    problem: str = ""
    """Empty where there is a file."""
    is_missing: bool = False
    """Whether nothing is wrong but that there is no such file."""


class FolderFiles:
    """The images and masks of a folder, found by name with or without ending.

    The case of letters and endings does not matter where only one file fits, nor whether accents are composed (NFC, as
    Windows and Linux write them) or not (NFD, as some disks of macOS store them); nor do spaces around a name.
    Each subfolder is listed once, and names are looked up: searching the list for each would take time that grows with
    the square of the images.

    A name without folders that is not in the folder itself is looked for in its subfolders, where it must fit one file.
    An absolute path into the folder is the name from there on.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._listings: dict[Path, _Listing] = {}
        self._all_below: dict[str, list[Path]] | None = None
        self._places: dict[PurePosixPath, PurePosixPath] = {}
        self.below: list[str] = []
        """Names that were found in a subfolder which they do not mention."""
        self.padded: list[str] = []
        """Files that were found without the spaces around their names."""

    def find(self, name: str, *, mask: bool = False) -> FoundFile:
        """Return the file of that name, relative to the folder; "scan.dcm#2" names a frame of one.

        In subfolders, files whose names or folders say that they are masks are taken for a `mask` alone.
        """
        file, frame = named_frame(name)
        if frame is not None:
            found = self.find(file, mask=mask)
            return found._replace(path=found.path and frame_path(found.path, frame))
        relative = self._from_folder(PurePosixPath(name.replace("\\", "/")))
        # Judged by name only: a link in the folder to images elsewhere is the owner's own doing.
        if relative.is_absolute() or ".." in relative.parts or ":" in str(relative):
            return FoundFile(None, f"'{name}', which leaves the folder")
        folder = self._folder
        for part in relative.parts[:-1]:
            folder /= next(iter(_fitting(part, self._listing(folder).folders)), part)
        listing = self._listing(folder)
        found = _fitting(relative.name, listing.files) or listing.by_stem.get(_key(relative.name), [])
        if len(found) == 1:
            if found[0] != _plain(found[0]):
                self.padded.append(found[0])
            return FoundFile(folder / found[0])
        if found:
            return FoundFile(None, f"'{name}', which may be {' or '.join(found)}")
        if len(relative.parts) == 1 and (below := self._in_subfolders(relative.name, mask=mask)):
            if len(below) == 1:
                self.below.append(name)
                return FoundFile(below[0])
            names = " or ".join(path.relative_to(self._folder).as_posix() for path in below)
            return FoundFile(None, f"'{name}', which may be {names}")
        others = listing.by_stem.get(_key(relative.stem), []) or [
            path.relative_to(self._folder).as_posix() for path in self._in_subfolders(relative.stem, mask=mask)
        ]
        kinds = ", ".join(SUFFIXES)
        there = f"; there is {' and '.join(map(shown_cell, others))}" if others else ""
        if any((folder / one).is_file() for one in _fitting(relative.name, listing.folders)):
            return FoundFile(None, f"'{name}', a file of an ending that is not read ({kinds}{there})", is_missing=True)
        return FoundFile(None, f"'{name}', of which there is no file ({kinds}{there})", is_missing=True)

    def left_over(self, named: Iterable[Path], folders: Iterable[Path]) -> list[Path]:
        """Return the files of some folders that are not named, sorted."""
        known = set(named)
        files = (folder / name for folder in set(folders) for name in self._listing(folder).names)
        return sorted(path for path in files if path not in known)

    def _in_subfolders(self, name: str, *, mask: bool) -> list[Path]:
        """Return the files in subfolders that a name fits, masks for a mask and else no masks."""
        if self._all_below is None:
            self._all_below = _below(self._folder, self._listing)
        every = self._all_below.get(_key(name), [])
        return [path for path in every if _is_mask(path.relative_to(self._folder)) == mask]

    def _from_folder(self, name: PurePosixPath) -> PurePosixPath:
        """Return an absolute path into the folder from there on, also where it goes by links; else the name."""
        if not (name.is_absolute() or ":" in str(name)):  # on Windows: C:/clinic/a.jpg
            return name
        if name.parent not in self._places:  # resolved once, not for each image
            self._places[name.parent] = PurePosixPath(Path(os.path.realpath(name.parent)).as_posix())
        for place in (name.parent, self._places[name.parent]):
            if place.is_relative_to(self._folder.as_posix()):
                return place.relative_to(self._folder.as_posix()) / name.name
        return name

    def _listing(self, folder: Path) -> "_Listing":
        if folder not in self._listings:
            self._listings[folder] = _Listing(folder)
        return self._listings[folder]


class _Listing:
    """The names in one folder, by how they may be written."""

    def __init__(self, folder: Path) -> None:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name) if folder.is_dir() else []
        # macOS keeps what else it knows of NAME in a file ._NAME, which is no image.
        entries = [entry for entry in entries if not entry.name.startswith(".")]
        of_image = [entry.name.lower().endswith(SUFFIXES) for entry in entries]
        self.names = [entry.name for entry in compress(entries, of_image) if entry.is_file()]
        self.files = _by_key((name, name) for name in self.names)
        self.by_stem = _by_key((name.rpartition(".")[0], name) for name in self.names)
        # With files of other endings: looking at the kind of each would take longer than reading the names.
        self.folders = _by_key((entry.name, entry.name) for entry in compress(entries, map(not_, of_image)))
        self.walked = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
        """Folders that are no links."""


def _below(folder: Path, listing: "Callable[[Path], _Listing]") -> dict[str, list[Path]]:
    """Return the files in all subfolders by their name, and by their name without ending."""
    found: dict[str, list[Path]] = defaultdict(list)
    places = [folder / name for name in listing(folder).walked]
    while places:
        place = places.pop(0)
        for name in listing(place).names:
            path = place / name
            for key in {_key(name), _key(name.rpartition(".")[0])}:
                found[key].append(path)
        places[:0] = [place / name for name in listing(place).walked]
    return found


def _is_mask(relative: Path) -> bool:
    return is_mask_name(relative.stem) or any(map(is_mask_folder, relative.parts[:-1]))


def _fitting(name: str, names: dict[str, list[str]]) -> list[str]:
    """Return the name itself where it is there, else all that differ only in case or in how accents are written."""
    several = names.get(_key(name), [])
    return [name] if name in several else several


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", _plain(name)).casefold()


def _plain(name: str) -> str:
    """Return a name without spaces around it, and before its ending."""
    stem, dot, ending = name.strip().rpartition(".")
    return f"{stem.rstrip()}{dot}{ending}"


def _by_key(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for key, name in pairs:
        found[_key(key)].append(name)
    return dict(found)
