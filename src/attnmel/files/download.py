"""Download a file: resumed after an interruption, checked, and either complete or not there. No torch.

An incomplete file is `<name>.part`; `<name>.part.json` describes its origin, so that parts of two versions never mix.
"""

import contextlib
import dataclasses
import http.client
import json
import shutil
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import IO, Any

from attnmel.errors import ArchiveError
from attnmel.files.checksums import file_sha256
from attnmel.files.http_answers import CutError, NotThereError, reason, request_file
from attnmel.files.table_files import read_json
from attnmel.number_formats import size_in_words
from attnmel.progress import SILENT, Progress

WAITS_SECONDS = (1.0, 4.0, 10.0)
"""Pauses before each retry; a connection is usually back within seconds, an overloaded server later."""
CHUNK_BYTES = 1 << 18
MOST_BYTES = 40_000_000_000
"""Where a server does not say how much it sends; the largest official archive has 30 GB."""
SPARE_BYTES = 64 << 20
"""Free space to leave for other programs."""


@dataclass(frozen=True)
class Downloaded:
    """A complete file on the disk."""

    size: int
    """Bytes."""
    sha256: str

    @staticmethod
    def of(path: Path) -> "Downloaded":
        """Measure a file."""
        return Downloaded(path.stat().st_size, file_sha256(path))


def download(
    address: str, target: Path, *, progress: Progress = SILENT, sha256_prefix: str | None = None
) -> Downloaded:
    """Download the file at an address (http://, https://, file://) to `target`, continuing a former call.

    An existing `target` is replaced once the new file is complete.

    Raises:
        NotThereError: there is no file at the address.
        ArchiveError: an unknown kind of address, an unreachable server, too little space, a wrong hash (the file is
            removed), or a transfer that stopped repeatedly (the part is kept).
    """
    part = _Part(target)
    _fill(address, part, progress)
    found = Downloaded.of(part.path)
    if sha256_prefix is not None and not found.sha256.startswith(sha256_prefix.lower()):
        part.discard()
        raise ArchiveError(
            f"{address}: SHA-256 begins with {found.sha256[: len(sha256_prefix)]}, expected {sha256_prefix}. "
            "The file was removed; fetch it again, or from another address."
        )
    part.path.replace(target)
    part.discard()
    return found


def local_path(address: str) -> Path | None:
    """Return the path of a file:// address; None for another kind of address.

    Raises:
        ArchiveError: a file:// address with a host, as when one of the three slashes is missing.
    """
    scheme, _, rest = address.partition("://")
    host, _, path = rest.partition("/")
    if scheme.lower() != "file":
        return None
    if host not in ("", "localhost"):
        raise ArchiveError(f"'{address}' names the host '{host}'; a local path has three slashes: file:///path")
    return Path(urllib.request.url2pathname(f"/{path}"))


def require_space(folder: Path, size: int, name: str) -> None:
    """Refuse to write `size` bytes to a folder, new or not, if they do not fit.

    Raises:
        ArchiveError: says how much is needed and how much is free.
    """
    free = shutil.disk_usage(next(there for there in (folder, *folder.parents) if there.exists())).free
    if size + SPARE_BYTES > free:
        needed = f"{size_in_words(size)} and {size_in_words(SPARE_BYTES)} to spare"
        raise ArchiveError(
            f"{name} needs {needed}, but {folder} has {size_in_words(free)}. "
            "Free some space, or choose another place with --home."
        )


@dataclass(frozen=True)
class _Origin:
    """The properties that distinguish two versions of a file."""

    address: str
    size: int | None
    """Bytes; None if the server does not say."""
    version: str | None
    """ETag or date by the server; modification time of a local file."""


class _Part:
    """An incomplete file and its origin."""

    def __init__(self, target: Path) -> None:
        self.name = target.name
        self.path = target.with_name(f"{target.name}.part")
        self.note = target.with_name(f"{target.name}.part.json")

    @property
    def length(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def origin(self, address: str) -> _Origin | None:
        """Origin of the bytes so far; None if it is unknown or another address."""
        try:
            known = _Origin(**read_json(self.note))
            too_long = known.size is not None and self.length > known.size
        except (OSError, ValueError, TypeError):
            return None
        return None if known.address != address or too_long else known

    def is_complete(self, address: str) -> bool:
        known = self.origin(address)
        return known is not None and self.path.exists() and self.length == known.size

    @contextlib.contextmanager
    def writer(self, start: int, origin: _Origin) -> Iterator[IO[bytes]]:
        # Emptied first and described then, so that after a stop old bytes never have a new description.
        with self.path.open("ab" if start else "wb") as file:
            self.note.write_text(json.dumps(dataclasses.asdict(origin)), encoding="utf-8")
            yield file

    def discard(self) -> None:
        self.path.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)


