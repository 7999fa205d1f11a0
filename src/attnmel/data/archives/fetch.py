"""Fetching the official files from the archive or a mirror, and what was found of them. No torch.

    ADDRESS/<year>/<file name>  ->  <home>/data/<data set>/<zip name without .zip>/   images or masks of one split
                                    <home>/data/<data set>/<table>.csv                zipped or not
                                    <home>/data/<data set>/archives.json              what lies there, and from where

No checksums are published; those of the files that came are recorded.
"""

import contextlib
import dataclasses
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from attnmel.data.archives.by_hand import BY_HAND, how_to_get
from attnmel.data.archives.catalog import ARCHIVES, COMPANIONS, OFFICIAL_ADDRESS, OPTIONAL, SAME_FILES, Archive
from attnmel.data.archives.unpack import BadFileError, unpack
from attnmel.data.tables.text import read_text
from attnmel.errors import ArchiveError, ConfigError, require_known
from attnmel.files.download import Downloaded, NotThereError, download, local_path
from attnmel.files.folders import dataset_folder
from attnmel.files.locks import hold_folder
from attnmel.files.table_files import DAMAGE, damage, read_json, write_json
from attnmel.number_formats import size_in_words
from attnmel.progress import SILENT, Progress

Status = Literal["complete", "short", "absent"]

LARGE = 1024**3
"""Bytes of a download from which on its size is announced."""

DOWNLOADS = "downloads"
"""Folder of what has come but is not unpacked yet."""


@dataclass(frozen=True)
class ArchiveState:
    """What came of one official file; goes into the data fingerprint of a run."""

    name: str
    address: str
    size: int
    """Bytes of the file that was fetched; 0 where there was none."""
    sha256: str
    found: int
    """Images, masks or rows in it."""
    expected: int | None
    status: Status
    """"short": fewer than the official archive holds; "absent": not there at all."""


def fetch(
    dataset: str, home: Path, *, mirror: str | None = None, progress: Progress = SILENT
) -> tuple[ArchiveState, ...]:
    """Bring a data set's files to `home`, from the official address or a mirror of it, and unpack them.

    What an earlier call finished is not fetched again, unless another mirror is named or a local one has changed.
    A file that the mirror lacks, or that has fewer images than the official one, is reported and recorded. While
    another process fetches the same data set into the same home, this one waits.

    Raises:
        ConfigError: an unknown data set, or one that reads another's files.
        ArchiveError: the address holds no file, one is damaged, unsafe or not whole, or no program may get it.
    """
    if source := SAME_FILES.get(dataset):
        raise ConfigError(f"{dataset} has no files of its own; run `attnmel fetch {source}`, whose files it reads")
    if dataset in BY_HAND:
        raise ArchiveError(how_to_get(dataset, home))
    require_known("data set", dataset, ARCHIVES)
    base = _base(dataset, mirror)
    with hold_folder(dataset_folder(home, dataset), waiting=progress.note):
        states = _fetched_all(dataset, home, base, chosen=mirror is not None, progress=progress)
    for archive in ARCHIVES[dataset]:
        state = states[archive.name]
        if state.status == "absent":
            progress.note(f"{state.name}: not at {state.address}")
        if state.status == "short":
            progress.note(f"{state.name}: {state.found} of {state.expected} {archive.role} at {state.address}")
    return tuple(states[archive.name] for archive in ARCHIVES[dataset])


def fetch_with_companions(
    dataset: str, home: Path, *, mirror: str | None = None, progress: Progress = SILENT
) -> dict[str, tuple[ArchiveState, ...]]:
    """Bring a data set's files and those of the data sets that go with it, by data set, as `fetch` does.

    A mirror without any file of a companion is reported, and no error.
    """
    came = {dataset: fetch(dataset, home, mirror=mirror, progress=progress)}
    for companion in COMPANIONS.get(dataset, ()):
        progress.note(f"{companion} comes along with {dataset}")
        try:
            came[companion] = fetch(companion, home, mirror=mirror, progress=progress)
        except NotThereError as error:
            progress.note(f"{companion} does not: {error}")
    return came


def archive_states(dataset: str, home: Path) -> tuple[ArchiveState, ...]:
    """Return what was fetched of a data set, file by file.

    Raises:
        ArchiveError: nothing was fetched, or what was is no longer there.
    """
    require_known("data set", dataset, ARCHIVES)
    states = recorded_states(dataset, home)
    if not states:
        raise ArchiveError(f"{dataset} is not in {dataset_folder(home, dataset)}; {_how_to_fetch(dataset)}")
    for archive in ARCHIVES[dataset]:
        state = states.get(archive.name)
        if state is None and archive.role in OPTIONAL:
            states[archive.name] = _absent(archive, archive.address(OFFICIAL_ADDRESS))
            continue
        if state is None:
            raise ArchiveError(f"the fetch of {dataset} stopped before {archive.name}; {_how_to_fetch(dataset)}")
        if state.status != "absent" and not archive.location(home).exists():
            raise ArchiveError(f"{archive.location(home)} is no longer there; {_how_to_fetch(dataset)}")
    return tuple(states[archive.name] for archive in ARCHIVES[dataset])


def recorded_states(dataset: str, home: Path) -> dict[str, ArchiveState]:
    """Return what the last fetch recorded, by file name, whether or not it is still there; empty without a fetch.

    Raises:
        ArchiveError: the record is damaged.
    """
    path = dataset_folder(home, dataset) / "archives.json"
    if not path.is_file():
        return {}
    with damage(path, ArchiveError, f"delete the folder {path.parent} and fetch again"):
        states = [ArchiveState(**entry) for entry in read_json(path)["archives"]]
        return {state.name: state for state in states}


