"""A fusion -> a run folder: recipe, provenance, images of its members, its card, and its results."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from attnmel.config.fusion import FusionRecipe, FusionSettings, FusionTraining
from attnmel.config.load import plain_name
from attnmel.config.settings.data import DataSettings
from attnmel.evaluation.challenge.rules import CHALLENGES
from attnmel.evaluation.fusion.card import KEY, FusionCard
from attnmel.files.checksums import json_sha256, text_sha256
from attnmel.files.folders import RunFolder, write_text
from attnmel.models.weights.card import FUSED, Card, data_settings
from attnmel.models.weights.checkpoints import save_weights
from attnmel.models.weights.start_weights import Start
from attnmel.pipeline.fuse.evaluate import EPOCH
from attnmel.pipeline.fuse.members import Member, recalibrated_on
from attnmel.pipeline.run.images.seen_images import write_images
from attnmel.pipeline.run.provenance import write_start
from attnmel.records import Predictions

OF_IMAGES = ("fold", "limit", "exclude", "ablation")
"""Settings of the data that say which images a run is trained on, and what is left of them."""


def write_run(
    folder: RunFolder,
    card: FusionCard,
    members: Sequence[Member],
    given: FusionRecipe | None,
    truths: Mapping[str, Predictions],
    command: str,
) -> None:
    """Write all of a run folder but the results; `truths` are the predictions by the name of their results.

    `given` is the recipe that the members were trained by, where there is one.
    """
    recipe = _recipe(card, members, given)
    data = _data(card, members, truths)
    learnt = {image: None for one in members if one.run for image in one.run.learnt_images}
    if learnt:
        write_images(folder, tuple(learnt), card.licence)
    start = Start(f"{len(members)} members, fused by {card.by}")
    write_start(folder, recipe, data, device=torch.device("cpu"), processes=1, command=command, start=start)
    text = card.model_dump_json(indent=2)
    write_text(folder.fusion, text)
    # Numbers that are the fusion's own, by which a copy of its folder is known.
    digest = torch.tensor(list(bytes.fromhex(text_sha256(text))), dtype=torch.uint8)
    made = dataclasses.replace(_card(card, recipe, data), recalibrated_on=recalibrated_on(members))
    save_weights(folder.best, {"sha256 of the card": digest}, made, {KEY: text})


def members_licence(members: Sequence[Member]) -> str:
    """Return the licences of the members' data; those of files are not known."""
    licences = [one.run.card.licence for one in members if one.run and one.run.card]
    known = dict.fromkeys(part for one in licences for part in one.split("; "))
    files = [one.path.name for one in members if one.run is None]
    return "; ".join([*known, *([f"not known of {', '.join(files)}"] if files else [])])


def _recipe(card: FusionCard, members: Sequence[Member], given: FusionRecipe | None) -> FusionRecipe:
    sources = tuple(one.source() for one in members)
    if given is not None:
        return given.model_copy(update={"fusion": given.fusion.model_copy(update={"members": sources})})
    first = next((one.run for one in members if one.run), None)
    data = DataSettings(dataset=card.dataset, classes=card.classes, positives=card.positives)
    if first is not None:
        own = {"classes": card.classes, "positives": card.positives, "repeats": {}, "statistics": None}
        data = first.recipe.data.model_copy(update=own | _mixed([one.run.recipe.data for one in members if one.run]))
    return FusionRecipe(
        name=f"{plain_name(data.dataset)}/fused-{card.by}",
        title=f"Fusion of {len(members)} by {card.by}",
        data=data,
        fusion=FusionSettings(by=card.by, members=sources),
        training=FusionTraining(seed=card.seed),
    )


def _mixed(every: Sequence[DataSettings]) -> dict[str, Any]:
    """Return the default of each setting that says which images a run is of, where the members differ in it."""
    differing = [name for name in OF_IMAGES if any(getattr(one, name) != getattr(every[0], name) for one in every)]
    return {name: DataSettings.model_fields[name].default for name in differing}


def _data(card: FusionCard, members: Sequence[Member], truths: Mapping[str, Predictions]) -> dict[str, Any]:
    """Return the data of the first run, with hashes of what the runs differ in; of files what is known of them."""
    runs = [one.run for one in members if one.run]
    if not runs:
        return _data_of_files(card, truths)
    every = [one.provenance["data"] for one in runs]
    known: dict[str, Any] = {"archives": [], "splits": {}, "title": card.dataset}
    for one in reversed(every):  # some know less of their data, such as the network that comes along
        known |= one
    mixed = {key: _same(one.get(key) for one in every) for key in ("content", "labels")}
    return {**known, **mixed, "licence": card.licence}


def _same(values: Any) -> str:  # noqa: ANN401 - strings, or None of an earlier version
    found = list(dict.fromkeys(map(str, values)))
    return found[0] if len(found) == 1 else json_sha256(found)


def _data_of_files(card: FusionCard, truths: Mapping[str, Predictions]) -> dict[str, Any]:
    splits = {
        name: {"images": len(one.labels), **{known: int(one.is_class(known).sum()) for known in one.classes}}
        for name, one in truths.items()
    }
    labels = {name: [one.image_ids, one.labels.tolist(), one.groups] for name, one in truths.items()}
    return {
        "dataset": card.dataset,
        "title": CHALLENGES[card.dataset].title if card.dataset in CHALLENGES else card.dataset,
        "licence": card.licence,
        "content": json_sha256([one.sha256 for one in card.members]),
        "labels": json_sha256(labels),
        "archives": [],
        "splits": splits,
    }


def _card(card: FusionCard, recipe: FusionRecipe, data: Mapping[str, Any]) -> Card:
    return Card(
        network=FUSED,
        trunk="none",
        width=1.0,
        attention="none",
        **data_settings(recipe.data),
        mean=(0.0, 0.0, 0.0),
        std=(1.0, 1.0, 1.0),
        epoch=EPOCH,
        measures={},
        recipe=recipe.name,
        data=dict(data),
        licence=card.licence,
        seed=card.seed,
    )
