"""SHA-256 of files and how images are read, remembered, so that a second start does not read every image again.

No torch.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from attnmel.data.dicom.frames import file_and_frame, file_of
from attnmel.data.image_files.decode import opened
from attnmel.data.image_files.picture import UPRIGHT
from attnmel.data.image_files.reading import header_notes
from attnmel.data.preprocess.workers import taken_in_turn
from attnmel.errors import ImageError, listed
from attnmel.files.checksums import file_sha256, text_sha256
from attnmel.files.table_files import DAMAGE, read_json, write_json
from attnmel.progress import SILENT, Progress

Stamp = tuple[int, int]
"""Size in bytes and time of the last change in nanoseconds: while both stay, the content is taken to stay."""

_Work = tuple[Path, str | None]
"""A file, and its digest where it is known."""

READ_ANEW = "in sRGB, opaque and upright"
"""Marks the content of an image that earlier versions read as stored."""

TURNED_FIRST = "turned, then resized"
"""Marks the content of an image that EXIF orientation turns: earlier versions turned it once it was resized."""


WORTH_THREADS = 2_000_000
"""Mean bytes of files that several threads read sooner than one; of smaller ones they wait for each other at Python's
lock: 300 microseconds a file of 20 kB in place of 100."""


class _Known(NamedTuple):
    """What is remembered of a file."""

    stamp: Stamp
    digest: str
    reading: str
    """As `FileContent.reading`."""
    turned: bool | None
    """As `FileContent.turned`; None where an earlier version left it out."""


class FileContent(NamedTuple):
    """What a file holds."""

    digest: str
    """SHA-256; of a frame of a DICOM file that of the file's and its number."""
    reading: str
    """Empty of an image whose levels are used as stored; else how it is read, in words that a semicolon parts."""
    turned: bool = False
    """Whether its EXIF orientation is still to be followed once it is decoded."""

    @property
    def key(self) -> str:
        """What identifies the prepared pixels: the digest alone where those of earlier versions were the same."""
        return " ".join([self.digest, *[READ_ANEW] * bool(self.reading), *[TURNED_FIRST] * self.turned])


def content_hashes(
    paths: Sequence[Path], *, memory: Path, workers: int, progress: Progress = SILENT
) -> dict[Path, str]:
    """Return the SHA-256 of each file, as `file_contents` finds it."""
    found = file_contents(paths, memory=memory, workers=workers, progress=progress)
    return {path: one.digest for path, one in found.items()}


def file_contents(
    paths: Sequence[Path], *, memory: Path, workers: int, progress: Progress = SILENT
) -> dict[Path, FileContent]:
    """Return what each file holds, read anew only where size or time differ from those in the `memory` file.

    A frame of a DICOM file has the hash of the file's hash and its number, as each frame is a picture of its own.

    Raises:
        ImageError: files that are not there, all of them together.
    """
    stamps, files = _stamps(paths), {path: file_of(path) for path in paths}
    remembered = _remembered(memory)
    known = {path: one for path, one in remembered.items() if one.stamp == stamps.get(path)}
    if unknown := [path for path in stamps if path not in known or known[path].turned is None]:
        # Frames of one file are hashed together, not each for itself.
        several = {file: _sha256(file) for file in {files[path] for path in unknown if files[path] != path}}
        works = [(path, known[path].digest if path in known else several.get(files[path])) for path in unknown]
        large = sum(stamps[path][0] for path in unknown) >= WORTH_THREADS * len(unknown)
        looked_at = zip(unknown, _looked_at(works, workers if large else 1, progress), strict=True)
        known |= {path: _Known(stamps[path], *found) for path, found in looked_at}
        rows = {str(path): [*one.stamp, *one[1:]] for path, one in (remembered | known).items()}
        write_json(memory, rows, indent=None)
    found = {path: known[path] for path in stamps}
    return {
        path: FileContent(_of_frame(one.digest, path), one.reading, bool(one.turned)) for path, one in found.items()
    }


def _of_frame(digest: str, path: Path) -> str:
    frame = file_and_frame(path)[1]
    return digest if frame is None else text_sha256(f"{digest} {frame}")


def _stamps(paths: Sequence[Path]) -> dict[Path, Stamp]:
    stamps: dict[Path, Stamp] = {}
    missing = []
    for path in paths:
        try:
            found = file_of(path).stat()
        except FileNotFoundError:
            missing.append(path)
        except OSError as error:
            raise ImageError(f"cannot read {path}: {error.strerror}; check the file and its permissions") from error
        else:
            stamps[path] = (found.st_size, found.st_mtime_ns)
    if missing:
        names = listed(str(path) for path in missing)
        raise ImageError(f"{len(missing)} files of the data set are not there: {names}; put them back, or fetch again")
    return stamps


def _looked_at(works: Sequence[_Work], workers: int, progress: Progress) -> Iterator[FileContent]:
    # Threads are enough: hashing and reading both let other threads run.
    with ThreadPoolExecutor(workers) as pool, progress.bar("Reading files", len(works), "files") as advance:
        for found in taken_in_turn(pool, _content, works, workers) if workers > 1 else map(_content, works):
            advance(1)
            yield found


def _content(work: _Work) -> FileContent:
    path, digest = work[0], work[1] or _sha256(work[0])
    try:
        with opened(path) as picture:
            reading = "" if picture.is_plain else "; ".join(header_notes(picture)) or picture.format
            return FileContent(digest, reading, picture.orientation in UPRIGHT)
    except ImageError:
        return FileContent(digest, "")  # No image, or one whose error is raised where it is decoded.


def _sha256(path: Path) -> str:
    try:
        return file_sha256(path)
    except OSError as error:
        raise ImageError(f"cannot read {path}: {error.strerror}; check the file and its permissions") from error


def _remembered(memory: Path) -> dict[Path, _Known]:
    try:
        rows = read_json(memory)
        return {Path(path): _known(*row) for path, row in rows.items()}
    except (FileNotFoundError, *DAMAGE):
        return {}  # Nothing remembered, or not readable: the files are read again, and the memory is written anew.


def _known(size: int, time: int, digest: str, reading: str = "", turned: bool | None = None) -> _Known:
    """Return a row; those of earlier versions end with the digest, or with how the file is read."""
    return _Known((size, time), digest, reading, turned)
