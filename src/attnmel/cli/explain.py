"""`attnmel explain`: where a network looked, and what the maps that say so are worth."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from attnmel.cli.terminal import Home, Out, Terminal


def explain(
    model: Annotated[Path, typer.Argument(help="A run folder or a checkpoint.")],
    images: Annotated[
        list[Path] | None,
        typer.Argument(
            help="JPEG or PNG files, or folders of them; with --split, more run folders.", show_default=False
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
            help="With --split: overlap, faithfulness, sanity, stability; repeatable [default: overlap].",
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
    hits and misses and a page to browse. Several runs stand side by side on the same images.
    """
    from attnmel.runtime import use_threads

    use_threads()
    if split is None:
        _explain_files(model, images or [], method or (), measure or (), out)
    else:
        _explain_split([model, *(images or ())], split, method or (), measure or ("overlap",), limit, out, home)


def _explain_files(
    model: Path, images: Sequence[Path], methods: Sequence[str], measures: Sequence[str], out: Path | None
) -> None:
    from attnmel.errors import ConfigError
    from attnmel.pipeline.explain import explain_images

    if not images or measures:
        what = "measures are of a whole split" if measures else "nothing to explain"
        raise ConfigError(f"{what}: name image files, or a split of the run's data with --split test")
    for path in explain_images(model, images, methods=methods, out=out, progress=Terminal()):
        print(path)


def _explain_split(
    runs: Sequence[Path],
    split: str,
    methods: Sequence[str],
    measures: Sequence[str],
    limit: int,
    out: Path | None,
    home: Path | None,
) -> None:
    from attnmel.evaluation.map_summary import MapSummary
    from attnmel.folders import RunFolder, home_folder
    from attnmel.pipeline.explain_runs import explain_runs
    from attnmel.report.map_worth import summary_text

    folder = explain_runs(
        [RunFolder(run) for run in runs],
        split=split,
        methods=methods,
        measures=measures,
        limit=limit,
        out=out,
        home=home_folder(home),
        progress=Terminal(),
    )
    if summary := MapSummary.read(folder.summary):
        print(summary_text(summary, differences=False))
    print(f"every two maps compared: {folder.text}\ngrid: {folder.grid}\ngallery: {folder.gallery}")
