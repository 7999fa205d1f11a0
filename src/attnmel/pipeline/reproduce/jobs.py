"""A table and its options -> the commands that fill it, one `attnmel train` a row and seed. No torch."""

import dataclasses
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from attnmel.config.fusion import FusionRecipe
from attnmel.config.load import AnyRecipe, differing_settings, load_recipe, load_run_recipe
from attnmel.config.overrides import of_recipe, override_notes
from attnmel.config.recipe import Recipe
from attnmel.config.settings.model import VGG_TRUNKS
from attnmel.data.archives.catalog import ARCHIVES, Archive, source_of
from attnmel.data.archives.fetch import archive_states
from attnmel.data.datasets.missing import missing_files
from attnmel.data.priors.sources import PREDICTED
from attnmel.errors import ArchiveError, ConfigError, require_known
from attnmel.evaluation.thesis.tables import TablePlan
from attnmel.files.folders import RunFolder, home_folder
from attnmel.number_formats import size_in_words
from attnmel.pipeline.reproduce.row_masks import are_predicted, check_segmenter
from attnmel.pipeline.run.fusion_parts import part_notes, parts_of
from attnmel.pipeline.run.run_location import new_run_folder

SEGMENTER = "segmenter"
"""Folder of the segmenter that a table trains, next to its rows."""

NO_ROWS = ("none",)
"""Chosen where a table is of given predictions alone."""


@dataclass(frozen=True, kw_only=True)
class TableOptions:
    """The options of `attnmel reproduce`."""

    plan: TablePlan
    out: Path
    overrides: tuple[str, ...] = ()
    """`key=value`, for every row."""
    seeds: int = 1
    rows: tuple[str, ...] = ()
    """Of the table's; empty for all, ("none",) for none."""
    given: tuple[str, ...] = ()
    """NAME=PATH of predictions that are rows, too."""
    home: Path | None = None
    """As it was given; None for the default."""
    command: str = ""
    """As it was typed, for the table's own record."""
    segmenter: Path | None = None
    """A trained segmenter; None to train one where predicted masks are needed and not there."""

    @property
    def home_arguments(self) -> tuple[str, ...]:
        """The options that give a command the same home."""
        return ("--home", str(self.home)) if self.home else ()


@dataclass(frozen=True, kw_only=True)
class Job:
    """One run of the table."""

    row: str
    seed: int
    arguments: tuple[str, ...]
    """Of `attnmel`."""
    recipe: AnyRecipe | None
    """None where the row's settings are no recipe."""
    problem: str = ""
    """Why the row's settings are no recipe."""
    missing: str = ""
    """Which of its data are missing."""
    run: RunFolder
    is_part: bool = False
    """Whether it is no row of the table, but trained for one that is a fusion."""
    after: tuple[Path, ...] = ()
    """Run folders of the jobs that must end before: the parts of a fusion, and runs whose weights it takes."""

    @property
    def name(self) -> str:
        """Row and seed, as messages call it."""
        return f"{self.row}, seed {self.seed}"

    @property
    def needs_predicted_masks(self) -> bool:
        """Whether its loss takes masks that a segmenter predicts."""
        return isinstance(self.recipe, Recipe) and self.recipe.loss.masks == PREDICTED


@dataclass(frozen=True)
class TableJobs:
    """All commands of a table."""

    segmenter: tuple[tuple[str, ...], ...]
    """Arguments of the commands that must end before any row starts; empty where no masks must be predicted."""
    jobs: tuple[Job, ...]
    """One seed of all rows after the other, so that a whole table of fewer seeds is there early; parts of a fusion come
    before it."""
    notes: tuple[str, ...] = ()
    """Rows that are left out, and why."""


def table_jobs(options: TableOptions) -> TableJobs:
    """Return the commands of a table.

    Raises:
        ConfigError: an unknown row, no row that can be built, or settings that no row takes; as `check_segmenter`.
    """
    if options.rows == NO_ROWS and not options.given:
        raise ConfigError(
            "--rows none leaves rows of --row NAME=PATH alone, and there is none; name one, or other --rows"
        )
    rows, notes = _rows(options)
    every = [one for place in range(options.seeds) for row in rows for one in _with_parts(options, row, place)]
    jobs = tuple(_once(every, options))
    notes += tuple(override_notes(rows, options.overrides))
    notes += tuple(dict.fromkeys(note for job in jobs for note in _part_notes(job.recipe, options)))
    if not jobs and options.rows != NO_ROWS:
        raise ConfigError(f"no row of {options.plan.name} is left; name other --rows, or another trunk")
    if jobs and all(job.recipe is None for job in jobs):
        raise ConfigError(jobs[0].problem)
    return TableJobs(_segmenter(options, jobs), jobs, notes)


