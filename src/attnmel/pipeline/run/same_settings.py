"""Whether a run was begun with the settings that are wanted now, by its stored recipe alone: no images are read."""

from attnmel.config.load import AnyRecipe, differing_settings
from attnmel.models.weights.start_weights import START_NAMES
from attnmel.pipeline.run.stored_paths import stored_masks

SETTLED = ("data.statistics", "training.device", "data.dataset", "fusion.members")
"""Settings that a run resolves for its machine; `attnmel train --resume` checks them."""

PLACES = ("data.crop_masks", "loss.masks", "loss.teacher")
"""Settings that a run stores in full, by `stored_masks`."""


def other_settings(stored: AnyRecipe, wanted: AnyRecipe) -> tuple[str, ...]:
    """Return the dotted names of the settings that a run was begun with otherwise; none where it is the wanted one.

    What a run resolves for its machine does not count. Of weights, those by name count ("imagenet", "random"), but not
    where a file lies: a folder of runs may have been moved.
    """
    return tuple(
        key
        for key, (own, setting) in differing_settings(stored, wanted).items()
        if not key.startswith(SETTLED) and setting != "auto" and not _is_stored_as(key, own, setting)
    )


def _is_stored_as(key: str, own: object, wanted: object) -> bool:
    """Whether a run stores a wanted setting in another way: a place in full."""
    if isinstance(own, str) and isinstance(wanted, str):
        if key == "model.weights" or (key.startswith("features.") and key.endswith(".weights")):
            return not {own, wanted} & {*START_NAMES}
        return key in PLACES and own == stored_masks(wanted)
    return False
