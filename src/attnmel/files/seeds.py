"""The runs that a path means: a run folder, or the seeds of a recipe in a folder. No torch."""

from pathlib import Path

from attnmel.errors import ConfigError, listed
from attnmel.files.folders import RunFolder

SEED = "seed-"
"""Begins the name of a run folder; its seed follows."""

FOLD = "fold-"
"""Begins the name of a folder with the seeds of one fold."""

DEEPEST = 4
"""Folders between a folder of runs and a run: data set, recipe, control, seed."""


def runs_in(path: Path) -> tuple[RunFolder, ...]:
    """Return the runs that a path means: the run folder itself, or the seeds of a recipe in it, in order.

    Empty where it holds neither.
    """
    if RunFolder(path).recipe.is_file():
        return (RunFolder(path),)
    seeds = [one for one in path.glob(f"{SEED}*") if RunFolder(one).recipe.is_file()]
    return tuple(map(RunFolder, sorted(seeds, key=lambda one: (len(one.name), one.name))))


def runs_to_average(path: Path) -> tuple[RunFolder, ...]:
    """Return the runs whose mean a folder of a recipe means: its seeds, or those of its folds where it has none itself.

    Empty where it holds neither, or is a file or a run.
    """
    if not path.is_dir() or RunFolder(path).recipe.is_file():
        return ()
    folds = sorted(path.glob(f"{FOLD}*"))
    return runs_in(path) or tuple(run for fold in folds if fold.is_dir() for run in runs_in(fold))


def single_run(path: Path) -> Path:
    """Return the run of a path that holds a single seed; any other path as it is, for its reader to use or refuse.

    Raises:
        ConfigError: the folder holds several seeds.
    """
    if not path.is_dir() or RunFolder(path).best.is_file():
        return path
    runs = [run.path for run in runs_in(path)]
    if len(runs) > 1:
        raise ConfigError(
            f"{path} holds {len(runs)} seeds ({listed(run.name for run in runs)}); name one of them, such as {runs[0]}"
        )
    return runs[0] if runs else path


def runs_below(path: Path) -> str:
    """Return the advice to name a run where runs are in the folders below a path; empty where there are none."""
    levels = ("/".join("*" * depth) for depth in range(1, DEEPEST + 1))
    below = [str(one.parent) for level in levels for one in sorted(path.glob(f"{level}/{RunFolder(path).recipe.name}"))]
    return f"; runs below it: {listed(below)}" if below else ""