def command_lines(found: TableJobs) -> list[str]:
    """Return the commands as shell lines, with comments; nothing is run."""
    lines = [f"# {note}" for note in found.notes]
    lines += [f"# left out: {job.name}: {job.problem}" for job in found.jobs if job.problem]
    lines += [f"# missing here: {missing}" for missing in dict.fromkeys(job.missing for job in found.jobs) if missing]
    if found.segmenter:
        lines += ["# These first, one after the other: the masks that are the prior of some rows below."]
        lines += map(shell_line, found.segmenter)
    steps = list(_steps([job for job in found.jobs if not job.problem]))
    side_by_side = "in any order, also side by side: each has a run folder of its own."
    for number, jobs in enumerate(steps, start=1):
        after = ", when those before have ended" if number > 1 else ""
        which = f"Step {number} of {len(steps)}{after}: these" if len(steps) > 1 else "These"
        lines += [f"# {which} {side_by_side}", *(shell_line(job.arguments) for job in jobs)]
    return lines


def _steps(jobs: Sequence[Job]) -> Iterator[list[Job]]:
    """Yield jobs in steps, as early as can be: those of a step need only jobs of the steps before."""
    left = list(jobs)
    while left:
        waiting = {job.run.path for job in left}
        step = [job for job in left if not waiting & {*job.after}]
        yield step
        left = [job for job in left if waiting & {*job.after}]


def shell_line(arguments: Sequence[str]) -> str:
    """Return a command as a shell takes it."""
    return shlex.join(["attnmel", *arguments])


def _rows(options: TableOptions) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the rows to train, in the table's order, and a note on each that its trunk does not allow."""
    if options.rows == NO_ROWS:
        return (), ()
    known = {row.rpartition("/")[2].removesuffix(".toml"): row for row in options.plan.every_row}
    for name in options.rows:
        require_known(f"row of {options.plan.name}", name, {*known, *options.plan.every_row})
    wanted = [row for short, row in known.items() if not options.rows or {short, row} & {*options.rows}]
    lacking = {row: trunk for row in wanted if (trunk := _without_dense_layers(row, options.overrides))}
    note = "{} is left out: the trunk {} has no dense layers, so the table has one row fewer"
    return tuple(row for row in wanted if row not in lacking), tuple(note.format(*item) for item in lacking.items())


def _without_dense_layers(row: str, overrides: Sequence[str]) -> str | None:
    """Return the light trunk that a row would have, where the row is VGG-16 with its dense layers; else None."""
    recipe = load_run_recipe(row)
    if not isinstance(recipe, Recipe) or recipe.model.network != "vgg16":
        return None
    try:
        trunk = load_recipe(row, [*overrides, "model.network=vgg16-gap"]).model.trunk
    except ConfigError:
        return None  # reported for the row itself
    return None if trunk in VGG_TRUNKS else trunk


def _with_parts(options: TableOptions, row: str, place: int) -> Iterator[Job]:
    """Yield the job of a row, after those of its parts where it is a fusion."""
    job = _job(options, row, place)
    if not isinstance(job.recipe, FusionRecipe):
        yield job
        return
    parts: list[Job] = []
    for part in parts_of(job.recipe, options.out, options.overrides):
        run = new_run_folder(part.recipe, options.out)
        one = Job(
            row=run.path.parent.relative_to(options.out).as_posix(),
            seed=job.seed,
            arguments=_arguments(options, part.name, part.settings),
            recipe=part.recipe,
            missing=_missing_data(part.recipe, home_folder(options.home)),
            run=run,
            is_part=True,
            after=tuple(one.run.path for one in parts if _takes(part.settings, one.run.path)),
        )
        parts.append(one)
    yield from parts
    yield dataclasses.replace(job, after=tuple(one.run.path for one in parts))


