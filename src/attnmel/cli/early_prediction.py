"""Begin the first prediction before the command line is loaded: `attnmel predict MODEL IMAGE`. No typer."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from attnmel.errors import ConfigError

PRECISION = "--precision"


def compile_named_network(words: Sequence[str]) -> None:
    """Start to compile the network that a command line names, where it predicts one image by an ONNX file.

    A guess that saves time: the command reads its words itself, and opens its network itself where the guess is wrong.
    """
    with suppress(OSError, ConfigError):  # which the command meets again, and reports
        path = _named_network(words)
        if path is not None:
            from attnmel.compute.threads import requested_threads
            from attnmel.deploy import early_compile

            early_compile.compile_ahead(path, threads=requested_threads())


def _named_network(words: Sequence[str]) -> Path | None:
    match words:
        case ["predict", model, image, *options] if not _more_images(options) and Path(image).is_file():
            other_precision = any(word.startswith(PRECISION) for word in options)
            return None if other_precision else _onnx_file(model)
        case _:
            return None


def _more_images(options: Sequence[str]) -> bool:
    return bool(options) and not options[0].startswith("-")


def _onnx_file(model: str) -> Path | None:
    from attnmel.pretrained.catalogue import onnx_path

    path = onnx_path(model) or Path(model)
    return path if path.suffix.lower() == ".onnx" and path.is_file() else None
