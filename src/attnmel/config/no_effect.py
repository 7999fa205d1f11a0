"""Changed settings that play no part in the network or the loss of a recipe. No torch."""

from collections.abc import Sequence

from attnmel.config.recipe import Recipe


def without_effect(recipe: Recipe, changed: Sequence[str]) -> str:
    """Return a sentence that names those of the changed settings (`key=value`) that have no effect; "" where all have.

    They are no error: recipes set them in families, and one change is for all rows of a table.
    """
    reasons = _reasons(recipe)
    keys = dict.fromkeys(one.partition("=")[0].strip() for one in changed)
    named = [f"{key} ({reasons[key]})" for key in keys if key in reasons]
    return f"without effect here: {', '.join(named)}" if named else ""


def _reasons(recipe: Recipe) -> dict[str, str]:
    """Return why a setting has no effect, by its dotted name."""
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
