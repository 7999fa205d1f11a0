"""`attnmel predict`: images to probabilities."""

from pathlib import Path
from typing import Annotated

import typer

from attnmel.cli.terminal import Out, Terminal


def predict(
    model: Annotated[Path, typer.Argument(help="A run folder or a checkpoint.")],
    images: Annotated[list[Path], typer.Argument(help="JPEG or PNG files, or folders of them.")],
    out: Out = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of CSV.")] = False,
    uncalibrated: Annotated[
        bool, typer.Option("--uncalibrated", help="As `evaluate` writes them, without the checkpoint's temperature.")
    ] = False,
    batch: Annotated[int, typer.Option(min=1, help="Images a forward pass.")] = 16,
) -> None:
    """Predict class probabilities of images as CSV or JSON, on standard output or in a file.

    They are calibrated where the checkpoint holds a temperature.
    """
    from attnmel.pipeline.predict import predict_images
    from attnmel.runtime import use_threads

    use_threads()
    result = predict_images(model, images, batch=batch, calibrated=not uncalibrated, progress=Terminal())
    if out is not None:
        result.write(out, as_json=as_json)
        print(out)
    else:
        print(result.text(as_json=as_json), end="")
    result.raise_for_failures()
