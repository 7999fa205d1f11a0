"""Names of DICOM files and of their frames, before anything is opened. Loads no pydicom.

A frame of a multi-frame file is named `scan.dcm#2`, counted from 1; its image id is `scan#2`.
"""

import importlib.util
import re
from pathlib import Path, PurePath

from attnmel.errors import ImageError

SUFFIXES = (".dcm", ".dicom")
"""Endings of the names that are found in folders, in lower case; a file that is named may have any ending."""

PREAMBLE = 128
MAGIC = b"DICM"
"""After the preamble of 128 bytes (PS3.10, 7.1)."""

EXTRA = ("pydicom", "pylibjpeg", "libjpeg", "openjpeg", "rle")

_FRAME = re.compile(r"(?P<file>.+)#(?P<frame>[1-9]\d{0,8})", re.DOTALL)


def is_dicom(start: bytes) -> bool:
    """Return whether a file that begins so (132 bytes at least) is DICOM."""
    return start[PREAMBLE : PREAMBLE + len(MAGIC)] == MAGIC


def file_and_frame(path: Path) -> tuple[Path, int | None]:
    """Return the file of a path, and the frame that its name ends with; None where it names none, or is a file."""
    match = _FRAME.fullmatch(path.name)
    if match is None or path.is_file():
        return path, None
    return path.with_name(match["file"]), int(match["frame"])


def file_of(path: Path) -> Path:
    """Return the file that a path, perhaps of one frame, is read from."""
    return file_and_frame(path)[0]


def frame_path(file: Path, frame: int) -> Path:
    """Return the path of one frame, counted from 1."""
    return file.with_name(f"{file.name}#{frame}")


def image_id(path: PurePath) -> str:
    """Return the image id of a path: the name without its ending, with the frame if it names one."""
    match = _FRAME.fullmatch(path.name)
    if match is None or PurePath(match["file"]).suffix.lower() not in SUFFIXES:
        return path.stem
    return f"{PurePath(match['file']).stem}#{match['frame']}"


def has_dicom_name(path: PurePath) -> bool:
    """Return whether a name, perhaps of one frame, ends as DICOM files do."""
    match = _FRAME.fullmatch(path.name)
    return PurePath(match["file"] if match else path.name).suffix.lower() in SUFFIXES


def require_reader(name: str) -> None:
    """Refuse a DICOM file where the libraries that read it are not installed.

    Every decoder is required, not only the one that a file needs: with fewer, pydicom silently takes another, of which
    one turns colours wrong.

    Raises:
        ImageError: what to install.
    """
    if missing := [module for module in EXTRA if importlib.util.find_spec(module) is None]:
        raise ImageError(
            f"{name} is DICOM, but {', '.join(missing)} is not installed; install it: pip install 'attnmel[dicom]'"
        )
