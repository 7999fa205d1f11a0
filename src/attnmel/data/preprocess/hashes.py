"""SHA-256 of files, remembered, so that a second start does not read every image again. No torch."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from attnmel.data.dicom.frames import file_of
from attnmel.data.preprocess.workers import taken_in_turn
from attnmel.errors import ImageError, listed
from attnmel.folders import replacing
from attnmel.progress import SILENT, Progress

Stamp = tuple[int, int]
"""Size in bytes and time of the last change in nanoseconds: while both stay, the content is taken to stay."""


def content_hashes(
    paths: Sequence[Path], *, memory: Path, workers: int, progress: Progress = SILENT
) -> dict[Path, str]:
    """Return the SHA-256 of each file, read anew only where size or time differ from those in the `memory` file.

    A frame of a DICOM file has that of the file.

    Raises:
        ImageError: files that are not there, all of them together.
    """
    files = {path: file_of(path) for path in paths}
    by_file = _by_file(list(dict.fromkeys(files.values())), memory, workers, progress)
    return {path: by_file[file] for path, file in files.items()}


def _by_file(files: Sequence[Path], memory: Path, workers: int, progress: Progress) -> dict[Path, str]:
    stamps = _stamps(files)
    known = _remembered(memory)
    hashes = {path: known[path][1] for path, stamp in stamps.items() if path in known and known[path][0] == stamp}
    if unknown := [path for path in stamps if path not in hashes]:
        hashes |= dict(zip(unknown, _hashed(unknown, workers, progress), strict=True))
        fresh = {path: (stamps[path], hashes[path]) for path in unknown}
        _remember(memory, known | fresh)
    return hashes


def _stamps(paths: Sequence[Path]) -> dict[Path, Stamp]:
    stamps: dict[Path, Stamp] = {}
    missing = []
    for path in paths:
        try:
            found = path.stat()
        except FileNotFoundError:
            missing.append(path)
        else:
            stamps[path] = (found.st_size, found.st_mtime_ns)
    if missing:
        names = listed(str(path) for path in missing)
        raise ImageError(f"{len(missing)} files of the data set are not there: {names}; put them back, or fetch again")
    return stamps


def _hashed(paths: Sequence[Path], workers: int, progress: Progress) -> Iterator[str]:
    # Threads are enough: hashing and reading both let other threads run.
    with ThreadPoolExecutor(workers) as pool, progress.bar("Reading files", len(paths), "files") as advance:
        for digest in taken_in_turn(pool, _sha256, paths, workers):
            advance(1)
            yield digest


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ImageError(f"cannot read {path}: {error.strerror}; check the file and its permissions") from error


def _remembered(memory: Path) -> dict[Path, tuple[Stamp, str]]:
    try:
        rows = json.loads(memory.read_text(encoding="utf-8"))
        return {Path(path): ((size, changed), digest) for path, (size, changed, digest) in rows.items()}
    except (FileNotFoundError, ValueError, TypeError, AttributeError):
        return {}  # Nothing remembered, or not readable: the files are read again, and the memory is written anew.


def _remember(memory: Path, rows: dict[Path, tuple[Stamp, str]]) -> None:
    with replacing(memory) as part:
        part.write_text(json.dumps({str(path): [*stamp, digest] for path, (stamp, digest) in rows.items()}))
