"""The user of this system whom a file or folder belongs to, for messages."""

import os
from pathlib import Path


def owner_of(path: Path) -> str:
    """Return the user whom a file or folder belongs to: the name, or the number of one without a name.

    Empty where it is not there, and on Windows.
    """
    try:
        return path.owner()
    except KeyError:
        return str(path.stat().st_uid)
    except (OSError, NotImplementedError):
        return ""


def other_owner(path: Path) -> tuple[Path, str] | None:
    """Return a place and whom it belongs to, if that is another user: the path or, where it is not there, its folder.

    Of a folder that is not there either, the nearest above it that is.
    """
    place = next((one for one in (path, *path.absolute().parents) if os.path.lexists(one)), None)
    owner = "" if place is None else owner_of(place)
    if place is None or not owner or place.stat().st_uid == os.geteuid():
        return None
    return place, owner
