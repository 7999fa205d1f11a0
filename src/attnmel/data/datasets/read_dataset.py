"""A data set's name, or a folder -> labelled lesions. No torch."""

from collections.abc import Collection
from pathlib import Path

from attnmel.data.archives.fetch import recorded_states
from attnmel.data.datasets.dataset import Dataset
from attnmel.data.datasets.fetched import read_fetched
from attnmel.data.datasets.own.columns import REQUIRED, TABLE
from attnmel.data.datasets.own.folder import AS_WRITTEN, TableReading, read_folder
from attnmel.data.datasets.published.isic_archive import ID as ISIC_ID
from attnmel.data.datasets.published.isic_archive import TABLE as METADATA
from attnmel.data.datasets.published.layouts import LAYOUTS, Layout, named_place, read_layout, recognised
from attnmel.data.datasets.sources import SOURCES
from attnmel.data.datasets.splits import check_disjoint
from attnmel.data.image_files.formats import SUFFIXES
from attnmel.data.tables.text import SAVE_AS_CSV
from attnmel.errors import ConfigError, did_you_mean
from attnmel.files.folders import expanded

KNOWN = frozenset(SOURCES) | frozenset(LAYOUTS)
"""The names of all known data sets."""

TEXTS, BOOKS = (".csv", ".tsv", ".txt"), (".xlsx", ".xls", ".ods")
"""Endings of tables that are text, and of those of spreadsheets."""


def read_dataset(name: str, home: Path, *, reading: TableReading = AS_WRITTEN, disjoint: bool = True) -> Dataset:
    """Read a known data set of `home`, a folder with labels.csv, or one as a publisher or isic-cli lays it out.

    Splits of a known data set are the official ones, with two exceptions, the same for every seed. ISIC 2016's
    validation images are carved out of its training images. Those of ISIC 2018 task 3 are divided, one lesion on one
    side, into train, validation and "internal"; its 193 official validation images are left out, so that the splits do
    not depend on whether they came. ISIC 2019's training images are divided in the same way, and those of ISIC 2020 by
    patient into train, validation and test. Splits of a folder are the table's, or None on every lesion, for
    `draw_splits` to fill. "isic2018-leaky" divides the same images one by one, whatever their lesion, to show what
    that does to figures.
    `reading` says how the table of a folder is read. Where the archive that was fetched holds fewer
    images or masks than the official one, those lesions are left out or have no mask. A folder whose splits share an
    image or a group is refused unless they need not be `disjoint`.

    Raises:
        ConfigError: neither a known data set nor a folder with labels.csv, or an unknown name of a column.
        ArchiveError: the data set was not fetched, or not unpacked where it should be.
        LabelError: a missing, doubled or unlabelled image, or a label that is none; names them.
    """
    if name in SOURCES:
        return read_fetched(name, home)
    if name in LAYOUTS:
        states = tuple(recorded_states(name, home).values())  # none where it was unpacked by hand
        place = named_place(name, home)
        return read_layout(name, LAYOUTS[name], place, states=states, disjoint=disjoint, is_known=True)
    folder = labelled_folder(name)
    if (published := published_folder(folder)) is not None:
        return read_layout(set_name(str(folder)), *published, disjoint=disjoint)
    content = read_folder(folder, reading)
    if disjoint:
        check_disjoint(content.lesions)
    title, licence = f"own images in {folder.name}", "own data, licence not stated"
    return Dataset(set_name(str(folder)), title, content.lesions, licence, notes=content.sentences)


def set_name(given: str) -> str:
    """Return what results call a data set: a known name, or a folder's, "isic2018-folder" where that is a known one.

    Else own images would pass for the official ones, in tables and for the official measures.
    """
    name = Path(given).name
    return f"{name}-folder" if given not in KNOWN and name.lower() in KNOWN else name


def published_folder(folder: Path) -> tuple[Layout, Path] | None:
    """Return the layout of a folder without labels.csv by its files and the place of its table; None of an own one."""
    return None if (folder / TABLE).is_file() else recognised(folder)


