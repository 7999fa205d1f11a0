"""A run with the stored maps of a split: those just made, or read from the files of `attnmel explain`."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Integer

from attnmel.errors import PredictionsError
from attnmel.evaluation.maps.summary import AGREEMENT, MapSummary, summarised
from attnmel.evaluation.maps.table import MapColumn, MapTable
from attnmel.files.folders import MapsFolder
from attnmel.pipeline.run.run import Run
from attnmel.progress import SILENT, Progress
from attnmel.records import Predictions
from attnmel.saliency.methods.registry import BASELINES


@dataclass(frozen=True, kw_only=True)
class ExplainedRun:
    """The maps of a run, and the images that they are of."""

    name: str
    """Recipe and seed, and more where two runs share both."""
    run: Run
    folder: MapsFolder
    rows: Integer[np.ndarray, " N"]
    """Of the image cache."""
    predictions: Predictions
    table: MapTable
    summary: MapSummary

    @property
    def target_class(self) -> str:
        """The class whose probability is shown."""
        return self.run.target_class

    @property
    def methods(self) -> tuple[str, ...]:
        """The maps, in their order."""
        return self.summary.methods


def read_summary(run: Run, split: str, epoch: int) -> MapSummary | None:
    """Read the summary of the maps of a run's split; None where there are none, or those of another epoch.

    Raises:
        PredictionsError: the file is damaged.
    """
    summary = MapSummary.read(run.folder.split_maps(split).summary)
    return None if summary is None or summary.epoch != epoch else summary


def read_explained(run: Run, split: str, summary: MapSummary, *, name: str) -> ExplainedRun:
    """Read the maps of a run's split that a summary is of.

    Raises:
        PredictionsError: a file is missing, damaged, or of other images than the run's predictions.
        LabelError: the data set is not the one that the run was trained on.
    """
    folder = run.folder.split_maps(split)
    table, predictions = MapTable.read(folder.table), run.predictions(split)
    if table.image_ids != predictions.image_ids:
        raise PredictionsError(
            f"{folder.table} is of other images than {run.folder.predictions(split)}; run `attnmel explain RUN "
            "--split` again"
        )
    return ExplainedRun(
        name=name,
        run=run,
        folder=folder,
        rows=run.same_dataset().cache.rows(predictions.image_ids),
        predictions=predictions,
        table=table,
        summary=summary,
    )


def side_by_side(runs: Sequence[ExplainedRun], progress: Progress = SILENT) -> MapSummary:
    """Return the measures of runs on the same images together, map by map; the same map of every two runs is compared.

    A baseline whose values are the same in all runs is listed once, and none is compared with itself. Hits and misses
    differ by run, and agreement is between maps of one network: both are in each run's own summary only.
    """
    first, every = runs[0], dict.fromkeys(name for run in runs for name in run.methods)
    ids, nothing = first.table.image_ids, ("",) * len(first.table.image_ids)
    once = {name for name in BASELINES if _same_everywhere([_values(run, name) for run in runs])}

    def joined(run: ExplainedRun, method: str) -> str:
        return method if method in once else f"{run.name}: {method}"

    values = {
        column._replace(map=joined(run, name)): numbers
        for run in runs
        for name in run.methods
        for column, numbers in _values(run, name).items()
    }
    return summarised(
        MapTable(ids, first.table.groups, nothing, nothing, values),
        list(dict.fromkeys(joined(run, name) for name in every for run in runs if name in run.methods)),
        pairs=[
            (joined(one, name), joined(other, name))
            for one, other in itertools.combinations(runs, 2)
            for name in one.methods
            if name in other.methods and name not in BASELINES
        ],
        masks=first.summary.masks,
        split=first.summary.split,
        name=" and ".join(run.name for run in runs),
        epoch=first.summary.epoch,
        licence="; ".join(dict.fromkeys(run.summary.licence for run in runs)),
        progress=progress,
    )


def _values(run: ExplainedRun, method: str) -> dict[MapColumn, Float[np.ndarray, " N"]]:
    return {
        column: numbers
        for column, numbers in run.table.values.items()
        if column.map == method and column.measure != AGREEMENT
    }


def _same_everywhere(values: Sequence[dict[MapColumn, Float[np.ndarray, " N"]]]) -> bool:
    first, *others = values
    return all(
        other.keys() == first.keys() and all(np.array_equal(other[one], first[one], equal_nan=True) for one in first)
        for other in others
    )
