"""The files of one image decoded and looked at: whatever is wrong is a finding, nothing stops. No torch."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from attnmel.data.datasets.superpixels import DERMOSCOPIC_FEATURES, marked_superpixels
from attnmel.data.image_files.decode import decode_scaled, opened
from attnmel.data.image_files.masks import mask_levels
from attnmel.data.image_files.picture import upright, upright_size
from attnmel.data.image_files.reading import read_picture
from attnmel.data.preprocess.images import MASK_THRESHOLD
from attnmel.data.verify.findings import Finding
from attnmel.data.verify.image_checks import image_problems
from attnmel.data.verify.inventory import Item
from attnmel.data.verify.mask_checks import mask_problems
from attnmel.data.verify.mask_fit import fit_problems, small_image
from attnmel.data.verify.mask_kinds import colour_problem
from attnmel.errors import ImageError

SMALLEST_SCALE = 8
"""An image is looked at in an eighth of its size, which reads every byte of a JPEG all the same."""

Size = tuple[int, int]


@dataclass(frozen=True)
class Examined:
    """What was found out about one image."""

    image_id: str
    findings: tuple[Finding, ...]
    size: Size | None
    """Width and height, upright; None of an image that cannot be used."""
    has_usable_mask: bool
    notes: tuple[str, ...] = ()
    """How the image was read, as `Reading.notes`."""


def examine_item(item: Item) -> Examined:
    """Decode the image and its masks and return all that is odd about them."""
    findings, stored, size, small, notes = _image(item)
    usable = False
    if item.mask is not None:
        grey, found = _mask(item, item.mask, stored, size)
        if grey is not None:
            problems = mask_problems(grey)
            if size is not None and not any(one.severity == "error" for one in found):
                problems = fit_problems(small, grey > MASK_THRESHOLD, problems, is_square=size[0] == size[1])
            found += [Finding(kind, item.image_id, item.mask.name, text) for kind, text in problems]
            usable = not any(finding.severity == "error" for finding in found)
        findings += found
    findings += _features(item, stored, size)
    if item.superpixels is not None and size is not None:
        findings += _superpixels(item.image_id, *item.superpixels, size)
    return Examined(item.image_id, tuple(findings), size, usable, notes)


def _image(
    item: Item,
) -> tuple[list[Finding], Size | None, Size | None, UInt8[np.ndarray, "s s 3"], tuple[str, ...]]:
    """Return what is odd about the image, its size as stored and shown, a small copy, upright, and how it was read."""
    try:
        with opened(item.image) as picture:
            stored, size = picture.size, upright_size(picture)
            decode_scaled(picture, SMALLEST_SCALE)
            read = read_picture(picture)
            pixels, small = np.asarray(read.stored), small_image(upright(read.stored, picture))
    except ImageError as error:
        unusable = Finding("image unusable", item.image_id, item.image.name, str(error))
        return [unusable], None, None, np.zeros((0, 0, 3), dtype=np.uint8), ()
    found = [Finding(kind, item.image_id, item.image.name, text) for kind, text in image_problems(pixels)]
    return found, stored, size, small, read.reading.notes


def _mask(
    item: Item, path: Path, stored: Size | None, size: Size | None
) -> tuple[UInt8[np.ndarray, "H W"] | None, list[Finding]]:
    """Return a mask's grey levels, None where it cannot be used, and what is wrong with its file or size."""
    try:
        with opened(path) as picture:
            found = upright_size(picture)
            grey = np.asarray(mask_levels(picture))
            colour = colour_problem(picture.pillow)
    except ImageError as error:
        return None, [Finding("mask unusable", item.image_id, path.name, str(error))]
    odd = [Finding(colour[0], item.image_id, path.name, colour[1])] if colour else []
    if size is None or found == size:
        return grey, odd
    sizes = f"{found[0]} x {found[1]} pixels; its image is {size[0]} x {size[1]}"
    if found in (stored, (size[1], size[0])):
        return grey, [*odd, Finding("mask turned", item.image_id, path.name, sizes)]
    return grey, [*odd, Finding("mask size", item.image_id, path.name, sizes)]


def _features(item: Item, stored: Size | None, size: Size | None) -> list[Finding]:
    findings, marked, opens = [], False, False
    for path in item.features:
        grey, found = _mask(item, path, stored, size)
        findings += found
        if grey is not None:
            opens = True
            marked = marked or int(grey.max()) > MASK_THRESHOLD
    if opens and not marked:
        text = f"all {len(item.features)} masks of features are empty"
        findings.append(Finding("no feature marked", item.image_id, item.features[0].name, text))
    return findings


def _superpixels(image_id: str, superpixels: Path, features: Path, size: Size) -> list[Finding]:
    try:
        marked_superpixels(superpixels, features, DERMOSCOPIC_FEATURES, size)
    except ImageError as error:
        return [Finding("superpixels unusable", image_id, superpixels.name, str(error))]
    return []
