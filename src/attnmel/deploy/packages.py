"""Import of the packages that run and write ONNX files, when needed; all but openvino are in the extra "export"."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType

from attnmel.errors import ConfigError

PACKAGES = ("onnx", "onnxscript", "onnxruntime", "openvino")

OPENVINO_CONVERTER = "openvino.tools.ovc"
"""Takes half of the time of `import openvino`, and reports its import to OpenVINO's makers over the network, which a
program for medical images must not do without consent. openvino works without it."""


def package(name: str) -> ModuleType:
    """Import a package, or a module of one.

    Raises:
        ConfigError: it is not installed; gives the command that installs it.
    """
    try:
        with _without(OPENVINO_CONVERTER):
            return import_module(name)
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"an ONNX file needs the package {error.name}, which is not installed; type: pip install 'attnmel[export]'"
        ) from None


@contextmanager
def _without(module: str) -> Iterator[None]:
    """Block the import of a module during the block, unless it is loaded already."""
    if module in sys.modules:
        yield
        return
    sys.modules[module] = None  # pyright: ignore[reportArgumentType] - as documented, None makes its import fail
    try:
        yield
    finally:
        del sys.modules[module]


@contextmanager
def errors_only(logger: str | None) -> Iterator[None]:
    """Log nothing but errors during the block, by the logger of that name or, for None, by the root."""
    log = logging.getLogger(logger)
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(level)
