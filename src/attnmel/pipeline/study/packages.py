"""The packages of a study's database, which the extra "study" installs."""

from attnmel.files.packages import require_installed

PACKAGES = {"sqlmodel": "sqlmodel", "alembic": "alembic"}
"""Names of modules and of the packages that hold them."""


def require_study_packages() -> None:
    """Refuse to open a study where a package is missing.

    Raises:
        ConfigError: gives the command that installs them.
    """
    require_installed(PACKAGES, "a study", "study")
