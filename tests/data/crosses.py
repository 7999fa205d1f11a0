"""Images with a cross each, and the same cross in the files of every kind of prior."""

import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw

from attnmel.data.archives.catalog import FEATURES
from attnmel.data.archives.fetch import ArchiveState, fetch
from attnmel.data.datasets.read_dataset import Dataset
from attnmel.data.preprocess.cache import Cache, open_cache
from attnmel.data.priors.cache import Planes, open_planes
from attnmel.data.priors.sources import prior_files
from attnmel.files.folders import predicted_masks
from attnmel.records import Lesion

if TYPE_CHECKING:
    pass

SIDE, SIZE, CROP = 36, 32, 0.8
MEAN, STD = (0.7, 0.5, 0.4), (0.1, 0.2, 0.3)
COUNT = 6
STATE = ArchiveState("a.zip", "file:///a.zip", 1, "", 1, 1, "complete")


def cross(number: int) -> Image.Image:
    """A cross off the centre of 90 x 60 pixels, which no turn and no flip leaves as it was."""
    picture = Image.new("L", (90, 60))
    x, y = 36 + 3 * number, 24 + 2 * number % 8
    ImageDraw.Draw(picture).rectangle((x, y - 8, x + 3, y + 16), fill=255)
    ImageDraw.Draw(picture).rectangle((x - 5, y, x + 12, y + 1), fill=255)
    return picture


def draw_crosses(tmp_path: Path) -> Dataset:
    """Images with a cross each; the lesion masks cross the last image out."""
    folder = tmp_path / "images"
    folder.mkdir()
    lesions = []
    for number in range(COUNT):
        image, mask = folder / f"ISIC_{number}.png", folder / f"m{number}.png"
        cross(number).convert("RGB").save(image)
        cross(number).save(mask)
        last = number == COUNT - 1
        lesions.append(Lesion(image_id=image.stem, image=image, mask=None if last else mask, diagnosis="x", split=None))
    return Dataset("isic2017", "ISIC 2017", tuple(lesions), "CC-0", (STATE,), is_known=True)


def write_superpixels(folder: Path, features: Path, image_id: str, area: np.ndarray) -> None:
    """Superpixel 256 in the left part of an area, 2 in its right part, each with a feature of its own."""
    colours = np.zeros((*area.shape, 3), np.uint8)
    left = np.arange(area.shape[1]) < 40
    colours[area & left] = (0, 1, 0)
    colours[area & ~left] = (2, 0, 0)
    Image.fromarray(colours).save(folder / f"{image_id}_superpixels.png")
    marked = {"pigment_network": [256], "streaks": [2], "negative_network": [], "milia_like_cyst": [2, 7]}
    lists = {name: [int(place in places) for place in range(257)] for name, places in marked.items()}
    features.mkdir(parents=True, exist_ok=True)
    (features / f"{image_id}_features.json").write_text(json.dumps(lists))


def write_attributes(home: Path, areas: Mapping[str, Mapping[str, np.ndarray]]) -> None:
    """Fetch masks of every feature from a mirror of ISIC 2018 task 2."""
    year = home / "mirror" / "2018"
    year.mkdir(parents=True)
    with zipfile.ZipFile(year / "ISIC2018_Task2_Training_GroundTruth_v3.zip", "w") as archive:
        for image_id, of in areas.items():
            for name in FEATURES:
                with archive.open(f"t/{image_id}_attribute_{name}.png", "w") as file:
                    Image.fromarray(of[name].astype(np.uint8) * 255).save(file, "PNG")
    fetch("isic2018-task1", home, mirror=(home / "mirror").as_uri())


def superpixels_of(dataset: Dataset, home: Path) -> None:
    for number, lesion in enumerate(dataset.lesions[:-1]):
        features = home / "data" / "isic2017" / "ISIC-2017_Training_Part2_GroundTruth"
        write_superpixels(lesion.image.parent, features, lesion.image_id, np.asarray(cross(number)) > 0)


def attributes_of(dataset: Dataset, home: Path) -> None:
    areas = {}
    for number, lesion in enumerate(dataset.lesions[:-1]):
        area, nothing = np.asarray(cross(number)) > 0, np.zeros((60, 90), bool)
        left = area & (np.arange(90) < 40)
        # Globules, all over, are none of the four.
        areas[lesion.image_id] = {
            "pigment_network": left,
            "streaks": area & ~left,
            "negative_network": nothing,
            "milia_like_cyst": nothing,
            "globules": ~nothing,
        }
    write_attributes(home, areas)


def folder_of(dataset: Dataset, home: Path) -> None:
    (home / "drawn").mkdir(parents=True)
    for number, lesion in enumerate(dataset.lesions[:-1]):
        ending = "_Segmentation" if number % 2 else ""
        cross(number).save(home / "drawn" / f"{lesion.image_id}{ending}.png")
    cross(0).save(home / "drawn" / "ISIC_of_another_data_set.png")


def predicted_of(dataset: Dataset, home: Path) -> None:
    folder = predicted_masks(home, "isic2017")
    folder.path.mkdir(parents=True)
    rows = ["# a notice", "image,confidence,area,pieces,flag,error"]
    for number, lesion in enumerate(dataset.lesions):
        cross(number).save(folder.mask(lesion.image_id))
        rows.append(f"{lesion.image_id},0.9,0.1,1,{'empty' if lesion == dataset.lesions[-1] else ''},")
    folder.table.write_text("\n".join([*rows, ""]))


Way = tuple[str, str, Callable[[Dataset, Path], None] | None]
WAYS: dict[str, Way] = {
    "lesion": ("lesion", "", None),
    "background": ("background", "", None),
    "dermoscopic, superpixels": ("dermoscopic", "", superpixels_of),
    "dermoscopic, attribute masks": ("dermoscopic", "", attributes_of),
    "lesion, a folder": ("lesion", "drawn", folder_of),
    "background, a folder": ("background", "drawn", folder_of),
    "lesion, predicted": ("lesion", "predicted", predicted_of),
}


def opened(dataset: Dataset, home: Path, **changed: Any) -> tuple[Cache, Planes]:  # noqa: ANN401 - any of the settings
    settings: dict[str, Any] = {"prior": "lesion", "masks": "", "spoil": "none"} | changed
    cache = open_cache(dataset.lesions, crop=CROP, side=SIDE, home=home)
    files = prior_files(settings["prior"], settings["masks"], dataset, dataset.lesions, home)
    planes = open_planes(dataset.lesions, files, crop=CROP, side=SIDE, spoil=settings["spoil"], home=home)
    return cache, planes
