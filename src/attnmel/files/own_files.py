"""What the program wrote itself, known by its notice; nothing else is ever replaced. No torch."""

from pathlib import Path

from attnmel import NOTICE
from attnmel.errors import ConfigError
from attnmel.files.folders import require_replaceable

SOFTWARE = ("Software", "attnmel")
"""Text of the program's PNG files."""

SHORT_NOTICE = "Research use only, not for diagnosis"
"""Start of the series description of results as DICOM, which has at most 64 characters."""

MARKS = (
    NOTICE.encode(),  # pages, tables with a comment, JSON, exported files and arrays
    b"notice",  # arrays and JSON
    b"\0".join(word.encode() for word in SOFTWARE),
    SHORT_NOTICE.encode(),
    b"probability_",  # tables of predictions
    b"dataset,image,reason,pair",  # lists of `audit --exclusions`
)

LOOKED_AT = 1 << 16
"""Bytes at the start and at the end of a file, one of which holds a mark."""


def is_own(path: Path) -> bool:
    """Return whether the program wrote a file; so it may also replace an empty one."""
    with path.open("rb") as file:
        start = file.read(LOOKED_AT)
        file.seek(max(len(start), path.stat().st_size - LOOKED_AT))
        end = file.read()
    return not start or any(mark in part for mark in MARKS for part in (start, end))


def require_own_file(path: Path) -> None:
    """Refuse to replace what the program did not write.

    Raises:
        ConfigError: there is such a file, or a folder or a device where a file is expected.
    """
    if path.is_dir():
        raise ConfigError(f"{path} is a folder; name the file to write, such as {path / 'attnmel-output'}")
    require_replaceable(path)
    if path.is_file() and not is_own(path):
        raise ConfigError(
            f"{path} was not written by attnmel, so it is not replaced; name another file, or move that one away"
        )


def require_folder(path: Path) -> None:
    """Refuse a file where a folder is to be written.

    Raises:
        ConfigError: there is a file.
    """
    if path.exists() and not path.is_dir():
        raise ConfigError(f"{path} is a file; name a folder to write into")


def require_new_folder(path: Path) -> Path:
    """Return the place of a folder that is to be put there as a whole: `path`, or where a link there leads.

    Raises:
        ConfigError: there is a file, a folder that is not empty, or the current folder, which cannot be replaced.
    """
    require_folder(path)
    if path.exists() and any(path.iterdir()):
        raise ConfigError(f"{path} is not empty; name a new folder by --out")
    place = path.resolve()
    if place == Path.cwd():
        raise ConfigError(f"{path} is the current folder; name a new folder by --out")
    return place if path.is_symlink() else path


def require_only(path: Path, names: set[str], what: str) -> None:
    """Refuse a folder with files that are not of `what`, whose files have these names; hidden files do not count.

    Raises:
        ConfigError: names one of them.
    """
    require_folder(path)
    entries = sorted(path.iterdir()) if path.is_dir() else []
    if foreign := [one.name for one in entries if not one.name.startswith(".") and one.name not in names]:
        raise ConfigError(f"{path} holds other files than {what} ({foreign[0]}); name a new or empty folder")
