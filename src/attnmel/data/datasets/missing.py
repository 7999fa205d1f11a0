"""Which official files of a data set are not here: names, addresses, how large. No torch."""

from pathlib import Path

from attnmel.data.archives.catalog import ARCHIVES, Archive, source_of
from attnmel.data.archives.fetch import recorded_states
from attnmel.data.datasets.sources import SOURCES
from attnmel.errors import require_known


def missing_files(dataset: str, home: Path) -> tuple[Archive, ...]:
    """Return the official files that a data set is read from and that are not here; nothing where all are.

    A file of fewer images than the official one, as of a reduced mirror, is here; one whose fetch stopped is not.
    Files of splits that are never read (ISIC 2018's 193 validation images) do not count.
    """
    require_known("data set", dataset, SOURCES)
    states = recorded_states(source_of(dataset), home)
    return tuple(one for one in _read(dataset) if not (one.name in states and one.location(home).exists()))


def read_files(dataset: str) -> frozenset[str]:
    """Return the names of the official files that a data set is read from; none of an own folder."""
    return frozenset(one.name for one in _read(dataset)) if dataset in SOURCES else frozenset()


def _read(dataset: str) -> tuple[Archive, ...]:
    return tuple(one for one in ARCHIVES[source_of(dataset)] if one.split in SOURCES[dataset].splits)
