"""SHA-256 of files and values, by which they are known; in hexadecimal digits."""

import hashlib
import json
from pathlib import Path


def file_sha256(path: Path) -> str:
    """Return the hash of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def text_sha256(text: str) -> str:
    """Return the hash of a text in UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()


def json_sha256(plain: object) -> str:
    """Return the hash of plain values, as JSON."""
    return text_sha256(json.dumps(plain))