@dataclass(frozen=True)
class _Source:
    """A file open somewhere, from byte `start` on."""

    reader: Any  # an HTTP response or a local file
    start: int
    origin: _Origin


def _fill(address: str, part: _Part, progress: Progress) -> None:
    failures = 0
    while not part.is_complete(address):
        had = part.length
        try:
            return _continue(address, part, progress)
        except CutError as cut:
            # Only tries that brought next to nothing count, so that a long file over a bad line still arrives.
            failures = 1 if part.length >= had + CHUNK_BYTES else failures + 1
            if failures > len(WAITS_SECONDS):
                raise ArchiveError(
                    f"{address}: {cut}. {size_in_words(part.length)} are kept; run the same command again to continue."
                ) from None
            progress.note(f"{part.name}: {cut}; trying again")
            time.sleep(WAITS_SECONDS[failures - 1])


def _continue(address: str, part: _Part, progress: Progress) -> None:
    known = part.origin(address)
    source = _open(address, part.length if known else 0, known)
    start, size = source.start, source.origin.size
    with contextlib.closing(source.reader):
        if size is not None:
            require_space(part.path.parent, size - start, part.name)
        part.path.parent.mkdir(parents=True, exist_ok=True)
        with part.writer(start, source.origin) as file, progress.bar(part.name, size, "bytes") as advance:
            advance(start)
            while chunk := _read(source.reader):
                file.write(chunk)
                advance(len(chunk))
                if file.tell() > MOST_BYTES and size is None:
                    raise ArchiveError(
                        f"{address} has sent {size_in_words(MOST_BYTES)} without saying how long the file is, and was "
                        "stopped; check the address"
                    )
    if size is not None and part.length != size:
        raise CutError(f"the transfer ended after {size_in_words(part.length)} of {size_in_words(size)}")


def _read(reader: Any) -> bytes:  # noqa: ANN401 - an HTTP response or a local file
    try:
        return reader.read1(CHUNK_BYTES)  # whatever has arrived, so that a silent connection loses nothing
    except (OSError, http.client.HTTPException) as error:
        raise CutError(f"the transfer stopped ({reason(error)})") from None


def _open(address: str, start: int, known: _Origin | None) -> _Source:
    if (path := local_path(address)) is not None:
        return _open_local(address, path, start, known)
    if address.lower().startswith(("http://", "https://")):
        return _open_remote(address, start, known)
    raise ArchiveError(f"'{address}' is no address of a file; expected http://, https:// or file:///path")


def _open_local(address: str, path: Path, start: int, known: _Origin | None) -> _Source:
    if not path.exists():
        raise NotThereError(f"no file at {address}")
    try:
        reader = path.open("rb")
    except OSError as error:
        raise ArchiveError(f"{address} cannot be read: {error.strerror or error}") from None
    origin = _Origin(address, path.stat().st_size, str(path.stat().st_mtime_ns))
    begin = start if origin == known else 0
    reader.seek(begin)
    return _Source(reader, begin, origin)


def _open_remote(address: str, start: int, known: _Origin | None) -> _Source:
    response = request_file(address, start)
    origin = _origin_of(address, response)
    if response.status != HTTPStatus.PARTIAL_CONTENT:
        return _Source(response, 0, origin)
    fits = response.headers.get("Content-Range", "").startswith(f"bytes {start}-")
    if (fits and origin == known) or not start:
        return _Source(response, start, origin)
    response.close()  # the file has changed: start again
    return _open_remote(address, 0, None)


def _origin_of(address: str, response: http.client.HTTPResponse) -> _Origin:
    if response.status == HTTPStatus.PARTIAL_CONTENT:
        size = response.headers.get("Content-Range", "").rpartition("/")[2]
    else:
        size = response.headers.get("Content-Length", "")
    version = response.headers.get("ETag") or response.headers.get("Last-Modified")
    return _Origin(address, int(size) if size.isdecimal() else None, version)
