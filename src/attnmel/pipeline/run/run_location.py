"""Where a run lies; its recipe, with the folder of its images where that is now, and what a continued run may change.

No torch.
"""

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field, StringConstraints

from attnmel import __version__
from attnmel.config.load import AnyRecipe, load_run_recipe, load_segmenter_recipe
from attnmel.config.recipe import Recipe
from attnmel.data.batches.ablate import NO_ABLATION
from attnmel.data.datasets.own.columns import TABLE
from attnmel.data.datasets.read_dataset import own_folder_path
from attnmel.errors import ConfigError, did_you_mean
from attnmel.files.folders import RunFolder
from attnmel.files.seeds import runs_below
from attnmel.files.table_files import damage, read_json
from attnmel.pretrained.catalogue import ANY, model_names

DATASET_FROM_RUN = "dataset from run"
"""Key of the provenance: the path of the images' folder from the run folder."""


class _Provenance(BaseModel):
    """What every command needs of the provenance; the rest is read where it is shown."""

    licence: str
    data: dict[str, Any]
    start: str
    prior: dict[str, Any] = {}
    resumed: list[dict[str, Any]] = []
    place: Annotated[str, StringConstraints(pattern=r"^[^\x00]+$")] | None = Field(None, alias=DATASET_FROM_RUN)


def path_from_run(run: RunFolder, dataset: str) -> str | None:
    """Return the path of a folder of images from the run folder; None for a known data set, or on another drive."""
    folder = own_folder_path(dataset)
    if folder is None:
        return None
    try:
        return Path(os.path.relpath(folder.resolve(), run.path.resolve())).as_posix()
    except ValueError:
        return None


def no_run(run: RunFolder) -> ConfigError:
    """Return the error of a path that is no run, with the runs below it, what it is or a model of a similar name."""
    if run.path.is_file():
        above = RunFolder(run.path.parent)
        named = f"name its run, {above.path}" if above.recipe.is_file() else "name the folder of a run"
        return ConfigError(f"{run.path} is a file, not a run folder; {named}")
    if (run.path / TABLE).is_file():
        on = f"`attnmel evaluate RUN --on {shlex.quote(str(run.path))}`"
        return ConfigError(
            f"{run.path} is not a run folder: it holds images and {TABLE}; to evaluate a run on them: {on}"
        )
    if not run.path.exists():
        meant = did_you_mean(str(run.path), (ANY, *model_names()))
        here = "" if run.path.is_absolute() else f" in {Path.cwd()}"
        return ConfigError(f"{run.path} is not a run folder{meant}: there is no such folder{here}; train one first")
    below = runs_below(run.path) or "; train one first"
    return ConfigError(f"{run.path} is not a run folder: no {run.recipe.name} in it{below}")


def read_recipe(
    run: RunFolder, overrides: Sequence[str] = (), *, provenance: Mapping[str, Any] | None = None
) -> AnyRecipe:
    """Return the resolved recipe of a run, changed by `key=value` overrides.

    A folder of own images is looked for at its path from the run folder first, since both may have been moved together,
    then at its absolute path. Whether it holds the same images is checked where they are used. The path is read from
    the run's provenance, where that is not given.

    Raises:
        ConfigError: the folder holds no run.
    """
    if not run.recipe.is_file():
        raise no_run(run)
    recipe = _stored_recipe(run, overrides)
    if any(one.partition("=")[0].strip() == "data.dataset" for one in overrides):
        return recipe
    if provenance is None:
        provenance = stored_provenance(run) if run.provenance.is_file() else {}
    stored = provenance.get(DATASET_FROM_RUN)
    beside = (run.path.resolve() / stored).resolve() if stored else None
    return moved_to(recipe, str(beside)) if beside is not None and beside.is_dir() else recipe


def _stored_recipe(run: RunFolder, overrides: Sequence[str]) -> AnyRecipe:
    """Read the file of a run's recipe; an error that is not of the overrides names the file."""
    try:
        return load_run_recipe(str(run.recipe), overrides)
    except ConfigError:
        try:
            load_run_recipe(str(run.recipe))
        except ConfigError as error:
            if _is_segmenter(run.recipe):
                raise ConfigError(
                    f"{run.path} is a segmenter, not a run of `attnmel train`; `attnmel segment predict` takes it, and "
                    "the option --segmenter of `predict`, `explain` and `serve`"
                ) from None
            raise ConfigError(
                f"{run.recipe} was changed, or written by another version of attnmel than {__version__}: {error}"
            ) from None
        raise


def _is_segmenter(recipe: Path) -> bool:
    try:
        load_segmenter_recipe(recipe)
    except ConfigError:
        return False
    return True


def stored_provenance(run: RunFolder) -> dict[str, Any]:
    """Return what the file of a run's provenance holds.

    Raises:
        ConfigError: the file is damaged.
    """
    with damage(run.provenance, ConfigError, "put back the file that the training wrote, or train anew"):
        plain = read_json(run.provenance)
        _Provenance.model_validate(plain)
        return plain


def moved_to(recipe: AnyRecipe, dataset: str) -> AnyRecipe:
    """Return a recipe whose images are in another folder, with the colour statistics that are of them."""
    data = recipe.data
    statistics = data.statistics
    if statistics is not None and statistics.of == data.images_in_words:
        there = data.model_copy(update={"dataset": dataset})
        statistics = statistics.model_copy(update={"of": there.images_in_words})
    changed = {"dataset": dataset, "statistics": statistics}
    return recipe.model_copy(update={"data": data.model_copy(update=changed)})


def adapted(begun: AnyRecipe, wanted: AnyRecipe) -> AnyRecipe:
    """Return the recipe that a run was begun with, with what a continued run may have otherwise.

    That is the folder of own images (the fingerprint tells whether they are the same), and the number of epochs where
    the learning rate of an epoch does not depend on it.
    """
    folders = own_folder_path(wanted.data.dataset) is not None and Path(begun.data.dataset).is_absolute()
    changed = moved_to(begun, wanted.data.dataset) if folders else begun
    if not isinstance(changed, Recipe) or not isinstance(wanted, Recipe) or changed.training.schedule != "steps":
        return changed
    epochs = {"epochs": wanted.training.epochs}
    return changed.model_copy(update={"training": changed.training.model_copy(update=epochs)})


def new_run_folder(recipe: AnyRecipe, out: Path) -> RunFolder:
    """Return the folder of a new run: `<out>/<recipe>[/fold-<k>-of-<n>][/<ablation>]/seed-<seed>`."""
    fold = f"fold-{recipe.data.fold.replace('/', '-of-')}" if recipe.data.fold else ""
    plain = RunFolder(out / recipe.name / fold / f"seed-{recipe.training.seed}")
    return plain if recipe.data.ablation == NO_ABLATION else plain.ablation(recipe.data.ablation)
