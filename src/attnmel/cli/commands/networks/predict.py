"""`attnmel predict` and `export`: a trained network applied to images, and written as a file for other programs."""

import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from attnmel.api.model_names import NAME
from attnmel.cli.completion import images as example_images
from attnmel.cli.completion import models
from attnmel.cli.help import ADVANCED, DATA, OUTPUT, option
from attnmel.cli.terminal import Home, Json, Terminal, Threads, Tta, out_file, own_folder, print_json, print_table
from attnmel.number_formats import fixed, plus, plus_span

if TYPE_CHECKING:
    from attnmel.deploy.onnx.export_facts import ExportFacts

SHEETS = (".xlsx", ".xls", ".ods")
"""Endings of files that are not written."""


def predict(
    model: Annotated[
        str,
        typer.Argument(
            help=f"{NAME}, an ONNX file of `attnmel export`, a run folder, a folder of seed-* runs, or a checkpoint.",
            autocompletion=models,
        ),
    ],
    images: Annotated[
        list[str], typer.Argument(help="Image files, folders of them, or example:ID.", autocompletion=example_images)
    ],
    out: Annotated[Path | None, out_file("File to write [default: standard output].")] = None,
    as_json: Annotated[bool, option(OUTPUT, "JSON instead of CSV; also where --out ends in .json.", "--json")] = False,
    uncalibrated: Annotated[
        bool,
        option(
            OUTPUT,
            "Do not divide by the model's calibration temperature, if it has one; columns uncalibrated_CLASS, without "
            "decisions.",
            "--uncalibrated",
        ),
    ] = False,
    threshold: Annotated[
        list[float] | None,
        option(
            OUTPUT,
            "Threshold of your own for the probability of the target class: adds a column of decisions; repeatable.",
        ),
    ] = None,
    tta: Tta = None,
    metadata: Annotated[
        Path | None,
        option(
            DATA,
            "Table with the columns image, age and sex, for a model trained with test.prior; images not in it stay as "
            "without.",
            metavar="<file>",
        ),
    ] = None,
    precision: Annotated[
        Literal["float32", "bf16"],
        option(ADVANCED, "Precision of an ONNX file's network; bf16 is faster on some CPUs."),
    ] = "float32",
    bound: Annotated[
        float | None, option(ADVANCED, "Largest loss of AUC by bf16 that is accepted [default: 0.02].", min=0, max=1)
    ] = None,
    batch: Annotated[
        int | None, option(ADVANCED, "Images in one forward pass of a checkpoint [default: 16].", min=1)
    ] = None,
    maps: Annotated[
        Path | None,
        option(
            OUTPUT,
            "Folder for the attention maps: drawn over each image as PNG, and as NPZ.",
            metavar="<folder>",
            callback=own_folder,
        ),
    ] = None,
    dicom_out: Annotated[
        Path | None,
        option(
            OUTPUT,
            "Folder for results of DICOM images as DICOM (Secondary Capture), filed with patient and study.",
            "--dicom-out",
            metavar="<folder>",
        ),
    ] = None,
    masks: Annotated[
        Path | None,
        option(
            DATA,
            "Folder of lesion masks, IMAGE.png or IMAGE_segmentation.png, for a network whose crop follows the lesion; "
            "of others, to say how much of the lesion they saw.",
            metavar="<folder>",
        ),
    ] = None,
    segmenter: Annotated[
        Path | None, option(DATA, "Segmenter that draws these masks, by `attnmel segment train`.", metavar="<file>")
    ] = None,
    shard: Annotated[
        str | None,
        option(
            DATA,
            "Predict the K-th of N equal parts of the images to --out, for several machines; `attnmel join` makes one "
            "table of them.",
            metavar="K/N",
        ),
    ] = None,
    resume: Annotated[bool, option(OUTPUT, "Continue a prediction to --out that was stopped.", "--resume")] = False,
    verbose: Annotated[
        bool,
        option(OUTPUT, "Before a table on standard output say what each decision achieved.", "--verbose"),
    ] = False,
    stall_limit: Annotated[
        float,
        option(
            ADVANCED,
            "Stop with an error if no prediction comes for so long, with several images; 0: never.",
            min=0,
            metavar="SECONDS",
        ),
    ] = 120,
) -> None:
    """Predict the class probabilities of images, as CSV or JSON.

    Probabilities are calibrated if the model has a calibration temperature. Each operating point is a threshold with a
    column of decisions: 1 if the probability is above it, else 0. Each image has the share of it that the network saw,
    and warnings. A folder of seeds or folds gives the mean of their probabilities, and how far they are apart. Without
    --out the table goes to standard output.

    Example:
        attnmel predict pretrained lesion.jpg --maps maps
    """
    from attnmel.api.prediction import predict as predict_images
    from attnmel.errors import ConfigError

    if resume and out is None:
        raise ConfigError("--resume continues the file of --out; name that file")
    if shard and (out is None or as_json or out.suffix.lower() == ".json"):
        raise ConfigError("--shard writes a CSV file that `attnmel join` reads; name it by --out")
    # Rows on a terminal are progress enough, and a bar among them would make both illegible.
    progress = Terminal(bars=out is not None or not sys.stdout.isatty())
    json_wanted = as_json
    as_json = _format(out, as_json, progress)
    predictions = predict_images(
        model,
        images,
        precision=precision,
        bound=bound,
        batch=batch,
        calibrated=not uncalibrated,
        thresholds=threshold or (),
        maps=maps,
        dicom=dicom_out,
        masks=masks,
        segmenter=segmenter,
        transforms=tta,
        metadata=metadata,
        shard=shard,
        stall_limit=stall_limit,
        lazily=True,
        progress=progress,
    ).results
    predictions.of_command = True
    if out is not None:
        predictions.write(out, as_json=as_json, resume=resume)
        if json_wanted:
            print_json({"out": str(out)})
        else:
            print(out)
    else:
        if not as_json:
            # What the transforms are is said by a note, before the first image.
            table = dataclasses.replace(predictions.table, transforms=())
            progress.note((table.notice if verbose else table.short_notice).rstrip())
        for text in predictions.lines(as_json=as_json):
            print(text, end="")
    if len(predictions.paths) > 1 and (sentence := predictions.warnings_sentence()):
        progress.note(sentence)
    if sentence := predictions.age_and_sex_sentence():
        progress.note(sentence)
    predictions.raise_for_failures()


