"""`attnmel explain`: saliency maps of images, and measures of their quality."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from attnmel.cli.help import ADVANCED, DATA, EVALUATION, MAPS, option
from attnmel.cli.model_names import NAME, image_paths, refuse_swapped, run_of, runs_of, shipped, trained_model
from attnmel.cli.terminal import Home, OutFolder, Terminal, Threads
from attnmel.errors import ConfigError

if TYPE_CHECKING:
    from attnmel.files.folders import RunFolder


def explain(
    model: Annotated[str, typer.Argument(help=f"{NAME}, a run folder or a checkpoint.")],
    images: Annotated[
        list[str] | None,
        typer.Argument(
            help="Image files, folders of them, or example:ID; with --split, more run folders, or folders of seed-* "
            "runs."
        ),
    ] = None,
    split: Annotated[
        str | None,
        option(DATA, "Explain all images of this split of the run's data: train, validation, test or internal."),
    ] = None,
    method: Annotated[
        list[str] | None,
        option(
            MAPS,
            "attention-pool3|4, cam, gradcam-pool3|4|5, gradcam:LAYER, occlusion, integrated-gradients, "
            "gaussian, random; repeatable [default: for files the attention maps, for a split all but the"
            " slow occlusion and integrated-gradients].",
        ),
    ] = None,
    measure: Annotated[
        list[str] | None,
        option(
            EVALUATION,
            "With --split: overlap, cuts, agreement, authors-cam, faithfulness, sanity, stability; "
            "repeatable [default: overlap].",
        ),
    ] = None,
    channels: Annotated[
        list[str] | None,
        option(MAPS, "With --split: a stage (pool3, pool4, pool5) or layer; write a page of its channels. Repeatable."),
    ] = None,
    limit: Annotated[
        int, option(ADVANCED, "Number of images, stratified by class, for faithfulness, sanity and stability.")
    ] = 64,
    masks: Annotated[
        Path | None,
        option(DATA, "Folder of lesion masks, for a network whose crop follows the lesion.", metavar="<folder>"),
    ] = None,
    segmenter: Annotated[
        Path | None, option(DATA, "Segmenter that draws these masks, by `attnmel segment train`.", metavar="<file>")
    ] = None,
    out: OutFolder = None,
    threads: Threads = None,
    home: Home = None,
) -> None:
    """Draw what a network attended to: saliency maps over images.

    Maps are written as PNG over the image and as numbers in NPZ. With --split, they are written for a whole split and
    evaluated: a CSV with a row for each image, means with intervals, a grid of correct and wrong predictions, and a
    page to browse; several runs are compared on the same images. With --channels, a page shows which images and
    places activate each channel of a layer.

    Example:
        attnmel explain pretrained lesion.jpg --method gradcam-pool5
    """
    from attnmel.runtime import use_threads

    use_threads(threads)
    if split is not None and (masks or segmenter):
        raise ConfigError("--masks and --segmenter are for image files; a split has the masks of the run's data")
    if split is not None:
        runs = [run for one in (model, *(images or ())) for run in _runs_to_explain(one)]
        _explain_split(runs, split, method or (), measure or ("overlap",), channels or (), limit, out, home)
    elif measure or channels:
        raise ConfigError("--measure and --channels need a whole split: name one of the run's data, as in --split test")
    else:
        refuse_swapped(model, images or ())
        _explain_files(trained_model(model), image_paths(images or ()), method or (), out, masks, segmenter)


def _runs_to_explain(model: str) -> "Sequence[RunFolder]":
    """Return the run of a name or path, or every seed of a recipe in it."""
    return [run_of(model)] if shipped(model) or not Path(model).is_dir() else runs_of(Path(model))


def _explain_files(
    model: Path,
    images: Sequence[Path],
    methods: Sequence[str],
    out: Path | None,
    masks: Path | None,
    segmenter: Path | None,
) -> None:
    from attnmel.pipeline.explain.images import explain_images

    if not images:
        raise ConfigError("no images to explain: name image files, or a split of the run's data, as in --split test")
    found = explain_images(
        model, images, methods=methods, out=out, masks=masks, segmenter=segmenter, progress=Terminal()
    )
    for path in found:
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
