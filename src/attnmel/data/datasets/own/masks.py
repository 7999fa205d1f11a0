"""The lesion masks of a folder of one's own, found by image id wherever they lie in it. No torch."""

import os
import re
from collections import defaultdict
from collections.abc import Collection, Iterable
from pathlib import Path
from unicodedata import normalize

from attnmel.data.dicom.frames import file_of
from attnmel.data.image_files.formats import PNG_SUFFIXES, SUFFIXES
from attnmel.errors import LabelError, listed

MASK_NAME = re.compile(r"(?P<image_id>.+)[_\- ](segmentation|seg|mask)", re.IGNORECASE)


class FolderMasks:
    """The lesion masks in a folder and its subfolders, by image: `<image>_segmentation.png` or `<image>.png`.

    `_seg` and `_mask` mean the same. Other endings of pictures are taken where there is no PNG. Masks of one name in
    several subfolders are distinguished by these, as are such images: the mask of a/1 is none of b/1, also where b/1
    has no other. Masks of the images `left_out` do not count.

    Raises:
        LabelError: two masks of an image in one folder.
    """

    def __init__(self, folder: Path, left_out: Collection[str] = ()) -> None:
        self.folder = folder
        self._named = {name: path for name, path in _masks_in(folder).items() if name not in left_out}
        self._by_name: dict[str, list[str]] = defaultdict(list)
        for name in self._named:
            self._by_name[name.rpartition("/")[2]].append(name)

    def find(self, image_id: str, image: Path | None = None) -> Path | None:
        """Return the mask of an image by its id, or by the last folders of its path; None where there is none.

        Raises:
            LabelError: several masks fit.
        """
        # Names from disks of macOS may have their accents decomposed, those of a table composed.
        folders, _, name = normalize("NFC", image_id).rpartition("/")
        if not folders and image is not None:
            folders = normalize("NFC", image.absolute().parent.as_posix())
        fitting = self._by_name.get(name, [])
        if len(fitting) > 1:
            of_folder = f"/{folders}/{name}"
            fitting = [one for one in fitting if "/" in one and of_folder.endswith(f"/{one}")] or fitting
        if len(fitting) > 1:
            names = listed(self._named[one].relative_to(self.folder).as_posix() for one in fitting)
            raise LabelError(f"{self.folder} has {len(fitting)} masks of {image_id}: {names}; name one of the folders")
        if not fitting or self._is_of_another(fitting[0], normalize("NFC", image_id)):
            return None
        return self._named[fitting[0]]

    def find_each(self, images: Iterable[tuple[str, Path]]) -> list[Path | None]:
        """Return the mask of each image, given by id and file, as `find`.

        Raises:
            LabelError: several masks fit an image, or one mask fits images of one name in several folders.
        """
        pairs = list(images)
        found = [self.find(*pair) for pair in pairs]
        owners: dict[Path, dict[Path, Path]] = defaultdict(dict)
        for (_, image), mask in zip(pairs, found, strict=True):
            if mask is not None:
                owners[mask].setdefault(file_of(image).parent, image)
        for mask, by_folder in owners.items():
            if len(by_folder) > 1:
                names = listed(str(image) for image in by_folder.values())
                raise LabelError(
                    f"{mask} fits {len(by_folder)} images: {names}; put the mask of each into a subfolder called like "
                    "the folder of its image"
                )
        return found

    @staticmethod
    def _is_of_another(mask: str, image_id: str) -> bool:
        """Whether the folders of a mask are not those of an image whose id has folders, as its name occurs again."""
        if "/" not in mask or "/" not in image_id:
            return False
        return not (f"/{image_id}".endswith(f"/{mask}") or f"/{mask}".endswith(f"/{image_id}"))


def _masks_in(folder: Path) -> dict[str, Path]:
    """Return the masks of a folder and its subfolders by the path of their image in it, without ending."""
    several: dict[str, list[Path]] = defaultdict(list)
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for path in (Path(place, name) for name in sorted(files) if not name.startswith(".")):
            if path.suffix.lower() in SUFFIXES:
                match = MASK_NAME.fullmatch(path.stem)
                name = path.with_name(match["image_id"] if match else path.stem).relative_to(folder).as_posix()
                several[normalize("NFC", name)].append(path)
    chosen = {name: _preferred(paths) for name, paths in several.items()}
    if twice := sorted(name for name, paths in chosen.items() if len(paths) > 1):
        raise LabelError(f"{folder}: images with two masks: {listed(twice)}; expected each once. Take the others out.")
    return {name: paths[0] for name, paths in chosen.items()}


def _preferred(paths: list[Path]) -> list[Path]:
    """Return those that are PNG, else those that are called masks, else all: a folder may hold the photographs too."""
    png = [path for path in paths if path.suffix.lower() in PNG_SUFFIXES]
    return png or [path for path in paths if MASK_NAME.fullmatch(path.stem)] or paths
