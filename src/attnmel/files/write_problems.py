"""Why a place cannot be written, in words: for lack of room, or for lack of the right to."""

import errno
import os
from pathlib import Path

from attnmel.files.file_owner import other_owner

NO_RIGHT = (errno.EROFS, errno.EACCES, errno.EPERM)
"""Errors that more space does not help against."""

NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


def is_for_lack_of_right(error: Exception) -> bool:
    """Return whether the place is not this user's to write, or no one's: a file system that can only be read."""
    return isinstance(error, OSError) and error.errno in NO_RIGHT


def reason_in_words(error: Exception, place: Path) -> str:
    """Return the system's words, and whose the place is, where that is another user's and may be the reason."""
    if not isinstance(error, OSError) or not error.errno:
        return str(error)
    return f"{os.strerror(error.errno)}{whose(error, place)}"


def whose(error: OSError, place: Path) -> str:
    """Return which place belongs to another user, as a clause, where that may be why it cannot be used."""
    if error.errno == errno.EROFS or error.errno not in NO_RIGHT:
        return ""
    other = other_owner(place)
    return "" if other is None else f": {other[0]} belongs to the user {other[1]}"
