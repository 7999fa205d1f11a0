"""Predictions that are there already as rows of a table: anyone's submission, a predictions file, a run, a fusion.

Nothing is trained for them: the labels of the fetched data set are enough.
"""

import dataclasses
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from attnmel.config.load import load_run_recipe
from attnmel.data.archives.catalog import source_of
from attnmel.data.datasets.read_dataset import read_dataset
from attnmel.errors import ConfigError, PredictionsError, listed
from attnmel.evaluation.challenge.submission import official_categories
from attnmel.evaluation.classification.report import evaluate_classification
from attnmel.evaluation.comparison.align import RecipeRuns, RunPredictions
from attnmel.evaluation.comparison.recipes import compare_recipes
from attnmel.evaluation.statistics.bootstrap import DEFAULT, Interval, ResamplingConfig
from attnmel.evaluation.statistics.estimators import NOTHING
from attnmel.evaluation.thesis.reproduced import RowTest, TableRow
from attnmel.evaluation.thesis.tables import Column, TablePlan
from attnmel.files.checksums import file_sha256
from attnmel.files.folders import home_folder
from attnmel.files.seeds import runs_below, runs_in
from attnmel.pipeline.evaluate.submissions import SPLIT, incomplete, is_submission, submission_predictions
from attnmel.pipeline.reproduce.jobs import TableOptions
from attnmel.pipeline.run.results.notes import notes_by_name
from attnmel.pipeline.run.run import Run
from attnmel.records import Predictions, place_among

FORM = "NAME=FILE, for example --row DermaKNet=dermaknet.csv"


