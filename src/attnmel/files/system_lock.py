"""A lock of the operating system on an open file: it ends with its process, however that happens. No torch."""

import errno
import os
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

NO_LOCKS = {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP}
"""Errors of file systems without locks."""

FAR = 1 << 30
"""Byte that Windows locks: far behind the text, which must stay readable."""


def open_lock(lock: Path, more: int = 0) -> int:
    """Open the file of a lock, never through a link, which another user of a shared folder may have put there."""
    return os.open(lock, os.O_RDWR | more | getattr(os, "O_NOFOLLOW", 0), 0o666)


def take_lock(file: int) -> bool | None:
    """Lock an open file; return whether that was possible, None if the file system has no locks."""
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(file, FAR, os.SEEK_SET)
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in NO_LOCKS:
            return None
        if isinstance(error, BlockingIOError | PermissionError):
            return False
        raise
    return True


def is_there(lock: Path, file: int) -> bool:
    """Return whether the open file still has that name; its former owner may have removed it."""
    with suppress(OSError):
        return os.path.samestat(os.fstat(file), lock.stat())
    return False


def seconds_since_touched(lock: Path, file: int) -> float:
    """Return the seconds since an open file was written, by the clock of its file system, maybe another machine's."""
    with tempfile.TemporaryFile(dir=lock.parent) as probe:
        return os.fstat(probe.fileno()).st_mtime - os.fstat(file).st_mtime


def release_lock(lock: Path, file: int) -> None:
    """Remove the file of a lock and close it, which ends the lock."""
    if sys.platform == "win32":  # which cannot remove an open file
        os.close(file)
        with suppress(OSError):
            lock.unlink()
        return
    with suppress(OSError):
        if is_there(lock, file):
            lock.unlink()
    os.close(file)
