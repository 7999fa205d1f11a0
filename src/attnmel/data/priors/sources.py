"""Which files the prior of each image is made of, whatever it is a prior of, and where they are from. No torch.

masks ""           lesion, background: the data set's own lesion masks
                   dermoscopic, structures: superpixels with features (ISIC 2017), else attribute masks (ISIC 2018)
masks "predicted"  what a segmenter wrote for the data set
masks FOLDER       <image>_segmentation.png or <image>.png in it
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar
from unicodedata import normalize

import numpy as np
from jaxtyping import Bool

from attnmel.config.recipe import OF_STRUCTURES, STRUCTURES, STRUCTURES_AND_LESION
from attnmel.data.archives.catalog import ARCHIVES, FEATURES
from attnmel.data.datasets.mask_files import feature_masks
from attnmel.data.datasets.own.masks import FolderMasks
from attnmel.data.datasets.read_dataset import Dataset
from attnmel.data.datasets.superpixels import DERMOSCOPIC_FEATURES, marked_superpixels, superpixel_pairs
from attnmel.data.preprocess.images import lesion_mask
from attnmel.errors import ArchiveError, LabelError
from attnmel.files.folders import MasksFolder, expanded, predicted_masks
from attnmel.files.table_files import damage, read_table
from attnmel.records import Lesion

DERMOSCOPIC = "dermoscopic"
ATTRIBUTE_MASKS = "isic2018-task1"
HAVE_ATTRIBUTE_MASKS = ("isic2016", "isic2017", ATTRIBUTE_MASKS)
"""Data sets whose images are among those of ISIC 2018 task 1-2, by image id."""

ATTRIBUTE_SOURCE = "attribute masks (ISIC 2018 task 2)"

PREDICTED = "predicted"
EMPTY = "empty"
"""Flag of a mask in which a segmenter found no lesion."""


@dataclass(frozen=True)
class MaskFiles:
    """Masks whose union is the prior of one image."""

    paths: tuple[Path, ...]
    source: str
    """Where they are from, in the words of a sentence."""
    chosen: ClassVar[tuple[str, ...]] = ()
    """What else than the files decides what is marked: nothing."""

    def marked(self, image_size: tuple[int, int]) -> Bool[np.ndarray, "H W"]:
        """Return the marked pixels of the upright image."""
        return np.logical_or.reduce([lesion_mask(path, image_size=image_size) for path in self.paths])


@dataclass(frozen=True)
class SuperpixelFiles:
    """Superpixels and what is seen in each: one dermoscopic feature of an image, or all of them."""

    superpixels: Path
    features: Path
    names: tuple[str, ...] = DERMOSCOPIC_FEATURES
    source: str = "superpixels with features (ISIC 2017 part 2)"

    @property
    def paths(self) -> tuple[Path, ...]:
        """Every file that is read."""
        return (self.superpixels, self.features)

    @property
    def chosen(self) -> tuple[str, ...]:
        """What else than the files decides what is marked: the features that are read, where they are not all."""
        return () if self.names == DERMOSCOPIC_FEATURES else self.names

    def marked(self, image_size: tuple[int, int]) -> Bool[np.ndarray, "H W"]:
        """Return the pixels of all superpixels in which one of the features is seen."""
        return marked_superpixels(self.superpixels, self.features, self.names, image_size)


Marks = MaskFiles | SuperpixelFiles


@dataclass(frozen=True)
class StructureFiles:
    """What marks the dermoscopic features of one image, each by itself."""

    each: tuple[Marks, ...]
    """In the order of `DERMOSCOPIC_FEATURES`."""
    source: str
    paths: tuple[Path, ...]
    chosen: tuple[str, ...] = (STRUCTURES,)

    @classmethod
    def of(cls, files: Marks) -> "StructureFiles":
        """Return the same files, each feature by itself."""
        if isinstance(files, SuperpixelFiles):
            each = tuple(replace(files, names=(name,)) for name in DERMOSCOPIC_FEATURES)
            return cls(each, files.source, files.paths)
        return cls(tuple(replace(files, paths=(path,)) for path in files.paths), files.source, files.paths)

    def with_lesion(self, mask: Path) -> "StructureFiles":
        """Return the same with the lesion's mask as the last."""
        each = (*self.each, MaskFiles((mask,), self.source))
        return replace(self, each=each, paths=(*self.paths, mask), chosen=(STRUCTURES_AND_LESION,))


