"""Run folders, folders of seeds and predictions files -> recipes compared on the same images.

Everything is read from what the runs wrote; nothing is predicted again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from attnmel import NOTICE
from attnmel.config.load import flat
from attnmel.config.recipe import Recipe
from attnmel.errors import ConfigError, PredictionsError, listed
from attnmel.evaluation.classification.ranking import MEASURES
from attnmel.evaluation.comparison.align import RecipeRuns, RunPredictions, threshold_at
from attnmel.evaluation.comparison.recipes import Comparison, compare
from attnmel.evaluation.statistics.bootstrap import DEFAULT, ResamplingConfig
from attnmel.folders import RunFolder
from attnmel.pipeline.run.provenance import read_provenance, read_recipe
from attnmel.pipeline.run.results import CHOOSES, choosing_predictions, read_measures
from attnmel.records import Predictions
from attnmel.report.html.sections import Section
from attnmel.report.sections.comparison import comparison_section, sentences


@dataclass(frozen=True)
class RunsCompared:
    """A comparison, with what the runs themselves differ in."""

    split: str
    operating_point: float | None
    """Sensitivity on validation that each run's threshold was chosen for; None for the threshold 0.5."""
    comparison: Comparison
    notes: tuple[str, ...]
    """In what the training differed, a sentence each."""

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"notice": NOTICE, **asdict(self), "sentences": list(sentences(self.comparison))}


@dataclass(frozen=True)
class _Named:
    """What was named: a run of a recipe, or a predictions file of none."""

    path: Path
    recipe: Recipe | None

    @property
    def run(self) -> RunFolder:
        return RunFolder(self.path)

    def predictions(self, split: str) -> Path:
        return self.path if self.recipe is None else self.run.predictions(split)


def compare_runs(
    paths: Sequence[Path],
    *,
    split: str = "test",
    operating_point: float | None = None,
    positives: Sequence[str] = (),
    measures: Sequence[str] = (),
    resampling: ResamplingConfig = DEFAULT,
) -> RunsCompared:
    """Compare runs, folders of `seed-*` runs, and predictions files; runs of one recipe are its seeds.

    `positives` are the classes judged against the rest; without it those of the recipes that all runs predict. With an
    `operating_point`, each run's threshold is the highest with that sensitivity on its validation predictions.

    Raises:
        ConfigError: nothing that can be compared at a path, one run named twice, a recipe's folder that holds runs of
            other settings, an unknown measure, or an operating point outside (0, 1].
        PredictionsError: as `evaluation.comparison.compare`, or no validation predictions to choose a threshold on.
    """
    if operating_point is not None and not 0 < operating_point <= 1:
        raise ConfigError(f"operating point {operating_point:g}; expected a sensitivity above 0 and at most 1")
    if operating_point is not None and split == CHOOSES:
        raise ConfigError(f"a threshold chosen on {CHOOSES} is not judged there; compare on another split")
    recipes = _recipes([one for path in paths for one in _named(path)], split)
    positives = tuple(dict.fromkeys(positives)) or _positives(recipes)
    entrants = [
        RecipeRuns(name, tuple(_judged(one, split, operating_point, positives) for one in runs))
        for name, runs in recipes.items()
    ]
    comparison = compare(
        entrants, positives or None, measures=tuple(measures) or tuple(MEASURES), resampling=resampling
    )
    return RunsCompared(split, operating_point, comparison, _training_notes(recipes))


def compared_section(runs: Sequence[RunFolder], split: str, resampling: ResamplingConfig = DEFAULT) -> Section:
    """Return the part of a report that says whether its runs differ, or why they cannot be compared."""
    try:
        found = compare_runs([run.path for run in runs], split=split, resampling=resampling)
    except (ConfigError, PredictionsError) as error:
        return Section(name="differences", title="Paired comparison", prose=f"Not compared: {error}")
    return comparison_section(found.comparison, found.notes)


def _named(path: Path) -> list[_Named]:
    """Return what lies at a path: a file, a run, or the seeds of a recipe."""
    if path.is_file():
        return [_Named(path, None)]
    if RunFolder(path).recipe.is_file():
        return [_Named(path, read_recipe(RunFolder(path)))]
    seeds = [one for one in sorted(path.glob("seed-*")) if RunFolder(one).recipe.is_file()]
    if not seeds:
        raise ConfigError(
            f"nothing to compare at {path}; expected a run folder, a folder of seed-* runs, or a predictions file"
        )
    found = [_Named(one, read_recipe(RunFolder(one))) for one in seeds]
    for one in found[1:]:
        if differing := _differing(found[0], one):
            raise ConfigError(f"{path} holds runs of several recipes: {differing}; name the runs one by one")
    return found


