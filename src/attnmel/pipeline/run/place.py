"""Where the run of a recipe lies. No torch."""

from pathlib import Path

from attnmel.config.load import AnyRecipe
from attnmel.data.batches.ablate import NO_ABLATION
from attnmel.files.folders import RunFolder


def place_of(recipe: AnyRecipe, out: Path) -> RunFolder:
    """Return the folder of a new run: `<out>/<recipe>[/fold-<k>-of-<n>][/<ablation>]/seed-<seed>`."""
    fold = f"fold-{recipe.data.fold.replace('/', '-of-')}" if recipe.data.fold else ""
    plain = RunFolder(out / recipe.name / fold / f"seed-{recipe.training.seed}")
    return plain if recipe.data.ablation == NO_ABLATION else plain.ablation(recipe.data.ablation)
