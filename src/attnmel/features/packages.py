"""scikit-learn and scikit-image, which come with an extra and are loaded when first needed."""

import importlib
from types import ModuleType

from attnmel.errors import ConfigError

PACKAGES = {"sklearn": "scikit-learn", "skimage": "scikit-image"}


def needed(module: str) -> ModuleType:
    """Return a module of scikit-learn or scikit-image.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError:
        package = PACKAGES[module.partition(".")[0]]
        raise ConfigError(
            f"features and SVMs need {package}, which is not installed; type: pip install 'attnmel[features]'"
        ) from None
