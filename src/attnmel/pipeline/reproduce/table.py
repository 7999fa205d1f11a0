"""The run folders of a table -> its figures and tests. Everything is read from what the runs wrote."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

from attnmel.config.load import load_recipe
from attnmel.config.recipe import Recipe
from attnmel.errors import ConfigError, PredictionsError
from attnmel.evaluation.classification.metric_set import RECALL
from attnmel.evaluation.comparison.align import RunPredictions
from attnmel.evaluation.comparison.differences import Difference
from attnmel.evaluation.statistics.bootstrap import DEFAULT, Interval, ResamplingConfig
from attnmel.evaluation.statistics.estimates import NOTHING
from attnmel.evaluation.thesis.published import PUBLISHED, PublishedRow
from attnmel.evaluation.thesis.reproduced import ReproducedTable, RowTest, TableBlock, TableRow, corrected, over_seeds
from attnmel.evaluation.thesis.tables import BlockPlan, Column, table_title
from attnmel.folders import RunFolder
from attnmel.pipeline.evaluate.compare import compare_runs
from attnmel.pipeline.reproduce.finished import is_finished
from attnmel.pipeline.reproduce.footnotes import block_notes, facts, footnotes, run_lines
from attnmel.pipeline.reproduce.jobs import Job, TableJobs, TableOptions, settings_of
from attnmel.pipeline.run.results import read_measures
from attnmel.records import Predictions

BASELINE = "mel-cnn"
"""Network that every row is tested against, as the slides build the others on it."""

Value = TypeVar("Value")


class TableReader:
    """Reads a table as often as it changes; what was computed of finished runs is kept, for they change no more."""

    def __init__(self, options: TableOptions, found: TableJobs, resampling: ResamplingConfig = DEFAULT) -> None:
        self.options = options
        self.resampling = resampling
        self.notes = found.notes
        self.jobs: dict[str, list[Job]] = {}
        for job in found.jobs:
            self.jobs.setdefault(job.row, []).append(job)
        self._kept: dict[Hashable, Any] = {}

    @property
    def finished(self) -> tuple[RunFolder, ...]:
        """The first finished run of each row."""
        return tuple(jobs[0].run for jobs in map(self._done, self.jobs) if jobs)

    def table(self, failures: Mapping[str, str]) -> ReproducedTable:
        """Return the table as it stands; `failures` are reasons by the name of a job."""
        plan = self.options.plan
        done = {row: self._done(row) for row in self.jobs}
        runs = [job for jobs in done.values() for job in jobs]
        blocks = corrected([self._block(block, done, failures) for block in plan.blocks])
        return ReproducedTable(
            name=plan.name,
            title=table_title(plan, settings_of(self.options.overrides)),
            heads=tuple(column.head for column in plan.columns),
            measures=tuple(column.measure for column in plan.columns),
            blocks=blocks,
            notes=(*footnotes(self.options, runs, blocks), *self.notes),
            facts=facts(self.options, runs),
            runs=run_lines(self.jobs, runs, failures),
            failures=tuple(failures.items()),
        )

    def _done(self, row: str) -> list[Job]:
        return [job for job in self.jobs[row] if job.recipe and is_finished(job.run, job.recipe)]

    def _block(self, block: BlockPlan, done: Mapping[str, list[Job]], failures: Mapping[str, str]) -> TableBlock:
        judged = {row: [job.run for job in jobs if block.split in read_measures(job.run)] for row, jobs in done.items()}
        rows = [self._row(row, block, judged.get(row, []), failures) for row in self._shown(block)]
        others = [
            TableRow(name=one.name, title=_cited(one), beside=self._beside(one), published=one)
            for one in PUBLISHED.values()
            if block.published and one.dataset == self.options.plan.name and not one.own
        ]
        tests, problems = self._tests(block, judged)
        return TableBlock(
            split=block.split,
            title=block.title,
            rows=(*others, *rows),
            tests=tests,
            notes=(*block_notes(block.split, judged, self._titles()), *problems),
        )

    def _shown(self, block: BlockPlan) -> list[str]:
        """Return the rows of a block: those that are asked for, and the others that were published."""
        return [
            row
            for row in self.options.plan.rows
            if row in self.jobs or (block.published and load_recipe(row).published)
        ]

    def _row(self, row: str, block: BlockPlan, runs: Sequence[RunFolder], failures: Mapping[str, str]) -> TableRow:
        recipe = self._recipe(row)
        published = PUBLISHED.get(recipe.published or "") if block.published else None
        found = self._once((row, block.split, *_paths(runs)), lambda: self._figures(recipe, block.split, runs))
        return TableRow(
            name=recipe.name,
            title=recipe.title,
            status=self._status(row, runs, failures),
            seeds=len(runs),
            images=len(Predictions.read(runs[0].predictions(block.split)).image_ids) if runs else 0,
            figures=tuple(interval for interval, _ in found),
            by_seed=tuple(values for _, values in found),
            beside=self._beside(published),
            published=published,
        )

    def _status(self, row: str, runs: Sequence[RunFolder], failures: Mapping[str, str]) -> str:
        if row not in self.jobs:
            return "left out"
        wanted = len(self.jobs[row])
        failed = sum(job.name in failures for job in self.jobs[row])
        if len(runs) == wanted:
            return ""
        missing = f"{failed} failed" if failed and wanted > 1 else "failed" if failed else "not trained yet"
        return missing if not runs else f"{len(runs)} of {wanted} seeds" + (f", {missing}" if failed else "")

    def _figures(
        self, recipe: Recipe, split: str, runs: Sequence[RunFolder]
    ) -> list[tuple[Interval, tuple[float, ...]]]:
        """Return one interval a column: as stored of one run, over seeds and images of several."""
        main = recipe.data.positives[0]
        columns = [(column.task or main, column.measure) for column in self.options.plan.columns]
        if not runs:
            return []
        if len(runs) == 1:
            stored = {(one.task, one.measure): one for one in read_measures(runs[0])[split].judgement.rows}
            rows = [stored.get(column) for column in columns]
            found = [Interval(one.value, one.low, one.high) if one else NOTHING for one in rows]
            return [(one, (one.value,)) for one in found]
        judged = [RunPredictions(str(run.path), Predictions.read(run.predictions(split))) for run in runs]
        over = over_seeds(judged, main, columns, self.resampling)
        return [over.get(column, (NOTHING, ())) for column in columns]

    def _tests(
        self, block: BlockPlan, judged: Mapping[str, Sequence[RunFolder]]
    ) -> tuple[tuple[RowTest, ...], tuple[str, ...]]:
        rows, problems = list(judged), dict[str, None]()
        titles = self._titles()
        baseline = next((row for row in rows if self._recipe(row).model.network == BASELINE), None)
        tests: list[RowTest] = []
        for above, row in zip([None, *rows], rows, strict=False):
            against: tuple[tuple[Literal["above", "baseline"], str | None], ...] = (
                ("above", above),
                ("baseline", baseline),
            )
            for kind, other in against:
                if other is None or other == row or not judged[row] or not judged[other]:
                    continue
                try:
                    found = self._differences(block.split, judged[other], judged[row], row)
                except (ConfigError, PredictionsError) as error:
                    problems[f"{titles[row]} is not tested against {titles[other]}: {error}"] = None
                    continue
                tests += [RowTest(kind, one) for one in found]
        return tuple(tests), tuple(problems)

    def _differences(
        self, split: str, first: Sequence[RunFolder], second: Sequence[RunFolder], row: str
    ) -> tuple[Difference, ...]:
        paths = _paths([*first, *second])
        return self._once(
            ("test", split, paths),
            lambda: (
                compare_runs(
                    paths,
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

    def _recipe(self, row: str) -> Recipe:
        return next((job.recipe for job in self.jobs.get(row, ()) if job.recipe), None) or load_recipe(row)

    def _titles(self) -> dict[str, str]:
        return {row: self._recipe(row).title for row in self.jobs}

    def _beside(self, published: PublishedRow | None) -> tuple[float | None, ...]:
        return tuple(_published(published, column) for column in self.options.plan.columns)


def _paths(runs: Sequence[RunFolder]) -> tuple[Path, ...]:
    return tuple(run.path for run in runs)


def _cited(published: PublishedRow) -> str:
    return f"{published.name} {published.reference}".strip()


def _published(row: PublishedRow | None, column: Column) -> float | None:
    if row is None:
        return None
    if column.measure.startswith(RECALL):
        return (row.recalls or {}).get(column.measure.removeprefix(RECALL))
    return {"ap": row.ap, "auc": row.auc, "balanced_accuracy": row.average_recall}[column.measure]
