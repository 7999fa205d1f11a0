"""`attnmel explain`: saliency maps of images, and measures of their quality."""

from pathlib import Path
from typing import Annotated

import typer

from attnmel.api.model_names import NAME
from attnmel.cli.completion import images as example_images
from attnmel.cli.completion import models
from attnmel.cli.help import ADVANCED, DATA, EVALUATION, MAPS, option
from attnmel.cli.terminal import Home, Json, Terminal, Threads, out_folder, print_json
from attnmel.errors import ConfigError


def explain(
    model: Annotated[str, typer.Argument(help=f"{NAME}, a run folder or a checkpoint.", autocompletion=models)],
    images: Annotated[
        list[str] | None,
        typer.Argument(
            help="Image files, folders of them, or example:ID; with --split, more run folders, or folders of seed-* "
            "runs.",
            autocompletion=example_images,
        ),
    ] = None,
    split: Annotated[
        str | None,
        option(
            DATA,
            "Explain all images of this split of the run's data: train, validation, test or internal "
            "[default: the images named].",
        ),
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
    out: Annotated[
        Path | None,
        out_folder(
            "Folder to write into [default: maps in the run folder; of another model the folder maps here; of several "
            "runs maps/SPLIT here]."
        ),
    ] = None,
    threads: Threads = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Draw what a network attended to: saliency maps over images.

    Maps are written as PNG over the image and as numbers in NPZ. With --split, they are written for a whole split and
    evaluated: a CSV with a row for each image, means with intervals, a grid of correct and wrong predictions, and a
    page to browse; several runs are compared on the same images. With --channels, a page shows which images and
    places activate each channel of a layer.

    Example:
        attnmel explain pretrained lesion.jpg --method gradcam-pool5
    """
    from attnmel.api.maps import Explained, explain_one_by_one, explain_split

    if split is None:
        if measure or channels:
            raise ConfigError(
                "--measure and --channels need a whole split: name one of the run's data, as in --split test"
            )
        chosen = (method or (), out, masks, segmenter, Terminal())
        written = explain_one_by_one(model, images or (), *chosen, threads=threads)
        if as_json:
            print_json(Explained(tuple(written)).to_dict())
            return
        for path in written:
            print(path)
        return
    if masks or segmenter:
        raise ConfigError("--masks and --segmenter are for image files; a split has the masks of the run's data")
    found = explain_split(
        [model, *(images or ())],
        split,
        methods=method or (),
        measures=measure or ("overlap",),
        channels=channels or (),
        limit=limit,
        out=out,
        home=home,
        threads=threads,
        progress=Terminal(),
    )
    if as_json:
        print_json(found.to_dict())
        return
    from attnmel.report.sections.maps import summary_text

    if found.summary:
        print(summary_text(found.summary, differences=False))
    folder = found.folder
    print(f"every two maps compared: {folder.text}\ngrid: {folder.grid}\ngallery: {folder.gallery}")
    for layer, page in found.channels:
        print(f"channels of {layer}: {page}")
