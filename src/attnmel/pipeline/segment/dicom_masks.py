"""Write the predicted masks of DICOM images as DICOM Segmentations."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from attnmel.data.dicom.frames import is_dicom_file, require_writer
from attnmel.data.image_files.masks import read_mask
from attnmel.data.preprocess.images import MASK_THRESHOLD
from attnmel.errors import ConfigError
from attnmel.files.locks import hold_folder


def require_dicom_masks(paths: Mapping[str, Path]) -> None:
    """Refuse to write Segmentations where no image is DICOM, or what writes them is not installed.

    Raises:
        ConfigError: says which.
    """
    if not any(map(is_dicom_file, paths.values())):
        raise ConfigError("masks are written as DICOM for DICOM images only, and there is none; leave out --dicom-out")
    require_writer()


def write_dicom_masks(out: Path, paths: Mapping[str, Path], masks: Mapping[str, Path]) -> int:
    """Write `<image>-mask.dcm` for each DICOM image with a mask, both by image id; return how many."""
    from attnmel.data.dicom.results import Results, write_mask  # needs highdicom

    results, written = Results("lesion mask"), 0
    out.mkdir(parents=True, exist_ok=True)
    with hold_folder(out):
        for image_id, mask in masks.items():
            if is_dicom_file(paths[image_id]):
                marked = np.asarray(read_mask(mask)) > MASK_THRESHOLD
                write_mask(out / f"{image_id}-mask.dcm", paths[image_id], marked, results)
                written += 1
    return written
