"""A run and a split -> the maps of every method on all of its images, and what they are worth, in files."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int, Integer
from torch import Tensor, nn

from attnmel import runtime
from attnmel.data.splits import draw_some
from attnmel.errors import ConfigError, require_known
from attnmel.evaluation.map_overlap import map_overlap
from attnmel.evaluation.map_summary import MapSummary, summarised
from attnmel.evaluation.map_table import MapColumn, MapTable
from attnmel.evaluation.predict import predict
from attnmel.explain.map_files import map_file
from attnmel.explain.methods import build_method, passes, usual_methods
from attnmel.explain.sanity import painted_out
from attnmel.folders import MapsFolder, RunFolder, replacing
from attnmel.models.checkpoints import Card, load_checkpoint
from attnmel.pipeline.evaluate import check_card
from attnmel.pipeline.map_measures import ASKING, OVERLAP, Case, Values
from attnmel.pipeline.map_targets import Marked, open_marks
from attnmel.pipeline.prepare import Prepared, prepare, shown_pixels, split_batches
from attnmel.pipeline.provenance import check_same_data, read_recipe
from attnmel.progress import SILENT, Progress
from attnmel.records import EVERY_SPLIT, Predictions
from attnmel.report.map_worth import summary_text
from attnmel.settings import DataSettings

BATCH = 16
"""Images a forward pass; no map depends on it."""

LIMIT = 64
"""Images on which the network is asked again: enough for a mean, few enough to wait for."""


@dataclass(frozen=True)
class Asked:
    """A run's network and the images that it is asked about."""

    data: DataSettings
    prepared: Prepared
    rows: Integer[np.ndarray, " N"]
    """Of the image cache."""
    network: nn.Module
    card: Card
    device: torch.device
    predictions: Predictions
    seconds: float
    """That the forward pass of one image took."""

    @property
    def called(self) -> Int[Tensor, " N"]:
        """The class that each map is asked for: the one that the network holds for the most probable."""
        return torch.from_numpy(self.predictions.probabilities.argmax(axis=1)).to(self.device)

    def batches(
        self, places: Int[np.ndarray, " n"]
    ) -> Iterator[tuple[Int[np.ndarray, " B"], Float[Tensor, "B 3 s s"]]]:
        """Give some of the images, with their places, batch by batch, as the network sees them."""
        batches = split_batches(self.data, self.prepared, self.rows[places], batch=BATCH, device=self.device)
        for start, batch in zip(range(0, len(places), BATCH), batches, strict=True):
            yield places[start : start + BATCH], batch.images

    def some(self, limit: int) -> Int[np.ndarray, " n"]:
        """Return the places of that many images, each class by its share; the same ones for every run and method."""
        ids = self.predictions.image_ids
        drawn = draw_some({ids[at]: str(label) for at, label in enumerate(self.predictions.labels.tolist())}, limit)
        return np.array([at for at, image_id in enumerate(ids) if image_id in drawn], dtype=np.int64)


@dataclass(frozen=True)
class Explained:
    """A run whose maps of a split lie in a folder."""

    name: str
    """Recipe and seed."""
    folder: MapsFolder
    asked: Asked
    methods: tuple[str, ...]
    table: MapTable
    summary: MapSummary


def explain_split(
    run: RunFolder,
    *,
    split: str,
    methods: Sequence[str] = (),
    measures: Sequence[str] = (OVERLAP,),
    limit: int = LIMIT,
    out: Path | None = None,
    home: Path,
    progress: Progress = SILENT,
) -> Explained:
    """Write the maps of a split's images, the table of their measures and its summary.

    Methods that are not named: all that the network has a map for, without the slow ones. Each map is asked for the
    class that the network calls. Overlap is of all images, the measures that ask the network again of `limit` images,
    drawn by class. One batch of images is held at a time.

    Raises:
        ConfigError: no run folder, an unknown split, method, measure or layer, a network without such a map, or a limit
            below 1.
        CheckpointError: the run has no usable best checkpoint.
        LabelError: the data set has no such split, or is not the one that the run was trained on.
    """
    require_known("split", split, EVERY_SPLIT)
    for measure in measures:
        require_known("measure", measure, (OVERLAP, *ASKING))
    if limit < 1:
        raise ConfigError(f"measures on {limit} images; expected --limit of at least 1")
    for name in methods:
        build_method(name)
    asked = ask(run, split, home=home, progress=progress)
    names = tuple(dict.fromkeys(methods)) or usual_methods(asked.network)
    asking, places = [name for name in measures if name != OVERLAP], asked.some(limit)
    marks = open_marks(asked.data, asked.prepared, asked.rows, home, progress)
    progress.note(_cost(asked, names, asking, len(places)))
    folder = MapsFolder(out) if out else run.split_maps(split)
    columns: dict[MapColumn, Float[np.ndarray, " N"]] = {}
    for name in names:
        columns |= _map_all(asked, name, marks if OVERLAP in measures else None, folder, progress)
        columns |= _ask_again(asked, name, asking, places, progress)
    table = MapTable.of(asked.predictions, columns)
    table.write(folder.table, asked.card.licence)
    summary = _summarised(asked, table, names, marks, split, progress)
    write_summary(folder, summary)
    return Explained(_name(asked.card), folder, asked, names, table, summary)


