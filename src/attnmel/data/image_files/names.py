"""What files and folders are by their names: masks and maps next to photographs. No torch."""

import re

_MASK = re.compile(
    r".*[_\- ](segmentation|seg|mask|masks|superpixels|attribute_\w+|pool3|pool4)|masks?|segmentations?", re.I
)
_MASK_FOLDER = re.compile(rf"{_MASK.pattern}|ground_?truth|.*_groundtruth|labels", re.I)


def is_mask_name(stem: str) -> bool:
    """Return whether a file is a mask, superpixels or a map by its name without the ending."""
    return _MASK.fullmatch(stem) is not None


def is_mask_folder(name: str) -> bool:
    """Return whether a folder holds masks by its name."""
    return _MASK_FOLDER.fullmatch(name) is not None
