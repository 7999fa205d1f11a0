"""Packages that run and write ONNX files, imported when needed; all but openvino of the extra "export". No torch."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType

from attnmel.errors import ConfigError

PACKAGES = ("onnx", "onnxscript", "onnxruntime", "openvino")

OPENVINO_CONVERTER = "openvino.tools.ovc"
"""Takes half of the time of `import openvino`, and tells OpenVINO's makers over the network that it was imported, which
a program for medical images must not do unasked. Without it, openvino imports all else."""


def package(name: str) -> ModuleType:
    """Import a package or a module of one.

    Raises:
        ConfigError: it is not installed; says what to type.
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
    """Let nothing import a module meanwhile, unless it is there already."""
    if module in sys.modules:
        yield
        return
    sys.modules[module] = None  # pyright: ignore[reportArgumentType] - as documented, None makes its import fail
    try:
        yield
    finally:
        del sys.modules[module]
