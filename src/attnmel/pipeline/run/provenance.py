"""Where a run comes from (recipe, seed, versions, device, data), and the checks that a continued run is the same."""

from collections.abc import Mapping
from typing import Any, TypeVar

import tomli_w
import torch

from attnmel import NOTICE
from attnmel.compute import runtime
from attnmel.config.fusion import FusionRecipe
from attnmel.config.load import AnyRecipe, OneKind, differing_settings
from attnmel.config.recipe import EvaluationSettings, Recipe, Settings
from attnmel.config.segmenter import SegmenterRecipe
from attnmel.errors import CheckpointError, ConfigError, LabelError, listed
from attnmel.files.folders import RunFolder, replacing
from attnmel.files.table_files import write_json
from attnmel.models.weights.age_sex_prior import AGE_SEX
from attnmel.models.weights.card import FITTED, Card, network_settings
from attnmel.models.weights.start_weights import Start
from attnmel.pipeline.run.images.dataset import Prepared
from attnmel.pipeline.run.run_location import DATASET_FROM_RUN, adapted, path_from_run, read_recipe, stored_provenance
from attnmel.progress import Progress

OF_THE_SQUARES = ("size", "crop", "crop_margin", "crops", "colour_constancy")
"""Settings of the data that a checkpoint has to share with its run."""

Trainable = TypeVar("Trainable", Recipe, SegmenterRecipe)

MOST_LISTED = 5
"""Entries of a setting that a message lists one by one where it differs."""


def write_start(
    run: RunFolder,
    recipe: AnyRecipe | SegmenterRecipe,
    data: Mapping[str, Any],
    *,
    crop_masks: Mapping[str, Any] | None = None,
    prior: Mapping[str, Any] | None = None,
    class_weights: Mapping[str, float] | None = None,
    teacher: Mapping[str, Any] | None = None,
    device: torch.device,
    processes: int,
    command: str,
    start: Start,
) -> None:
    """Write the resolved recipe and the provenance of a run; `data` is the fingerprint of its data."""
    provenance = {
        "notice": NOTICE,
        # Weights that were trained on other data before stay bound to its licence too.
        "licence": "; ".join(dict.fromkeys(one for one in (data["licence"], start.licence) if one)),
        "command": command,
        "seed": recipe.training.seed,
        "versions": runtime.versions(),
        "device": runtime.device_name(device),
        "processes": processes,
        "precision": recipe.training.precision,
        "start": start.sentence,
        **({"start measured": start.facts} if start.facts else {}),
        "data": data,
        **({"crop masks": crop_masks} if crop_masks else {}),
        **({"prior": prior} if prior else {}),
        **({"class weights": class_weights} if class_weights else {}),
        **({"teacher": teacher} if teacher else {}),
        **place_of_data(run, recipe),
    }
    write_provenance(run, provenance)
    _write_recipe(run, recipe)


def _write_recipe(run: RunFolder, recipe: AnyRecipe | SegmenterRecipe) -> None:
    with replacing(run.recipe) as part:
        part.write_bytes(tomli_w.dumps(recipe.model_dump(exclude_none=True)).encode())


def place_of_data(run: RunFolder, recipe: AnyRecipe | SegmenterRecipe) -> dict[str, str]:
    """Return the entry of the provenance that says where a folder of own images is from the run folder."""
    path = path_from_run(run, recipe.data.dataset)
    return {DATASET_FROM_RUN: path} if path else {}


def add_resumed(
    run: RunFolder, recipe: Recipe | SegmenterRecipe, *, device: torch.device, processes: int, epoch: int
) -> None:
    """Record that a run was resumed, and on what: other versions or thread counts may change the last bits.

    The recipe replaces the one before: its epochs or the place of its images may be others now. Of a run that has all
    its epochs that is all: nothing is trained any more.
    """
    provenance = {**read_provenance(run), **place_of_data(run, recipe)}
    _write_recipe(run, recipe)
    if epoch == recipe.training.epochs:
        write_provenance(run, provenance)
        return
    provenance.setdefault("resumed", []).append(
        {
            "after epoch": epoch,
            "versions": runtime.versions(),
            "device": runtime.device_name(device),
            "processes": processes,
        }
    )
    write_provenance(run, provenance)


def write_provenance(run: RunFolder, provenance: dict[str, Any]) -> None:
    """Write where a run comes from."""
    write_json(run.provenance, provenance, durable=True)


def read_provenance(run: RunFolder) -> dict[str, Any]:
    """Return what `write_start` wrote.

    Raises:
        ConfigError: the folder holds no run, or the file is damaged.
    """
    if run.recipe.is_file() and not run.provenance.is_file():
        raise ConfigError(
            f"{run.path} lacks {run.provenance.name}; copy the whole folder of the run, or train it again with another "
            "--out"
        )
    if not run.provenance.is_file():
        raise ConfigError(f"{run.path} is not a run folder: no {run.provenance.name} in it; train one first")
    return stored_provenance(run)