def _how_to_fetch(dataset: str) -> str:
    return "run `attnmel demo`, which draws it" if dataset == "phantoms" else f"run `attnmel fetch {dataset}`"


def _base(dataset: str, mirror: str | None) -> str:
    if mirror is not None:
        return mirror.rstrip("/")
    if dataset == "phantoms":
        raise ArchiveError("phantoms are drawn, not published: run `attnmel demo`, or name a mirror with --mirror")
    return OFFICIAL_ADDRESS


def _fetched_all(dataset: str, home: Path, base: str, *, chosen: bool, progress: Progress) -> dict[str, ArchiveState]:
    states = recorded_states(dataset, home)
    for archive in ARCHIVES[dataset]:
        address = archive.address(base)
        old = states.get(archive.name)
        if old is not None and _stays(archive, old, address, home, chosen=chosen):
            if old.address != address:
                again = "name a --mirror to fetch it from there"
                progress.note(f"{old.name}: kept as fetched from {old.address}; {again}")
            continue
        new = _fetched(archive, address, home, progress)
        if old is None or old.status == "absent" or new.status != "absent":
            states[archive.name] = new
        if any(state.status != "absent" for state in states.values()):
            _record(dataset, home, states)
    if all(state.status == "absent" for state in states.values()):
        raise NotThereError(
            f"{base} holds no file of {dataset}; expected {ARCHIVES[dataset][0].address(base)} and the like. "
            "Name the folder or address that holds the folder of the year."
        )
    return states


def _stays(archive: Archive, state: ArchiveState, address: str, home: Path, *, chosen: bool) -> bool:
    """Whether a file that was fetched before is to be left as it is."""
    if state.status != "complete" or not archive.location(home).exists():
        return False
    if state.address != address:
        return not chosen
    path = local_path(address)
    # A local mirror is written anew in place, as phantoms are; a remote archive is taken not to change.
    return path is None or not path.is_file() or Downloaded.of(path).sha256 == state.sha256


def _fetched(archive: Archive, address: str, home: Path, progress: Progress) -> ArchiveState:
    location = archive.location(home)
    if local_path(address) is None and (archive.about_bytes or 0) >= LARGE:
        progress.note(f"{archive.name}: about {size_in_words(archive.about_bytes)} from {address}")
    came = location.parent / DOWNLOADS / archive.name
    try:
        file = _brought(address, came, progress)
    except NotThereError:
        return _absent(archive, address)
    try:
        found = _put(archive, came, location, progress)
    except BadFileError as error:
        _discard(came)
        raise BadFileError(
            f"{error}. What came from {address} was removed; fetch it again, or from another mirror."
        ) from None
    _discard(came)
    status: Status = "short" if archive.expected is not None and found < archive.expected else "complete"
    return ArchiveState(archive.name, address, file.size, file.sha256, found, archive.expected, status)


def _absent(archive: Archive, address: str) -> ArchiveState:
    return ArchiveState(archive.name, address, 0, "", 0, archive.expected, "absent")


def _brought(address: str, came: Path, progress: Progress) -> Downloaded:
    """Download a file, or take the one that an earlier call downloaded but could not unpack."""
    note = came.with_name(f"{came.name}.json")
    if came.is_file() and local_path(address) is None:
        # A damaged note says nothing: the file comes again.
        with contextlib.suppress(OSError, *DAMAGE):
            known = read_json(note)
            if known["address"] == address:
                return Downloaded(int(known["size"]), str(known["sha256"]))
    file = download(address, came, progress=progress)
    write_json(note, {"address": address, **dataclasses.asdict(file)}, indent=None)
    return file


def _put(archive: Archive, came: Path, location: Path, progress: Progress) -> int:
    """Put what came in its place, in stead of a former one, and count what is in it."""
    if archive.is_table:
        return _put_table(archive, came, location)
    names = unpack(came, location, name=archive.name, needed=archive.suffixes, progress=progress)
    return sum(name.lower().endswith(archive.suffixes) for name in names)


def _put_table(archive: Archive, came: Path, location: Path) -> int:
    if not archive.name.endswith(".zip"):
        found = _count_rows(came, archive)
        came.replace(location)
        return found
    folder = came.parent / location.stem
    try:
        names = unpack(came, folder, name=archive.name, needed=archive.suffixes)
        tables = [name for name in names if name.lower().endswith(archive.suffixes)]
        if len(tables) != 1:
            raise BadFileError(f"{archive.name} is not the official file: {len(tables)} tables in it, expected one")
        found = _count_rows(folder / tables[0], archive)
        (folder / tables[0]).replace(location)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return found


def _count_rows(table: Path, archive: Archive) -> int:
    try:
        rows = [row.cells for row in read_text(table).rows]
    except ValueError:
        rows = []
    if not archive.header:
        if not rows or any(len(row) != 2 for row in rows):
            raise BadFileError(f"{archive.name} is not the official table: expected rows of an image and its label")
        return len(rows)
    if len(rows) < 2 or rows[0][0] != archive.header:
        raise BadFileError(
            f"{archive.name} is not the official table: expected a line that begins with '{archive.header}', then rows"
        )
    return len(rows) - 1


def _discard(came: Path) -> None:
    # The note goes first: a file without one is fetched again, a note without a file is not looked at.
    came.with_name(f"{came.name}.json").unlink(missing_ok=True)
    came.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # a part of another file lies there still
        came.parent.rmdir()


def _record(dataset: str, home: Path, states: dict[str, ArchiveState]) -> None:
    entries = [dataclasses.asdict(state) for state in states.values()]
    write_json(dataset_folder(home, dataset) / "archives.json", {"dataset": dataset, "archives": entries})