@dataclass(frozen=True)
class GivenRow:
    """A row that the command names."""

    name: str
    file: Path
    """The file that was given, or the weights of a run, or its predictions where they are gone."""
    predictions: Mapping[str, Predictions]
    """By split; classes of the challenge have its names."""
    figures: Mapping[str, tuple[Interval, ...]]
    """By split, one a column."""
    target: str
    """The class that the table is of."""
    notes: tuple[str, ...] = ()
    """How its file was read."""
    remarks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By split: what the results of a run say of themselves, and how many of the official images are missing."""

    @property
    def fact(self) -> str:
        """Return which file the row is of."""
        return f"{self.name}: {self.file}, SHA-256 {file_sha256(self.file)[:16]}"

    def row(self, split: str, columns: Sequence[Column]) -> TableRow:
        """Return the row on a split."""
        figures = self.figures[split]
        return TableRow(
            name=self.name,
            title=self.name,
            given=True,
            images=len(self.predictions[split].image_ids),
            figures=figures,
            by_seed=tuple((one.value,) for one in figures),
            published_values=(None,) * len(columns),
        )

    def entrant(self, split: str, other: Predictions) -> RecipeRuns:
        """Return what is compared with another row: where that has fewer images, those alone."""
        found = self.predictions[split]
        if set(other.image_ids) < set(found.image_ids):
            found = found.of_images(other.image_ids)
        return RecipeRuns(self.name, (RunPredictions(self.name, found),))


def given_rows(options: TableOptions, resampling: ResamplingConfig = DEFAULT) -> tuple[GivenRow, ...]:
    """Read and measure the rows that the command names.

    Raises:
        ConfigError: no name, one that another row has, or nothing at the path.
        PredictionsError: other images or classes than the table's, or anything else wrong in a file; names the row.
        ArchiveError: the data set was not fetched.
    """
    named = _named(options)
    return tuple(_given(name, path, options, resampling) for name, path in named.items())


def against_reference(
    given: Sequence[GivenRow],
    reference: RecipeRuns | None,
    split: str,
    columns: Sequence[Column],
    resampling: ResamplingConfig,
) -> tuple[tuple[RowTest, ...], tuple[str, ...]]:
    """Return the paired tests of given rows against a reference row, by default the first of them, and notes.

    A note says how a row was read, or why it cannot be tested.
    """
    tests: list[RowTest] = []
    notes = [note for one in given for note in one.notes]
    notes += notes_by_name({one.name: one.remarks.get(split, ()) for one in given})
    measures = tuple(column.measure for column in columns if column.tested)
    for one in given:
        if reference is None:
            reference = RecipeRuns(one.name, (RunPredictions(one.name, one.predictions[split]),))
            continue
        pair = (reference, one.entrant(split, reference.runs[0].predictions))
        try:
            found = compare_recipes(pair, (one.target,), measures=measures, resampling=resampling).differences
        except PredictionsError as error:
            notes.append(f"{one.name} is not tested against {reference.name}: {error}")
        else:
            tests += [RowTest("reference", difference) for difference in found]
    return tuple(tests), tuple(notes)


def _named(options: TableOptions) -> dict[str, Path]:
    recipes = {row: load_run_recipe(row) for row in options.plan.every_row}
    taken = {*recipes, *(one.name for one in recipes.values()), *(one.title for one in recipes.values())}
    found: dict[str, Path] = {}
    for one in options.given:
        name, sign, path = one.partition("=")
        name = name.strip()
        if not (sign and name and path):
            raise ConfigError(f"--row {one} is not of the form {FORM}")
        if name in found:
            raise ConfigError(f"two rows are called '{name}'; give each --row a name of its own")
        if name in taken:
            raise ConfigError(f"'{name}' is a row of the table already; give --row {one} another name")
        found[name] = Path(path)
    return found


def _given(name: str, path: Path, options: TableOptions, resampling: ResamplingConfig) -> GivenRow:
    first = load_run_recipe(options.plan.every_row[0])
    dataset, target, home = source_of(first.data.dataset), first.data.positives[0], home_folder(options.home)
    try:
        file, read, notes, own = _read(path, dataset, options.plan, home)
        read = {split: _renamed(one, dataset) for split, one in read.items()}
        for split, one in read.items():
            _check_class(one, target)
            if not (path.is_file() and is_submission(path)):  # that was read against the official table
                read[split] = _labelled(one, split, dataset, home)
        figures = {split: _figures(one, target, dataset, options.plan, resampling) for split, one in read.items()}
        remarks = {split: (*own.get(split, ()), *_missing(one, dataset, split)) for split, one in read.items()}
    except PredictionsError as error:
        raise PredictionsError(f"the row {name}: {error}") from None
    return GivenRow(name, file, read, figures, target, notes, remarks)


def _missing(found: Predictions, dataset: str, split: str) -> tuple[str, ...]:
    part = incomplete(dataset, len(found.image_ids), split)
    return (f"of {part}; the published values are of the whole set",) if part else ()


def _read(
    path: Path, dataset: str, plan: TablePlan, home: Path
) -> tuple[Path, dict[str, Predictions], tuple[str, ...], dict[str, tuple[str, ...]]]:
    """Return the file that identifies the row, its predictions by split, how they were read, and a run's own notes."""
    if path.is_file():
        if not is_submission(path):
            return path, {SPLIT: Predictions.read(path)}, (), {}
        found, notes = submission_predictions(path, dataset, home)
        return path, {SPLIT: found}, notes, {}
    runs = runs_in(path)
    if len(runs) != 1:
        found_there = f"{len(runs)} runs; name one of them" if runs else f"no file and no run{runs_below(path)}"
        raise ConfigError(f"--row: at {path} there is {found_there}")
    run = Run(runs[0], home)
    names = {block.split: name for block in plan.blocks if (name := _results_name(run, dataset, block.split))}
    if not names:
        wanted = " or ".join(block.split for block in plan.blocks)
        raise PredictionsError(
            f"{path} was not evaluated on {dataset}, {wanted}; run `attnmel evaluate {shlex.quote(str(runs[0].path))}"
            f"{'' if source_of(run.recipe.data.dataset) == dataset else f' --on {dataset}'}` first"
        )
    card, best = run.card, run.folder.best
    if card is not None and (old := [name for name in names.values() if run.results[name].epoch != card.epoch]):
        raise PredictionsError(
            f"{path} was evaluated as '{old[0]}' at epoch {run.results[old[0]].epoch}, but its checkpoint is of epoch "
            f"{card.epoch}; evaluate it again"
        )
    found = {split: run.predictions(name) for split, name in names.items()}
    own = {split: run.results[name].judgement.notes for split, name in names.items()}
    # The weights may have been deleted since.
    return best if best.is_file() else run.folder.predictions(next(iter(names.values()))), found, (), own


def _results_name(run: Run, dataset: str, split: str) -> str | None:
    """Return the name of a run's results on a split of the table's data set: its own, or evaluated with `--on`."""
    for name in (split, f"{dataset}-{split}"):
        found = run.results.get(name)
        if found is not None and (source_of(found.dataset), found.split) == (dataset, split):
            return name
    return None


def _renamed(found: Predictions, dataset: str) -> Predictions:
    """Return predictions with the challenge's names of its classes."""
    official = {own: name for name, own in official_categories(found.classes, dataset).items()}
    return dataclasses.replace(found, classes=tuple(official.get(name, name) for name in found.classes))


def _check_class(found: Predictions, target: str) -> None:
    if target not in found.classes:
        raise PredictionsError(
            f"it predicts {', '.join(found.classes)}, but the table is of {target}; give predictions of that class"
        )


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


def _figures(
    found: Predictions, target: str, dataset: str, plan: TablePlan, resampling: ResamplingConfig
) -> tuple[Interval, ...]:
    positives = tuple(official_categories(found.classes, dataset)) or (target,)
    rows = evaluate_classification(found, positives, resamples=resampling.resamples, seed=resampling.seed).rows
    by_column = {(one.task, one.measure): one.interval for one in rows}
    return tuple(by_column.get((column.task or target, column.measure), NOTHING) for column in plan.columns)
