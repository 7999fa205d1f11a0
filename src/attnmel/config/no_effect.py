"""Settings, changed or written, that play no part in the data, the network or the loss of a recipe. No torch."""

from collections.abc import Sequence

from attnmel.config.load import AnyRecipe
from attnmel.config.recipe import Recipe

OF_OWN_TABLE = "it needs a folder with a labels.csv"


def without_effect(recipe: AnyRecipe, changed: Sequence[str], *, own_table: bool = True) -> str:
    """Return a sentence that names those of the settings (`key=value` or `key`) that have no effect; "" where all have.

    They are no error: recipes set them in families, and one change is for all rows of a table. `own_table` says
    whether the data set is read by a labels.csv of one's own.
    """
    reasons = _reasons(recipe) if isinstance(recipe, Recipe) else {}
    reasons |= {} if own_table else {"data.strict": OF_OWN_TABLE}
    keys = dict.fromkeys(one.partition("=")[0].strip() for one in changed)
    named = [f"{key} ({reasons[key]})" for key in keys if key in reasons]
    return f"without effect here: {', '.join(named)}" if named else ""


def _reasons(recipe: Recipe) -> dict[str, str]:
    """Return why a setting of network or loss has no effect, by its dotted name."""
    network, prior = recipe.model.network, recipe.loss.prior != "none"
    rules = (
        (network == "attnmel-cnn", "model.network = 'attnmel-cnn'", ("model.attention",)),
        (
            network == "attnmel-cnn" and prior,
            "model.network = 'attnmel-cnn' with a loss.prior",
            ("loss.pool3_weight", "loss.pool4_weight", "loss.dice"),
        ),
        (
            network in ("chen", "dermaknet") and prior,
            "model.network = 'chen' or 'dermaknet' with a loss.prior",
            ("loss.mask_weight",),
        ),
        (network == "chen", "model.network = 'chen'", ("model.passing",)),
        (network == "dermaknet", "model.network = 'dermaknet'", ("model.grid", "model.without")),
        (recipe.model.heads != "hinge", "model.heads = 'softmax' or 'both'", ("loss.gamma",)),
        (
            recipe.training.schedule == "steps",
            "training.schedule = 'steps'",
            ("training.decay", "training.decay_every"),
        ),
        (recipe.training.freeze != "none", "a training.freeze", ("training.cache_maps",)),
    )
    return {key: f"it needs {owner}" for used, owner, keys in rules if not used for key in keys}
