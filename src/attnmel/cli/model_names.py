"""The arguments MODEL and IMAGES, as `api.model_names` reads them, with its notes on the terminal."""

from pathlib import Path
from typing import TYPE_CHECKING

from attnmel.api import model_names
from attnmel.api.model_names import (
    NAME,
    image_paths,
    model_path,
    refuse_swapped,
    run_to_share,
    runs_of,
    runs_to_evaluate,
)
from attnmel.cli.terminal import Terminal

if TYPE_CHECKING:
    from attnmel.files.folders import RunFolder
    from attnmel.pretrained.catalogue import Shipped

__all__ = ["NAME", "image_paths", "model_path", "refuse_swapped", "run_to_share", "runs_of", "runs_to_evaluate"]


def shipped(model: str) -> "Shipped | None":
    """As `model_names.shipped`."""
    return model_names.shipped(model, Terminal())


def fast_model(model: str) -> Path:
    """As `model_names.fast_model`."""
    return model_names.fast_model(model, Terminal())


def trained_model(model: str) -> Path:
    """As `model_names.trained_model`."""
    return model_names.trained_model(model, Terminal())


def run_of(model: str, out: Path | None = None) -> "RunFolder":
    """As `model_names.run_of`."""
    return model_names.run_of(model, out, Terminal())