def _takes(settings: Sequence[str], path: Path) -> bool:
    """Whether one of the settings names a run folder."""
    return any(Path(one.partition("=")[2].strip().strip("\"'")) == path for one in settings)


def _once(jobs: Iterable[Job], options: TableOptions) -> Iterable[Job]:
    """Return jobs with each run once, at its first place: a part of several rows, or one that is a row itself.

    Raises:
        ConfigError: two of other settings, or two rows, in one run folder.
    """
    found: dict[Path, Job] = {}
    for job in jobs:
        before = found.setdefault(job.run.path, job)
        same = before.recipe and job.recipe and not differing_settings(before.recipe, job.recipe)
        if before is not job and (not same or not (before.is_part or job.is_part)):
            raise ConfigError(
                f"two rows of {options.plan.name} would share the run folder {job.run.path}; rename a recipe"
            )
        if before.is_part and not job.is_part:
            found[job.run.path] = job
    return found.values()


def _part_notes(recipe: AnyRecipe | None, options: TableOptions) -> tuple[str, ...]:
    return part_notes(recipe, options.overrides) if isinstance(recipe, FusionRecipe) else ()


def _job(options: TableOptions, row: str, place: int) -> Job:
    overrides = of_recipe(row, options.overrides)[0]
    try:
        first = load_run_recipe(row, overrides)
        if isinstance(first, FusionRecipe):
            parts_of(first, options.out, options.overrides)
    except ConfigError as error:
        run = RunFolder(options.out / load_run_recipe(row).name / f"seed-{place}")
        return Job(row=row, seed=place, arguments=(), recipe=None, problem=str(error), run=run)
    seed = first.training.seed + place
    recipe = load_run_recipe(row, [*overrides, f"training.seed={seed}"])
    given = options.overrides if isinstance(recipe, FusionRecipe) else overrides  # its parts take the others
    return Job(
        row=row,
        seed=seed,
        arguments=_arguments(options, row, (*given, f"training.seed={seed}")),
        recipe=recipe,
        missing=_missing_data(recipe, home_folder(options.home)),
        run=new_run_folder(recipe, options.out),
    )


def _arguments(options: TableOptions, recipe: str, settings: Iterable[str]) -> tuple[str, ...]:
    changes = [part for setting in settings for part in ("--set", setting)]
    return ("train", recipe, "--resume", "--out", str(options.out), *options.home_arguments, *changes)


def _missing_data(recipe: AnyRecipe, home: Path) -> str:
    """Return which of a recipe's data are missing, file by file; empty where everything published was fetched."""
    files = source_of(recipe.data.dataset)
    if files not in ARCHIVES:
        return ""
    try:
        archive_states(files, home)
    except ArchiveError as error:
        listed = "; ".join(map(_missing_file, missing_files(recipe.data.dataset, home)))
        return f"{error}. Missing: {listed}" if listed else str(error)
    return ""


def _missing_file(file: Archive) -> str:
    return f"{file.name}: {size_in_words(file.about_bytes)}, {file.published_at or 'drawn here'}"


def _segmenter(options: TableOptions, jobs: Sequence[Job]) -> tuple[tuple[str, ...], ...]:
    """Return the commands that predict the masks which rows need and which are not there yet."""
    home = home_folder(options.home)
    datasets = list(dict.fromkeys(job.recipe.data.dataset for job in jobs if job.recipe and job.needs_predicted_masks))
    if options.segmenter is not None:
        check_segmenter(options.segmenter, datasets, home, options.plan.name)
    needed = [name for name in datasets if not are_predicted(name, home)]
    if not needed:
        return ()
    model = options.segmenter or options.out / SEGMENTER
    train = ("segment", "train", "--resume", "--out", str(model), *options.home_arguments)
    predict = [("segment", "predict", str(model), name, *options.home_arguments) for name in needed]
    return (*(() if options.segmenter else (train,)), *predict)


def settings_of(overrides: Sequence[str]) -> Mapping[str, str]:
    """Return overrides by key; the last of a key counts, as it does in a recipe."""
    pairs = (one.partition("=") for one in overrides)
    return {key.strip(): value.strip() for key, _, value in pairs}
