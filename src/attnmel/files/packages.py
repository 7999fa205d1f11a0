"""The packages of an extra, which a command needs before it does anything."""

import importlib.util
from collections.abc import Mapping

from attnmel.errors import ConfigError


def require_installed(packages: Mapping[str, str], what: str, extra: str) -> None:
    """Refuse where a package is missing; `packages` are the names of modules and of the packages that hold them.

    Raises:
        ConfigError: gives the command that installs them.
    """
    if missing := [name for module, name in packages.items() if importlib.util.find_spec(module) is None]:
        raise ConfigError(
            f"{what} needs the package {missing[0]}, which is not installed; type: pip install 'attnmel[{extra}]'"
        )