def _recipes(named: Sequence[_Named], split: str) -> dict[str, list[_Named]]:
    """Put runs of one recipe together, under a name that no other has."""
    seen: set[Path] = set()
    for one in named:
        file = one.predictions(split).resolve()
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
        _check_seeds(group)
    names = [group[0].recipe.name if group[0].recipe else str(group[0].path) for group in groups]
    return {
        f"{name}, {group[0].path}" if names.count(name) > 1 else name: group
        for name, group in zip(names, groups, strict=True)
    }


def _check_seeds(group: Sequence[_Named]) -> None:
    by_seed: dict[int, Path] = {}
    for one in group:
        if one.recipe is None:
            continue
        seed = one.recipe.training.seed
        if seed in by_seed:
            raise ConfigError(
                f"{by_seed[seed]} and {one.path} are the same recipe with the same seed, {seed}; name each seed of a "
                "recipe once, or the two predictions files to compare them all the same"
            )
        by_seed[seed] = one.path


def _differing(first: _Named, other: _Named) -> str:
    """Return the settings, but for the seed, that differ between two runs; empty where none does."""
    own, theirs = (flat(one.recipe.model_dump()) if one.recipe else {} for one in (first, other))
    keys = sorted(key for key in own | theirs if own.get(key) != theirs.get(key) and key != "training.seed")
    return "; ".join(f"{key} is {own.get(key)} in {first.path}, {theirs.get(key)} in {other.path}" for key in keys)


def _positives(recipes: Mapping[str, Sequence[_Named]]) -> tuple[str, ...]:
    """Return the tasks that all recipes have; empty where none are known."""
    known = [runs[0].recipe.data.positives for runs in recipes.values() if runs[0].recipe]
    common = [name for name in known[0] if all(name in one for one in known)] if known else []
    if known and not common:
        told = "; ".join(", ".join(one) for one in known)
        raise PredictionsError(f"the recipes judge no class in common ({told}); name one with --positive")
    return tuple(common)


def _judged(one: _Named, split: str, operating_point: float | None, positives: Sequence[str]) -> RunPredictions:
    predictions = Predictions.read(one.predictions(split))
    if operating_point is None:
        return RunPredictions(str(one.path), predictions)
    judged = read_measures(one.run).get(split) if one.recipe else None
    chosen_on = choosing_predictions(one.run, judged.epoch) if judged else None
    if chosen_on is None:
        raise PredictionsError(
            f"no {CHOOSES} predictions of {one.path} of the epoch that {split} was judged at; a threshold for an "
            f"operating point is chosen on them: name a run folder, and judge both splits with `attnmel evaluate`"
        )
    if shared := sorted(set(predictions.image_ids) & set(chosen_on.image_ids)):
        raise PredictionsError(
            f"{len(shared)} of the {len(predictions.image_ids)} images of {split} would choose the threshold of "
            f"{one.path} themselves ({listed(shared)}); compare on a split without {CHOOSES} images"
        )
    thresholds = {name: threshold_at(chosen_on, name, operating_point) for name in positives}
    return RunPredictions(str(one.path), predictions, thresholds)


def _training_notes(recipes: Mapping[str, Sequence[_Named]]) -> tuple[str, ...]:
    """Say where runs were trained on other data, other images of it, or under a control."""
    facts = {
        (name, str(one.path)): _training(one.run, one.recipe)
        for name, runs in recipes.items()
        for one in runs
        if one.recipe
    }
    notes = []
    for key in ("data set", "control", "exclusions", "images", "labels and split"):
        held: dict[str, list[str]] = {}
        for (name, path), known in facts.items():
            held.setdefault(known[key], []).append(name if len(recipes[name]) == 1 else path)
        if len(held) > 1:
            told = "; ".join(f"{', '.join(dict.fromkeys(names))}: {value}" for value, names in held.items())
            notes.append(f"the runs differ in their training {key}: {told}")
    return tuple(notes)


def _training(run: RunFolder, recipe: Recipe) -> dict[str, str]:
    fingerprint = read_provenance(run).get("data", {})
    return {
        "data set": recipe.data.dataset,
        "control": recipe.data.control,
        "exclusions": f"{len(recipe.data.exclude)} images left out",
        "images": str(fingerprint.get("content", ""))[:16],
        "labels and split": str(fingerprint.get("labels", ""))[:16],
    }
