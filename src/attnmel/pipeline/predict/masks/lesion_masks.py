"""The lesion masks of a prediction, wherever they come from. No torch."""

from collections.abc import Callable, Sequence
from pathlib import Path

from attnmel.config.fields import LESION
from attnmel.data.datasets.own.masks import FolderMasks
from attnmel.data.dicom.frames import image_id
from attnmel.data.image_files.masks import jpeg_note
from attnmel.data.preprocess.network_input import Mask
from attnmel.errors import ConfigError, listed
from attnmel.models.weights.card import Card
from attnmel.progress import Progress

MaskOf = Callable[[Path], Mask | None]
"""The lesion mask of an image file; None where there is none."""


class LesionMasks:
    """Where the masks of a prediction come from."""

    def __init__(self, of: MaskOf | None, made_with: str, files: FolderMasks | None = None) -> None:
        self.given: bool = of is not None
        """Whether there are masks at all."""
        self.made_with = made_with
        """What the masks depend on; empty without masks."""
        self.files = files
        """Where they are files of a folder."""
        self._of = of

    def __call__(self, image: Path) -> Mask | None:
        """Return the lesion mask of an image file; None where there is none.

        Raises:
            ImageError: image or mask cannot be used, or they are of other sizes.
        """
        return None if self._of is None else self._of(image)


NO_MASKS = LesionMasks(None, "")


def require_masks(card: Card, masks: LesionMasks) -> None:
    """Refuse a network whose crop follows the lesion without any masks.

    Raises:
        ConfigError: says how to name them.
    """
    if card.crop == LESION and not masks.given:
        raise ConfigError(
            "this network sees the square around the lesion, so it needs lesion masks: name a folder of them by "
            "--masks, or a segmenter by --segmenter (attnmel segment train)"
        )


def note_masks(masks: LesionMasks, images: Sequence[Path], progress: Progress) -> None:
    """Print how many images have a mask in the folder of masks, if not all do, and how many masks are JPEG files.

    Raises:
        ConfigError: no image has one.
        LabelError: several masks fit one image, or one mask images in several folders.
    """
    if masks.files is None:
        return
    files = masks.files.find_each((image_id(image), image) for image in images)
    found = dict(zip(images, files, strict=True))
    without = [image_id(image) for image, mask in found.items() if mask is None]
    if len(without) == len(found):
        name = without[0]
        raise ConfigError(
            f"--masks {masks.files.folder} has a mask of none of the {len(found)} images; expected "
            f"{name}_segmentation.png or {name}.png there, or leave out --masks"
        )
    if without:
        progress.note(
            f"{len(without):,} of {len(found):,} images have no mask in {masks.files.folder}: {listed(without)}"
        )
    for sentence in jpeg_note(found.values()):
        progress.note(sentence)
