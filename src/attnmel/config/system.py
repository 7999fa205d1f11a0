"""The settings of a fitted system (features, encoders, SVMs): frozen, and checked when they are read. No torch."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from attnmel.config.fields import Positive, Size
from attnmel.config.recipe import DataSettings, ModelRecipe, Settings
from attnmel.config.settings.model import Padding, Trunk, TrunkDefaults

Tap = Literal["pool3", "pool4", "pool5", "logits"]
Pool = Literal["pool4", "pool5"]
Scaling = Literal["none", "zscore", "sigmoid", "split"]
Kernel = Literal["linear", "rbf", "intersection", "additive-chi2", "chi2"]
NONNEGATIVE: tuple[Kernel, ...] = ("intersection", "additive-chi2", "chi2")
"""Kernels of features that are not below 0."""
WITH_GAMMA: tuple[Kernel, ...] = ("rbf", "chi2")
FeatureName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,40}$")]


class ColourSettings(Settings):
    """Joint histogram of red, green and blue."""

    kind: Literal["colour"]
    bins: int = Field(default=8, ge=2, le=16)
    """A channel: 8 give 512 numbers."""


class EdgeSettings(Settings):
    """Histograms of the Sobel edges' directions, weighted by strength, and of their strengths."""

    kind: Literal["edges"]
    bins: int = Field(default=16, ge=2, le=64)
    cells: int = Field(default=2, ge=1, le=8)
    """A side: the directions of each of cells x cells squares have a histogram of their own."""


class LbpSettings(Settings):
    """Histograms of rotation-invariant uniform local binary patterns of each colour channel, at several radii."""

    kind: Literal["lbp"]
    radii: Annotated[tuple[Annotated[int, Field(ge=1, le=16)], ...], Field(min_length=1)] = (1, 2, 3)
    """In pixels; 8 points each."""


class SparseSettings(Settings):
    """Sparse codes of small patches over a learnt dictionary, each atom's strongest use in the image."""

    kind: Literal["sparse"]
    colour: Literal["rgb", "grey"] = "rgb"
    patch: int = Field(default=8, ge=4, le=32)
    """Side of a patch, and the distance from one to the next, in pixels."""
    atoms: int = Field(default=256, ge=2, le=4096)
    used: int = Field(default=5, ge=1, le=64)
    """Atoms that a patch is made of at most (orthogonal matching pursuit)."""
    patches: int = Field(default=50_000, ge=100)
    """Patches of training images that the dictionary is learnt on at most."""


class TrunkSettings(TrunkDefaults):
    """Which network's features, and where its weights are from."""

    trunk: Trunk = "vgg16_bn"
    """Of published weights; a run's or checkpoint's own trunk is used whatever this says."""
    weights: str = "imagenet"
    """As `model.weights` of a network's recipe; a run folder or checkpoint gives its network's features."""
    padding: Padding = "symmetric"


class TapSettings(TrunkSettings):
    """Means of a trunk's maps at several depths, each a feature of its own."""

    kind: Literal["taps"]
    taps: Annotated[tuple[Tap, ...], Field(min_length=1)] = ("pool3", "pool4", "pool5")
    """"logits" are the scores of a trained run or checkpoint."""


class FisherSettings(TrunkSettings):
    """Fisher vector of a trunk's local descriptors: PCA, diagonal Gaussian mixture, signed root, unit length."""

    kind: Literal["fisher"]
    pools: Annotated[tuple[Pool, ...], Field(min_length=1)] = ("pool5",)
    """Maps whose positions are the descriptors, each brought to unit length; a Fisher vector each."""
    sides: Annotated[tuple[Size, ...], Field(min_length=1)] = (224, 320)
    """Sides in pixels that the image is resized to; the descriptors of all are taken together."""
    components: int = Field(default=64, ge=2, le=1024)
    """Of the PCA."""
    mixture: int = Field(default=64, ge=1, le=1024)
    """Gaussians; the vector has 2 x mixture x components numbers."""
    descriptors: int = Field(default=256_000, ge=100)
    """Descriptors of training images that PCA and mixture are fitted on at most."""


