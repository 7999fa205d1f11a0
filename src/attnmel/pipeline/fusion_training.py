"""The recipe of a fusion with parts -> its parts trained, each in a run folder of its own, and fused."""

from collections.abc import Sequence
from pathlib import Path

from attnmel.config.fusion import FusionRecipe
from attnmel.config.load import AnyRecipe
from attnmel.config.recipe import Recipe
from attnmel.config.system import SystemRecipe
from attnmel.errors import ConfigError, listed
from attnmel.evaluation.statistics.bootstrap import RESAMPLES
from attnmel.pipeline.experiment import run_recipe, run_system
from attnmel.pipeline.fuse.fuse import fuse
from attnmel.pipeline.run.fusion_parts import part_notes, part_recipes
from attnmel.pipeline.run.provenance import begun_precision, refuse_other_settings
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
    are left as they are, stopped ones go on, and a finished fusion is returned as it is.

    Raises:
        ConfigError: no parts, two of them in one folder, or a run that is there already; with `resume`, one of other
            settings.
        AttnmelError: as `run_recipe`, `run_system` and `fuse`.
    """
    parts = part_recipes(recipe, out, overrides)
    for note in part_notes(recipe, overrides):
        progress.note(note)
    folder = new_run_folder(recipe, out)
    if folder.measures.is_file():
        if resume:
            return _finished(
                Run(folder, home, progress), recipe, [Run(new_run_folder(one, out)) for one in parts], parts
            )
        raise ConfigError(f"{folder.path} already holds a run; continue it with --resume, or choose another --out")
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


def _finished(run: Run, recipe: FusionRecipe, members: Sequence[Run], parts: Sequence[AnyRecipe]) -> Run:
    """Return a finished fusion, which has the wanted settings, as have those of its parts that are still there.

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
    return run
