"""What files hold, without what no two runs have alike: times, process numbers, tokens."""

import csv
import hashlib
import json
import zipfile
from pathlib import Path

import numpy as np
from safetensors import safe_open

UNLIKE = ("resumed", "seconds", "images_per_second", "hours", "began", "created", "duration", "time", "memory")
"""Parts of names of values that a clock decides."""
SCRATCH = "scratch"
"""Folder that a round's commands have for temporary files of the system."""


def contents(place: Path) -> dict[str, str]:
    """Return a hash of every file that is no temporary one, by path."""
    return {
        str(path.relative_to(place)): content(path)
        for path in sorted(place.rglob("*"))
        if path.is_file() and not _passed_over(path.relative_to(place))
    }


def _passed_over(path: Path) -> bool:
    """Whether a path is temporary, which `left` looks at."""
    return path.parts[0] == SCRATCH or any(part.startswith(".") for part in path.parts)


def content(path: Path) -> str:
    """Return the hash of what a file holds."""
    if path.suffix == ".safetensors":
        with safe_open(path, framework="np") as file:
            parts = [name.encode() + file.get_tensor(name).tobytes() for name in sorted(file.keys())]
        return hashlib.sha256(b"".join(parts)).hexdigest()
    if path.suffix == ".npz":
        with np.load(path) as arrays:
            return hashlib.sha256(b"".join(name.encode() + arrays[name].tobytes() for name in arrays)).hexdigest()
    if path.suffix == ".json":
        return hashlib.sha256(json.dumps(_timeless(json.loads(path.read_text())), sort_keys=True).encode()).hexdigest()
    if path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [_timeless(row) for row in csv.DictReader(file)]
        return hashlib.sha256(json.dumps(rows).encode()).hexdigest()
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _timeless(plain: object) -> object:
    if isinstance(plain, dict):
        return {
            name: _timeless(one) for name, one in plain.items() if not any(word in str(name).lower() for word in UNLIKE)
        }
    return [_timeless(one) for one in plain] if isinstance(plain, list) else plain


def broken_files(place: Path) -> list[str]:
    """Return the files under their final names that cannot be read whole."""
    found = []
    for path in sorted(place.rglob("*")):
        if not path.is_file() or path.suffix == ".part" or _passed_over(path.relative_to(place)):
            continue
        try:
            content(path)
            if path.suffix in (".csv", ".toml", ".md", ".html") and not path.read_bytes().endswith((b"\n", b"</html>")):
                raise ValueError("the last line is not whole")
            if path.suffix == ".zip":
                zipfile.ZipFile(path).testzip()
        except Exception as error:  # noqa: BLE001 - whatever a broken file raises
            if not path.name.endswith(".part.json"):
                found.append(f"{path.relative_to(place)} ({error})")
    return found


def differences(expected: dict[str, str], found: dict[str, str]) -> list[str]:
    """Return how files differ from those of an undisturbed run; one with an empty hash has to be there, no more."""
    missing = [f"missing: {path}" for path in sorted(expected.keys() - found.keys())]
    more = [f"more: {path}" for path in sorted(found.keys() - expected.keys())]
    other = [f"other: {path}" for path, one in expected.items() if one and path in found and found[path] != one]
    return [*missing, *more, *other]
