"""The runs of a table -> its values and tests. Everything is read from the run folders."""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

from attnmel.config.fusion import FusionRecipe
from attnmel.config.load import AnyRecipe, load_run_recipe
from attnmel.config.recipe import Recipe
from attnmel.config.system import FisherSettings, TapSettings
from attnmel.errors import ConfigError, PredictionsError
from attnmel.evaluation.comparison.align import RecipeRuns, RunPredictions
from attnmel.evaluation.comparison.differences import MeasureDifference
from attnmel.evaluation.statistics.bootstrap import DEFAULT, Interval, ResamplingConfig
from attnmel.evaluation.statistics.estimators import NOTHING
from attnmel.evaluation.thesis.published import PUBLISHED, PublishedRow
from attnmel.evaluation.thesis.reproduced import (
    Against,
    ReproducedTable,
    RowTest,
    TableBlock,
    TableRow,
    corrected,
    over_seeds,
)
from attnmel.evaluation.thesis.tables import BlockPlan, table_title
from attnmel.pipeline.evaluate.compare import compare_runs
from attnmel.pipeline.reproduce.finished import is_finished
from attnmel.pipeline.reproduce.footnotes import block_notes, facts, footnotes, run_lines
from attnmel.pipeline.reproduce.given.existing_predictions import GivenRow, against_reference
from attnmel.pipeline.reproduce.jobs import Job, TableJobs, TableOptions, settings_of
from attnmel.pipeline.run.fusion_parts import part_recipes
from attnmel.pipeline.run.run import Run
from attnmel.progress import SILENT, Progress

BASELINE = "mel-cnn"
"""Network that every row of the thesis is tested against, as the slides build the others on it."""
PLAIN = "vgg16-gap"
"""Network that other groups' systems are tested against: a trunk with average pooling and one layer."""
GIVEN = "Rows that were given are predictions as they came; what their systems were trained on is not known here."

Value = TypeVar("Value")


