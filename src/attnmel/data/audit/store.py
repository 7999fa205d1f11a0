"""The findings of an audit, their file, and how a later command finds it by the content of the images."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from attnmel.data.audit.findings import KINDS, LEAKS, AuditEntry, AuditFinding, Kind
from attnmel.errors import LabelError
from attnmel.files.folders import audit_folder, replacing
from attnmel.files.table_files import read_json

# Part of the key: raise it whenever the same images would give other findings, or the file another form.
VERSION = 2

FILE = "audit.json"


@dataclass(frozen=True)
class Audit:
    """Every entry that was compared and everything that was found."""

    version: int
    embedding: str
    """The network whose embedding was compared as well; empty where none was."""
    entries: tuple[AuditEntry, ...] = field(repr=False)
    findings: tuple[AuditFinding, ...]
    in_groups: bool = False
    """Whether images were compared with those in similar groups alone."""

    def counts(self) -> dict[tuple[Kind, str, str], int]:
        """Return how many findings of each kind there are between or within sides, in a fixed order."""
        found: Counter[tuple[Kind, str, str]] = Counter()
        for one in self.findings:
            first, second = sorted((self.entries[one.first].side, self.entries[one.second].side))
            found[one.kind, first, second] += 1
        return {key: found[key] for key in sorted(found, key=lambda key: (KINDS.index(key[0]), *key[1:]))}

    def between(self, first: Collection[str], second: Collection[str]) -> tuple[AuditFinding, ...]:
        """Return the leaks that join one file with another, by SHA-256; the entry of `first` comes first.

        Names play no part, so an audit applies to every data set with the same files.
        """
        digests = [entry.digest for entry in self.entries]
        return self._leaks(lambda place: digests[place] in first, lambda place: digests[place] in second)

    def leaks(self, train: Collection[int], test: Collection[int]) -> tuple[AuditFinding, ...]:
        """Return the leaks from the entries that train to those that test; the one that trains comes first."""
        return self._leaks(set(train).__contains__, set(test).__contains__)

    def _leaks(self, of_first: Callable[[int], bool], of_second: Callable[[int], bool]) -> tuple[AuditFinding, ...]:
        found = []
        for one in self.findings:
            if one.kind in LEAKS and of_first(one.first) and of_second(one.second):
                found.append(one)
            elif one.kind in LEAKS and of_first(one.second) and of_second(one.first):
                found.append(AuditFinding(one.kind, one.second, one.first, one.likeness, one.symmetry))
        return tuple(found)


def audit_key(entries: Sequence[AuditEntry], embedding: str, *, in_groups: bool = False) -> str:
    """Return the key of an audit: a hash of version, entries with the content of their files, and how it was made."""
    rows = [[*map(str, (e.dataset, e.split, e.image_id, e.digest, e.diagnosis, e.group))] for e in entries]
    made = [VERSION, embedding, rows, *(["in groups"] if in_groups else [])]
    return hashlib.sha256(json.dumps(made).encode()).hexdigest()


def audit_path(home: Path, key: str) -> Path:
    """Return the file of an audit."""
    return audit_folder(home) / key / FILE


def write_audit(home: Path, key: str, audit: Audit) -> None:
    """Write an audit where later commands look for it."""
    with replacing(audit_path(home, key)) as part:
        part.write_bytes(TypeAdapter(Audit).dump_json(audit))


def read_audit(home: Path, key: str) -> Audit | None:
    """Return a stored audit; None where there is none of this version.

    Raises:
        LabelError: the file is damaged.
    """
    path = audit_path(home, key)
    if not path.is_file():
        return None
    try:
        audit = TypeAdapter(Audit).validate_json(path.read_bytes())
    except ValidationError:
        if _version(path) not in (VERSION, None):
            return None
        raise LabelError(f"{path} is damaged; delete it and run `attnmel audit` again") from None
    return audit if audit.version == VERSION else None


def stored_audit(home: Path, digests: Collection[str]) -> Audit | None:
    """Return the stored audit that compared all of these files together, and fewest others."""
    wanted = set(digests)
    best: Audit | None = None  # one at a time: an audit of all data sets is large
    for path in sorted(audit_folder(home).glob(f"*/{FILE}")):
        audit = read_audit(home, path.parent.name)
        if audit is None or (best is not None and len(best.entries) <= len(audit.entries)):
            continue
        if wanted <= {entry.digest for entry in audit.entries}:
            best = audit
    return best


def _version(path: Path) -> int | None:
    try:
        return read_json(path)["version"]
    except (ValueError, KeyError, TypeError):
        return None
