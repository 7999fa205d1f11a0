"""The lesion masks of a prediction, wherever they come from. No torch."""

from collections.abc import Callable
from pathlib import Path

from attnmel.config.fields import LESION
from attnmel.data.preprocess.network_input import Mask
from attnmel.errors import ConfigError
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
