"""Run folders, folders of seeds and predictions files -> recipes compared on the same images.

Everything is read from stored files; nothing is predicted again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from attnmel import NOTICE
from attnmel.config.load import AnyRecipe, differing_settings
from attnmel.data.archives.catalog import source_of
from attnmel.errors import ConfigError, PredictionsError, listed
from attnmel.evaluation.challenge.submission import SUBMISSIONS
from attnmel.evaluation.classification.ranking import MEASURES
from attnmel.evaluation.comparison.align import RecipeRuns, RunPredictions, threshold_at
from attnmel.evaluation.comparison.recipes import Comparison, compare_recipes
from attnmel.evaluation.statistics.bootstrap import DEFAULT, ResamplingConfig
from attnmel.files.folders import home_folder
from attnmel.files.seeds import runs_below, runs_in
from attnmel.pipeline.evaluate.compare_notes import recalibrated_on, run_notes
from attnmel.pipeline.evaluate.other_tables import table_predictions
from attnmel.pipeline.evaluate.submissions import incomplete, is_submission, named_submission, submission_predictions
from attnmel.pipeline.run.results.results import CHOOSES
from attnmel.pipeline.run.run import Run
from attnmel.records import Predictions
from attnmel.report.html.sections import Section
from attnmel.report.sections.comparison import comparison_section, sentences


@dataclass(frozen=True)
class RunsCompared:
    """A comparison, with the differences in the training of the runs."""

    split: str | None
    """Of the runs' results; None where files alone are compared, which do not say of which they are."""
    operating_point: float | None
    """Sensitivity on validation that each run's threshold was chosen for; None for the threshold 0.5."""
    comparison: Comparison
    notes: tuple[str, ...]
    """How the training differed, a sentence each."""

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"notice": NOTICE, **asdict(self), "sentences": list(sentences(self.comparison))}


@dataclass(frozen=True)
class _Named:
    """A run of a recipe, or a predictions file without one."""

    path: Path
    run: Run | None = None
    submission: str | None = None
    """The data set that a submission is of, "" where the runs compared with it are of it; None of anything else."""
    read: Predictions | None = None
    """Of a submission."""

    @property
    def recipe(self) -> AnyRecipe | None:
        return self.run.recipe if self.run else None

    def file(self, split: str) -> Path:
        return self.run.folder.predictions(split) if self.run else self.path

    def predictions(self, split: str) -> Predictions:
        if self.read is not None:
            return self.read
        return self.run.predictions(split) if self.run else Predictions.read(self.path)


def compare_runs(
    paths: Sequence[Path | Run],
    *,
    home: Path | None = None,
    split: str = "test",
    operating_point: float | None = None,
    positives: Sequence[str] = (),
    measures: Sequence[str] = (),
    resampling: ResamplingConfig = DEFAULT,
) -> RunsCompared:
    """Compare runs, folders of `seed-*` runs, predictions files and submissions; runs of one recipe are its seeds.

    A submission is named with its data set, "isic2017:FILE", where no run in the comparison was evaluated on it; its
    labels are the official ones of the data set fetched to `home`. On data of one's own a table of another program has
    image ids and probabilities; its labels and groups are those of the first run or predictions file.
    `positives` are the classes evaluated against the rest; without it those of the recipes that all runs predict. With
    an `operating_point`, each run's threshold just reaches that sensitivity on its validation predictions.

    Raises:
        ConfigError: nothing that can be compared at a path, one run named twice, a recipe's folder that holds runs of
            other settings, an unknown measure, or an operating point outside (0, 1].
        PredictionsError: as `compare_recipes`, or no validation predictions to choose a threshold on.
    """
    if operating_point is not None and not 0 < operating_point <= 1:
        raise ConfigError(f"operating point {operating_point:g}; expected a sensitivity above 0 and at most 1")
    if operating_point is not None and split == CHOOSES:
        raise ConfigError(f"a threshold chosen on {CHOOSES} is not evaluated there; compare on another split")
    named, odd = _with_submissions([one for path in paths for one in _named(path)], split, home)
    recipes = _recipes(named, split)
    positives = tuple(dict.fromkeys(positives)) or _positives(recipes)
    entrants = [
        RecipeRuns(name, tuple(_run_predictions(one, split, operating_point, positives) for one in runs))
        for name, runs in recipes.items()
    ]
    comparison = compare_recipes(
        entrants, positives or None, measures=tuple(measures) or tuple(MEASURES), resampling=resampling
    )
    known = {one.run.results[split].dataset for one in named if one.run and split in one.run.results}
    part = incomplete(known.pop(), comparison.images, split) if len(known) == 1 else ""
    whole = (f"compared on {part}: those of the whole set may differ",) if part else ()
    runs = {name: [one.run for one in of_recipe if one.run] for name, of_recipe in recipes.items()}
    notes = (*run_notes(runs, split, at_half=operating_point is None), *whole, *odd)
    of_split = any(one.run or one.submission for one in named)
    return RunsCompared(split if of_split else None, operating_point, comparison, notes)


def compared_section(
    runs: Sequence[Run | Path], split: str, resampling: ResamplingConfig = DEFAULT, *, home: Path | None = None
) -> Section:
    """Return the section of a report on the paired differences between its runs, or why they cannot be compared."""
    try:
        found = compare_runs(runs, home=home, split=split, resampling=resampling)
    except (ConfigError, PredictionsError) as error:
        return Section(name="differences", title="Paired comparison", prose=f"Not compared: {error}")
    return comparison_section(found.comparison, found.notes)