class TableReader:
    """Reads a table each time that a run ends; finished runs do not change, so they are read and computed once."""

    def __init__(
        self,
        options: TableOptions,
        found: TableJobs,
        given: Sequence[GivenRow] = (),
        progress: Progress = SILENT,
        resampling: ResamplingConfig = DEFAULT,
    ) -> None:
        self.options = options
        self.progress = progress
        self.resampling = resampling
        self.notes = (*found.notes, *([GIVEN] if given else []))
        self.given = given
        self.parts = [job for job in found.jobs if job.is_part]
        self.jobs: dict[str, list[Job]] = {}
        for job in found.jobs:
            if not job.is_part:
                self.jobs.setdefault(job.row, []).append(job)
        self._finished: dict[Path, Run] = {}
        self._kept: dict[Hashable, Any] = {}

    @property
    def finished(self) -> tuple[Run, ...]:
        """The first finished run of each row."""
        return tuple(runs[0] for runs in map(self._done, self.jobs.values()) if runs)

    def table(self, failures: Mapping[str, str]) -> ReproducedTable:
        """Return the table as it is now; `failures` are reasons by the name of a job."""
        plan = self.options.plan
        done = {row: self._done(jobs) for row, jobs in self.jobs.items()}
        runs = [run for of_row in done.values() for run in of_row]
        every = [*runs, *self._done(self.parts)]
        blocks = corrected([self._block(block, done, failures) for block in plan.blocks])
        return ReproducedTable(
            name=plan.name,
            title=table_title(plan, settings_of(self.options.overrides)),
            heads=tuple(column.head for column in plan.columns),
            measures=tuple(column.measure for column in plan.columns),
            blocks=blocks,
            notes=(*footnotes(self.options, runs, blocks), *self.notes),
            facts=(*facts(self.options, every), *(("given row", one.fact) for one in self.given)),
            runs=run_lines([*(job for of_row in self.jobs.values() for job in of_row), *self.parts], every, failures),
            failures=tuple(failures.items()),
        )

    def _done(self, jobs: Sequence[Job]) -> list[Run]:
        for job in jobs:
            if job.recipe and job.run.path not in self._finished:
                run = Run(job.run, self.options.home, self.progress)
                if is_finished(run, job.recipe):
                    self._finished[run.path] = run
        return [self._finished[job.run.path] for job in jobs if job.run.path in self._finished]

    def _block(self, block: BlockPlan, done: Mapping[str, list[Run]], failures: Mapping[str, str]) -> TableBlock:
        evaluated = {row: [run for run in runs if block.split in run.results] for row, runs in done.items()}
        rows = [self._row(row, block, evaluated.get(row, []), failures) for row in self._shown(block)]
        built = [row.published for row in rows]
        others = [
            TableRow(name=one.name, title=_cited(one), published_values=self._published_values(one), published=one)
            for one in PUBLISHED.values()
            if block.published and one.dataset == self.options.plan.name and not one.own and one not in built
        ]
        tests, problems = self._tests(block, evaluated)
        given = [one for one in self.given if block.split in one.runs]
        given_tests, given_problems = self._given_tests(block.split, evaluated, given)
        return TableBlock(
            split=block.split,
            title=block.title,
            rows=(*others, *(one.row(block.split, self.options.plan.columns) for one in given), *rows),
            tests=(*tests, *given_tests),
            notes=(*block_notes(block.split, evaluated, self._titles()), *problems, *given_problems),
        )

    def _shown(self, block: BlockPlan) -> list[str]:
        """Return the rows of a block: the chosen ones, and the others that were published."""
        return [
            row
            for row in self.options.plan.every_row
            if row in self.jobs or (block.published and load_run_recipe(row).published)
        ]

    def _row(self, row: str, block: BlockPlan, runs: Sequence[Run], failures: Mapping[str, str]) -> TableRow:
        recipe = self._recipe(row)
        published = PUBLISHED.get(recipe.published or "") if block.published else None
        found = self._once((row, block.split, *_paths(runs)), lambda: self._values(recipe, block.split, runs))
        return TableRow(
            name=recipe.name,
            title=recipe.title,
            status=self._status(row, runs, failures),
            seeds=len(runs),
            images=len(runs[0].predictions(block.split).image_ids) if runs else 0,
            figures=tuple(interval for interval, _ in found),
            by_seed=tuple(values for _, values in found),
            published_values=self._published_values(published),
            published=published,
        )

    def _status(self, row: str, runs: Sequence[Run], failures: Mapping[str, str]) -> str:
        if row not in self.jobs:
            return "left out"
        wanted = len(self.jobs[row])
        failed = sum(job.name in failures for job in self.jobs[row])
        if len(runs) == wanted:
            return ""
        missing = f"{failed} failed" if failed and wanted > 1 else "failed" if failed else "not trained yet"
        return missing if not runs else f"{len(runs)} of {wanted} seeds" + (f", {missing}" if failed else "")

    def _values(self, recipe: AnyRecipe, split: str, runs: Sequence[Run]) -> list[tuple[Interval, tuple[float, ...]]]:
        """Return one interval a column: as stored of one run, over seeds and images of several."""
        target_class = recipe.data.positives[0]
        columns = [(column.task or target_class, column.measure) for column in self.options.plan.columns]
        if not runs:
            return []
        if len(runs) == 1:
            stored = {(one.task, one.measure): one for one in runs[0].results[split].judgement.rows}
            rows = [stored.get(column) for column in columns]
            found = [one.interval if one else NOTHING for one in rows]
            return [(one, (one.value,)) for one in found]
        predictions = [RunPredictions(str(run.path), run.predictions(split)) for run in runs]
        over = over_seeds(predictions, target_class, columns, self.resampling)
        return [over.get(column, (NOTHING, ())) for column in columns]

    def _tests(
        self, block: BlockPlan, evaluated: Mapping[str, Sequence[Run]]
    ) -> tuple[tuple[RowTest, ...], tuple[str, ...]]:
        problems: dict[str, None] = {}
        titles = self._titles()
        tests: list[RowTest] = []
        for kind, other, row in self._pairs(evaluated):
            try:
                found = self._differences(block.split, evaluated[other], evaluated[row], row)
            except (ConfigError, PredictionsError) as error:
                problems[f"{titles[row]} is not tested against {titles[other]}: {error}"] = None
                continue
            if kind == "plain" and not {*self._trunks(self._recipe(row))} & {*self._trunks(self._recipe(other))}:
                trunks = [" and ".join(self._trunks(self._recipe(one))) or "none" for one in (row, other)]
                problems[f"{titles[row]} (trunk {trunks[0]}) and {titles[other]} ({trunks[1]}) share no trunk"] = None
            tests += [RowTest(kind, one) for one in found]
        return tuple(tests), tuple(problems)

    def _given_tests(
        self, split: str, evaluated: Mapping[str, Sequence[Run]], given: Sequence[GivenRow]
    ) -> tuple[tuple[RowTest, ...], tuple[str, ...]]:
        """Return the tests of given rows against the reference row, and why some have none."""
        rows = [row for row in evaluated if evaluated[row]]
        row = next((one for one in (*self._references(rows), *rows) if one), None)
        runs = evaluated[row] if row else ()
        reference = (
            RecipeRuns(
                self._recipe(row).name, tuple(RunPredictions(str(run.path), run.predictions(split)) for run in runs)
            )
            if row
            else None
        )
        columns = self.options.plan.columns
        return self._once(
            ("given", split, _paths(runs)), lambda: against_reference(given, reference, split, columns, self.resampling)
        )

    def _references(self, rows: Sequence[str]) -> tuple[str | None, str | None]:
        """Return the rows of the plain classifier and of Mel-CNN."""
        networks = {row: one.model.network for row in rows if isinstance(one := self._recipe(row), Recipe)}
        own = [row for row in rows if row not in self.options.plan.rivals]
        plain, baseline = (next((row for row in own if networks.get(row) == name), None) for name in (PLAIN, BASELINE))
        return plain, baseline

    def _pairs(self, evaluated: Mapping[str, Sequence[Run]]) -> Iterator[tuple[Against, str, str]]:
        """Yield which rows are tested: against which kind of row, that row, and the row itself."""
        plan = self.options.plan
        rows = [row for row in evaluated if row not in plan.rivals]
        plain, baseline = self._references(rows)
        for row in evaluated:
            if row in plan.rivals and _both(evaluated, plain, row):
                yield "plain", str(plain), row
        for above, row in zip([None, *rows], rows, strict=False):
            if _both(evaluated, above, row):
                yield "above", str(above), row
            if _both(evaluated, baseline, row):
                yield "baseline", str(baseline), row

    def _differences(
        self, split: str, first: Sequence[Run], second: Sequence[Run], row: str
    ) -> tuple[MeasureDifference, ...]:
        runs = [*first, *second]
        return self._once(
            ("test", split, _paths(runs)),
            lambda: (
                compare_runs(
                    runs,
                    split=split,
                    positives=(self._recipe(row).data.positives[0],),
                    measures=tuple(column.measure for column in self.options.plan.columns if column.tested),
                    resampling=self.resampling,
                ).comparison.differences
            ),
        )

    def _once(self, key: Hashable, compute: Callable[[], Value]) -> Value:
        if key not in self._kept:
            self._kept[key] = compute()
        return cast(Value, self._kept[key])

    def _recipe(self, row: str) -> AnyRecipe:
        return next((job.recipe for job in self.jobs.get(row, ()) if job.recipe), None) or load_run_recipe(row)

    def _trunks(self, recipe: AnyRecipe) -> tuple[str, ...]:
        if isinstance(recipe, Recipe):
            return (recipe.model.trunk, *recipe.model.branches)
        if isinstance(recipe, FusionRecipe):
            parts = part_recipes(recipe, self.options.out, self.options.overrides)
            return tuple(dict.fromkeys(trunk for part in parts for trunk in self._trunks(part)))
        of_features = (one.trunk for one in recipe.features.values() if isinstance(one, TapSettings | FisherSettings))
        return tuple(dict.fromkeys(of_features))

    def _titles(self) -> dict[str, str]:
        return {row: self._recipe(row).title for row in self.jobs}

    def _published_values(self, published: PublishedRow | None) -> tuple[float | None, ...]:
        columns = self.options.plan.columns
        return tuple(published and published.value(one.task or "", one.measure, main="") for one in columns)


def _paths(runs: Sequence[Run]) -> tuple[Path, ...]:
    return tuple(run.path for run in runs)


def _both(evaluated: Mapping[str, Sequence[Run]], one: str | None, other: str) -> bool:
    """Whether two different rows both have runs."""
    return one is not None and one != other and bool(evaluated[one]) and bool(evaluated[other])


def _cited(published: PublishedRow) -> str:
    return f"{published.name} {published.reference}".strip()
