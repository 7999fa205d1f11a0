"""The recipe of a fusion with parts -> its parts trained, each in a run folder of its own, and fused."""

from collections.abc import Sequence
from pathlib import Path

from attnmel.config.fusion import FusionRecipe
from attnmel.config.load import AnyRecipe, load_run_recipe
from attnmel.config.overrides import key_of, of_recipe
from attnmel.config.recipe import Recipe
from attnmel.config.system import SystemRecipe
from attnmel.errors import ConfigError
from attnmel.evaluation.statistics.bootstrap import RESAMPLES
from attnmel.pipeline.experiment import run_recipe, run_system
from attnmel.pipeline.fuse.fuse import fuse
from attnmel.pipeline.run.run import Run
from attnmel.pipeline.train.train import recipe_fabric, run_folder
from attnmel.progress import SILENT, Progress

OWN = ("name", "title", "published", "fusion", "training.seed")
"""Settings of the fusion that are not passed on to its parts."""


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
        ConfigError: no parts, two of them in one folder, or a run that is there already.
        AttnmelError: as `run_recipe`, `run_system` and `fuse`.
    """
    parts = part_recipes(recipe, out, overrides)
    folder = run_folder(recipe, out)
    if folder.measures.is_file():
        if resume:
            return Run(folder, home, progress)
        raise ConfigError(f"{folder.path} already holds a run; continue it with --resume, or choose another --out")
    members = []
    for part in parts:
        run = run_folder(part, out)
        progress.note(f"part {len(members) + 1} of {len(parts)}: {run.path}")
        if isinstance(part, Recipe):
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


def part_recipes(recipe: FusionRecipe, out: Path, overrides: Sequence[str] = ()) -> tuple[AnyRecipe, ...]:
    """Return the recipes of the parts of a fusion.

    Raises:
        ConfigError: no parts, a part that is a fusion itself, or two in one folder.
    """
    if not recipe.fusion.parts:
        raise ConfigError(f"{recipe.name} is a fusion of what is there already; fuse it by `attnmel fuse`")
    passed = [one for one in overrides if not key_of(one).startswith(OWN)]
    seed = recipe.training.seed
    found: list[AnyRecipe] = []
    for part in recipe.fusion.parts:
        own = [one.replace("{runs}", str(out)).replace("{seed}", str(seed)) for one in part.set]
        taken = of_recipe(part.recipe, passed)[0]
        one = load_run_recipe(part.recipe, [f"training.seed={seed}", *own, *taken])
        if recipe.data.exclude:
            one = one.model_copy(update={"data": one.data.model_copy(update={"exclude": recipe.data.exclude})})
        found.append(one)
        if isinstance(found[-1], FusionRecipe):
            raise ConfigError(f"{recipe.name}: its part {part.recipe} is a fusion itself; name that one's parts")
    places = [run_folder(one, out).path for one in found]
    if twice := [place for place in dict.fromkeys(places) if places.count(place) > 1]:
        raise ConfigError(f"{recipe.name}: two parts would share the run folder {twice[0]}; give one another name")
    return tuple(found)
