"""`attnmel segment`: train a segmenter, draw lesion masks with it, judge masks."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from attnmel.cli.terminal import Home, Json, Terminal, print_json, print_table
from attnmel.cli.train import Overrides

segment = typer.Typer(
    help="Train a U-Net that draws lesion masks, draw them, judge them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@segment.command()
def train(
    overrides: Overrides = None,
    out: Annotated[Path, typer.Option(help="Folder of the run.")] = Path("runs/segmenter"),
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was stopped.")] = False,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Train a U-Net on true masks; its best epoch is measured on held-out images."""
    from attnmel.config.load import load_segmenter_recipe
    from attnmel.folders import RunFolder, home_folder

    # Before anything heavy is loaded: a slip in a setting is answered at once.
    recipe = load_segmenter_recipe(overrides=overrides or ())

    from attnmel.evaluation.statistics.format import plain
    from attnmel.pipeline.segment.train import train_segmenter
    from attnmel.runtime import use_threads

    use_threads()
    command = " ".join(["attnmel", *sys.argv[1:]])
    trained = train_segmenter(
        recipe, RunFolder(out), home=home_folder(home), resume=resume, command=command, progress=Terminal()
    )
    if as_json:
        print_json(trained.as_dict())
        return
    print(f"{out}: best epoch {trained.epoch}, {trained.images} held-out images in their own size")
    figures = [[name, *plain(one)] for name, one in trained.figures.items()]
    print_table(["measure", "value", "95 % interval"], figures)


@segment.command()
def predict(
    model: Annotated[Path, typer.Argument(help="A segmenter's run folder or checkpoint.")],
    images: Annotated[list[str], typer.Argument(help="A known data set, or JPEG and PNG files and folders of them.")],
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of the masks [default: masks/DATASET in the home].", show_default=False),
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Draw masks anew that are there already.")] = False,
    batch: Annotated[int, typer.Option(min=1, help="Images a forward pass.")] = 16,
    home: Home = None,
) -> None:
    """Draw the lesion mask of every image in its own size, with a table of how sure each is."""
    from attnmel.folders import home_folder
    from attnmel.pipeline.segment.predict import predict_masks
    from attnmel.runtime import use_threads

    use_threads()
    masks = predict_masks(
        model, images, home=home_folder(home), out=out, replace=replace, batch=batch, progress=Terminal()
    )
    print(masks.sentence())
    masks.raise_for_failures()


@segment.command()
def score(
    dataset: Annotated[str, typer.Argument(help="A known data set, or a folder with labels.csv, with true masks.")],
    masks: Annotated[
        Path | None,
        typer.Argument(help="A folder of masks [default: those drawn for the data set].", show_default=False),
    ] = None,
    split: Annotated[
        Literal["all", "train", "validation", "test", "internal"], typer.Option(help="Which images of the data set.")
    ] = "all",
    resamples: Annotated[int, typer.Option(min=1, help="Bootstrap resamples of the intervals.")] = 2000,
    seed: Annotated[int, typer.Option(min=0, help="Of the resamples.")] = 0,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Compare masks with the true ones, in the images' own size: Markdown, or JSON."""
    from attnmel.folders import home_folder
    from attnmel.pipeline.segment.score import score_masks

    scored = score_masks(
        dataset, masks, home=home_folder(home), split=split, resamples=resamples, seed=seed, progress=Terminal()
    )
    if as_json:
        print_json(scored.as_dict())
        return
    print(scored.markdown(), end="")