def ask(run: RunFolder, split: str, *, home: Path, progress: Progress = SILENT) -> Asked:
    """Open a run's best checkpoint and a split of its data, and predict the split.

    Raises:
        ConfigError, CheckpointError, LabelError: as `explain_split`.
    """
    recipe = read_recipe(run)
    network, card = load_checkpoint(run.path)
    check_card(run, card, recipe)
    prepared = prepare(recipe.data, home=home, progress=progress)
    check_same_data(run, prepared)
    rows, device = prepared.rows(split), runtime.choose_device()
    started = time.monotonic()
    predicted = predict(
        network.to(device),
        split_batches(recipe.data, prepared, rows, batch=BATCH, device=device),
        image_ids=prepared.cache.image_ids,
        classes=card.classes,
        groups=prepared.groups,
        device=device,
        progress=progress,
    )
    taken = (time.monotonic() - started) / len(rows)
    return Asked(recipe.data, prepared, rows, network, card, device, predicted.predictions, taken)


def _map_all(
    asked: Asked, name: str, marks: Marked | None, folder: MapsFolder, progress: Progress
) -> dict[MapColumn, Float[np.ndarray, " N"]]:
    """Write the maps of one method, and return their overlap with the marks."""
    method, ids, found = build_method(name), asked.predictions.image_ids, []
    with (
        map_file(folder.maps(name), ids, asked.card.size, asked.card.licence) as add,
        progress.bar(f"maps: {name}", len(ids), "images") as advance,
    ):
        for places, images in asked.batches(np.arange(len(ids))):
            maps = method(asked.network, images, asked.called[places]).float().cpu().numpy()
            add(maps)
            if marks is not None:
                found.append(map_overlap(maps, marks.targets(places)).measures)
            advance(len(places))
    return {MapColumn(name, *of): np.concatenate([one[of] for one in found]) for of in (found[0] if found else ())}


def _ask_again(
    asked: Asked, name: str, measures: Sequence[str], some: Int[np.ndarray, " n"], progress: Progress
) -> dict[MapColumn, Float[np.ndarray, " N"]]:
    """Return the measures that ask the network again, NaN for the images that it was not asked about."""
    columns: dict[MapColumn, Float[np.ndarray, " N"]] = {}
    if not measures:
        return columns
    with progress.bar(f"{', '.join(measures)}: {name}", len(some), "images") as advance:
        for places, images in asked.batches(some):
            case = _case(asked, name, places, images)
            for measure in measures:
                _fill(columns, name, places, len(asked.rows), ASKING[measure].of(case))
            advance(len(places))
    return columns


def _case(asked: Asked, name: str, places: np.ndarray, images: Tensor) -> Case:
    method, classes = build_method(name), asked.called[places]
    pixels = np.ascontiguousarray(shown_pixels(asked.data, asked.prepared, asked.rows[places]))
    painted = painted_out(pixels, asked.card.mean, asked.card.std).to(asked.device)
    has_lesion = pixels[..., 3].max(axis=(1, 2)) > 0
    return Case(method, asked.network, images, painted, has_lesion, classes, method(asked.network, images, classes))


def _fill(
    columns: dict[MapColumn, Float[np.ndarray, " N"]], name: str, places: np.ndarray, count: int, values: Values
) -> None:
    for (measure, target), some in values.items():
        columns.setdefault(MapColumn(name, measure, target), np.full(count, np.nan))[places] = some


def _summarised(
    asked: Asked, table: MapTable, names: Sequence[str], marks: Marked, split: str, progress: Progress
) -> MapSummary:
    card = asked.card
    return summarised(
        table,
        names,
        masks=marks.images,
        split=split,
        name=_name(card),
        epoch=card.epoch,
        licence=card.licence,
        progress=progress,
    )


def _name(card: Card) -> str:
    return f"{card.recipe}, seed {card.seed}"


def write_summary(folder: MapsFolder, summary: MapSummary) -> None:
    """Write a summary for programs and for people."""
    summary.write(folder.summary)
    with replacing(folder.text) as part:
        part.write_text(summary_text(summary), encoding="utf-8")


def _cost(asked: Asked, names: Sequence[str], measures: Sequence[str], some: int) -> str:
    """Say what is ahead: forward passes of single images, and their time at the speed of the predictions."""
    costs = [passes(name, asked.card.size) for name in names]
    parts = {f"the maps of {len(asked.rows):,} images": sum(costs) * len(asked.rows)}
    parts |= {f"{one} on {some:,}": sum(map(ASKING[one].passes, costs)) * some for one in measures}
    told = ", ".join(f"{count:,} for {what}" for what, count in parts.items())
    minutes = sum(parts.values()) * asked.seconds / 60
    return f"forward passes: {told}; about {max(1, round(minutes))} min at the speed of the predictions"