def labelled_folder(name: str) -> Path:
    """Return the folder that a name which is no known data set means, its links resolved.

    It has a labels.csv, or the files of a published layout.

    Raises:
        ConfigError: there is none.
    """
    folder = expanded(name)
    if (folder / TABLE).is_file() or recognised(folder) is not None:
        return folder.resolve()
    if folder.is_dir() and (other := _labelled_next_to(folder)) is not None:
        raise ConfigError(f"the folder {name} has no {TABLE}, but {other} has one; name that folder")
    if folder.is_dir():
        raise ConfigError(f"the folder {name} has no {TABLE}; {_instead(folder)}")
    if folder.is_file():
        raise ConfigError(f"{name} is a file; name its folder, which holds the images and their {TABLE}")
    labelled = [one.parent.name for one in folder.parent.glob(f"*/{TABLE}")]
    if folder.is_absolute() or len(Path(name).parts) > 1:
        meant = did_you_mean(folder.name, labelled)
        raise ConfigError(f"there is no folder {name}{meant}; name the one where the images with their {TABLE} are now")
    known = f"{did_you_mean(name, [*KNOWN, *labelled])}; known: {', '.join(sorted(KNOWN))}, or a folder with {TABLE}"
    raise ConfigError(f"unknown data set '{name}'{known} (there is none of that name)")


def _labelled_next_to(folder: Path) -> Path | None:
    """Return the folder with a table that is one level up or down, if there is a single one."""
    near = [folder.resolve().parent, *sorted(one for one in folder.iterdir() if one.is_dir())]
    labelled = [one for one in near if (one / TABLE).is_file() and not one.name.startswith(".")]
    return labelled[0] if len(labelled) == 1 else None


def _instead(folder: Path) -> str:
    """Return what a folder without a table needs: another name of a file that is there, or a new file."""
    names = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    others = [name for name in names if Path(name).stem.casefold() == Path(TABLE).stem]
    if tables := [name for name in others if name.casefold().endswith(TEXTS)]:
        return f"rename {tables[0]} to {TABLE}"
    if books := [name for name in others if name.casefold().endswith(BOOKS)]:
        return f"{SAVE_AS_CSV} under the name {TABLE}: {books[0]} is not read"
    row = f"expected one with a row an image: {','.join(REQUIRED)}"
    if (folder / METADATA).is_file():
        return f"{row}; its {METADATA} is not the archive's, which has a column {ISIC_ID}"
    if tables := [name for name in names if name.casefold().endswith(TEXTS[:2])]:
        return f"{row}; if {' or '.join(tables[:3])} is that table, call it {TABLE}"
    if books := [name for name in names if name.casefold().endswith(BOOKS)]:
        return f"{row}; if {books[0]} is that table, {SAVE_AS_CSV} under the name {TABLE}"
    inner = (sorted((folder / name).iterdir()) for name in names if (folder / name).is_dir())
    below = (path for paths in inner for path in paths if path.name.lower().endswith(SUFFIXES))
    if (image := next(below, None)) is not None:
        inside = f"{image.parent.name}/{image.name}"
        return (
            f"{row}; names of subfolders are no labels, so write a row as {inside},{image.parent.name} for each image"
        )
    return row


def refuse_unread_columns(columns: Collection[str], *names: str) -> None:
    """Refuse columns that are named for a labels.csv, by their usual names, where no data set has one of one's own.

    Raises:
        ConfigError: names the data sets and what to do.
    """
    every = list(dict.fromkeys(names))
    published = [name for name in every if not reads_own_table(name)]
    if columns and published and published == every:
        is_read = f"{', '.join(published)} {'is' if len(published) == 1 else 'are'} read by the publisher's own table"
        raise ConfigError(
            f"columns are named ({', '.join(columns)}), but {is_read}; leave out --columns, or name a folder with "
            f"{TABLE}"
        )


def reads_own_table(name: str) -> bool:
    """Whether a data set is read by a labels.csv of one's own, so that there are columns and strictness to choose."""
    return name not in KNOWN and published_folder(expanded(name)) is None


def own_folder_path(name: str) -> Path | None:
    """Return the absolute path of the folder that a data set's name means; None of a known data set.

    A known name comes first, whatever folders of that name lie about.
    """
    folder = expanded(name)
    return folder.absolute() if name not in KNOWN and folder.is_dir() else None


def whole_set_tests(name: str) -> bool:
    """Whether all images of a data set are evaluated where no split is named: those without an official test split."""
    if name in SOURCES:
        return "test" not in SOURCES[name].splits
    if name in LAYOUTS:
        return not LAYOUTS[name].has_test
    folder = own_folder_path(name)
    published = published_folder(folder) if folder else None
    return not published[0].has_test if published else folder is not None
