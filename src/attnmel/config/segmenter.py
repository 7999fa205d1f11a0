"""The settings of the U-Net that draws lesion masks: frozen, and checked when they are read. No torch."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from attnmel.config.fields import Loggers, Positive, Size
from attnmel.config.settings.data import Settings
from attnmel.config.settings.training import Precision

Channels = Annotated[tuple[Annotated[int, Field(ge=1, le=2048)], ...], Field(min_length=2, max_length=6)]
Norm = Literal["batch", "instance"]


class SegmenterData(Settings):
    """Which images with true masks, and how they are prepared."""

    dataset: str = Field(min_length=1)
    """A known data set, or a folder with labels.csv; its training images that have a lesion mask are used."""
    size: Size = 160
    """Side in pixels of the square that the whole image is squashed to."""
    held_out: float = Field(default=0.1, gt=0, lt=1)
    """Share of these images that chooses the best epoch and is not trained on."""


class UNetSettings(Settings):
    """MONAI's UNet: each level after the first halves the map, by stride 2."""

    channels: Channels = (16, 32, 64, 128, 256)
    """Of each level; as many levels as numbers."""
    residual_units: int = Field(default=2, ge=0, le=4)
    """Convolutions of a level, bridged by a residual connection."""
    norm: Norm = "batch"


class SegmenterTraining(Settings):
    """AdamW; the rate rises over the first steps, then falls towards 0 along a cosine."""

    epochs: Positive = 40
    batch: Positive = 16
    learning_rate: float = Field(default=0.002, gt=0)
    """The highest."""
    weight_decay: float = Field(default=0.01, ge=0)
    seed: int = Field(default=0, ge=0)
    """Draws the held-out images, the first weights and the batches."""
    precision: Precision = "auto"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    log: Loggers = ()
    """As that of a classifier."""


class SegmenterRecipe(Settings):
    """All settings of the training of a segmenter."""

    data: SegmenterData
    model: UNetSettings = UNetSettings()
    training: SegmenterTraining = SegmenterTraining()

    @model_validator(mode="after")
    def _divisible(self) -> "SegmenterRecipe":
        stride = 2 ** (len(self.model.channels) - 1)
        if self.data.size % stride:
            raise ValueError(
                f"data.size = {self.data.size} does not divide by {stride}, the stride of {len(self.model.channels)} "
                "levels (model.channels)"
            )
        if self.data.size == stride and (self.model.norm == "instance" or self.training.batch == 1):
            raise ValueError(
                f"at data.size = {stride} the deepest of {stride.bit_length()} levels has one place, so that its norm "
                f"sees one value, and needs two: set data.size to {2 * stride}, or name fewer levels (model.channels)"
            )
        return self
