"""`attnmel predict`: images to probabilities."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from attnmel.cli.model_names import NAME, fast_model, image_paths
from attnmel.cli.terminal import Out, Terminal


def predict(
    model: Annotated[
        str,
        typer.Argument(help=f"{NAME}, an ONNX file of `attnmel export`, a run folder or a checkpoint."),
    ],
    images: Annotated[list[str], typer.Argument(help="JPEG or PNG files, folders of them, or example:ID.")],
    out: Out = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of CSV.")] = False,
    uncalibrated: Annotated[
        bool, typer.Option("--uncalibrated", help="As `evaluate` writes them, without the model's temperature.")
    ] = False,
    precision: Annotated[
        Literal["float32", "bf16"], typer.Option(help="Of an ONNX file's network; its facts say what bf16 costs.")
    ] = "float32",
    bound: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="AUC that bf16 may cost at the worst [default: 0.02].", show_default=False),
    ] = None,
    batch: Annotated[
        int | None, typer.Option(min=1, help="Images a forward pass of a checkpoint [default: 16].", show_default=False)
    ] = None,
    maps: Annotated[
        Path | None,
        typer.Option(metavar="<folder>", help="Write the attention maps over each image there, and as NPZ."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a stopped prediction to --out.")] = False,
    stall_limit: Annotated[
        float,
        typer.Option(
            min=0, metavar="SECONDS", help="End where no answer comes for so long, of several images; 0: never."
        ),
    ] = 120,
) -> None:
    """Predict class probabilities of images as CSV or JSON, on standard output or in a file.

    They are calibrated where the model holds a temperature.
    """
    from attnmel.errors import ConfigError
    from attnmel.pipeline.predict.predict import predict_images

    if resume and out is None:
        raise ConfigError("--resume goes on with a file that --out names; name it")
    # Rows on a terminal are progress enough, and a bar among them would make both illegible.
    progress = Terminal(bars=out is not None or not sys.stdout.isatty())
    answers = predict_images(
        fast_model(model),
        image_paths(images),
        precision=precision,
        bound=bound,
        batch=batch,
        calibrated=not uncalibrated,
        maps=maps,
        stall_limit=stall_limit,
        progress=progress,
    )
    if out is not None:
        answers.write(out, as_json=as_json, resume=resume)
        print(out)
    else:
        for text in answers.lines(as_json=as_json):
            print(text, end="")
    answers.raise_for_failures()
