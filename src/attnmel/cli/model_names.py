"""What stands where a model or an image is named: the name of one that comes with the program, or a path."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from attnmel.errors import ConfigError

if TYPE_CHECKING:
    from attnmel.folders import RunFolder
    from attnmel.pretrained.catalogue import Shipped

NAME = "`pretrained` or another name of `attnmel models`"


def shipped(model: str) -> "Shipped | None":
    """Return the model of a name; None for a path. Where a file has the same name, say which is taken."""
    from attnmel.cli.terminal import Terminal
    from attnmel.pretrained.catalogue import find_model

    found = find_model(model)
    if found and Path(model).exists():
        Terminal().note(f"{model} is the model that comes with attnmel; for the {_kind(model)} here write ./{model}")
    return found


def fast_model(model: str) -> Path:
    """Return the ONNX file of a model that comes along, or the path that was named."""
    found = shipped(model)
    return found.onnx if found else Path(model)


def trained_model(model: str) -> Path:
    """Return the checkpoint of a model that comes along, or the path that was named."""
    found = shipped(model)
    return found.checkpoint if found else Path(model)


def run_of(model: str, out: Path | None = None) -> "RunFolder":
    """Return a run folder: the one that was named, or one that is made of a model that comes along.

    Raises:
        ConfigError: `out`, where such a model goes, is named beside a run folder.
    """
    from attnmel.folders import RunFolder
    from attnmel.pipeline.pretrained.run import own_run

    found = shipped(model)
    if found is None:
        if out is not None:
            raise ConfigError(f"a run is judged into its own folder, {model}; leave out --out")
        return RunFolder(Path(model))
    return own_run(found, out)


def judged_run(model: str, out: Path | None, on: str | None, split: str | None) -> "RunFolder":
    """Return a run folder as `run_of`, to judge a split in.

    Raises:
        ConfigError: also where the split trained the model that comes along.
    """
    from attnmel.pipeline.pretrained.run import refuse_trained_on
    from attnmel.pretrained.catalogue import find_model

    if found := find_model(model):
        refuse_trained_on(found, on, split)
    return run_of(model, out)


def image_paths(images: Sequence[str]) -> list[Path]:
    """Return paths as they were named, and the files of `example:ID`."""
    from attnmel.pretrained.examples import example_images

    return [path for one in images for path in (example_images(one) or [Path(one)])]


def _kind(path: str) -> str:
    return "folder" if Path(path).is_dir() else "file"
