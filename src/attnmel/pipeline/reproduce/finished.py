"""Whether a run of a table has nothing left to do, told from its folder alone."""

from attnmel.config.load import flat
from attnmel.config.recipe import Recipe
from attnmel.errors import AttnmelError
from attnmel.folders import RunFolder
from attnmel.pipeline.run.history import best_row, read_history
from attnmel.pipeline.run.provenance import read_provenance, read_recipe
from attnmel.pipeline.run.results import read_measures

SETTLED = ("data.statistics", "training.device", "data.dataset", "model.weights")
"""Settings that a run writes out for its machine; `attnmel train --resume` is the one to judge them."""


def is_finished(run: RunFolder, recipe: Recipe) -> bool:
    """Whether a run of this very recipe has all its epochs and was judged on every split that its data has."""
    if not run.measures.is_file() or not run.recipe.is_file():
        return False
    try:
        if _differs(read_recipe(run), recipe):
            return False
        history, measures = read_history(run.history), read_measures(run)
        splits = set(read_provenance(run)["data"]["splits"]) - {"train"}
    except (AttnmelError, KeyError):
        return False  # `train --resume` says what is wrong with it
    best = best_row(history, recipe.training.select)
    judged = {name for name, one in measures.items() if best and one.epoch == best.epoch}
    return len(history) >= recipe.training.epochs and splits <= judged


def _differs(stored: Recipe, wanted: Recipe) -> bool:
    own, theirs = flat(stored.model_dump()), flat(wanted.model_dump())
    return any(own.get(key) != theirs.get(key) != "auto" for key in own | theirs if not key.startswith(SETTLED))
