"""Find the image files of the paths that a user names, and report those that cannot be used. No torch."""

from collections.abc import Sequence
from pathlib import Path

from attnmel.data.datasets.folder import TABLE, read_folder
from attnmel.data.preprocess.decode import SUFFIXES
from attnmel.errors import ImageError

SUPERPIXELS = "_superpixels"
"""Ending of the PNG files of superpixels next to each image in the archives of ISIC 2017; these are no images."""

MOST_REASONS = 5
"""Number of failures reported with their reasons; the others are counted."""


def image_files(images: Sequence[Path]) -> list[Path]:
    """Return the files, and for a folder the images of its labels.csv, or else its JPEG and PNG files, sorted.

    Raises:
        ImageError: a path is neither a file nor a folder with images.
        LabelError: a labels.csv cannot be used.
    """
    paths: list[Path] = []
    for given in images:
        found = _files_of(given)
        if not found:
            raise ImageError(f"no image at {given}; expected a file or a folder of {', '.join(SUFFIXES)} files")
        paths += found
    return paths


def raise_for_failures(failed: Sequence[str], total: int) -> None:
    """Raise an error if some images could not be used; `failed` are the reasons.

    Raises:
        ImageError: says how many, and the first reasons.
    """
    if failed:
        reasons = "".join(f"\n  {reason}" for reason in failed[:MOST_REASONS])
        more = f"\n  and {len(failed) - MOST_REASONS} more" if len(failed) > MOST_REASONS else ""
        raise ImageError(f"{len(failed)} of {total} images could not be used; the others are done:{reasons}{more}")


def _files_of(given: Path) -> list[Path]:
    if (given / TABLE).is_file():
        return [lesion.image for lesion in read_folder(given.absolute()).lesions]
    if given.is_dir():
        paths = (path for path in given.iterdir() if path.suffix.lower() in SUFFIXES and not path.is_dir())
        return sorted(path for path in paths if not path.name.startswith(".") and not path.stem.endswith(SUPERPIXELS))
    return [given] if given.is_file() else []
