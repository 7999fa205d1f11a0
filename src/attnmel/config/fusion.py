"""The settings of a fusion of predictions: frozen, and checked when they are read. No torch."""

from typing import Annotated, Literal

from pydantic import Field

from attnmel.config.recipe import RunRecipe, Settings

Rule = Literal["mean", "rank", "weighted", "confidence", "extreme", "stack", "stack-extreme"]
FITTED_RULES: tuple[Rule, ...] = ("weighted", "confidence", "stack", "stack-extreme")
"""Those fitted on the validation predictions of the members."""
STACKS: tuple[Rule, ...] = ("stack", "stack-extreme")

FUSION = "fusion"
"""The group that only the recipe of a fusion has."""


class FusionSettings(Settings):
    """Which predictions are fused, and how."""

    by: Rule
    members: Annotated[tuple[str, ...], Field(min_length=2)]
    """Run folders, fused results and files of predictions, as absolute paths; FILE@VALIDATION_FILE for a file with
    validation predictions."""


class FusionTraining(Settings):
    """What else decides a fusion."""

    seed: int = Field(default=0, ge=0)
    """Draws the folds and columns of a stack."""
    precision: Literal["float32"] = "float32"
    device: Literal["cpu"] = "cpu"


class FusionRecipe(RunRecipe):
    """All settings of a fusion; its data are those of its members."""

    fusion: FusionSettings
    training: FusionTraining = FusionTraining()
