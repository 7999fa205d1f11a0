"""Masks of the archive, found by image id: one lesion mask an image, or one mask an image and feature. No torch."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from attnmel.data.archives.catalog import ARCHIVES, FEATURES, MASK_SUFFIXES, Archive
from attnmel.data.archives.fetch import ArchiveState, archive_states
from attnmel.errors import ArchiveError, ConfigError, LabelError, listed

AGAIN = "Delete this folder and run `attnmel fetch` again."


class MaskNames(NamedTuple):
    """How the archive names the masks of one folder."""

    pattern: re.Pattern[str]
    """Of a name without ending."""
    expected: str
    """In the words of a message."""

    def sorted_out(self, folder: Path) -> tuple[list[tuple[re.Match[str], Path]], list[Path]]:
        """Return the masks of a folder, each with what its name says, and the files of other names."""
        named = [(self.pattern.fullmatch(path.stem), path) for path in files_of(folder, MASK_SUFFIXES)]
        matched = [(match, path) for match, path in named if match is not None]
        return matched, [path for match, path in named if match is None]


# The official names differ in the case of this word from year to year.
MASK_NAME = MaskNames(re.compile(r"(?P<image_id>.+)_segmentation", re.IGNORECASE), "<image>_segmentation.png")
FEATURE_NAME = MaskNames(
    re.compile(rf"(?P<image_id>.+)_attribute_(?P<feature>{'|'.join(FEATURES)})"), "<image>_attribute_<feature>.png"
)


def lesion_masks(folder: Path) -> dict[str, Path]:
    """Return the lesion mask of every image that has one.

    Raises:
        LabelError: a file of another name, or two masks of an image.
    """
    named = [(match["image_id"], path) for match, path in _named(folder, MASK_NAME)]
    require_single((image_id for image_id, _ in named), f"{folder}: images with two masks")
    return dict(named)


def feature_masks(dataset: str, home: Path) -> dict[str, dict[str, Path]]:
    """Return the mask of every feature of `FEATURES`, by image id and feature; a mask may be empty.

    Raises:
        ConfigError: a data set without such masks.
        ArchiveError: it was not fetched, or its mirror had none.
        LabelError: a file of another name, an image that lacks a feature, or another number than were put there.
    """
    archive, state = _feature_archive(dataset, home)
    folder = archive.location(home)
    masks: dict[str, dict[str, Path]] = defaultdict(dict)
    for match, path in _named(folder, FEATURE_NAME):
        masks[match["image_id"]][match["feature"]] = path
    require_all(sum(map(len, masks.values())), state, folder)
    if state.status == "complete" and (short := sorted(i for i, of in masks.items() if len(of) < len(FEATURES))):
        raise LabelError(f"{folder}: images without a mask of each of {', '.join(FEATURES)}: {listed(short)}. {AGAIN}")
    return dict(masks)


def files_of(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    """Return the files of a folder with one of these endings, in the order of their names; hidden ones are left out.

    On disks without its own attributes, macOS writes them to a hidden file ._NAME next to each NAME.
    """
    paths = (path for path in folder.iterdir() if path.suffix.lower() in suffixes)
    return sorted(path for path in paths if not path.name.startswith("."))


def require_single(names: Iterable[str], what: str) -> None:
    """Refuse names that occur twice.

    Raises:
        LabelError: `what` and the names.
    """
    if doubled := sorted(name for name, times in Counter(names).items() if times > 1):
        raise LabelError(f"{what}: {listed(doubled)}; expected each once. Take the others out.")


def require_all(count: int, state: ArchiveState, folder: Path) -> None:
    """Refuse a folder that holds more or fewer files than were unpacked into it.

    Raises:
        LabelError: both numbers.
    """
    if count != state.found:
        raise LabelError(f"{folder} holds {count} files, but {state.found} of {state.name} were put there. {AGAIN}")


def _named(folder: Path, names: MaskNames) -> list[tuple[re.Match[str], Path]]:
    matched, odd = names.sorted_out(folder)
    if odd:
        found = listed(path.name for path in odd)
        raise LabelError(f"{folder} is not the archive's: expected {names.expected}, found {found}")
    return matched


def _feature_archive(dataset: str, home: Path) -> tuple[Archive, ArchiveState]:
    states = archive_states(dataset, home)
    for archive, state in zip(ARCHIVES[dataset], states, strict=True):
        if archive.role == "feature masks":
            if state.status == "absent":
                raise ArchiveError(f"{archive.name} is not at {state.address}; fetch {dataset} from another mirror")
            return archive, state
    having = sorted(name for name, files in ARCHIVES.items() if any(one.role == "feature masks" for one in files))
    raise ConfigError(f"{dataset} has no feature masks; expected one of: {', '.join(having)}")
