"""Official files, joined by image id, or an own folder -> labelled lesions. No torch."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from attnmel.data.archives.catalog import ARCHIVES, IMAGE_SUFFIXES, Archive, Role, source_of
from attnmel.data.archives.fetch import ArchiveState, archive_states
from attnmel.data.datasets.folder import AS_WRITTEN, TableReading, read_folder
from attnmel.data.datasets.folder_columns import REQUIRED, TABLE
from attnmel.data.datasets.mask_files import AGAIN, files_of, lesion_masks, require_all, require_single
from attnmel.data.datasets.splits import check_disjoint, draw_sides
from attnmel.data.tables.labels import read_isic2016_labels, read_isic2017_labels, read_isic2018_labels
from attnmel.data.tables.metadata import (
    METADATA_ENDING,
    Known,
    read_ham10000_metadata,
    read_isic2017_metadata,
    read_lesion_groups,
)
from attnmel.data.tables.text import SAVE_AS_CSV
from attnmel.errors import ConfigError, LabelError, did_you_mean, listed
from attnmel.files.folders import dataset_folder, expanded
from attnmel.records import INTERNAL, SPLITS, Lesion, Split

SHARES_2016: Mapping[Split, float] = {"train": 0.85, "validation": 0.15}
"""ISIC 2016 has no validation set. A tenth would hold 17 malignant lesions, too few to choose an epoch by; this share
holds 26, near the 30 melanomas of ISIC 2017's own, and leaves 147 for training."""

SHARES_2018: Mapping[Split, float] = {"train": 0.8, "validation": 0.1, INTERNAL: 0.1}

SIDES_SEED = 0
"""Draws both, so that they are the same for every run, seed and machine."""


@dataclass(frozen=True)
class Dataset:
    """Labelled lesions, with what they are, where they are from and what they may be used for."""

    name: str
    title: str
    lesions: tuple[Lesion, ...]
    licence: str
    states: tuple[ArchiveState, ...] = ()
    """What was found of each official file; empty for an own folder."""
    leaks: bool = False
    """Whether it is divided image by image on purpose, so that images of one lesion are on both sides."""
    notes: tuple[str, ...] = ()
    """How the table of an own folder was read and what it leaves out, a sentence each."""


@dataclass(frozen=True)
class _Source:
    """How a known data set is read."""

    title: str
    licence: str
    diagnoses: Callable[[Path], dict[str, str]] | None
    """Table of labels -> diagnosis by image id; None where images have no diagnosis."""
    splits: tuple[Split, ...] = SPLITS
    """The official ones that are read."""
    shares: Mapping[Split, float] | None = None
    """How the official training images are divided anew; None where they are all for training."""
    leaks: bool = False
    """Whether they are divided image by image, one lesion on both sides."""


@dataclass(frozen=True)
class _Part:
    """The official files of one split, by role, and what came of each."""

    split: Split
    archives: dict[Role, Archive]
    states: dict[Role, ArchiveState]
    home: Path

    def has(self, role: Role) -> bool:
        return role in self.states and self.states[role].status != "absent"

    def location(self, role: Role) -> Path:
        return self.archives[role].location(self.home)


def read_dataset(name: str, home: Path, *, reading: TableReading = AS_WRITTEN, disjoint: bool = True) -> Dataset:
    """Read a known data set that was fetched to `home`, or a folder with labels.csv.

    Splits of a known data set are the official ones, with two exceptions, the same for every seed. ISIC 2016's
    validation images are carved out of its training images. Those of ISIC 2018 task 3 are divided, one lesion on one
    side, into train, validation and "internal"; its 193 official validation images are left out, so that the splits do
    not depend on whether they came. Splits of a folder are the table's, or None on every lesion, for `draw_splits` to
    fill. "isic2018-leaky" divides the same images one by one, whatever their lesion, to show what that does to figures.
    `reading` says how the table of a folder is read. Where the archive that was fetched holds fewer
    images or masks than the official one, those lesions are left out or have no mask. A folder whose splits share an
    image or a group is refused unless they need not be `disjoint`.

    Raises:
        ConfigError: neither a known data set nor a folder with labels.csv, or an unknown name of a column.
        ArchiveError: the data set was not fetched.
        LabelError: a missing, doubled or unlabelled image, or a label that is none; names them.
    """
    if name in SOURCES:
        return _read_fetched(name, home)
    folder = labelled_folder(name)
    content = read_folder(folder, reading)
    if disjoint:
        check_disjoint(content.lesions)
    title, licence = f"own images in {folder.name}", "own data, licence not stated"
    return Dataset(folder.name, title, content.lesions, licence, notes=content.sentences)