def _format(out: Path | None, as_json: bool, progress: Terminal) -> bool:
    """Return whether to write JSON, also where the name of the file says so; a note where its ending misleads."""
    if out is None or (ending := out.suffix.lower()) == ".json":
        return as_json or out is not None
    if as_json and ending:
        progress.note(f"{out} gets JSON, whatever its ending: leave out --json for CSV, or call it {out.stem}.json")
    elif ending in SHEETS:
        progress.note(f"{out} gets CSV, which a spreadsheet opens by the ending .csv: call it {out.stem}.csv")
    return as_json


def export(
    model: Annotated[str, typer.Argument(help=f"A run folder, a checkpoint, or {NAME}.", autocompletion=models)],
    onnx: Annotated[
        bool, option(OUTPUT, "Write an ONNX file: the only format so far.", "--onnx", show_default=False)
    ] = True,
    out: Annotated[
        Path | None,
        out_file("File to write [default: model.onnx in the run folder; NAME.onnx of a model by its name]."),
    ] = None,
    int8: Annotated[
        bool, option(OUTPUT, "Quantise to 8 bits, with value ranges of training images.", "--int8")
    ] = False,
    bound: Annotated[
        float | None, option(ADVANCED, "Largest loss of AUC by int8 that is accepted [default: 0.02].", min=0, max=1)
    ] = None,
    split: Annotated[
        Literal["train", "validation", "test", "internal"], option(DATA, "Split whose images the file is checked on.")
    ] = "test",
    limit: Annotated[int | None, option(DATA, "Largest number of these images [default: 600].", min=2)] = None,
    threads: Threads = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Write a trained network as one ONNX file for other programs.

    The file goes from the prepared image to probabilities and attention maps. Its predictions are first compared with
    the network's, on images of the run's data set and on large synthetic images; if they differ, no file is written.

    Example:
        attnmel export runs/isic2017/attnmel-lesion/seed-0 --onnx --out model.onnx
    """
    assert onnx, "there is no option against it"
    from attnmel.api.exporting import export as export_model

    exported = export_model(
        model,
        out,
        int8=int8,
        bound=bound,
        split=split,
        limit=limit,
        home=home,
        threads=threads,
        progress=Terminal(),
    )
    if as_json:
        print_json(exported.to_dict())
        return
    if exported.facts:
        _print(exported.facts)
    print(exported.path)


def _print(facts: "ExportFacts") -> None:
    print(f"checked on {facts.checked_on}; largest differences from torch in float32:")
    print_table(
        ["", "images", "probability", "map", "AUC"],
        [
            [one.engine, f"{one.images + one.phantoms}", *map(_small, (one.probability, one.attention, one.auc))]
            for one in facts.parity
        ],
    )
    if facts.costs:
        print("\ncost of a lower precision:")
        print_table(
            ["", "engine", "images", "AUC float32", "AUC", "difference", "95 % interval", "probability", "maps"],
            [
                [
                    f"{one.precision}, {one.task}",
                    one.engine,
                    f"{one.images}",
                    fixed(one.float32, 4),
                    fixed(one.auc, 4),
                    plus(one.difference, 4),
                    plus_span((one.low, one.high), 4) or "-",
                    _small(one.probability),
                    _small(one.attention),
                ]
                for one in facts.costs
            ],
        )
    print()


def _small(value: float | None) -> str:
    return "-" if value is None else f"{value:.1e}"
