"""`attnmel segment`: train a U-Net for lesion segmentation, predict masks, and evaluate masks."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from attnmel.cli.help import ADVANCED, DATA, OUTPUT, STATISTICS, TRAINING, HelpCommand, HelpGroup
from attnmel.cli.terminal import Home, Json, Terminal, print_json, print_table
from attnmel.cli.train import Overrides

segment = typer.Typer(
    cls=HelpGroup,
    help="""Segment lesions: train a U-Net, predict masks, score masks.

    Example:
        attnmel segment train --out runs/segmenter
    """,
    no_args_is_help=True,
    rich_markup_mode=None,
)


@segment.command(cls=HelpCommand)
def train(
    overrides: Overrides = None,
    out: Annotated[Path, typer.Option(help="Run folder.", rich_help_panel=OUTPUT)] = Path("runs/segmenter"),
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue a run that was stopped.", rich_help_panel=TRAINING)
    ] = False,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Train a U-Net on the true lesion masks of a data set.

    Held-out images choose its best epoch and measure it.

    Example:
        attnmel segment train --out runs/segmenter --set training.epochs=20
    """
    from attnmel.config.load import load_segmenter_recipe
    from attnmel.folders import RunFolder, home_folder

    # Before torch is loaded, so that an error in a setting shows at once.
    recipe = load_segmenter_recipe(overrides=overrides or ())

    from attnmel.pipeline.run.results import fixed, span
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
    figures = [[name, fixed(one.value), span(one.low, one.high)] for name, one in trained.figures.items()]
    print_table(["measure", "value", "95 % interval"], figures)


@segment.command(cls=HelpCommand)
def predict(
    model: Annotated[Path, typer.Argument(help="A segmenter's run folder or checkpoint.")],
    images: Annotated[list[str], typer.Argument(help="A known data set, or JPEG and PNG files and folders of them.")],
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the masks [default: masks/DATASET in the folder of --home].",
            show_default=False,
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Predict again where a mask is there already.", rich_help_panel=OUTPUT)
    ] = False,
    batch: Annotated[int, typer.Option(min=1, help="Images in one forward pass.", rich_help_panel=ADVANCED)] = 16,
    home: Home = None,
) -> None:
    """Predict the lesion mask of every image.

    Masks are PNG files in the size of their images; a table holds the confidence of each.

    Example:
        attnmel segment predict runs/segmenter isic2018
    """
    from attnmel.folders import home_folder
    from attnmel.pipeline.segment.predict import predict_masks
    from attnmel.runtime import use_threads

    use_threads()
    masks = predict_masks(
        model, images, home=home_folder(home), out=out, replace=replace, batch=batch, progress=Terminal()
    )
    print(masks.sentence())
    masks.raise_for_failures()


@segment.command(cls=HelpCommand)
def score(
    dataset: Annotated[str, typer.Argument(help="A known data set or a folder with labels.csv, that has true masks.")],
    masks: Annotated[
        Path | None,
        typer.Argument(help="A folder of masks [default: those predicted for the data set].", show_default=False),
    ] = None,
    split: Annotated[
        Literal["all", "train", "validation", "test", "internal"],
        typer.Option(help="Images of the data set to score.", rich_help_panel=DATA),
    ] = "all",
    resamples: Annotated[
        int, typer.Option(min=1, help="Number of bootstrap resamples.", rich_help_panel=STATISTICS)
    ] = 2000,
    seed: Annotated[int, typer.Option(min=0, help="Random seed of the resamples.", rich_help_panel=STATISTICS)] = 0,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Score lesion masks against the true ones.

    Jaccard and Dice at the size of the images, by diagnosis and by warning flag, with intervals; as Markdown or JSON.

    Example:
        attnmel segment score isic2018 masks/
    """
    from attnmel.folders import home_folder
    from attnmel.pipeline.segment.score import score_masks

    scored = score_masks(
        dataset, masks, home=home_folder(home), split=split, resamples=resamples, seed=seed, progress=Terminal()
    )
    if as_json:
        print_json(scored.as_dict())
        return
    print(scored.markdown(), end="")