def labelled_folder(name: str) -> Path:
    """Return the folder with labels.csv that a name which is no known data set means, its links resolved.

    Raises:
        ConfigError: there is none.
    """
    folder = expanded(name)
    if (folder / TABLE).is_file():
        return folder.resolve()
    if folder.is_dir():
        raise ConfigError(f"the folder {name} has no {TABLE}; {_instead(folder)}")
    if folder.is_file():
        raise ConfigError(f"{name} is a file; name its folder, which holds the images and their {TABLE}")
    if folder.is_absolute() or len(Path(name).parts) > 1:
        raise ConfigError(f"there is no folder {name}; name the one where the images with their {TABLE} are now")
    known = f"{did_you_mean(name, SOURCES)}; known: {', '.join(sorted(SOURCES))}, or a folder with {TABLE}"
    raise ConfigError(f"unknown data set '{name}'{known} (there is none of that name)")


def _instead(folder: Path) -> str:
    """Return what a folder without a table needs: another name of a file that is there, or a new file."""
    others = sorted(path.name for path in folder.iterdir() if path.stem.casefold() == Path(TABLE).stem)
    tables = [name for name in others if name.casefold().endswith((".csv", ".tsv", ".txt"))]
    if tables:
        return f"rename {tables[0]} to {TABLE}"
    if books := [name for name in others if name.casefold().endswith((".xlsx", ".xls", ".ods"))]:
        return f"{SAVE_AS_CSV} under the name {TABLE}: {books[0]} is not read"
    return f"expected one with a row an image: {','.join(REQUIRED)}"


def own_folder_path(name: str) -> Path | None:
    """Return the absolute path of the folder that a data set's name means; None of a known data set.

    A known name comes first, whatever folders of that name lie about.
    """
    folder = expanded(name)
    return folder.absolute() if name not in SOURCES and folder.is_dir() else None


_TASK3 = _Source(
    "ISIC 2018 task 3 (HAM10000)",
    "CC BY-NC 4.0; cite Tschandl et al., Sci. Data 5, 180161 (2018), and Codella et al., arXiv:1902.03368",
    read_isic2018_labels,
    ("train", "test"),
    SHARES_2018,
)

SOURCES: dict[str, _Source] = {
    "isic2016": _Source("ISIC 2016", "CC-0", read_isic2016_labels, ("train", "test"), SHARES_2016),
    "isic2017": _Source("ISIC 2017", "CC-0", read_isic2017_labels),
    "isic2018": _TASK3,
    "isic2018-leaky": dataclasses.replace(_TASK3, title=f"{_TASK3.title}, split by image: leaks", leaks=True),
    "isic2018-task1": _Source("ISIC 2018 task 1-2", "CC-0", None, ("train",)),
    "phantoms": _Source("phantoms (synthetic dermoscopy)", "synthetic, Apache-2.0", read_isic2017_labels),
}
"""Every data set that is known by name."""


def _read_fetched(name: str, home: Path) -> Dataset:
    files = source_of(name)
    states = archive_states(files, home)
    fetched = {archive.name: state for archive, state in zip(ARCHIVES[files], states, strict=True)}
    source = SOURCES[name]
    lesions: list[Lesion] = []
    for split in source.splits:
        archives: dict[Role, Archive] = {archive.role: archive for archive in ARCHIVES[files] if archive.split == split}
        came: dict[Role, ArchiveState] = {role: fetched[archive.name] for role, archive in archives.items()}
        lesions += _read_part(source, _Part(split, archives, came, home))
    if not lesions:
        what = "split with both images and labels" if source.diagnoses else "images"
        raise LabelError(f"{dataset_folder(home, files)} holds no {what}; fetch {files} again")
    if not source.leaks:
        check_disjoint(lesions)
    return Dataset(name, source.title, tuple(lesions), source.licence, states, source.leaks)


