"""The arguments MODEL and IMAGES: the name of a pretrained model or an example image, or a path."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from attnmel.errors import ConfigError

if TYPE_CHECKING:
    from attnmel.folders import RunFolder
    from attnmel.pretrained.catalogue import Shipped

NAME = "`pretrained` or another model of `attnmel models`"


def shipped(model: str) -> "Shipped | None":
    """Return the pretrained model of that name, with a note if a file has the same name; None for a path."""
    from attnmel.cli.terminal import Terminal
    from attnmel.pretrained.catalogue import find_model

    found = find_model(model)
    if found and Path(model).exists():
        Terminal().note(f"{model} is the model that comes with attnmel; for the {_kind(model)} here write ./{model}")
    return found


def fast_model(model: str) -> Path:
    """Return the ONNX file of a pretrained model, or the path itself."""
    found = shipped(model)
    return found.onnx if found else Path(model)


def trained_model(model: str) -> Path:
    """Return the checkpoint of a pretrained model, or the path itself."""
    found = shipped(model)
    return found.checkpoint if found else Path(model)


def run_of(model: str, out: Path | None = None) -> "RunFolder":
    """Return a run folder: the path itself, or for a pretrained model the folder `out`, created where it is missing.

    Raises:
        ConfigError: `out` is given together with a run folder.
    """
    from attnmel.folders import RunFolder
    from attnmel.pipeline.pretrained.run import own_run

    found = shipped(model)
    if found is None:
        if out is not None:
            raise ConfigError(f"the results of a run are written to its own folder, {model}; leave out --out")
        return RunFolder(Path(model))
    return own_run(found, out)


def run_to_evaluate(model: str, out: Path | None, on: str | None, split: str | None) -> "RunFolder":
    """Return a run folder as `run_of`, to evaluate it on a split.

    Raises:
        ConfigError: as `run_of`, or the pretrained model was trained on that split.
    """
    from attnmel.pipeline.pretrained.run import refuse_trained_on
    from attnmel.pretrained.catalogue import find_model

    if found := find_model(model):
        refuse_trained_on(found, on, split)
    return run_of(model, out)


def image_paths(images: Sequence[str]) -> list[Path]:
    """Return the paths, with `example:ID` replaced by the files of the example images."""
    from attnmel.pretrained.examples import example_images

    return [path for one in images for path in (example_images(one) or [Path(one)])]


def _kind(path: str) -> str:
    return "folder" if Path(path).is_dir() else "file"
