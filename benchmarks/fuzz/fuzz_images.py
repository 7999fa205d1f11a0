"""The readers of pictures and maps that `fuzz.py` gives damaged files to."""

import contextlib
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from attnmel.data.datasets.superpixels import read_features, read_superpixels
from attnmel.data.dicom.attributes import dicom_facts
from attnmel.data.image_files.masks import read_mask
from attnmel.data.image_files.reading import read_image
from attnmel.errors import AttnmelError
from attnmel.saliency.map_files import read_levels
from fuzz_target import Target, whole_files


def npz_targets(strangers: Path) -> Iterator[Target]:
    """Give the reader of stored maps."""
    path = strangers / "maps.npz"
    levels = np.arange(3 * 16, dtype=np.uint8).reshape(3, 4, 4)
    with zipfile.ZipFile(path, "w") as archive:
        for name, values in (("image", np.array(["a", "b", "c"])), ("levels", levels)):
            with archive.open(f"{name}.npy", "w") as file:
                np.lib.format.write_array(file, values, allow_pickle=False)
    yield Target("maps-npz", "", whole_files(path), lambda one: list(read_levels(one, ["a", "b", "c"])), "maps.npz")


def image_targets(strangers: Path) -> Iterator[Target]:
    """Give the readers of images, masks, superpixels and DICOM files."""
    from tests.strangers.images.make_dicom import write_cases
    from tests.strangers.images.make_images import make_images, refused

    folder = strangers / "images"
    folder.mkdir(parents=True, exist_ok=True)
    make_images(folder)
    for name, (content, _) in refused().items():
        (folder / name).write_bytes(content)
    for suffix in ("jpg", "png", "tif", "bmp", "webp", "heic", "gif"):
        seeds = whole_files(*sorted(folder.glob(f"*.{suffix}")))
        if seeds:
            yield Target(f"image-{suffix}", suffix, seeds, _picture, f"i.{suffix}", 2)
    mask = strangers / "mask.png"
    Image.fromarray(np.uint8(np.indices((40, 50)).sum(0) % 9 > 4) * 255).save(mask)
    superpixels = strangers / "superpixels.png"
    Image.fromarray(np.uint8(np.moveaxis(np.indices((3, 30, 44))[:, 0], 0, 2))).save(superpixels)
    yield Target("mask", "png", whole_files(mask), read_mask, "m.png")
    yield Target("superpixels", "png", whole_files(superpixels), lambda path: read_superpixels(path, (44, 30)), "s.png")
    features = [json.dumps({name: [0, 1, 0, 1] for name in ("pigment_network", "streaks")}).encode()]
    yield Target(
        "superpixel-json", "json", features, lambda path: read_features(path, ["pigment_network", "streaks"]), "f.json"
    )
    write_cases(strangers / "dicom")
    dicom = whole_files(*sorted(path for path in (strangers / "dicom").iterdir() if path.is_file()))
    yield Target("dicom", "", dicom, _dicom, "d.dcm", 2)


def _picture(path: Path) -> object:
    return read_image(path).pixels.size


def _dicom(path: Path) -> object:
    with contextlib.suppress(AttnmelError):
        dicom_facts(path, path.name)
    return _picture(path)