Feature = Annotated[
    ColourSettings | EdgeSettings | LbpSettings | SparseSettings | TapSettings | FisherSettings,
    Field(discriminator="kind"),
]

FEATURES = "features"
"""The group that only the recipe of a fitted system has."""

FEATURE_KINDS: dict[str, type[Settings]] = {
    "colour": ColourSettings,
    "edges": EdgeSettings,
    "lbp": LbpSettings,
    "sparse": SparseSettings,
    "taps": TapSettings,
    "fisher": FisherSettings,
}


class SvmSettings(Settings):
    """One SVM a feature and class against the rest; its costs are chosen, and its scores calibrated, by folds."""

    scaling: Scaling = "zscore"
    """"sigmoid" is the logistic function of the z-score; "split" puts positive and negative parts side by side."""
    components: Positive | None = None
    """Of a PCA without whitening before the scaling; None: no PCA."""
    kernel: Kernel = "rbf"
    costs: Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(min_length=1)] = (0.1, 1.0, 10.0, 100.0)
    """C of the SVM; kernels are brought to a mean diagonal of 1, so that C means the same for each feature."""
    draws: Positive | None = None
    """Draw so many costs 2^u, u even in [-16, 16], in place of `costs`."""
    gammas: Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(min_length=1)] = (0.5, 1.0, 2.0)
    """Of exp(-gamma d / mean d), d the squared or chi-squared distance of two images."""
    folds: int = Field(default=5, ge=2, le=20)
    """Of the training images, images of one lesion in one fold."""
    balanced: bool = True
    """Whether both sides of an SVM weigh the same, however many images they have."""
    calibration: Literal["logistic", "sigmoid"] = "logistic"
    """How a score s becomes a probability: by a logistic function fitted on held-out folds, or 1 / (1 + e^-s)."""


class SystemTraining(Settings):
    """What else decides a fit."""

    seed: int = Field(default=0, ge=0, le=2**32 - 1)
    """Draws folds, descriptors, mixtures and costs; scikit-learn takes no larger one."""
    precision: Literal["float32"] = "float32"
    """Of the trunks' maps."""
    device: Literal["auto", "cpu", "cuda"] = "auto"


OF_NETWORKS = ("data.repeats", "data.passes", "data.ablation", "data.normalise_by", "data.statistics")
"""Settings of the data that mean something in a network's training alone."""


class SystemRecipe(ModelRecipe):
    """All settings of a fitted system."""

    features: Annotated[dict[FeatureName, Feature], Field(min_length=1)]
    """By name."""
    contexts: Annotated[tuple[Annotated[float, Field(gt=0, le=1)], ...], Field(min_length=1)] = (1.0,)
    """Central squares, as a share of the prepared image's side, that every feature is computed of."""
    svm: SvmSettings = SvmSettings()
    training: SystemTraining = SystemTraining()

    @model_validator(mode="after")
    def _data(self) -> "SystemRecipe":
        plain = DataSettings(dataset="-", classes=("a", "b"), positives=("a",))
        names = {key: key.removeprefix("data.") for key in OF_NETWORKS}
        if given := [key for key, name in names.items() if getattr(self.data, name) != getattr(plain, name)]:
            raise ValueError(f"{', '.join(given)} are settings of a network's training; a fitted system has none")
        return self

    @model_validator(mode="after")
    def _kernel(self) -> "SystemRecipe":
        if self.svm.kernel in NONNEGATIVE and self.svm.components and self.svm.scaling in ("none", "zscore"):
            raise ValueError(f"svm.kernel = '{self.svm.kernel}' takes no negative numbers; set svm.scaling to 'split'")
        if self.svm.kernel in NONNEGATIVE and self.svm.scaling == "zscore":
            raise ValueError(
                f"svm.kernel = '{self.svm.kernel}' takes no negative numbers, which z-scores are; set svm.scaling to "
                "'none', 'sigmoid' or 'split'"
            )
        return self
