"""The settings of a network: which one, on which trunk, and where its weights start. No torch."""

import re
from typing import Any, Literal, get_args

from pydantic import Field, model_validator

from attnmel.config.fields import Width
from attnmel.config.settings.data import Settings

Network = Literal["vgg16", "vgg16-gap", "mel-cnn", "attnmel-cnn", "chen", "dermaknet", "harangi", "own"]
OWN: Network = "own"
"""A network that is not the package's: what builds it is registered in the process (`models.own_network`)."""
OWN_NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
Trunk = Literal["vgg16_bn", "vgg16", "mobilenet_v2", "efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2"]
VGG_TRUNKS: tuple[Trunk, ...] = ("vgg16_bn", "vgg16")
"""Those that have dense layers, and no strided convolution to pad."""
LITE_TRUNKS: tuple[Trunk, ...] = ("efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2")
Padding = Literal["symmetric", "tensorflow"]
PADDINGS: dict[str, Padding] = {one: one for one in get_args(Padding)}
Attention = Literal["sigmoid", "softmax"]
ATTENTIONS: dict[str, Attention] = {one: one for one in get_args(Attention)}
Passing = Literal["none", "to-class", "to-mask", "both"]
PASSINGS: dict[str, Passing] = {one: one for one in get_args(Passing)}
LeftOut = Literal["maps", "polar", "asymmetry"]
LEFT_OUT: dict[str, LeftOut] = {one: one for one in get_args(LeftOut)}
Grid = Literal["disc", "ellipse"]
GRIDS: dict[str, Grid] = {one: one for one in get_args(Grid)}
HeadKind = Literal["softmax", "hinge", "both"]
HEAD_KINDS: dict[str, HeadKind] = {one: one for one in get_args(HeadKind)}


class TrunkDefaults(Settings):
    """Settings of a trunk, padded by default as its ImageNet weights were trained."""

    @model_validator(mode="before")
    @classmethod
    def _padding_of_the_trunk(cls, given: Any) -> Any:  # noqa: ANN401 - not checked yet
        if isinstance(given, dict) and given.get("trunk") in LITE_TRUNKS:
            return {"padding": "tensorflow", **given}
        return given


class ModelSettings(TrunkDefaults):
    """Which network, and where its weights start."""

    network: Network
    own: str = ""
    """Name of the network "own", which `attnmel.register_network` or an installed package gives; "" for any other."""
    trunk: Trunk = "vgg16_bn"
    width: Width = 1.0
    """Share of each layer's channels that is kept."""
    padding: Padding = "symmetric"
    """How a light trunk's strided convolutions are padded: as torchvision's, or as TensorFlow's "SAME".

    By default "tensorflow" for EfficientNet-Lite, as its weights were trained, else "symmetric".
    """
    attention: Attention = "sigmoid"
    passing: Passing = "both"
    """Which branch of chen gets features of the other: the classification (to-class), the segmentation (to-mask)."""
    without: tuple[LeftOut, ...] = ()
    """Parts of dermaknet that are left out: structure maps, polar pooling, asymmetry."""
    grid: Grid = "disc"
    """Where the rings and sectors of dermaknet lie: on the disc that touches the input's borders, or on the ellipse of
    the lesion, by the moments of a lesion map that the network itself predicts."""
    heads: HeadKind = "softmax"
    """How scores are trained and become probabilities: cross-entropy or focal loss, hinge loss, or the mean of both."""
    branches: tuple[Trunk, ...] = ()
    """Further trunks of harangi, whose features join those of `trunk` before its softmax."""
    weights: str = "imagenet"
    """"imagenet" (the published address, or the package of EfficientNet-Lite's weights), "random", an address, a .pth
    or .safetensors file of published weights, a run folder or a checkpoint."""
    rescale: bool = False
    """Whether each layer of a published VGG-16 without batch-norm is divided by the RMS of its activation."""
    start_images: int = Field(default=256, ge=8)
    """How many training images are measured to rescale start weights, or to insert the batch-norms that they lack."""
    start_seed: int = Field(default=0, ge=0)
    """Draws these images; not the run's seed, so that all seeds of a recipe start from the same weights."""

    @model_validator(mode="before")
    @classmethod
    def _start_of_own(cls, given: Any) -> Any:  # noqa: ANN401 - not checked yet
        if isinstance(given, dict) and given.get("network") == OWN:
            return {"weights": "random", **given}
        return given

    @model_validator(mode="after")
    def _own(self) -> "ModelSettings":
        if (self.network == OWN) != bool(self.own):
            needs = "needs its name, model.own = 'NAME'" if self.network == OWN else "has no use for model.own"
            raise ValueError(f"network = '{self.network}' {needs}")
        if self.own and not re.fullmatch(OWN_NAME, self.own):
            raise ValueError(f"own = {self.own[:64]!r}; expected at most 64 letters, digits, '-', '_' and '.'")
        if self.own and self.weights != "random":
            raise ValueError(
                f"weights = '{self.weights}' are of the package's trunks; set weights = 'random' (as it is built)"
            )
        if self.own and self.heads != "softmax":
            raise ValueError(f"heads = '{self.heads}' is of the package's networks; set heads = 'softmax'")
        return self
