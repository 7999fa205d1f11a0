"""The settings of a recipe: frozen, and checked when they are read. No torch."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from attnmel.arguments import checked_arguments
from attnmel.config.fields import NO_WEIGHTS, STRIDE, ClassWeights, Transforms
from attnmel.config.settings.data import DataSettings, Settings
from attnmel.config.settings.model import LITE_TRUNKS, OWN, VGG_TRUNKS, ModelSettings
from attnmel.config.settings.training import TrainingSettings
from attnmel.config.settings.tta import NO_TRANSFORMS

Prior = Literal["none", "lesion", "background", "dermoscopic", "structures", "structures+lesion"]
STRUCTURES, STRUCTURES_AND_LESION = "structures", "structures+lesion"
OF_STRUCTURES = (STRUCTURES, STRUCTURES_AND_LESION)
"""Several planes an image, which the maps of dermaknet are trained toward."""
Spoiling = Literal["none", "shifted", "dilated", "swapped"]
ScorePrior = Literal["none", "age-sex"]

_WORD = r"[A-Za-z0-9_][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*"
RECIPE_NAME = re.compile(rf"{_WORD}(/{_WORD})*")
LONGEST_NAME = 100  # characters; file systems take 255 a folder


class LossSettings(Settings):
    """Focal loss plus the weighted terms of attention maps or of a segmentation branch."""

    gamma: float = Field(default=2.0, ge=0)
    """Focusing exponent; 0 gives cross-entropy."""
    prior: Prior = "none"
    """The prior that attention maps, or a segmentation branch, are trained toward."""
    masks: str = ""
    """Where the prior's masks are from: "" (the data set's own), "predicted" (those that `attnmel segment predict`
    wrote for the data set) or a folder of masks, one an image, named by image id."""
    spoil: Spoiling = "none"
    """How the prior's masks are deliberately corrupted, to measure the effect of imperfect ones."""
    class_weights: ClassWeights = NO_WEIGHTS
    """Weight of an image of each class in the focal loss: all alike, the median of the classes' numbers of training
    images divided by the class's own (Eigen and Fergus 2015), or a number for each class."""
    teacher: str = ""
    """A predictions table of `attnmel evaluate`, "" for none: the label of a training image that it has a row for is
    mixed with these probabilities."""
    teacher_weight: float = Field(default=0.5, gt=0, le=1)
    """The share w of the teacher in such a label: (1 - w) * label + w * teacher."""
    dice: Literal["batch", "image"] = "batch"
    """Whether the Dice loss is one ratio of sums over the batch (the slides) or the mean of each image's own."""
    pool3_weight: float = Field(default=0.001, ge=0)
    pool4_weight: float = Field(default=0.01, ge=0)
    structure_labels: Literal["marks", "presence"] = "marks"
    """What the structure maps of dermaknet learn from: the marked pixels, or how much of the lesion they are alone
    (none, less than half, half and more)."""
    mask_weight: float = Field(default=1.0, ge=0)
    """Of the cross-entropy and Dice loss of a segmentation branch; only images with a prior have it."""


class EvaluationSettings(Settings):
    """How images are predicted once the training is done; the choice of the epoch uses each image as it is."""

    transforms: Transforms = NO_TRANSFORMS
    """Transforms of each image whose probabilities are averaged: "dihedral" (eight turns and flips), "scales",
    "dihedral+scales" or "random:N"; temperature and thresholds are chosen with them."""
    prior: ScorePrior = "none"
    """Whether age and sex, where they are known, change the scores by how often each class has them in training."""


class RunRecipe(Settings):
    """What the recipes of all kinds of runs have in common."""

    name: str
    """Also the folder of its runs: words of letters, digits, "-", "_" and single dots, joined by "/"."""
    title: str
    published: str | None = None
    """Row of `evaluation.thesis.published` to compare with; None where nothing was published."""
    data: DataSettings

    @model_validator(mode="after")
    def _place(self) -> "RunRecipe":
        if not RECIPE_NAME.fullmatch(self.name) or len(self.name) > LONGEST_NAME:
            raise ValueError(
                f"name = {self.name[:LONGEST_NAME]!r}; runs lie in a folder of that name: expected one like "
                f"isic2017/attnmel-lesion (letters, digits, '-', '_', single dots and '/'), at most {LONGEST_NAME} "
                "characters"
            )
        return self


