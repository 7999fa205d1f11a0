"""The folder of a table: what it was begun with, so that it goes on with the same, and its files. No torch."""

import json
from dataclasses import dataclass
from pathlib import Path

from attnmel.errors import ConfigError
from attnmel.folders import replacing
from attnmel.pipeline.reproduce.jobs import TableOptions, settings_of


@dataclass(frozen=True)
class TableFolder:
    """Where a table lies, beside the run folders of its rows."""

    path: Path

    @property
    def settings(self) -> Path:
        """Which table, and the settings that every row was given."""
        return self.path / "table.json"

    def table(self, form: str) -> Path:
        """The table as Markdown, CSV, LaTeX or a page: "md", "csv", "tex", "html"."""
        return self.path / f"table.{form}"


def begin_table(options: TableOptions) -> TableFolder:
    """Note what a table is begun with, or see that one that goes on is given the same; seeds and rows may be added.

    Raises:
        ConfigError: the folder holds another table, or the same one of other settings; says which.
    """
    folder = TableFolder(options.out)
    wanted = {"table": options.plan.name, "settings": dict(settings_of(options.overrides))}
    if not folder.settings.is_file():
        with replacing(folder.settings) as part:
            part.write_text(json.dumps(wanted, indent=2), encoding="utf-8")
        return folder
    try:
        held = json.loads(folder.settings.read_text(encoding="utf-8"))
        table, settings = held["table"], dict(held["settings"])
    except (ValueError, KeyError, TypeError):
        raise ConfigError(
            f"{folder.settings} is damaged; put it back, or delete it if you know that the runs beside it are of "
            f"{options.plan.name}"
        ) from None
    if table != options.plan.name:
        raise ConfigError(f"{options.out} holds the table {table}, not {options.plan.name}; choose another --out")
    if differing := _differing(settings, dict(settings_of(options.overrides))):
        raise ConfigError(
            f"{options.out} holds a table of other settings: {'; '.join(differing)}. Give the same settings to go on "
            "with it, or choose another --out."
        )
    return folder


def _differing(held: dict[str, str], wanted: dict[str, str]) -> list[str]:
    told = "as in the recipe"
    return [
        f"{key} was {held.get(key, told)}, is {wanted.get(key, told)}"
        for key in sorted(held | wanted)
        if held.get(key) != wanted.get(key)
    ]
