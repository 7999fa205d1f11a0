"""The options that name the lesion masks of a prediction: a folder of them, or a segmenter."""

from pathlib import Path

from attnmel.data.dicom.frames import image_id
from attnmel.data.preprocess.network_input import mask_of
from attnmel.errors import ConfigError
from attnmel.files.checksums import file_sha256
from attnmel.files.folders import MasksFolder
from attnmel.pipeline.predict.masks.lesion_masks import NO_MASKS, LesionMasks


def open_masks(masks: Path | None, segmenter: Path | None) -> LesionMasks:
    """Return the masks of a folder (`<image>_segmentation.png` or `<image>.png`), or of a segmenter, or none.

    Raises:
        ConfigError: both are named, or there is no such folder.
        LabelError: the folder has two masks of an image.
        CheckpointError: the segmenter cannot be used.
    """
    if masks is not None and segmenter is not None:
        raise ConfigError("--masks and --segmenter both name the lesion masks; leave out one of them")
    if segmenter is not None:
        from attnmel.pipeline.predict.masks.segmenter_masks import SegmenterMasks  # with torch

        drawn = SegmenterMasks(segmenter)
        return LesionMasks(drawn, f"segmenter {file_sha256(drawn.file)[:12]}")
    if masks is not None:
        if not masks.is_dir():
            raise ConfigError(
                f"--masks {masks} is no folder; expected one with <image>_segmentation.png or <image>.png"
            )
        from attnmel.data.priors.sources import folder_masks  # with what downloads archives

        files = folder_masks(MasksFolder(masks))
        return LesionMasks(lambda image: mask_of(files.find(image_id(image), image), image), f"folder {masks}", files)
    return NO_MASKS
