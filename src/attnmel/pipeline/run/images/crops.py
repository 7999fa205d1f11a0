"""The squares that a recipe prepares of its images: central, around the lesion, or several of each image."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from attnmel.config.fields import LESION
from attnmel.config.recipe import DataSettings
from attnmel.data.datasets.read_dataset import Dataset
from attnmel.data.preprocess.cache import NO_MASKS, Cache, open_cache
from attnmel.data.preprocess.cache_build import Crop
from attnmel.data.preprocess.framing import framing_of
from attnmel.data.priors.sources import folder_masks, masks_folder, masks_segmenter
from attnmel.errors import LabelError
from attnmel.files.folders import MasksFolder
from attnmel.progress import SILENT, Progress
from attnmel.records import Lesion


def crop_masks_folder(data: DataSettings, dataset: Dataset, home: Path) -> MasksFolder | None:
    """Return the folder of the masks that the recipe's crop follows; None where they are the data set's own, or none.

    Raises:
        LabelError: there is no such folder.
    """
    if data.crop != LESION or not data.crop_masks:
        return None
    return masks_folder(data.crop_masks, dataset, home, "data.crop_masks")


def crop_facts(data: DataSettings, dataset: Dataset, lesions: Sequence[Lesion], home: Path) -> dict[str, Any]:
    """Return the entry in a run's provenance on the masks that its crop follows; empty where none come from a folder.

    Raises:
        LabelError: as `crop_masks`.
    """
    folder = crop_masks_folder(data, dataset, home)
    if folder is None:
        return {}
    having = len(crop_masks(data, dataset, lesions, home))
    segmenter = masks_segmenter(folder)
    return {
        "masks": data.crop_masks,
        "with": having,
        "without": len(lesions) - having,
        **({"segmenter": segmenter} if segmenter else {}),
    }


def crop_masks(data: DataSettings, dataset: Dataset, lesions: Sequence[Lesion], home: Path) -> Mapping[str, Path]:
    """Return the lesion masks that the recipe's crop follows, by image id; none for a crop that follows no lesion.

    Raises:
        LabelError: no image has such a mask, or there is no such folder of masks.
    """
    if data.crop != LESION:
        return NO_MASKS
    if (folder := crop_masks_folder(data, dataset, home)) is not None:
        every = folder_masks(folder)
        found = every.find_each((lesion.image_id, lesion.image) for lesion in lesions)
        named = {lesion.image_id: mask for lesion, mask in zip(lesions, found, strict=True)}
    else:
        named = {lesion.image_id: lesion.mask for lesion in lesions}
    masks = {image_id: mask for image_id, mask in named.items() if mask is not None}
    if not masks:
        raise LabelError(
            f"data.crop = '{LESION}', but none of the {len(lesions)} images of {dataset.name} has a mask; add the "
            "masks, or write them with `attnmel segment predict` and set data.crop_masks"
        )
    return masks


def open_crop(
    data: DataSettings,
    dataset: Dataset,
    lesions: Sequence[Lesion],
    *,
    place: int = 0,
    home: Path,
    progress: Progress = SILENT,
) -> Cache:
    """Return the prepared images of the recipe's square number `place`; 0 is the one that training uses.

    Raises:
        LabelError, ImageError, AttnmelError: as `open_cache` and `crop_masks`.
    """
    masks = crop_masks(data, dataset, lesions, home)
    crop = cache_crop(data) if place == 0 else framing_of(data)
    cache = open_cache(
        lesions,
        crop=crop,
        side=data.side,
        masks=masks,
        place=place,
        colour_constancy=data.colour_constancy,
        home=home,
        progress=progress,
    )
    if data.crop == LESION and cache.without_lesion:
        progress.note(
            f"{len(cache.without_lesion)} of {len(lesions)} images have no lesion mask, or an empty one; their crop is "
            "the largest central square"
        )
    return cache


def cache_crop(data: DataSettings) -> Crop:
    """Return which part of each image training uses, as caches take it."""
    return framing_of(data) if data.crop == LESION else data.crop


def other_crops(
    data: DataSettings, dataset: Dataset, lesions: Sequence[Lesion], *, home: Path, progress: Progress = SILENT
) -> Iterator[Cache]:
    """Give the caches of the squares whose predictions are averaged with the first; none where the recipe has one."""
    for place in range(1, data.crops):
        yield open_crop(data, dataset, lesions, place=place, home=home, progress=progress)