def begun_precision(recipe: Trainable, run: RunFolder, progress: Progress) -> Trainable:
    """Return the recipe of a run that may be there already: for "auto" with the precision that the run was begun with.

    `auto` may mean another one by now, as on another machine, and a run of two precisions would be that of neither.
    """
    if recipe.training.precision != "auto" or not run.recipe.is_file():
        return recipe
    now = runtime.choose_precision("auto", runtime.choose_device(recipe.training.device))
    begun = read_provenance(run).get("precision", now)
    if begun != now:
        progress.note(
            f"{run.path} was begun in {begun} and goes on in it; training.precision = 'auto' would be {now} here"
        )
    return recipe.model_copy(update={"training": recipe.training.model_copy(update={"precision": begun})})


def continued_recipe(run: RunFolder, recipe: OneKind, prepared: Prepared, prior: Mapping[str, Any]) -> OneKind:
    """Return the recipe that a run is continued with: the one it was begun with, with what `adapted` allows to change.

    Raises:
        ConfigError: names the settings that differ.
        LabelError: the images, masks, labels or the files of the prior are not those the run began with.
    """
    begun = read_recipe(run)
    if begun.data.dataset != recipe.data.dataset:
        recipe = recipe.model_copy(update={"name": begun.name})
    refuse_other_settings(run, adapted(begun, recipe), recipe)
    provenance = read_provenance(run)
    refuse_other_data(run, provenance, prepared.fingerprint(), prepared.dataset.name)
    if provenance.get("prior", {}).get("content") != prior.get("content"):
        raise LabelError(
            f"the masks that the prior of {run.path} is made of are not those that it was begun with. Put them back as "
            "they were, or train anew with another --out."
        )
    return recipe


def refuse_other_settings(run: RunFolder, begun: Settings, wanted: Settings) -> None:
    """Refuse to continue a run with other settings than it was begun with.

    Raises:
        ConfigError: names the settings that differ.
    """
    if differing := differing_settings(begun, wanted):
        changes = "; ".join(_change(key, before, now) for key, (before, now) in differing.items())
        fixed = " (a cosine falls to 0 at the last epoch, so that other epochs would have had other learning rates)"
        why = fixed if "training.epochs" in differing and "training.schedule" not in differing else ""
        raise ConfigError(f"{run.path} was begun by another recipe: {changes}{why}. Use that recipe, or another --out.")


def _change(key: str, before: object, now: object) -> str:
    if isinstance(before, tuple) and isinstance(now, tuple) and max(len(before), len(now)) > MOST_LISTED:
        # An exclusion list may hold thousands.
        gone, new = (listed(map(str, sorted({*one} - {*other}))) for one, other in ((before, now), (now, before)))
        return f"{key} had {len(before)} entries, has {len(now)} (new: {new or 'none'}; gone: {gone or 'none'})"
    return f"{key} was {before!r}, is {now!r}"


def refuse_other_data(run: RunFolder, provenance: Mapping[str, Any], now: dict[str, Any], name: str) -> None:
    """Refuse images, masks, labels or a split that are not those a run was trained on.

    `now` is the data set's fingerprint. A folder that grew is split anew: some of its new test split would have been
    trained on.

    Raises:
        LabelError: what differs and what to do.
    """
    before = provenance["data"]
    kinds = {"content": "images or masks", "labels": "labels, groups or split"}
    # What an earlier version did not record cannot be compared.
    if differing := [kind for key, kind in kinds.items() if before.get(key, now[key]) != now[key]]:
        raise LabelError(
            f"the {' and the '.join(differing)} of {name} are not those that {run.path} was trained "
            "on. Put them back as they were, train anew with another --out, or keep new images in a folder of their "
            "own and evaluate on that with `attnmel evaluate --on`."
        )


def check_card(run: RunFolder, card: Card, recipe: AnyRecipe) -> None:
    """Refuse a checkpoint of another run in this run's folder: its results would be filed under the wrong recipe.

    Raises:
        CheckpointError: names what differs.
    """
    data = recipe.data
    test = EvaluationSettings() if isinstance(recipe, FusionRecipe) else recipe.test
    pairs = {
        **_network_pairs(card, recipe),
        "classes": (", ".join(card.classes), ", ".join(data.classes)),
        **{name.replace("_", " "): (getattr(card, name), getattr(data, name)) for name in OF_THE_SQUARES},
        "prior of age and sex": (card.age_sex_prior is not None, test.prior == AGE_SEX),
        "transforms": (card.transforms, test.transforms),
    }
    if differing := [f"{key} {found}, not {expected}" for key, (found, expected) in pairs.items() if found != expected]:
        raise CheckpointError(
            f"{run.best} is not of this run's recipe: {'; '.join(differing)}. Put the run's own checkpoint back, or "
            "train the run again."
        )


def _network_pairs(card: Card, recipe: AnyRecipe) -> dict[str, tuple[object, object]]:
    if not isinstance(recipe, Recipe):
        return {"network": (card.network, FITTED)}
    model = recipe.model
    return {
        "network": (card.network, model.network),
        **{name: (getattr(card, name), given) for name, given in network_settings(model).items()},
    }
