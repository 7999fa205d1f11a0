"""`attnmel segment`: train a U-Net for lesion segmentation, predict masks, and evaluate masks."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from attnmel.cli.commands.networks.train import Overrides
from attnmel.cli.help import ADVANCED, DATA, OUTPUT, STATISTICS, TRAINING, HelpCommand, HelpGroup, option
from attnmel.cli.terminal import Home, Json, Terminal, Threads, command_line, print_json, print_table

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
    out: Annotated[Path, option(OUTPUT, "Run folder.")] = Path("runs/segmenter"),
    resume: Annotated[bool, option(TRAINING, "Continue a run that was stopped.", "--resume")] = False,
    threads: Threads = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Train a U-Net on the true lesion masks of a data set.

    Held-out images choose its best epoch and measure it.

    Example:
        attnmel segment train --out runs/segmenter --set training.epochs=20
    """
    from attnmel.number_formats import two_cells
    from attnmel.segment import train as train_segmenter

    segmenter = train_segmenter(
        out, overrides or (), resume=resume, home=home, threads=threads, command=command_line(), progress=Terminal()
    )
    if as_json:
        print_json(segmenter.to_dict())
        return
    trained = segmenter.found
    print(f"{out}: best epoch {trained.epoch}, {trained.images} held-out images in their own size")
    figures = [[name, *two_cells(one)] for name, one in trained.figures.items()]
    print_table(["measure", "value", "95 % interval"], figures)


@segment.command(cls=HelpCommand)
def predict(
    model: Annotated[Path, typer.Argument(help="A segmenter's run folder or checkpoint.")],
    images: Annotated[list[str], typer.Argument(help="A known data set, or image files and folders of them.")],
    out: Annotated[
        Path | None, option(OUTPUT, "Folder of the masks [default: masks/DATASET in the folder of --home].")
    ] = None,
    replace: Annotated[bool, option(OUTPUT, "Predict again where a mask is there already.", "--replace")] = False,
    batch: Annotated[int, option(ADVANCED, "Images in one forward pass.", min=1)] = 16,
    dicom_out: Annotated[
        Path | None,
        option(
            OUTPUT,
            "Folder for masks of DICOM images as DICOM (Segmentation), filed with patient and study.",
            "--dicom-out",
            metavar="<folder>",
        ),
    ] = None,
    threads: Threads = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Predict the lesion mask of every image.

    Masks are PNG files in the size of their images; a table contains the confidence of each.

    Example:
        attnmel segment predict runs/segmenter isic2018
    """
    from attnmel.segment import predict as predict_masks

    masks = predict_masks(
        model,
        images,
        out,
        replace=replace,
        batch=batch,
        dicom=dicom_out,
        home=home,
        threads=threads,
        progress=Terminal(),
    )
    if as_json:
        print_json(masks.to_dict())
    else:
        print(masks.found.sentence())
    masks.raise_for_failures()


@segment.command(cls=HelpCommand)
def score(
    dataset: Annotated[str, typer.Argument(help="A known data set or a folder with labels.csv, that has true masks.")],
    masks: Annotated[
        Path | None, typer.Argument(help="A folder of masks [default: those predicted for the data set].")
    ] = None,
    split: Annotated[
        Literal["all", "train", "validation", "test", "internal"], option(DATA, "Images of the data set to score.")
    ] = "all",
    resamples: Annotated[int, option(STATISTICS, "Number of bootstrap resamples.", min=1)] = 2000,
    seed: Annotated[int, option(STATISTICS, "Random seed of the resamples.", min=0)] = 0,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Score lesion masks against the true ones.

    Jaccard and Dice at the size of the images, by diagnosis and by warning flag, with intervals; as Markdown or JSON.

    Example:
        attnmel segment score isic2018 masks/
    """
    from attnmel.segment import score as score_masks

    scored = score_masks(dataset, masks, split=split, resamples=resamples, seed=seed, home=home, progress=Terminal())
    if as_json:
        print_json(scored.to_dict())
        return
    print(scored.found.markdown(), end="")
