"""Packages of the extra "export", imported when they are needed. No torch."""

from importlib import import_module
from types import ModuleType

from attnmel.errors import ConfigError

PACKAGES = ("onnx", "onnxscript", "onnxruntime", "openvino")


def package(name: str) -> ModuleType:
    """Import a package or a module of one.

    Raises:
        ConfigError: it is not installed; says what to type.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"an ONNX file needs the package {error.name}, which is not installed; type: pip install 'attnmel[export]'"
        ) from None
