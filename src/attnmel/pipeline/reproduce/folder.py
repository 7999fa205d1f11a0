"""The folder of a table: its files, and the settings that it was begun and must be continued with. No torch."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from attnmel.config.load import toml_value
from attnmel.errors import ConfigError
from attnmel.files.folders import RunFolder
from attnmel.files.own_files import require_only
from attnmel.files.table_files import NOTICES, damage, read_json, write_json
from attnmel.pipeline.reproduce.jobs import SEGMENTER, TableOptions, settings_of


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

    @property
    def names(self) -> set[str]:
        """Every name that a table's own folder may hold, besides the run folders of its rows."""
        files = (self.settings, *map(self.table, ("md", "csv", "tex", "html")))
        return {NOTICES, SEGMENTER, *(one.name for one in files)}


def begin_table(options: TableOptions, runs: Iterable[RunFolder] = ()) -> TableFolder:
    """Record the settings of a new table, or check that a continued one has the same; seeds and rows may be added.

    `runs` are the run folders of its rows, which may be there before the table is.

    Raises:
        ConfigError: the folder holds another table, or the same one of other settings, which are named, or, where no
            table was begun in it, files of others; or it is a file.
    """
    folder = TableFolder(options.out)
    wanted = {"table": options.plan.name, "settings": dict(settings_of(options.overrides))}
    if not folder.settings.is_file():
        rows = {one.path.relative_to(options.out).parts[0] for one in runs}
        require_only(options.out, folder.names | rows, "a table")
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
        # By their values: Python gives texts in quotes, and a command without.
        if not (key in stored and key in wanted and toml_value(stored[key]) == toml_value(wanted[key]))
    ]
