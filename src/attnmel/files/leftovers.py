"""Temporary files that killed commands left: known by a lock that nobody has any more, and removed. No torch.

`.<token>-table.csv` is written while its owner has the lock `.<token>.lock` next to it. The system releases a lock when
its process ends, so a temporary file whose lock can be taken is left over, and so is a lock of `locks` that can be.
Nothing without such a lock is touched, and what another machine left only after a day, since not every network file
system shares locks.
"""

import json
import os
import platform
import re
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from attnmel.files.system_lock import is_there, open_lock, release_lock, seconds_since_touched, take_lock

A_DAY = 86_400.0
"""Seconds after which the leftovers of another machine are removed, or any where the file system has no locks."""

LOOK_EVERY = 0.01

_TOKEN = re.compile(r"\.[0-9a-f]{8}\.lock")
_LOCK = re.compile(r"\..+\.lock")

OWNER = {"command", "process", "host", "began", "token"}
"""What the text of a lock of `locks` names."""

_SEEN: set[Path] = set()
"""Folders in which this process has looked; a look costs as much as a list of the folder."""


@contextmanager
def temporary(path: Path) -> Iterator[Path]:
    """Give a temporary path next to `path`; a file or folder that is there at the end of the block is removed.

    It keeps the suffix of `path`, by which some writers choose their format. An error of the disk names `path`.
    """
    token = uuid.uuid4().hex[:8]
    part, lock = path.with_name(f".{token}-{path.name}"), path.with_name(f".{token}.lock")
    try:
        with _owned(lock):
            try:
                yield part
            finally:
                _remove(part)
    except OSError as error:
        if error.errno is not None and token in str(error.filename or token):
            error.filename = str(path)
        raise


@contextmanager
def _owned(lock: Path) -> Iterator[None]:
    file = _taken(lock)
    try:
        os.write(file, json.dumps({"host": platform.node()}).encode())
        yield
    finally:
        release_lock(lock, file)


def _taken(lock: Path) -> int:
    while True:
        file = open_lock(lock, os.O_CREAT)
        if take_lock(file) is not False and is_there(lock, file):
            return file
        os.close(file)  # another process is looking at it, or took it for left over before it was locked
        time.sleep(LOOK_EVERY)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):  # the first error says more
            path.unlink(missing_ok=True)


def remove_leftovers(folder: Path, *, again: bool = False) -> None:
    """Remove what killed commands left in a folder, once in a process or, with `again`, each time."""
    if folder in _SEEN and not again:
        return
    _SEEN.add(folder)
    with suppress(OSError):  # a folder that cannot be listed or written
        for entry in os.scandir(folder):
            if _LOCK.fullmatch(entry.name):
                _remove_left(folder / entry.name)


def _remove_left(lock: Path) -> None:
    try:
        file = open_lock(lock)
    except OSError:  # removed meanwhile, or of another user
        return
    if not (_is_left(lock, file) and is_there(lock, file)):
        os.close(file)
        return
    if _TOKEN.fullmatch(lock.name):
        for path in lock.parent.glob(f"{lock.stem}-*"):
            _remove(path)
    release_lock(lock, file)


def _is_left(lock: Path, file: int) -> bool:
    confirmed, of_temporary = take_lock(file), bool(_TOKEN.fullmatch(lock.name))
    text = os.read(file, 2048)
    if confirmed and (_host(text) == platform.node() or (of_temporary and not text)):  # killed before it was written
        return True
    return confirmed is not False and of_temporary and seconds_since_touched(lock, file) > A_DAY


def _host(text: bytes) -> object:
    """Return the machine that the text of a lock names; None for a text of another kind."""
    try:
        owner = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return owner.get("host") if isinstance(owner, dict) and owner.keys() <= OWNER else None
