"""The settings of a recipe's data: which images, cut and repeated how. No torch."""

from typing import Annotated, ClassVar, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, model_validator

from attnmel.config.fields import (
    LESION,
    MARGIN,
    Classes,
    Crop,
    Crops,
    Fold,
    Margin,
    Means,
    Names,
    Positive,
    Positives,
    Size,
    Spreads,
    check_crops,
    check_names,
    prepared_side,
)
from attnmel.config.settings.colours import NO_COLOUR_CONSTANCY, ColourConstancy

Ablation = Literal["none", "background-only", "lesion-only", "shuffled-labels"]


class Settings(BaseModel):
    """A frozen group of settings that refuses keys it does not know."""

    # The docstrings of settings are their descriptions in the JSON Schema.
    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True
    )


class Statistics(Settings):
    """Normalisation of RGB in [0, 1], with where the numbers are from."""

    of: str
    """The data set they were computed on, or "weights" and which: another has its own."""
    mean: Means
    std: Spreads
    source: str


class DataSettings(Settings):
    """Which images, cut and repeated how."""

    dataset: str = Field(min_length=1)
    """A known data set, or a folder with labels.csv."""
    classes: Classes
    """Diagnoses, in the order of the network's scores.

    A class called "rest" takes every diagnosis of a known data set that has no class of its own; a class without any
    image, as by a typing error, is refused before training. In a folder of one's own, labels are written by hand:
    labels.csv contains these classes in any case, their indices (0 for the first) or other names of the same diagnosis
    ("MEL", "malignant"). There "rest" is written out (or its index, or "benign"), and another word, such as "melnoma"
    or "nevus", is an error that names the line, so that a typing error never turns a melanoma into "rest".
    """
    positives: Positives
    """Target classes, each evaluated against all others; the first is the main task."""
    crop: Crop = 0.8
    """Side of the central square as a share of the image's shorter side; or "lesion": the square around the lesion,
    the largest component of its mask, and the largest central square where there is no mask."""
    crop_margin: Margin = MARGIN
    """Skin around the lesion that is kept on each side, as a share of the longer side of its box."""
    crop_masks: str = ""
    """The masks that the crop follows: "" (the data set's own), "predicted" (those of `attnmel segment predict`) or a
    folder, as `loss.masks`."""
    crops: Crops = 1
    """Squares of an image whose probabilities are averaged in evaluation and prediction: 1, or 5 (the central one and
    one in each corner of the image). Training and the choice of the epoch use the central one."""
    colour_constancy: ColourConstancy = NO_COLOUR_CONSTANCY
    """Whether the colours of each prepared square are corrected as if the light were white, by shades of grey."""
    size: Size = 224
    """Side of the network's input in pixels; images are kept at 8/7 of it, for random crops."""
    repeats: dict[str, Positive] = {}
    """How often an image of a class occurs in an epoch; 1 for a class that is not named."""
    passes: Positive = 1
    """How often an epoch repeats all of that."""
    columns: dict[str, str] = {}
    """How the labels.csv of a folder of one's own calls its columns, where it calls them differently, such as
    { image = "isic_id", label = "target" }; a label that several columns of 0 and 1 give is "MEL+NV+BCC"."""
    strict: bool = False
    """Whether a row of such a table without its image, or an image without a row, is an error; else they are left out
    and counted."""
    limit: Positive | None = None
    """Train on this many of the training images, the same for every seed, each diagnosis by its share; None: on all.

    A larger limit holds the images of a smaller one. Validation and test stay whole; colour statistics that the recipe
    carries stay, those that are computed are of the images that are trained on.
    """
    normalise_by: Literal["dataset", "weights"] = "dataset"
    """Whose mean and spread of RGB normalise the input: the data set's (the slides) or the start weights' own."""
    # Until 0.1 the setting was `control`: stored recipes of that time still open.
    ablation: Annotated[Ablation, Field(validation_alias=AliasChoices("ablation", "control"))] = "none"
    """Ablation that shows what the network relies on: the lesion painted out, all but the lesion painted out, or
    training labels shuffled."""
    fold: Fold | None = None
    """Cross-validation, "2/5": training and validation images are drawn into 5 equal parts, of which the second
    validates and the others train; None: the data set's own split. Test images stay as they are."""
    exclude: Names = ()
    """Image ids that are left out of every split, as an exclusion list of `attnmel audit` names them."""
    allow_leakage: bool = False
    """Whether an image or group of a folder of one's own may be in two splits."""
    statistics: Statistics | None = None

    @property
    def side(self) -> int:
        """Side of the prepared images in pixels, 256 for an input of 224."""
        return prepared_side(self.size)

    @property
    def images_in_words(self) -> str:
        """Which images colour statistics are of; those that published recipes hold are of uncorrected colours."""
        return (
            self.dataset if self.colour_constancy == NO_COLOUR_CONSTANCY else f"{self.dataset}, {self.colour_constancy}"
        )

    @model_validator(mode="after")
    def _crop(self) -> "DataSettings":
        check_crops(self.crop, self.crops)
        if self.crop != LESION and (self.crop_masks or self.crop_margin != MARGIN):
            raise ValueError(f"crop_masks and crop_margin are of crop = '{LESION}', but crop = {self.crop}")
        return self

    @model_validator(mode="after")
    def _names(self) -> "DataSettings":
        check_names(self.classes, positives=self.positives, repeats=self.repeats)
        return self