PriorFiles = Marks | StructureFiles


def prior_files(
    prior: str, masks: str, dataset: Dataset, lesions: Sequence[Lesion], home: Path
) -> dict[str, PriorFiles]:
    """Return what the prior of each image is made of, by image id; images without one are left out.

    Raises:
        LabelError: there is no such folder of masks, a mask fits several images of the data set, or no annotation of
            dermoscopic features was fetched.
    """
    if masks:
        folder = masks_folder(masks, dataset, home)
        found, source = folder_masks(folder), f"masks in {folder.path}"
        # Of all images, since a mask that fits one of them may be that of another one of the same name.
        paths = found.find_each((lesion.image_id, lesion.image) for lesion in dataset.lesions)
        named = {lesion.image_id: path for lesion, path in zip(dataset.lesions, paths, strict=True)}
        wanted = ((lesion.image_id, named.get(lesion.image_id)) for lesion in lesions)
        return {image_id: MaskFiles((path,), source) for image_id, path in wanted if path is not None}
    if prior == DERMOSCOPIC:
        return {**_dermoscopic_files(dataset, lesions, home)}
    if prior in OF_STRUCTURES:
        return {**_structure_files(_dermoscopic_files(dataset, lesions, home), lesions, prior)}
    source = "lesion masks of the data set"
    return {lesion.image_id: MaskFiles((lesion.mask,), source) for lesion in lesions if lesion.mask is not None}


def feature_files(dataset: Dataset, lesions: Sequence[Lesion], home: Path) -> dict[str, dict[str, PriorFiles]]:
    """Return what marks each dermoscopic feature, by feature and image id: its superpixels, else its attribute mask.

    A feature may be marked nowhere on an image. Nothing where the data set has no such marks, or they were not fetched.
    """
    masks, _ = _attribute_masks(dataset.name, home)
    superpixels = _superpixel_files(dataset.name, lesions, home)
    found: dict[str, dict[str, PriorFiles]] = {}
    for feature in FEATURES:
        files: dict[str, PriorFiles] = {
            image_id: MaskFiles((of[feature],), ATTRIBUTE_SOURCE) for image_id, of in masks.items() if feature in of
        }
        if feature in DERMOSCOPIC_FEATURES:
            files |= {image_id: replace(one, names=(feature,)) for image_id, one in superpixels.items()}
        if of_lesions := {one.image_id: files[one.image_id] for one in lesions if one.image_id in files}:
            found[feature] = of_lesions
    return found


def masks_folder(masks: str, dataset: Dataset, home: Path, setting: str = "loss.masks") -> MasksFolder:
    """Return the folder that `loss.masks`, or another setting of the same values, means.

    Raises:
        LabelError: there is none.
    """
    if masks != PREDICTED:
        folder = MasksFolder(expanded(masks))
        if not folder.path.is_dir():
            raise LabelError(f"{setting} = '{masks}' is no folder; expected one with <image>_segmentation.png files")
        return folder
    if not dataset.is_known:
        raise LabelError(
            f"{setting} = 'predicted' means the masks of a known data set, and {dataset.name} is a folder; name the "
            "folder that `attnmel segment predict --out` wrote"
        )
    folder = predicted_masks(home, dataset.name)
    if not folder.path.is_dir():
        raise LabelError(
            f"no predicted masks of {dataset.name} in {folder.path}; write them with `attnmel segment predict MODEL "
            f"{dataset.name}`"
        )
    return folder


def mask_flags(folder: MasksFolder) -> dict[str, str]:
    """Return what a segmenter found odd about its masks, by image id; "" where nothing, and no entry without a table.

    Raises:
        LabelError: the table cannot be read.
    """
    if not folder.table.is_file():
        return {}
    cure = "expected a table with the columns image and flag, as `attnmel segment predict` writes it"
    with damage(folder.table, LabelError, cure):
        return {row["image"]: row["flag"] for row in read_table(folder.table, ("image", "flag"))}


