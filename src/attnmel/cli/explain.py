"""`attnmel explain`: where a network looked."""

from pathlib import Path
from typing import Annotated

import typer

from attnmel.cli.terminal import Out, Terminal


def explain(
    model: Annotated[Path, typer.Argument(help="A run folder or a checkpoint.")],
    images: Annotated[list[Path], typer.Argument(help="JPEG or PNG files, or folders of them.")],
    out: Out = None,
) -> None:
    """Write attention maps over each image, in its own geometry: PNG overlays and the raw maps as NPZ."""
    from attnmel.pipeline.explain import explain_images
    from attnmel.runtime import use_threads

    use_threads()
    for path in explain_images(model, images, out=out, progress=Terminal()):
        print(path)
