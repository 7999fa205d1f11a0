"""`attnmel explain`: where a network looked, and what the maps that say so are worth."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from attnmel.cli.model_names import NAME, image_paths, run_of, trained_model
from attnmel.cli.terminal import Home, Out, Terminal
from attnmel.errors import ConfigError

if TYPE_CHECKING:
    from attnmel.folders import RunFolder


def explain(
    model: Annotated[str, typer.Argument(help=f"{NAME}, a run folder or a checkpoint.")],
    images: Annotated[
        list[str] | None,
        typer.Argument(
            help="JPEG or PNG files, folders of them, or example:ID; with --split, more run folders.",
            show_default=False,
        ),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(help="Explain all images of a split: train, validation, test or internal.", show_default=False),
    ] = None,
    method: Annotated[
        list[str] | None,
        typer.Option(
            help="attention-pool3|4, cam, gradcam-pool3|4|5, gradcam:LAYER, occlusion, integrated-gradients, gaussian, "
            "random; repeatable [default: the attention maps of files; of a split all but the slow ones, occlusion and "
            "integrated-gradients].",
            show_default=False,
        ),
    ] = None,
    measure: Annotated[
        list[str] | None,
        typer.Option(
            help="With --split: overlap, cuts, agreement, authors-cam, faithfulness, sanity, stability; repeatable "
            "[default: overlap].",
            show_default=False,
        ),
    ] = None,
    channels: Annotated[
        list[str] | None,
        typer.Option(
            help="With --split: a stage (pool3, pool4, pool5) or layer whose channels to browse; repeatable.",
            show_default=False,
        ),
    ] = None,
    limit: Annotated[
        int, typer.Option(help="Images on which faithfulness, sanity and stability are measured, drawn by class.")
    ] = 64,
    out: Out = None,
    home: Home = None,
) -> None:
    """Write maps over images, in their own geometry: PNG overlays and the raw maps as NPZ.

    With --split, the maps of all its images, what they are worth (a CSV row an image, means with intervals), a grid of
    hits and misses and a page to browse. Several runs stand side by side on the same images. With --channels, a page
    of what the single channels of a layer answer to.
    """
    from attnmel.runtime import use_threads

    use_threads()
    if split is not None:
        runs = [run_of(one) for one in (model, *(images or ()))]
        _explain_split(runs, split, method or (), measure or ("overlap",), channels or (), limit, out, home)
    elif measure or channels:
        raise ConfigError("measures and channels are of a whole split: name one of the run's data with --split test")
    else:
        _explain_files(trained_model(model), image_paths(images or ()), method or (), out)


def _explain_files(model: Path, images: Sequence[Path], methods: Sequence[str], out: Path | None) -> None:
    from attnmel.pipeline.explain.images import explain_images

    if not images:
        raise ConfigError("nothing to explain: name image files, or a split of the run's data with --split test")
    for path in explain_images(model, images, methods=methods, out=out, progress=Terminal()):
        print(path)


def _explain_split(
    runs: "Sequence[RunFolder]",
    split: str,
    methods: Sequence[str],
    measures: Sequence[str],
    channels: Sequence[str],
    limit: int,
    out: Path | None,
    home: Path | None,
) -> None:
    from attnmel.evaluation.maps.summary import MapSummary
    from attnmel.pipeline.explain.runs import explain_runs
    from attnmel.pipeline.run.run import Run
    from attnmel.report.sections.maps import summary_text

    terminal = Terminal()
    folder = explain_runs(
        [Run(run, home, terminal) for run in runs],
        split=split,
        methods=methods,
        measures=measures,
        channels=channels,
        limit=limit,
        out=out,
    )
    if summary := MapSummary.read(folder.summary):
        print(summary_text(summary, differences=False))
    print(f"every two maps compared: {folder.text}\ngrid: {folder.grid}\ngallery: {folder.gallery}")
    own = [folder] if len(runs) == 1 else [run.split_maps(split) for run in runs]
    for layer in channels:
        for one in own:
            print(f"channels of {layer}: {one.channels(layer)}")
