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

READER = ("pydicom", "pylibjpeg", "libjpeg", "openjpeg", "rle")
WRITER = {"pydicom": "pydicom", "highdicom": "highdicom"}
"""Modules that results need, and the packages that hold them."""

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


def named_frame(name: str) -> tuple[str, int | None]:
    """Return a DICOM file's name and the frame, of a name that ends with one; of others the name and None."""
    match = _FRAME.fullmatch(name)
    if match is None or PurePath(match["file"]).suffix.lower() not in SUFFIXES:
        return name, None
    return match["file"], int(match["frame"])


def file_of(path: Path) -> Path:
    """Return the file that a path, perhaps of one frame, is read from."""
    return file_and_frame(path)[0]


def frame_path(file: Path, frame: int) -> Path:
    """Return the path of one frame, counted from 1."""
    return file.with_name(f"{file.name}#{frame}")


def image_id(path: PurePath) -> str:
    """Return the image id of a path: the name without its ending, with the frame if it names one."""
    name, frame = named_frame(path.name)
    return path.stem if frame is None else f"{PurePath(name).stem}#{frame}"


def frames_of(path: Path) -> list[Path]:
    """Return the path of each frame of a DICOM file with several; else, or where it cannot be read, the path itself."""
    file, frame = file_and_frame(path)
    if frame is not None or not _starts_as_dicom(file):
        return [path]
    try:
        require_reader(file.name)
        from attnmel.data.dicom.picture import dicom_frames  # needs pydicom

        count = dicom_frames(file, file.name)
    except ImageError:
        return [path]  # reading it will say what is wrong
    return [path] if count == 1 else [frame_path(file, number) for number in range(1, count + 1)]


def is_dicom_file(path: Path) -> bool:
    """Return whether a path is of a DICOM file, or of a frame of one, by the file's first bytes."""
    return _starts_as_dicom(file_of(path))


def _starts_as_dicom(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            return is_dicom(opened.read(PREAMBLE + len(MAGIC)))
    except OSError:
        return False


def require_reader(name: str) -> None:
    """Refuse a DICOM file where the libraries that read it are not installed.

    Every decoder is required, not only the one that a file needs: with fewer, pydicom silently takes another, of which
    one turns colours wrong.

    Raises:
        ImageError: what to install.
    """
    if missing := [module for module in READER if importlib.util.find_spec(module) is None]:
        raise ImageError(
            f"{name} is DICOM, but {', '.join(missing)} is not installed; install it: pip install 'attnmel[dicom]'"
        )