def _named(path: Path | Run) -> list[_Named]:
    """Return what lies at a path: a file, a run, or the seeds of a recipe."""
    if isinstance(path, Run):
        return [_Named(path.path, path)]
    dataset, file = named_submission(str(path))
    if file.is_file():
        return [_Named(file, submission=dataset if dataset or is_submission(file) else None)]
    found = [Run(one) for one in runs_in(path)]
    if not found:
        raise ConfigError(
            f"nothing to compare at {path}; expected a run folder, a folder of seed-* runs, a predictions file, or a "
            f"submission as DATASET:FILE{runs_below(path)}"
        )
    require_one_recipe(path, found)
    return [_Named(one.path, one) for one in found]


def require_one_recipe(path: Path, runs: Sequence[Run]) -> None:
    """Refuse runs of a folder that differ in more than their seed, or not in that.

    Raises:
        ConfigError: names the settings, or the seed.
    """
    for one in runs[1:]:
        if differing := _differing_runs(runs[0], one):
            raise ConfigError(f"{path} holds runs of several recipes: {differing}; name the runs one by one")
    _check_seeds(runs)


def _with_submissions(named: Sequence[_Named], split: str, home: Path | None) -> tuple[list[_Named], tuple[str, ...]]:
    """Read the submissions among what is compared, and return notes on how; their images are those of the first run."""
    runs = [one for one in named if one.submission is None]
    if len(runs) == len(named):
        return list(named), ()
    first = runs[0].predictions(split) if runs else None
    known = [one.run.results[split].dataset for one in runs if one.run and split in one.run.results]
    found, notes = [], []
    for one in named:
        if one.submission is not None:
            dataset = one.submission or next(iter(known), "")
            if first is not None and source_of(dataset) not in SUBMISSIONS:
                read, odd = table_predictions(one.path, first)
            else:
                read, odd = submission_predictions(one.path, dataset, home_folder(home), run=first)
            notes += odd
            found.append(replace(one, read=read))
        else:
            found.append(one)
    return found, tuple(notes)


def _recipes(named: Sequence[_Named], split: str) -> dict[str, list[_Named]]:
    """Put runs of one recipe together, under a name that no other has."""
    seen: set[Path] = set()
    for one in named:
        file = one.file(split).resolve()
        if file in seen:
            raise ConfigError(f"{one.path} is named twice; name each run once")
        seen.add(file)
    groups: list[list[_Named]] = []
    for one in named:
        same = next(
            (group for group in groups if one.recipe and group[0].recipe and not _differing(group[0], one)), None
        )
        if same is None:
            groups.append([one])
        else:
            same.append(one)
    for group in groups:
        _check_seeds([one.run for one in group if one.run])
    names = [group[0].recipe.name if group[0].recipe else str(group[0].path) for group in groups]
    return {
        f"{name}, {group[0].path}" if names.count(name) > 1 else name: group
        for name, group in zip(names, groups, strict=True)
    }


def _check_seeds(runs: Sequence[Run]) -> None:
    by_seed: dict[int, Path] = {}
    for one in runs:
        seed = one.recipe.training.seed
        if seed in by_seed:
            raise ConfigError(
                f"{by_seed[seed]} and {one.path} are the same recipe with the same seed, {seed}; name each seed of a "
                "recipe once, or the two predictions files to compare them all the same"
            )
        by_seed[seed] = one.path


def _differing(first: _Named, other: _Named) -> str:
    return "" if first.run is None or other.run is None else _differing_runs(first.run, other.run)


def _differing_runs(first: Run, other: Run) -> str:
    """Return the settings but for the seed, and the recalibrations, that differ between two runs; empty if none."""
    own_images, its_images = recalibrated_on(first), recalibrated_on(other)
    if own_images != its_images:
        return f"recalibrated on {own_images} in {first.path}, on {its_images} in {other.path}"
    return "; ".join(
        f"{key} is {own} in {first.path}, {its} in {other.path}"
        for key, (own, its) in differing_settings(first.recipe, other.recipe).items()
        if key != "training.seed"
    )


def _positives(recipes: Mapping[str, Sequence[_Named]]) -> tuple[str, ...]:
    """Return the target classes that all recipes have; empty where none are known."""
    known = [runs[0].recipe.data.positives for runs in recipes.values() if runs[0].recipe]
    common = [name for name in known[0] if all(name in one for one in known)] if known else []
    if known and not common:
        classes = "; ".join(", ".join(one) for one in known)
        raise PredictionsError(f"the recipes have no target class in common ({classes}); name one with --positive")
    return tuple(common)


def _run_predictions(
    one: _Named, split: str, operating_point: float | None, positives: Sequence[str]
) -> RunPredictions:
    predictions = one.predictions(split)
    if operating_point is None:
        return RunPredictions(str(one.path), predictions)
    results = one.run.results.get(split) if one.run else None
    validation = one.run.validation_predictions(results.epoch) if one.run and results else None
    if validation is None:
        raise PredictionsError(
            f"no {CHOOSES} predictions of {one.path} of the epoch that {split} was evaluated at; a threshold for an "
            f"operating point is chosen on them: name a run folder, and evaluate both splits with `attnmel evaluate`"
        )
    if shared := sorted(set(predictions.image_ids) & set(validation.image_ids)):
        raise PredictionsError(
            f"{len(shared)} of the {len(predictions.image_ids)} images of {split} would choose the threshold of "
            f"{one.path} themselves ({listed(shared)}); compare on a split without {CHOOSES} images"
        )
    thresholds = {name: threshold_at(validation, name, operating_point) for name in positives}
    return RunPredictions(str(one.path), predictions, thresholds)
