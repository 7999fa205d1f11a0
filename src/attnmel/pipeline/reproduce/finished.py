"""Whether a run of a table has nothing left to do, by the files of its folder alone."""

from attnmel.config.fusion import FusionRecipe
from attnmel.config.load import AnyRecipe
from attnmel.config.recipe import Recipe
from attnmel.errors import AttnmelError
from attnmel.evaluation.fusion.card import located
from attnmel.pipeline.fuse.evaluate import stored_card
from attnmel.pipeline.run.results.results import SplitResults
from attnmel.pipeline.run.run import Run
from attnmel.pipeline.run.same_settings import other_settings
from attnmel.pipeline.run.training.history import best_row


def is_finished(run: Run, recipe: AnyRecipe) -> bool:
    """Whether a run of this very recipe is trained to its end and was evaluated on every split with images in use.

    A fusion is so while its parts are those that were fused. One without a part is not: the part will be trained again.
    """
    if not run.folder.measures.is_file() or not run.folder.recipe.is_file():
        return False
    try:
        if other_settings(run.recipe, recipe):
            return False
        if isinstance(run.recipe, FusionRecipe):
            for member in stored_card(run.path).members:
                located(member, run.path)
        counts = run.provenance["data"]["splits"]
        splits = {split for split, of in counts.items() if of["images"]} - {"train"}
        return _is_trained(run, recipe) and splits <= {name for name, one in run.results.items() if _of_best(run, one)}
    except (AttnmelError, KeyError):
        return False  # `train --resume` reports what is wrong with it


def _is_trained(run: Run, recipe: AnyRecipe) -> bool:
    return run.folder.best.is_file() and (not isinstance(recipe, Recipe) or len(run.history) >= recipe.training.epochs)


def _of_best(run: Run, found: SplitResults) -> bool:
    """Whether results are of the best epoch; a fitted system has no epochs."""
    if not isinstance(run.recipe, Recipe):
        return True
    best = best_row(run.history, run.recipe.training.select)
    return best is not None and found.epoch == best.epoch
