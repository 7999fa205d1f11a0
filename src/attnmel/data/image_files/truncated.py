"""JPEG files that lack their last bytes: refused, or read by a switch, up to a bound. No torch."""

import os
from pathlib import Path

import numpy as np
from PIL.JpegImagePlugin import JpegImageFile

from attnmel.data.image_files.damage import DAMAGE
from attnmel.number_formats import percent
from attnmel.shapes import Shaped

SWITCH = "ATTNMEL_TRUNCATED"
SWITCHED_ON = "read"
"""Value of the environment variable that lets such files be read; a variable, since it holds in every process."""

MOST_MISSING = 0.1
"""Share of the rows that may be missing."""

END_OF_IMAGE = b"\xff\xd9"


def accepts_truncated() -> bool:
    """Return whether the user has switched on the reading of files that lack their last bytes."""
    return os.environ.get(SWITCH, "") == SWITCHED_ON


class TolerantJpeg(JpegImageFile):
    """A JPEG whose missing end counts as its end; libjpeg then fills the missing rows with one colour.

    Pillow has this as a global setting only (LOAD_TRUNCATED_IMAGES), which would hold for every format and thread.
    """

    lacks_end = False

    def load_read(self, read_bytes: int) -> bytes:
        """Return the next bytes, and an end of image once where there are none."""
        found = super().load_read(read_bytes)
        if not found and not self.lacks_end:
            self.lacks_end = True
            return END_OF_IMAGE
        return found

    def require_most_rows(self) -> None:
        """Refuse decoded pixels that lack more than `MOST_MISSING` of their rows.

        Raises:
            OSError: says how many.
        """
        if self.lacks_end and (share := missing_rows(np.asarray(self))) > MOST_MISSING:
            raise OSError(f"{percent(share, 0)} of its rows are missing, and at most {percent(MOST_MISSING)} may be")


def lacks_little(path: Path) -> bool:
    """Whether the switch would let a file be read: a JPEG that lacks at most `MOST_MISSING` of its rows."""
    try:
        with path.open("rb") as file, TolerantJpeg(file, path.name) as picture:
            picture.load()
            picture.require_most_rows()
    except DAMAGE:
        return False
    return True


def missing_rows(pixels: Shaped[np.ndarray, "H W *C"]) -> float:
    """Return the share of the lowest rows that are of one and the same colour, as libjpeg fills missing ones."""
    same = (pixels == pixels[-1:, :1]).reshape(len(pixels), -1).all(axis=1)
    return 1.0 if same.all() else float(np.argmin(same[::-1])) / len(same)
