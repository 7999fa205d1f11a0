"""The packages that the servers are made of, which the extras "serve" and "study" install."""

import importlib.util

from attnmel.errors import ConfigError

PACKAGES = {"fastapi": "fastapi", "uvicorn": "uvicorn", "python_multipart": "python-multipart"}
"""Names of modules and of the packages that hold them."""


STUDY_PACKAGES = {"sqlmodel": "sqlmodel", "alembic": "alembic"}
"""Of the database of a study."""


def require_packages() -> None:
    """Refuse to serve where a package is missing.

    Raises:
        ConfigError: gives the command that installs them.
    """
    _require(PACKAGES, "the page", "serve")


def require_study_packages() -> None:
    """Refuse to open a study where a package is missing.

    Raises:
        ConfigError: gives the command that installs them.
    """
    _require(STUDY_PACKAGES, "a study", "study")


def _require(packages: dict[str, str], what: str, extra: str) -> None:
    if missing := [name for module, name in packages.items() if importlib.util.find_spec(module) is None]:
        raise ConfigError(
            f"{what} needs the package {missing[0]}, which is not installed; type: pip install 'attnmel[{extra}]'"
        )
