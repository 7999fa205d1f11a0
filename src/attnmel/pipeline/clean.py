"""The caches of the home folder: what each holds, its size and age, which runs use it; their removal. No torch.

Everything listed here is computed again when it is needed. Data sets, weights, masks and runs are never touched.
"""

import re
import shutil
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from attnmel.files.folders import RunFolder, audit_folder, cache_folder
from attnmel.files.table_files import parsed_json

KINDS = {
    "": "prepared images",
    "prior-": "priors of attention maps",
    "maps-": "maps of frozen layers",
    "features-": "features of fitted systems",
}
"""What a folder of the cache holds, by the start of its name."""

AUDIT, LEFT = "an audit", "left over of a stopped build"
_NAME = re.compile(rf"({'|'.join(KINDS)})[0-9a-f]{{64}}")
_AUDIT = re.compile(r"[0-9a-f]{16,64}")
_PART = re.compile(r"\.[0-9a-f]{8}-.+")
DAY_SECONDS = 86_400
STOPPED_DAYS = 1.0
"""After which a build that has not written is no longer under way."""


@dataclass(frozen=True)
class Cached:
    """One folder that is computed again when it is needed."""

    path: Path
    kind: str
    size: int
    """Bytes."""
    days: float
    """Since it was last written."""
    used_by: tuple[str, ...]
    """Runs that were trained on it, among those that were looked through."""

    def as_dict(self) -> dict[str, object]:
        """Return plain values for JSON."""
        return {
            "path": str(self.path),
            "kind": self.kind,
            "bytes": self.size,
            "days": round(self.days, 2),
            "used_by": list(self.used_by),
        }


def cached_folders(home: Path, runs: Iterable[Path] = (), *, now: float | None = None) -> tuple[Cached, ...]:
    """Return the caches of a home folder, the largest first; `runs` are folders in which runs are looked for."""
    users, clock = _users(runs), time.time() if now is None else now
    found = (_measured(path, kind, users, clock) for path, kind in _places(home))
    kept = (one for one in found if one.kind != LEFT or one.days > STOPPED_DAYS)
    return tuple(sorted(kept, key=lambda one: (-one.size, one.path)))


def remove(cached: Cached) -> None:
    """Remove a cache, or of a link the link alone; a command never finds a part of it."""
    if cached.path.is_symlink():
        cached.path.unlink()
        return
    hidden = cached.path.with_name(f".{uuid.uuid4().hex[:8]}-{cached.path.name.lstrip('.')}")
    cached.path.rename(hidden)
    shutil.rmtree(hidden)


def _places(home: Path) -> Iterator[tuple[Path, str]]:
    for path in _folders(cache_folder(home)):
        if match := _NAME.fullmatch(path.name):
            yield path, KINDS[match[1]]
        elif _PART.fullmatch(path.name):
            yield path, LEFT
    for path in _folders(audit_folder(home)):
        if _AUDIT.fullmatch(path.name):
            yield path, AUDIT


def _folders(place: Path) -> list[Path]:
    return sorted(path for path in place.iterdir() if path.is_dir()) if place.is_dir() else []


def _measured(path: Path, kind: str, users: Mapping[str, list[str]], now: float) -> Cached:
    files = [one.stat() for one in path.rglob("*") if one.is_file()] or [path.stat()]
    size = 0 if path.is_symlink() else sum(one.st_size for one in files)
    days = (now - max(one.st_mtime for one in files)) / DAY_SECONDS
    return Cached(path, kind, size, max(days, 0.0), tuple(users.get(path.name, ()) if kind == KINDS[""] else ()))


def _users(folders: Iterable[Path]) -> dict[str, list[str]]:
    """Return the runs below the folders by the key of their prepared images; damaged files are passed over."""
    users: dict[str, list[str]] = {}
    name = RunFolder(Path()).provenance.name
    for folder in folders:
        for path in sorted(folder.rglob(name)):
            try:
                key = parsed_json(path.read_bytes())["data"]["content"]
            except (OSError, ValueError, KeyError, TypeError):
                continue
            users.setdefault(str(key), []).append(str(path.parent))
    return users
