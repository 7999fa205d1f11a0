"""The packages that the servers are made of, which the extra "serve" installs."""

from attnmel.files.packages import require_installed

PACKAGES = {"fastapi": "fastapi", "uvicorn": "uvicorn", "python_multipart": "python-multipart"}
"""Names of modules and of the packages that hold them."""


def require_packages() -> None:
    """Refuse to serve where a package is missing.

    Raises:
        ConfigError: gives the command that installs them.
    """
    require_installed(PACKAGES, "the page", "serve")