def masks_segmenter(folder: MasksFolder) -> str:
    """Return the SHA-256 of the segmenter that drew the masks of a folder; "" where its table does not name one.

    Raises:
        LabelError: the table cannot be read.
    """
    if not folder.table.is_file():
        return ""
    with damage(folder.table, LabelError, "expected a table as `attnmel segment predict` writes it"):
        return next((row["segmenter"] for row in read_table(folder.table, ("image",)) if row.get("segmenter")), "")


def count_by_source(files: Mapping[str, PriorFiles]) -> dict[str, int]:
    """Return how many images have a prior from where, the most frequent first."""
    return dict(Counter(one.source for one in files.values()).most_common())


def folder_masks(folder: MasksFolder) -> FolderMasks:
    """Return the masks of a folder without empty ones."""
    flags = mask_flags(folder)
    return FolderMasks(folder.path, {normalize("NFC", image_id) for image_id in flags if flags[image_id] == EMPTY})


def _structure_files(marks: Mapping[str, Marks], lesions: Sequence[Lesion], prior: str) -> dict[str, StructureFiles]:
    files = {image_id: StructureFiles.of(one) for image_id, one in marks.items()}
    if prior == STRUCTURES:
        return files
    masks = {one.image_id: one.mask for one in lesions if one.mask and one.image_id in files}
    return {image_id: files[image_id].with_lesion(mask) for image_id, mask in masks.items()}


def _dermoscopic_files(dataset: Dataset, lesions: Sequence[Lesion], home: Path) -> dict[str, Marks]:
    superpixels = _superpixel_files(dataset.name, lesions, home)
    others = [lesion for lesion in lesions if lesion.image_id not in superpixels]
    attributes, why = _attribute_files(dataset.name, others, home) if others else ({}, "")
    if not superpixels and not attributes:
        raise LabelError(
            f"no dermoscopic features of {dataset.name}: neither superpixels (<image>_superpixels.png next to the "
            "images, with ISIC-2017_*_Part2_GroundTruth.zip: `attnmel fetch isic2017`) nor attribute masks "
            f"(ISIC2018_Task2_Training_GroundTruth_v3.zip: `attnmel fetch isic2018`){why}"
        )
    return {**superpixels, **attributes}


def _superpixel_files(dataset: str, lesions: Sequence[Lesion], home: Path) -> dict[str, SuperpixelFiles]:
    archives = [one for one in ARCHIVES.get(dataset, ()) if one.role == "superpixel features"]
    folders = [place for one in archives if (place := one.location(home)).is_dir()]
    pairs = superpixel_pairs({lesion.image_id: lesion.image for lesion in lesions}, folders)
    return {image_id: SuperpixelFiles(*pair) for image_id, pair in pairs.items()}


def _attribute_files(dataset: str, lesions: Sequence[Lesion], home: Path) -> tuple[dict[str, MaskFiles], str]:
    """Return the union of the attribute masks of images, and why there are none."""
    masks, why = _attribute_masks(dataset, home)
    whole = {one: of for one, of in masks.items() if of.keys() >= {*DERMOSCOPIC_FEATURES}}
    ids = [lesion.image_id for lesion in lesions if lesion.image_id in whole]
    paths = {one: tuple(whole[one][name] for name in DERMOSCOPIC_FEATURES) for one in ids}
    return {one: MaskFiles(of, ATTRIBUTE_SOURCE) for one, of in paths.items()}, why


def _attribute_masks(dataset: str, home: Path) -> tuple[dict[str, dict[str, Path]], str]:
    """Return the masks by image id and feature, and why there are none."""
    if dataset not in HAVE_ATTRIBUTE_MASKS:
        return {}, f"; those of ISIC 2018 task 2 are of images of {', '.join(HAVE_ATTRIBUTE_MASKS)}"
    try:
        return feature_masks(ATTRIBUTE_MASKS, home), ""
    except ArchiveError as error:
        return {}, f". {error}"
