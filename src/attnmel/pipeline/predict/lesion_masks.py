"""The lesion masks of a prediction, wherever they come from. No torch."""

from collections.abc import Callable
from pathlib import Path

from attnmel.data.preprocess.network_input import Mask

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
