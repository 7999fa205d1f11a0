"""Where a run comes from: its recipe, seed, versions, device and data; and whether a run that goes on is the same one."""

import json
from typing import Any

import tomli_w
import torch

from attnmel import NOTICE, runtime
from attnmel.config import Recipe, load_recipe
from attnmel.errors import ConfigError, LabelError
from attnmel.folders import RunFolder, replacing
from attnmel.pipeline.prepare import Prepared


def write_start(
    run: RunFolder,
    recipe: Recipe,
    prepared: Prepared,
    *,
    device: torch.device,
    processes: int,
    command: str,
    start: str,
) -> None:
    """Write the resolved recipe and where the run comes from."""
    provenance = {
        "notice": NOTICE,
        "licence": prepared.dataset.licence,
        "command": command,
        "seed": recipe.training.seed,
        "versions": runtime.versions(),
        "device": runtime.device_name(device),
        "processes": processes,
        "precision": runtime.choose_precision(recipe.training.precision, device),
        "start": start,
        "data": prepared.fingerprint(),
    }
    with replacing(run.provenance) as part:
        part.write_text(json.dumps(provenance, indent=2), encoding="utf-8")
    with replacing(run.recipe) as part:
        part.write_bytes(tomli_w.dumps(recipe.model_dump(exclude_none=True)).encode())


def read_provenance(run: RunFolder) -> dict[str, Any]:
    """Return what `write_start` wrote.

    Raises:
        ConfigError: the folder holds no run.
    """
    if not run.provenance.is_file():
        raise ConfigError(f"{run.path} is not a run folder: no {run.provenance.name} in it; train one first")
    return json.loads(run.provenance.read_text(encoding="utf-8"))


def read_recipe(run: RunFolder) -> Recipe:
    """Return the resolved recipe of a run.

    Raises:
        ConfigError: the folder holds no run.
    """
    if not run.recipe.is_file():
        raise ConfigError(f"{run.path} is not a run folder: no {run.recipe.name} in it; train one first")
    return load_recipe(str(run.recipe))


def check_same_run(run: RunFolder, recipe: Recipe, prepared: Prepared) -> None:
    """Refuse to go on with a run by another recipe or on other data.

    Raises:
        ConfigError: names the settings that differ.
        LabelError: the images, masks or labels are not those the run began with.
    """
    before, now = _flat(read_recipe(run).model_dump()), _flat(recipe.model_dump())
    if differing := sorted(key for key in before | now if before.get(key) != now.get(key)):
        changes = "; ".join(f"{key} was {before.get(key)!r}, is {now.get(key)!r}" for key in differing)
        raise ConfigError(f"{run.path} was begun by another recipe: {changes}. Use that recipe, or another --out.")
    if read_provenance(run)["data"] != json.loads(json.dumps(prepared.fingerprint())):
        raise LabelError(f"{run.path} was begun on other images, masks or labels; train anew with another --out")


def _flat(settings: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return flat