class ModelRecipe(RunRecipe):
    """What the recipes of runs have in common that predict images themselves: networks and fitted systems."""

    test: EvaluationSettings = EvaluationSettings()


class Recipe(ModelRecipe):
    """One row of a table: all that decides the run of a network."""

    model: ModelSettings
    loss: LossSettings = LossSettings()
    training: TrainingSettings = TrainingSettings()

    @staticmethod
    @checked_arguments()
    def load(name: str | Path, settings: Mapping[str, object] | None = None) -> "Recipe":
        """Read the recipe of a network by its name or from a TOML file, and change settings by their dotted names.

        Raises:
            ConfigError: an unknown recipe, key or value, all problems at once, or the recipe of something else.
        """
        from attnmel.config.load import load_recipe
        from attnmel.config.overrides import override_text

        return load_recipe(str(name), [override_text(key, value) for key, value in (settings or {}).items()])

    @checked_arguments()
    def changed(self, settings: Mapping[str, object]) -> "Recipe":
        """Return the recipe with other settings, by their dotted names.

        Raises:
            ConfigError: an unknown key or value, all problems at once.
        """
        from attnmel.config.load import changed_recipe, network_recipe
        from attnmel.config.overrides import override_text

        return network_recipe(changed_recipe(self, [override_text(key, value) for key, value in settings.items()]))

    @model_validator(mode="after")
    def _masks(self) -> "Recipe":
        if self.loss.prior == "none" and (self.loss.masks or self.loss.spoil != "none"):
            raise ValueError("loss.masks and loss.spoil say which masks the prior is made of, but loss.prior = 'none'")
        return self

    @model_validator(mode="after")
    def _taught(self) -> "Recipe":
        teacher, weight = self.loss.teacher, self.loss.teacher_weight
        if not teacher and weight != LossSettings.model_fields["teacher_weight"].default:
            raise ValueError(f"loss.teacher_weight = {weight} is of a teacher, but loss.teacher names no table")
        if teacher and self.model.heads != "softmax":
            raise ValueError(f"loss.teacher is of a softmax head, but model.heads = '{self.model.heads}'; leave it out")
        if teacher and self.data.ablation == "shuffled-labels":
            raise ValueError(
                "with data.ablation = 'shuffled-labels' the true labels would be learnt from loss.teacher; leave it out"
            )
        return self

    @model_validator(mode="after")
    def _weighted_classes(self) -> "Recipe":
        weights = self.loss.class_weights
        if isinstance(weights, dict):
            classes = self.data.classes
            if unknown := [name for name in weights if name not in classes]:
                raise ValueError(f"loss.class_weights names {', '.join(unknown)}; known: {', '.join(classes)}")
            if missing := [name for name in classes if name not in weights]:
                raise ValueError(
                    f"loss.class_weights has no number for {', '.join(missing)}; expected a number for each class"
                )
        return self

    @model_validator(mode="after")
    def _light(self) -> "Recipe":
        if self.model.trunk in VGG_TRUNKS:
            if self.model.padding != "symmetric":
                raise ValueError(f"model.padding is of the light trunks, but model.trunk = '{self.model.trunk}'")
        elif self.model.network == "vgg16":
            raise ValueError(
                "model.network = 'vgg16' is VGG-16 with its dense layers, which the trunk "
                f"{self.model.trunk} has not; choose vgg16-gap, mel-cnn or attnmel-cnn"
            )
        return self

    @model_validator(mode="after")
    def _rescaled(self) -> "Recipe":
        if self.model.rescale and self.model.trunk not in ("vgg16", "vgg16_bn"):
            raise ValueError(
                "model.rescale is of published weights of a VGG-16 without batch-norm, but model.trunk = "
                f"'{self.model.trunk}'"
            )
        return self

    @model_validator(mode="after")
    def _gates(self) -> "Recipe":
        prior, network = self.loss.prior, self.model.network
        if network == "dermaknet":
            if self.model.heads != "softmax":
                raise ValueError(
                    f"model.heads = '{self.model.heads}' is of one linear layer, and dermaknet has three; leave it out"
                )
            self._check_structures()
        elif prior in OF_STRUCTURES:
            raise ValueError(f"loss.prior = '{prior}' is of the network dermaknet, but model.network = '{network}'")
        elif self.loss.structure_labels != "marks":
            raise ValueError(
                f"loss.structure_labels = '{self.loss.structure_labels}' is of the network dermaknet, but "
                f"model.network = '{network}'; leave it out"
            )
        elif prior != "none" and network not in ("attnmel-cnn", "chen"):
            needs = f"loss.prior = '{prior}' needs a network with attention maps (attnmel-cnn) or a segmentation branch"
            raise ValueError(f"{needs} (chen), but model.network = '{network}'")
        return self

    def _check_structures(self) -> None:
        prior, ellipse, bare = self.loss.prior, self.model.grid == "ellipse", "maps" in self.model.without
        kinds = ("lesion",) if ellipse and bare else (STRUCTURES_AND_LESION,) if ellipse else OF_STRUCTURES
        if prior in OF_STRUCTURES and bare:
            raise ValueError(f"loss.prior = '{prior}' trains the structure maps, which model.without leaves out")
        if prior not in ("none", *kinds):
            grid = f" with model.grid = '{self.model.grid}'" if ellipse or prior == "lesion" else ""
            known = " or ".join(f"'{one}'" for one in (*kinds, "none"))
            raise ValueError(f"the maps of dermaknet{grid} are of loss.prior = {known}, found '{prior}'")
        if ellipse and {"polar", "asymmetry"} <= {*self.model.without}:
            raise ValueError("model.grid = 'ellipse' is of the polar pooling, which model.without leaves out")
        if prior in OF_STRUCTURES and (self.loss.masks or self.loss.spoil != "none"):
            raise ValueError(f"loss.masks and loss.spoil are of one mask an image, but loss.prior = '{prior}'")
        if self.loss.structure_labels == "presence" and prior != STRUCTURES_AND_LESION:
            raise ValueError(
                "loss.structure_labels = 'presence' is of shares of the lesion, which needs loss.prior = "
                f"'{STRUCTURES_AND_LESION}', found '{prior}'"
            )

    @model_validator(mode="after")
    def _of_one_network(self) -> "Recipe":
        for setting, given, network in (
            ("passing", self.model.passing != "both", "chen"),
            ("without", self.model.without, "dermaknet"),
            ("grid", self.model.grid != "disc", "dermaknet"),
            ("branches", self.model.branches, "harangi"),
        ):
            if given and self.model.network != network:
                raise ValueError(
                    f"model.{setting} is of the network {network}, but model.network = '{self.model.network}'; leave "
                    "it out"
                )
        return self

    @model_validator(mode="after")
    def _own_network(self) -> "Recipe":
        if self.model.network == OWN and self.training.freeze != "none":
            raise ValueError("training.freeze is of the package's trunks, but model.network = 'own'; leave it out")
        return self

    @model_validator(mode="after")
    def _values_of_a_norm(self) -> "Recipe":
        training, trunks = self.training, {self.model.trunk, *self.model.branches}
        one_image = training.batch == training.accumulate * training.devices * training.nodes
        smallest = self.data.size == STRIDE and self.model.network != OWN and training.freeze != "pool5"
        if one_image and smallest and not trunks <= {*VGG_TRUNKS}:
            raise ValueError(
                f"at data.size = {STRIDE} the last map of a light trunk has one place, so that its batch-norm sees one "
                "value of a single image, and needs two: set training.batch higher (each of training.accumulate parts, "
                f"on each device, has one image), or data.size = {2 * STRIDE}"
            )
        return self

    @model_validator(mode="after")
    def _several_trunks(self) -> "Recipe":
        if self.model.network != "harangi":
            return self
        if not self.model.branches:
            raise ValueError("harangi joins several trunks; name those besides model.trunk by model.branches")
        if self.training.freeze != "none":
            raise ValueError("training.freeze is of one trunk, but harangi has several; leave it out")
        of_lite = {one in LITE_TRUNKS for one in (self.model.trunk, *self.model.branches)}
        if self.data.normalise_by == "weights" and len(of_lite) > 1:
            raise ValueError(
                "data.normalise_by = 'weights' is one scale, but EfficientNet-Lite and the other trunks have two; "
                "set data.normalise_by = 'dataset'"
            )
        return self
