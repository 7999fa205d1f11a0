"""Whether a run of a table has nothing left to do, by the files of its folder alone."""

from attnmel.config.load import differences
from attnmel.config.recipe import Recipe
from attnmel.errors import AttnmelError
from attnmel.pipeline.run.history import best_row
from attnmel.pipeline.run.run import Run

SETTLED = ("data.statistics", "training.device", "data.dataset", "model.weights")
"""Settings that a run resolves for its machine; `attnmel train --resume` checks them."""


def is_finished(run: Run, recipe: Recipe) -> bool:
    """Whether a run of this very recipe has all its epochs and was evaluated on every split that its data has."""
    if not run.folder.measures.is_file() or not run.folder.recipe.is_file():
        return False
    try:
        if _differs(run.network_recipe, recipe):
            return False
        best, splits = best_row(run.history, recipe.training.select), set(run.provenance["data"]["splits"]) - {"train"}
        evaluated = {name for name, one in run.results.items() if best and one.epoch == best.epoch}
        return len(run.history) >= recipe.training.epochs and splits <= evaluated
    except (AttnmelError, KeyError):
        return False  # `train --resume` reports what is wrong with it


def _differs(stored: Recipe, wanted: Recipe) -> bool:
    changed = differences(stored, wanted).items()
    return any(setting != "auto" for key, (_, setting) in changed if not key.startswith(SETTLED))