def _read_part(source: _Source, part: _Part) -> list[Lesion]:
    if not part.has("images") or (source.diagnoses and not part.has("labels")):
        return []
    images = _images(part.location("images"))
    diagnoses: Mapping[str, str | None] = dict.fromkeys(images)
    if source.diagnoses is not None:
        diagnoses = source.diagnoses(part.location("labels"))
        _check_labelled(images, diagnoses, part)
    require_all(len(images), part.states["images"], part.location("images"))
    masks = _masks(part, diagnoses) if part.has("masks") else {}
    groups, confirmed = _groups(part, diagnoses)
    attributes = _attributes(part, confirmed)
    sides: Mapping[str, Split] = {}
    if source.shares is not None and part.split == "train":
        # Drawn for every image of the table, so that an archive that is short of images divides the others alike.
        together = {} if source.leaks else groups
        sides = draw_sides(diagnoses, together, seed=SIDES_SEED, shares=source.shares)
    return [
        Lesion(
            image_id=i,
            image=images[i],
            diagnosis=diagnoses[i],
            split=sides.get(i, part.split),
            mask=masks.get(i),
            group=groups.get(i),
            attributes=attributes.get(i, {}),
        )
        for i in sorted(images)
    ]


def _images(folder: Path) -> dict[str, Path]:
    paths = files_of(folder, IMAGE_SUFFIXES)
    require_single((path.stem for path in paths), f"{folder}: doubled images")
    return {path.stem: path for path in paths}


def _check_labelled(images: Mapping[str, Path], diagnoses: Mapping[str, str | None], part: _Part) -> None:
    folder, state = part.location("images"), part.states["images"]
    if unlabelled := sorted(images.keys() - diagnoses.keys()):
        table = part.archives["labels"].name
        raise LabelError(f"{folder}: images without a label in {table}: {listed(unlabelled)}. Take them out.")
    # That an archive is short of images is known from its state, and no reason to stop here.
    if state.status == "complete" and (missing := sorted(diagnoses.keys() - images.keys())):
        raise LabelError(f"{folder}: labelled images that are not there: {listed(missing)}. {AGAIN}")


def _masks(part: _Part, known: Mapping[str, object]) -> dict[str, Path]:
    folder = part.location("masks")
    masks = lesion_masks(folder)
    stray = sorted(masks.keys() - known.keys())
    # Without a table, images that an archive is short of are not known, but their masks may have come.
    if stray and ("labels" in part.archives or part.states["images"].status == "complete"):
        lacking = "without a label" if "labels" in part.archives else "that are not there"
        raise LabelError(f"{folder}: masks of images {lacking}: {listed(stray)}. Take them out.")
    require_all(len(masks), part.states["masks"], folder)
    return masks


def _groups(part: _Part, diagnoses: Iterable[str]) -> tuple[dict[str, str], Known]:
    """Return the lesion of every image and how it was confirmed, where the archive has a table of them."""
    if "lesion groups" not in part.archives:
        return {}, {}
    table = part.location("lesion groups")
    if not part.has("lesion groups"):
        raise LabelError(
            f"{table} did not come, and without it images of one lesion would stand on both sides of the split; "
            "fetch it, from another mirror if need be"
        )
    groups, confirmed = read_lesion_groups(table)
    if missing := sorted(set(diagnoses) - groups.keys()):
        raise LabelError(f"{table}: labelled images without a lesion: {listed(missing)}. {AGAIN}")
    if stray := sorted(groups.keys() - set(diagnoses)):
        raise LabelError(f"{table}: lesions of images without a label: {listed(stray)}. Take them out.")
    return groups, confirmed


def _attributes(part: _Part, confirmed: Known) -> Known:
    """Return the attributes of each image; where two tables have the same attribute, the metadata counts."""
    tables = [confirmed]
    if part.has("metadata"):
        tables.append(read_ham10000_metadata(part.location("metadata")))
    tables += [read_isic2017_metadata(path) for path in sorted(part.location("images").glob(f"*{METADATA_ENDING}"))]
    known: Known = {}
    for table in tables:
        for image_id, attributes in table.items():
            known[image_id] = known.get(image_id, {}) | attributes
    return known
