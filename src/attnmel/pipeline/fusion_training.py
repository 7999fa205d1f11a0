"""The recipe of a fusion with parts -> its parts trained, each in a run folder of its own, and fused."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from attnmel.config.fusion import FusionRecipe
from attnmel.config.load import AnyRecipe
from attnmel.config.recipe import Recipe
from attnmel.config.system import SystemRecipe
from attnmel.errors import ConfigError, listed
from attnmel.evaluation.fusion.card import has_changed
from attnmel.evaluation.statistics.bootstrap import RESAMPLES
from attnmel.files.folders import RunFolder
from attnmel.files.locks import hold_file, hold_folder
from attnmel.files.own_files import require_only
from attnmel.pipeline.experiment import run_recipe, run_system
from attnmel.pipeline.fuse.evaluate import stored_card
from attnmel.pipeline.fuse.fuse import fuse
from attnmel.pipeline.run.fusion_parts import part_notes, part_recipes
from attnmel.pipeline.run.provenance import begun_precision, refuse_other_settings
from attnmel.pipeline.run.results.results import CHOOSES
from attnmel.pipeline.run.run import Run
from attnmel.pipeline.run.run_location import adapted, new_run_folder
from attnmel.pipeline.run.same_settings import other_settings
from attnmel.pipeline.train.train import recipe_fabric
from attnmel.progress import SILENT, Progress


def run_fusion(
    recipe: FusionRecipe,
    out: Path,
    *,
    overrides: Sequence[str] = (),
    home: Path,
    resume: bool = False,
    command: str = "",
    resamples: int = RESAMPLES,
    progress: Progress = SILENT,
) -> Run:
    """Train the parts of a fusion, fuse their predictions, and return the finished run.

    `overrides` are the changed settings of the command: each part takes those that it has. With `resume` finished parts
    are left as they are, stopped ones go on, and a finished fusion is returned as it is, unless a part that is there is
    no longer the one that was fused: then it is fused again.

    Raises:
        ConfigError: no parts, two of them in one folder, or a run that is there already; with `resume`, one of other
            settings.
        AttnmelError: as `run_recipe`, `run_system` and `fuse`.
    """
    parts = part_recipes(recipe, out, overrides)
    for note in part_notes(recipe, overrides):
        progress.note(note)
    folder = new_run_folder(recipe, out)
    if is_there := folder.measures.is_file():
        if not resume:
            raise ConfigError(f"{folder.path} already holds a run; continue it with --resume, or choose another --out")
        run = Run(folder, home, progress)
        _refuse_other_settings(run, recipe, [Run(new_run_folder(one, out)) for one in parts], parts)
        changed = [one.name for one in stored_card(folder.path).members if has_changed(one, folder.path)]
        if not changed:
            return run
        _require_replaceable(folder)
        progress.note(f"{folder.path} is fused again, as parts of it changed since: {listed(changed)}")
    members = []
    for part in parts:
        run = new_run_folder(part, out)
        progress.note(f"part {len(members) + 1} of {len(parts)}: {run.path}")
        if isinstance(part, Recipe):
            part = begun_precision(part, run, progress) if resume else part
            fabric = recipe_fabric(part)
            run_recipe(part, run, home=home, fabric=fabric, resume=resume, command=command, progress=progress)
        elif isinstance(part, SystemRecipe):
            run_system(part, run, home=home, resume=resume, command=command, progress=progress)
        members.append(str(run.path))
    with hold_file(folder.path):
        if is_there:
            with hold_folder(folder.path):
                _require_replaceable(folder)  # another command may have written into it meanwhile
            shutil.rmtree(folder.path)
        fuse(
            members,
            folder.path,
            by=recipe.fusion.by,
            positives=recipe.data.positives,
            seed=recipe.training.seed,
            recipe=recipe,
            home=home,
            command=command,
            resamples=resamples,
            progress=progress,
        )
    return Run(folder, home, progress)


def _require_replaceable(folder: RunFolder) -> None:
    """Refuse to remove a fusion with files in its folder that it does not consist of, such as notes.

    Raises:
        ConfigError: names one of them.
    """
    files = (folder.recipe, folder.best, folder.best.with_suffix(".json"), folder.fusion, folder.measures)
    results = (folder.predictions(CHOOSES).parent, folder.leakage, folder.report)
    require_only(folder.path, folder.names | {path.name for path in (*files, *results)}, "a fusion")


def _refuse_other_settings(run: Run, recipe: FusionRecipe, members: Sequence[Run], parts: Sequence[AnyRecipe]) -> None:
    """Refuse a finished fusion with other settings than are wanted, as of those of its parts that are still there.

    Raises:
        ConfigError: names the settings that differ.
    """
    begun = adapted(run.recipe, recipe)
    if isinstance(begun, FusionRecipe):
        recipe = recipe.model_copy(
            update={"fusion": recipe.fusion.model_copy(update={"members": begun.fusion.members})}
        )
    refuse_other_settings(run.folder, begun, recipe)
    for member, part in zip(members, parts, strict=True):
        if member.folder.recipe.is_file() and (other := other_settings(member.recipe, part)):
            raise ConfigError(
                f"{run.path} is finished, but its part {member.path} has another {listed(other)} than is wanted now. "
                "Use the settings that it was trained with, or another --out."
            )
