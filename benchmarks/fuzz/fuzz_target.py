"""One reader that `fuzz.py` gives damaged files to."""

import os
import shutil
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Reader = Callable[[Path], object]


@dataclass(frozen=True)
class Target:
    """A reader and what it is given."""

    name: str
    kind: str
    """Of the damage: csv, json, toml, png, safetensors; else bytes only."""
    seeds: list[bytes]
    reader: Reader
    file: str
    """Name that the file gets."""
    weight: float = 1.0
    """Of the time."""

    def read(self, place: Path, content: bytes) -> None:
        """Write an input under its name and read it; whatever the reader makes is removed."""
        folder = place / f"{self.name}-{os.getpid()}"
        path = folder / self.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self.reader(path)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def whole_files(*paths: Path) -> list[bytes]:
    """Return the contents of those files that are there."""
    return [path.read_bytes() for path in paths if path.is_file()]
