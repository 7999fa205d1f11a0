"""Which official files of a data set are not here: names, addresses, how large. No torch."""

from dataclasses import dataclass
from pathlib import Path

from attnmel.data.archives.catalog import ARCHIVES, OFFICIAL_ADDRESS, Archive, Role, source_of
from attnmel.data.archives.fetch import recorded_states
from attnmel.data.datasets.sources import SOURCES
from attnmel.errors import require_known
from attnmel.records import Split


@dataclass(frozen=True)
class MissingFile:
    """One official file that is not here."""

    name: str
    address: str
    """Where it is published; empty for phantoms, which are drawn."""
    about_bytes: int | None
    """About how large it is; None where that is not known."""
    role: Role
    split: Split
    """The official one."""


def missing_files(dataset: str, home: Path) -> tuple[MissingFile, ...]:
    """Return the official files that a data set is read from and that are not here; nothing where all are.

    A file of fewer images than the official one, as of a reduced mirror, is here; one whose fetch stopped is not.
    Files of splits that are never read (ISIC 2018's 193 validation images) do not count.

    Raises:
        ConfigError: an unknown data set.
        ArchiveError: the record of what was fetched is damaged.
    """
    require_known("data set", dataset, SOURCES)
    states = recorded_states(source_of(dataset), home)
    return tuple(
        MissingFile(one.name, _address(one), one.about_bytes, one.role, one.split)
        for one in _read(dataset)
        if not (one.name in states and one.location(home).exists())
    )


def read_files(dataset: str) -> frozenset[str]:
    """Return the names of the official files that a data set is read from; none of an own folder."""
    return frozenset(one.name for one in _read(dataset)) if dataset in SOURCES else frozenset()


def _read(dataset: str) -> tuple[Archive, ...]:
    return tuple(one for one in ARCHIVES[source_of(dataset)] if one.split in SOURCES[dataset].splits)


def _address(archive: Archive) -> str:
    return "" if archive.dataset == "phantoms" else archive.address(OFFICIAL_ADDRESS)
