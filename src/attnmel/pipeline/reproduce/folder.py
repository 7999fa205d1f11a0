"""The folder of a table: its files, and the settings that it was begun and must be continued with. No torch."""

from dataclasses import dataclass
from pathlib import Path

from attnmel.errors import ConfigError
from attnmel.pipeline.reproduce.jobs import TableOptions, settings_of
from attnmel.table_files import damage, read_json, write_json


@dataclass(frozen=True)
class TableFolder:
    """The folder of a table, next to the run folders of its rows."""

    path: Path

    @property
    def settings(self) -> Path:
        """Which table, and the settings that every row was given."""
        return self.path / "table.json"

    def table(self, form: str) -> Path:
        """The table as Markdown, CSV, LaTeX or a page: "md", "csv", "tex", "html"."""
        return self.path / f"table.{form}"


def begin_table(options: TableOptions) -> TableFolder:
    """Record the settings of a new table, or check that a continued one has the same; seeds and rows may be added.

    Raises:
        ConfigError: the folder holds another table, or the same one of other settings, which are named.
    """
    folder = TableFolder(options.out)
    wanted = {"table": options.plan.name, "settings": dict(settings_of(options.overrides))}
    if not folder.settings.is_file():
        write_json(folder.settings, wanted)
        return folder
    cure = f"put it back, or delete it if you know that the runs next to it are of {options.plan.name}"
    with damage(folder.settings, ConfigError, cure):
        stored = read_json(folder.settings)
        table, settings = stored["table"], dict(stored["settings"])
    if table != options.plan.name:
        raise ConfigError(f"{options.out} holds the table {table}, not {options.plan.name}; choose another --out")
    if differing := _differing(settings, dict(settings_of(options.overrides))):
        raise ConfigError(
            f"{options.out} holds a table of other settings: {'; '.join(differing)}. Give the same settings to "
            "continue it, or choose another --out."
        )
    return folder


def _differing(stored: dict[str, str], wanted: dict[str, str]) -> list[str]:
    default = "as in the recipe"
    return [
        f"{key} was {stored.get(key, default)}, is {wanted.get(key, default)}"
        for key in sorted(stored | wanted)
        if stored.get(key) != wanted.get(key)
    ]
