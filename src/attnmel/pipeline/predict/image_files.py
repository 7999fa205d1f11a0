"""Names of files and folders -> image files, in order; and what is said of those that could not be used. No torch."""

from collections.abc import Sequence
from pathlib import Path

from attnmel.data.datasets.folder import TABLE, read_folder
from attnmel.data.preprocess.decode import SUFFIXES
from attnmel.errors import ImageError

SUPERPIXELS = "_superpixels"
"""Ending of the PNG that ISIC 2017's archives hold beside each image: no photograph."""

TOLD = 5
"""Failures told with their reasons; the others are counted."""


def image_files(images: Sequence[Path]) -> list[Path]:
    """Return the files named and the images of the folders named: by their labels.csv, else each JPEG and PNG, sorted.

    Raises:
        ImageError: a name that is neither a file nor a folder, or a folder without such files.
        LabelError: a labels.csv that cannot be used.
    """
    paths: list[Path] = []
    for given in images:
        found = _files_of(given)
        if not found:
            raise ImageError(f"no image at {given}; expected a file or a folder of {', '.join(SUFFIXES)} files")
        paths += found
    return paths


def raise_for_failures(failed: Sequence[str], total: int) -> None:
    """Complain of images that could not be used, if there are any: the first ones with their reasons, a line each.

    Raises:
        ImageError: says how many.
    """
    if failed:
        told = "".join(f"\n  {reason}" for reason in failed[:TOLD])
        more = f"\n  and {len(failed) - TOLD} more" if len(failed) > TOLD else ""
        raise ImageError(f"{len(failed)} of {total} images could not be used; the others are done:{told}{more}")


def _files_of(given: Path) -> list[Path]:
    if (given / TABLE).is_file():
        return [lesion.image for lesion in read_folder(given.absolute())]
    if given.is_dir():
        paths = (path for path in given.iterdir() if path.suffix.lower() in SUFFIXES and not path.is_dir())
        return sorted(path for path in paths if not path.name.startswith(".") and not path.stem.endswith(SUPERPIXELS))
    return [given] if given.is_file() else []
