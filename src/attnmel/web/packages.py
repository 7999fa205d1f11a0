"""The packages that the server is made of, which the extra "serve" installs."""

import importlib.util

from attnmel.errors import ConfigError

PACKAGES = {"fastapi": "fastapi", "uvicorn": "uvicorn", "python_multipart": "python-multipart"}
"""Names of modules and of the packages that hold them."""


def require_packages() -> None:
    """Refuse to serve where a package is missing.

    Raises:
        ConfigError: gives the command that installs them.
    """
    if missing := [name for module, name in PACKAGES.items() if importlib.util.find_spec(module) is None]:
        raise ConfigError(
            f"the page needs the package {missing[0]}, which is not installed; type: pip install 'attnmel[serve]'"
        )
