"""The lesion masks of a prediction: of a folder, or drawn by a segmenter. Without a segmenter no torch is loaded."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from attnmel.config.fields import LESION
from attnmel.data.preprocess.network_input import Mask, mask_of
from attnmel.data.priors.sources import folder_masks
from attnmel.errors import ConfigError
from attnmel.folders import MasksFolder
from attnmel.models.weights.card import Card

MaskOf = Callable[[Path], Mask | None]
"""The lesion mask of an image file; None where there is none."""


class LesionMasks:
    """Where the masks of a prediction come from."""

    def __init__(self, of: MaskOf | None, made_with: str) -> None:
        self.given = of is not None
        """Whether there are masks at all."""
        self.made_with = made_with
        """What the masks depend on; empty without masks."""
        self._of = of

    def __call__(self, image: Path) -> Mask | None:
        """Return the lesion mask of an image file; None where there is none.

        Raises:
            ImageError: image or mask cannot be used, or they are of other sizes.
        """
        return None if self._of is None else self._of(image)


NO_MASKS = LesionMasks(None, "")


def open_masks(card: Card, masks: Path | None, segmenter: Path | None) -> LesionMasks:
    """Return the masks of a folder (`<image>_segmentation.png` or `<image>.png`), or of a segmenter, or none.

    Raises:
        ConfigError: both are named, there is no such folder, or none is named and the network's crop follows
            the lesion.
        LabelError: the folder has two masks of an image.
        CheckpointError: the segmenter cannot be used.
    """
    if masks is not None and segmenter is not None:
        raise ConfigError("--masks and --segmenter both name the lesion masks; leave out one of them")
    if segmenter is not None:
        from attnmel.pipeline.predict.segmenter_masks import SegmenterMasks

        drawn = SegmenterMasks(segmenter)
        return LesionMasks(drawn, f"segmenter {hashlib.sha256(drawn.file.read_bytes()).hexdigest()[:12]}")
    if masks is not None:
        if not masks.is_dir():
            raise ConfigError(
                f"--masks {masks} is no folder; expected one with <image>_segmentation.png or <image>.png"
            )
        files = folder_masks(MasksFolder(masks))
        return LesionMasks(lambda image: mask_of(files.get(image.stem), image), f"folder {masks}")
    if card.crop == LESION:
        raise ConfigError(
            "this network sees the square around the lesion, so it needs lesion masks: name a folder of them by "
            "--masks, or a segmenter by --segmenter (attnmel segment train)"
        )
    return NO_MASKS
