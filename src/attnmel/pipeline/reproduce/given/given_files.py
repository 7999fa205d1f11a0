"""What `--row` names -> its predictions of the table's splits: anyone's submission, a predictions file, or seeds."""

import dataclasses
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from attnmel.data.archives.catalog import source_of
from attnmel.data.datasets.read_dataset import read_dataset
from attnmel.errors import ConfigError, PredictionsError, listed
from attnmel.evaluation.challenge.submission import official_categories
from attnmel.evaluation.thesis.tables import TablePlan
from attnmel.files.seeds import runs_below, runs_in
from attnmel.pipeline.evaluate.compare import require_one_recipe
from attnmel.pipeline.evaluate.submissions import SPLIT, is_submission, submission_predictions
from attnmel.pipeline.run.run import Run
from attnmel.records import Predictions, place_among


@dataclass(frozen=True)
class GivenFile:
    """A file, or one seed of a run, that a row is of."""

    path: Path
    """The file that was given, or the run folder."""
    file: Path
    """What identifies it: that file, or the weights of a run, or its predictions where they are gone."""
    predictions: Mapping[str, Predictions]
    """By split; classes of the challenge have its names, and labels are those of the data set."""
    notes: tuple[str, ...] = ()
    """How the file was read."""
    own: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By split: what the results of a run say of themselves."""


def given_files(path: Path, dataset: str, plan: TablePlan, target: str, home: Path) -> tuple[GivenFile, ...]:
    """Return the file, the run or the seeds of one recipe at a path.

    Raises:
        ConfigError: there is nothing, or runs of several recipes.
        PredictionsError: other images or classes than the table's, no results on its splits, or a file that is damaged.
        ArchiveError: the data set was not fetched.
    """
    return tuple(
        dataclasses.replace(
            one, predictions={split: _checked(one.path, found, split, dataset, target, home) for split, found in named}
        )
        for one in _read(path, dataset, plan, home)
        for named in [one.predictions.items()]
    )


def _read(path: Path, dataset: str, plan: TablePlan, home: Path) -> list[GivenFile]:
    if path.is_file():
        if not is_submission(path):
            return [GivenFile(path, path, {SPLIT: Predictions.read(path)})]
        found, notes = submission_predictions(path, dataset, home)
        return [GivenFile(path, path, {SPLIT: found}, notes)]
    runs = [Run(one, home) for one in runs_in(path)]
    if not runs:
        raise ConfigError(f"--row: at {path} there is no file and no run{runs_below(path)}")
    require_one_recipe(path, runs)
    found = [_of_run(run, dataset, plan) for run in runs]
    for one in found[1:]:
        if one.predictions.keys() != found[0].predictions.keys():
            raise PredictionsError(
                f"{found[0].path} was evaluated on {listed(found[0].predictions)}, and {one.path} on "
                f"{listed(one.predictions)}; evaluate each seed on the same splits"
            )
    return found


def _of_run(run: Run, dataset: str, plan: TablePlan) -> GivenFile:
    names = {block.split: name for block in plan.blocks if (name := _results_name(run, dataset, block.split))}
    if not names:
        wanted = " or ".join(block.split for block in plan.blocks)
        raise PredictionsError(
            f"{run.path} was not evaluated on {dataset}, {wanted}; run `attnmel evaluate {shlex.quote(str(run.path))}"
            f"{'' if source_of(run.recipe.data.dataset) == dataset else f' --on {dataset}'}` first"
        )
    card, best = run.card, run.folder.best
    if card is not None and (old := [name for name in names.values() if run.results[name].epoch != card.epoch]):
        raise PredictionsError(
            f"{run.path} was evaluated as '{old[0]}' at epoch {run.results[old[0]].epoch}, but its checkpoint is of "
            f"epoch {card.epoch}; evaluate it again"
        )
    return GivenFile(
        run.path,
        # The weights may have been deleted since.
        best if best.is_file() else run.folder.predictions(next(iter(names.values()))),
        {split: run.predictions(name) for split, name in names.items()},
        own={split: run.results[name].judgement.notes for split, name in names.items()},
    )


def _results_name(run: Run, dataset: str, split: str) -> str | None:
    """Return the name of a run's results on a split of the table's data set: its own, or evaluated with `--on`."""
    for name in (split, f"{dataset}-{split}"):
        found = run.results.get(name)
        if found is not None and (source_of(found.dataset), found.split) == (dataset, split):
            return name
    return None


def _checked(path: Path, found: Predictions, split: str, dataset: str, target: str, home: Path) -> Predictions:
    """Return predictions with the challenge's names of its classes, and the labels of the data set."""
    official = {own: name for name, own in official_categories(found.classes, dataset).items()}
    found = dataclasses.replace(found, classes=tuple(official.get(name, name) for name in found.classes))
    if target not in found.classes:
        raise PredictionsError(
            f"it predicts {', '.join(found.classes)}, but the table is of {target}; give predictions of that class"
        )
    # A submission was read against the official table.
    return found if path.is_file() and is_submission(path) else _labelled(found, split, dataset, home)


def _labelled(found: Predictions, split: str, dataset: str, home: Path) -> Predictions:
    """Return predictions with the labels of the data set, which those that they have must be.

    Raises:
        PredictionsError: other images, or images of another label.
    """
    known = {one.image_id: one for one in read_dataset(dataset, home).lesions if one.split == split}
    if others := sorted(set(found.image_ids) - set(known)):
        raise PredictionsError(
            f"{len(others)} of its {len(found.image_ids)} images are none of the {len(known)} of {dataset}, {split} "
            f"({listed(others)}); give predictions of these images"
        )
    places = [place_among(known[image_id], found.classes) for image_id in found.image_ids]
    labels = np.array([-1 if place is None else place for place in places], dtype=np.int64)
    differing = (found.labels >= 0) & (labels >= 0) & (found.labels != labels)
    if wrong := [found.image_ids[row] for row in np.flatnonzero(differing).tolist()]:
        raise PredictionsError(
            f"{len(wrong)} of its {len(labels)} images have another label than in {dataset} ({listed(wrong)}); "
            "evaluate again on the data set as it was fetched, or leave the labels empty"
        )
    return dataclasses.replace(found, labels=np.where(labels >= 0, labels, found.labels))
