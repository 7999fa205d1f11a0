"""How a network is trained: optimiser, learning rate, length, augmentation and devices. No torch."""

from typing import Literal

from pydantic import Field, model_validator

from attnmel.config.fields import Loggers, Positive
from attnmel.config.settings.data import Settings

Precision = Literal["auto", "float32", "bf16"]
Freeze = Literal["none", "pool1", "pool2", "pool3", "pool4", "pool5"]
Optimizer = Literal["sgd", "adamw"]
ScheduleKind = Literal["steps", "cosine"]
Selection = Literal["auc", "ap", "balanced_accuracy"]


class TrainingSettings(Settings):
    """Optimiser, learning rate and length of the training; the best epoch is chosen by validation."""

    epochs: Positive = 50
    batch: Positive = 32
    accumulate: Positive = 1
    """Parts that a batch is computed in, one after another, to save memory."""
    optimizer: Optimizer = "sgd"
    """Stochastic gradient descent with Nesterov momentum (the slides), or AdamW with `momentum` as its first beta."""
    learning_rate: float = Field(default=0.01, gt=0)
    schedule: ScheduleKind = "steps"
    """How the rate falls: times `decay` after every `decay_every` epochs (the slides), or with every batch along half a
    cosine to 0, where `decay` plays no part."""
    warm_up: float = Field(default=0.0, ge=0)
    """Epochs, or a part of one, over which the rate rises from 0 in a straight line."""
    decay: float = Field(default=0.1, gt=0, le=1)
    decay_every: Positive = 10
    """Epochs between two decays."""
    momentum: float = Field(default=0.9, ge=0, lt=1)
    weight_decay: float = Field(default=1e-4, ge=0)
    freeze: Freeze = "none"
    """Up to where the trunk keeps its start weights: pool k is the last layer of stride 2^k, pool5 the whole trunk."""
    cache_maps: bool = True
    """Whether the maps of a frozen trunk are computed once and kept on disk, so that an epoch costs what is trained
    alone; without, images are augmented as ever."""
    views: int = Field(default=8, ge=1, le=8)
    """Turns and flips of a crop whose maps are kept; the first is the crop as it is."""
    crops: int = Field(default=0, ge=0)
    """Further crops of each image whose maps are kept, each at a place of its own, besides the central one."""
    smallest_crop: float | None = Field(default=None, gt=0, le=1)
    """Share of the square's area that a random crop has at least; None: crops of the input's size (the slides)."""
    any_angle: bool = False
    """Whether images are turned by any angle; else by quarter turns alone (the slides)."""
    colour: float = Field(default=0.0, ge=0, lt=1)
    """How far brightness, contrast and saturation vary around 1, and each channel by a quarter of it."""
    select: Selection = "auc"
    """Validation measure that chooses the best epoch."""
    seed: int = Field(default=0, ge=0)
    precision: Precision = "auto"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    compile: bool = False
    """Whether torch compiles the training steps; no gain on CPUs (docs/results/performance.md)."""
    devices: Positive = 1
    """Processes a machine, one device each."""
    nodes: Positive = 1
    """Machines."""
    threads: Positive | None = None
    """Of one operation on the CPU; None: as many as get a processor each (docs/training/training.md)."""
    log: Loggers = ()
    """Where epochs are logged besides the run folder and TensorBoard: "mlflow", "wandb" (docs/training/training.md)."""

    @property
    def keeps_maps(self) -> bool:
        """Whether training reads the frozen trunk's maps in place of images."""
        return self.freeze != "none" and self.cache_maps

    @model_validator(mode="after")
    def _views(self) -> "TrainingSettings":
        if not self.keeps_maps and (self.views, self.crops) != (8, 0):
            raise ValueError(
                "training.views and training.crops say which maps of a frozen trunk are kept, but "
                + ("training.freeze = 'none'" if self.freeze == "none" else "training.cache_maps = false")
            )
        return self

    @model_validator(mode="after")
    def _warp(self) -> "TrainingSettings":
        if self.keeps_maps and (self.smallest_crop is not None or self.any_angle or self.colour):
            raise ValueError(
                "training.smallest_crop, any_angle and colour change images anew each epoch, but stored maps stay; set "
                "training.cache_maps = false or training.freeze = 'none'"
            )
        return self

    @model_validator(mode="after")
    def _parts(self) -> "TrainingSettings":
        if self.batch % (self.accumulate * self.devices * self.nodes):
            parts = f"{self.accumulate} parts on {self.devices * self.nodes} devices"
            raise ValueError(f"batch {self.batch} does not divide into {parts}")
        return self
