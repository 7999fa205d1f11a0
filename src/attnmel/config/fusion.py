"""The settings of a fusion of predictions: frozen, and checked when they are read. No torch."""

from typing import Any, Literal

from pydantic import Field, model_validator

from attnmel.config.recipe import RunRecipe, Settings

Rule = Literal["mean", "rank", "weighted", "confidence", "extreme", "stack", "stack-extreme"]
FITTED_RULES: tuple[Rule, ...] = ("weighted", "confidence", "stack", "stack-extreme")
"""Those fitted on the validation predictions of the members."""
STACKS: tuple[Rule, ...] = ("stack", "stack-extreme")

MINIMUM = 2
"""Members of a fusion."""
FUSION = "fusion"
"""The group that only the recipe of a fusion has."""


class PartSettings(Settings):
    """A run that is trained for a fusion."""

    recipe: str
    """Name or TOML file of a network's or a fitted system's recipe."""
    set: tuple[str, ...] = ()
    """`key=value` changes of it; "{part-1}" becomes the run folder of the first part, so that a later one can use its
    weights, "{runs}" and "{seed}" the folder of all runs and the seed of the fusion."""


class FusionSettings(Settings):
    """Which predictions are fused, and how."""

    by: Rule
    parts: tuple[PartSettings, ...] = ()
    """Runs that `attnmel train` trains first; of a fusion of what is there already, none."""
    members: tuple[str, ...] = ()
    """Run folders, fused results and files of predictions, as absolute paths; FILE@VALIDATION_FILE for a file with
    validation predictions. Of a recipe with parts empty until they are trained."""

    @model_validator(mode="after")
    def _several(self) -> "FusionSettings":
        if max(len(self.parts), len(self.members)) < MINIMUM:
            raise ValueError(f"a fusion has {MINIMUM} or more parts (runs to train) or members (runs and files)")
        return self


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

    @model_validator(mode="before")
    @classmethod
    def _no_test(cls, given: Any) -> Any:  # noqa: ANN401 - not checked yet
        if not isinstance(given, dict) or "test" not in given:
            return given
        if isinstance(given.get(FUSION), dict) and given[FUSION].get("members"):
            # Stored by an earlier version, which had the table in each recipe.
            return {key: value for key, value in given.items() if key != "test"}
        raise ValueError(
            "[test] has no effect in the recipe of a fusion, which predicts no image itself; name its settings in the "
            "`set` of each part, or by --set, which goes to all parts"
        )
