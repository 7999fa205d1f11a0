"""Predictions that are there already as rows of a table: anyone's submission, a predictions file, seeds, a fusion.

Nothing is trained for them: the labels of the fetched data set are enough.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from attnmel.config.load import load_run_recipe
from attnmel.data.archives.catalog import source_of
from attnmel.errors import ConfigError, PredictionsError
from attnmel.evaluation.challenge.submission import official_categories
from attnmel.evaluation.classification.report import evaluate_classification
from attnmel.evaluation.comparison.align import RecipeRuns, RunPredictions
from attnmel.evaluation.comparison.recipes import compare_recipes
from attnmel.evaluation.statistics.bootstrap import DEFAULT, Interval, ResamplingConfig
from attnmel.evaluation.statistics.estimators import NOTHING
from attnmel.evaluation.thesis.reproduced import RowTest, TableRow, over_seeds
from attnmel.evaluation.thesis.tables import Column
from attnmel.files.checksums import file_sha256
from attnmel.files.folders import home_folder
from attnmel.pipeline.evaluate.submissions import incomplete
from attnmel.pipeline.reproduce.given.given_files import given_files
from attnmel.pipeline.reproduce.jobs import TableOptions
from attnmel.pipeline.run.results.notes import notes_by_name
from attnmel.records import Predictions

FORM = "NAME=FILE, for example --row DermaKNet=dermaknet.csv"


@dataclass(frozen=True)
class GivenRow:
    """A row that the command names."""

    name: str
    files: tuple[Path, ...]
    """The file that was given, or of each seed the weights, or the predictions where these are gone."""
    runs: Mapping[str, tuple[RunPredictions, ...]]
    """By split, one a seed; classes of the challenge have its names."""
    figures: Mapping[str, tuple[tuple[Interval, tuple[float, ...]], ...]]
    """By split, one a column: the figure, over seeds where there are several, and that of each seed."""
    target: str
    """The class that the table is of."""
    notes: tuple[str, ...] = ()
    """How its file was read."""
    remarks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By split: what the results of a run say of themselves, and how many of the official images are missing."""

    @property
    def fact(self) -> str:
        """Return which files the row is of."""
        return f"{self.name}: {'; '.join(f'{one}, SHA-256 {file_sha256(one)[:16]}' for one in self.files)}"

    def row(self, split: str, columns: Sequence[Column]) -> TableRow:
        """Return the row on a split."""
        figures, count = self.figures[split], len(self.runs[split])
        return TableRow(
            name=self.name,
            title=self.name,
            given=True,
            seeds=count if count > 1 else 0,
            images=len(self.runs[split][0].predictions.image_ids),
            figures=tuple(interval for interval, _ in figures),
            by_seed=tuple(values for _, values in figures),
            published_values=(None,) * len(columns),
        )

    def entrant(self, split: str, other: Predictions) -> RecipeRuns:
        """Return what is compared with another row: where that has fewer images, those alone."""
        runs = self.runs[split]
        if set(other.image_ids) < set(runs[0].predictions.image_ids):
            runs = tuple(RunPredictions(one.name, one.predictions.of_images(other.image_ids)) for one in runs)
        return RecipeRuns(self.name, runs)


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
            reference = RecipeRuns(one.name, one.runs[split])
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
    columns = [(column.task or target, column.measure) for column in options.plan.columns]
    try:
        files = given_files(path, dataset, options.plan, target, home)
        count = len(files)
        names = [str(one.path) for one in files] if count > 1 else [name]
        runs = {
            split: tuple(RunPredictions(own, one.predictions[split]) for own, one in zip(names, files, strict=True))
            for split in files[0].predictions
        }
        figures = {split: _figures(of_split, target, dataset, columns, resampling) for split, of_split in runs.items()}
    except PredictionsError as error:
        raise PredictionsError(f"the row {name}: {error}") from None
    remarks = {
        split: (
            *notes_by_name({own: one.own.get(split, ()) for own, one in zip(names, files, strict=True)}),
            *_missing(of_split[0].predictions, dataset, split),
        )
        for split, of_split in runs.items()
    }
    notes = tuple(note for one in files for note in one.notes)
    return GivenRow(name, tuple(one.file for one in files), runs, figures, target, notes, remarks)


def _missing(found: Predictions, dataset: str, split: str) -> tuple[str, ...]:
    part = incomplete(dataset, len(found.image_ids), split)
    return (f"of {part}; the published values are of the whole set",) if part else ()


def _figures(
    runs: Sequence[RunPredictions],
    target: str,
    dataset: str,
    columns: Sequence[tuple[str, str]],
    resampling: ResamplingConfig,
) -> tuple[tuple[Interval, tuple[float, ...]], ...]:
    """Return the figure of each column, given as task and measure: of one run over images, else over seeds too."""
    if len(runs) > 1:
        over = over_seeds(runs, target, columns, resampling)
        return tuple(over.get(column, (NOTHING, ())) for column in columns)
    (found,) = (one.predictions for one in runs)
    positives = tuple(official_categories(found.classes, dataset)) or (target,)
    rows = evaluate_classification(found, positives, resamples=resampling.resamples, seed=resampling.seed).rows
    by_column = {(one.task, one.measure): one.interval for one in rows}
    return tuple((one, (one.value,)) for one in (by_column.get(column, NOTHING) for column in columns))
