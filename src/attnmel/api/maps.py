"""`attnmel.explain` and `explain_split`: where a network looked, as pictures and as numbers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attnmel.api.model_names import image_paths, opened_runs, place_of, refuse_swapped, trained_model
from attnmel.api.places import Place, optional_path, own_folder, places
from attnmel.arguments import checked_arguments
from attnmel.errors import ConfigError, counted, listed
from attnmel.progress import Progress, Report, as_progress

if TYPE_CHECKING:
    from attnmel.evaluation.maps.summary import MapSummary
    from attnmel.files.folders import MapsFolder
    from attnmel.pipeline.run.run import Run

IMAGES = "the path of a file or a folder, or example:ID"
LIMIT = 64
"""Images on which a network is run again."""


@dataclass(frozen=True)
class Explained:
    """The files that were written for some images."""

    paths: tuple[Path, ...]

    def __repr__(self) -> str:
        return f"Explained({counted(len(self.paths), 'file')}: {listed(map(str, self.paths), 3)})"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as `attnmel explain --json`."""
        return {"files": [str(path) for path in self.paths]}


@dataclass(frozen=True)
class ExplainedSplit:
    """The maps of a split, evaluated: a folder with a grid, a gallery and a summary."""

    folder: "MapsFolder"
    summary: "MapSummary | None"
    channels: tuple[tuple[str, Path], ...]
    """Layer, and the page of its channels, of each run."""

    def __repr__(self) -> str:
        return f"ExplainedSplit({str(self.folder.path)!r}; see .summary and .to_dict())"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as `attnmel explain --split --json`."""
        import dataclasses

        folder = self.folder
        return {
            "folder": str(folder.path),
            "grid": str(folder.grid),
            "gallery": str(folder.gallery),
            "every_two_maps": str(folder.text),
            "channels": [{"layer": layer, "page": str(page)} for layer, page in self.channels],
            "summary": None if self.summary is None else dataclasses.asdict(self.summary),
        }


@checked_arguments("model", "images")
def explain(
    model: "Run | Place",
    images: Sequence[Place],
    *,
    methods: Sequence[str] = (),
    out: Place | None = None,
    masks: Place | None = None,
    segmenter: Place | None = None,
    threads: int | None = None,
    progress: Progress | Report | None = None,
) -> Explained:
    """Write saliency maps of images: drawn over each as PNG, and as numbers in NPZ; as `attnmel explain`.

    `images` are files, folders, or example:ID. Without `methods` the maps are those of the attention gates; others are
    listed in docs/prediction/explain.md, such as "gradcam-pool5", or "gradcam:LAYER" for a network of your own.

    Raises:
        CheckpointError: the model cannot be used, or has no attention maps and no method is named.
        ConfigError: no image, an unknown method, or one that the network has no map for.
        ImageError: files cannot be used; raised once the others are done.
    """
    written = explain_one_by_one(model, images, methods, out, masks, segmenter, progress, threads=threads)
    return Explained(tuple(written))


def explain_one_by_one(
    model: "Run | Place",
    images: Sequence[Place],
    methods: Sequence[str],
    out: Place | None,
    masks: Place | None,
    segmenter: Place | None,
    progress: Progress | Report | None,
    *,
    threads: int | None = None,
) -> Iterator[Path]:
    """Write the maps as `explain`, and give each file when it is written."""
    from attnmel.compute.runtime import use_threads
    from attnmel.pipeline.explain.images import explain_images

    named, shown = [str(one) for one in places(images, "images", IMAGES)], as_progress(progress)
    if not named:
        raise ConfigError("no images to explain: name image files, or a split of the run's data, as in --split test")
    refuse_swapped(place_of(model), named)
    use_threads(threads)
    path = trained_model(place_of(model), shown)
    folders = [own_folder(out), *map(optional_path, (masks, segmenter))]
    yield from explain_images(
        path,
        image_paths(named),
        methods=methods,
        out=folders[0],
        masks=folders[1],
        segmenter=folders[2],
        progress=shown,
    )


@checked_arguments("runs")
def explain_split(
    runs: "Sequence[Run | Place]",
    split: str = "test",
    *,
    methods: Sequence[str] = (),
    measures: Sequence[str] = ("overlap",),
    channels: Sequence[str] = (),
    limit: int = LIMIT,
    out: Place | None = None,
    home: Place | None = None,
    threads: int | None = None,
    progress: Progress | Report | None = None,
) -> ExplainedSplit:
    """Write and evaluate the saliency maps of a whole split by one run, or by several on the same images.

    Raises:
        ConfigError: no run, an unknown split, method, measure or layer, or runs of other images.
        CheckpointError: a run has no usable best checkpoint.
        LabelError: the data set has no such split, or is not the one that the run was trained on.
    """
    from attnmel.compute.runtime import use_threads
    from attnmel.evaluation.maps.summary import MapSummary
    from attnmel.pipeline.explain.runs import explain_runs

    use_threads(threads)
    opened = opened_runs(runs, optional_path(home), as_progress(progress))
    folder = explain_runs(
        opened,
        split=split,
        methods=methods,
        measures=measures,
        channels=channels,
        limit=limit,
        out=own_folder(out),
    )
    own = [folder] if len(opened) == 1 else [one.folder.split_maps(split) for one in opened]
    pages = tuple((layer, one.channels(layer)) for layer in channels for one in own)
    return ExplainedSplit(folder, MapSummary.read(folder.summary), pages)
