"""Ground truth -> lesions, joined by image id: the official layouts, one reader each, and any own folder. No torch."""

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from attnmel.data.archives import ARCHIVES, IMAGE_SUFFIXES, MASK_SUFFIXES, Archive, ArchiveState, Role, archive_states
from attnmel.data.own_folder import TABLE, read_folder
from attnmel.data.splits import check_disjoint
from attnmel.errors import ConfigError, LabelError, listed
from attnmel.folders import dataset_folder
from attnmel.records import SPLITS, Lesion, Split

# The official names differ in the case of this word from year to year.
MASK_NAME = re.compile(r"(?P<image_id>.+)_segmentation", re.IGNORECASE)

MELANOMA = "melanoma"
SEBORRHEIC_KERATOSIS = "seborrheic_keratosis"
NEVUS = "nevus"
COLUMNS_2017 = ("image_id", MELANOMA, SEBORRHEIC_KERATOSIS)
AGAIN = "Delete this folder and run `attnmel fetch` again."
CORRECT = "Correct the table, or delete it and run `attnmel fetch` again."
TRUTH = {"0": False, "0.0": False, "1": True, "1.0": True}


@dataclass(frozen=True)
class Dataset:
    """Labelled lesions, with what they are, where they are from and what they may be used for."""

    name: str
    title: str
    lesions: tuple[Lesion, ...]
    licence: str
    states: tuple[ArchiveState, ...] = ()
    """What was found of each official file; empty for an own folder."""


@dataclass(frozen=True)
class _Source:
    """How a known data set is read."""

    title: str
    licence: str
    diagnoses: Callable[[Path], dict[str, str]]
    """Table of labels -> diagnosis by image id."""


def read_dataset(name: str, home: Path, *, classes: Sequence[str] | None = None) -> Dataset:
    """Read a known data set that was fetched to `home`, or a folder with labels.csv.

    Splits of a known data set are the official ones. Those of a folder are the table's, or None on every lesion, for
    `draw_splits` to fill. `classes` tells what a number means as label of a folder. Where the archive that was fetched
    holds fewer images or masks than the official one, those lesions are left out or have no mask.

    Raises:
        ConfigError: neither a known data set nor a folder with labels.csv.
        ArchiveError: the data set was not fetched.
        LabelError: a missing, doubled or unlabelled image, or a label that is none; names them.
    """
    if name in SOURCES:
        return _read_fetched(name, home)
    folder = Path(name).expanduser()
    if (folder / TABLE).is_file():
        folder = folder.resolve()
        lesions = read_folder(folder, classes)
        check_disjoint(lesions)
        return Dataset(folder.name, f"own images in {folder.name}", lesions, "own data, licence not stated")
    if folder.is_dir():
        raise ConfigError(f"the folder {name} has no {TABLE}; expected one with a row an image: image,label")
    known = ", ".join(sorted(SOURCES))
    raise ConfigError(f"unknown data set '{name}'; known: {known}, or a folder with {TABLE}")


def own_folder_path(name: str) -> Path | None:
    """Return the absolute path of the folder that a data set's name means; None of a known data set.

    A known name comes first, whatever folders of that name lie about.
    """
    folder = Path(name).expanduser()
    return folder.absolute() if name not in SOURCES and folder.is_dir() else None


def read_isic2017_labels(table: Path) -> dict[str, str]:
    """Return the diagnosis of every image of a part 3 table of ISIC 2017, by image id.

    Of melanoma and seborrheic keratosis at most one is 1; neither means nevus.

    Raises:
        LabelError: another header, a value other than 0 or 1, both 1, a doubled image; up to five of each.
    """
    rows = _rows(table, COLUMNS_2017)
    odd = [
        f"line {line}: {row[0]} has {MELANOMA} '{row[1]}', {SEBORRHEIC_KERATOSIS} '{row[2]}'"
        for line, row in rows
        if row[1] not in TRUTH or row[2] not in TRUTH or (TRUTH[row[1]] and TRUTH[row[2]])
    ]
    if odd:
        raise LabelError(
            f"{table}: expected 0 or 1, and not 1 twice: {'; '.join(odd[:5])} ({len(odd)} in all). {CORRECT}"
        )
    _require_single((row[0] for _, row in rows), f"{table}: doubled images")
    return {
        image_id: MELANOMA if TRUTH[melanoma] else SEBORRHEIC_KERATOSIS if TRUTH[keratosis] else NEVUS
        for _, (image_id, melanoma, keratosis) in rows
    }


SOURCES: dict[str, _Source] = {
    "isic2017": _Source("ISIC 2017", "CC-0", read_isic2017_labels),
    "phantoms": _Source("phantoms (synthetic dermoscopy)", "synthetic, Apache-2.0", read_isic2017_labels),
}
"""Every data set that is known by name."""


def _read_fetched(name: str, home: Path) -> Dataset:
    states = archive_states(name, home)
    fetched = {archive.name: state for archive, state in zip(ARCHIVES[name], states, strict=True)}
    source = SOURCES[name]
    lesions = [lesion for split in SPLITS for lesion in _read_split(name, split, fetched, home)]
    if not lesions:
        raise LabelError(f"{dataset_folder(home, name)} holds no split with both images and labels; fetch {name} again")
    check_disjoint(lesions)
    return Dataset(name, source.title, tuple(lesions), source.licence, states)


def _read_split(name: str, split: Split, fetched: dict[str, ArchiveState], home: Path) -> list[Lesion]:
    parts: dict[Role, Archive] = {archive.role: archive for archive in ARCHIVES[name] if archive.split == split}
    state: dict[Role, ArchiveState] = {role: fetched[archive.name] for role, archive in parts.items()}
    if "absent" in (state["labels"].status, state["images"].status):
        return []
    diagnoses = SOURCES[name].diagnoses(parts["labels"].location(home))
    folder = parts["images"].location(home)
    images = _images(folder)
    if unlabelled := sorted(images.keys() - diagnoses.keys()):
        raise LabelError(
            f"{folder}: images without a label in {parts['labels'].name}: {listed(unlabelled)}. Take them out."
        )
    # That an archive is short of images is known from its state, and no reason to stop here.
    if state["images"].status == "complete" and (missing := sorted(diagnoses.keys() - images.keys())):
        raise LabelError(f"{folder}: labelled images that are not there: {listed(missing)}. {AGAIN}")
    _require_all(len(images), state["images"], folder)
    masks: dict[str, Path] = {}
    if state["masks"].status != "absent":
        masks = _masks(parts["masks"].location(home), state["masks"], diagnoses)
    return [
        Lesion(image_id=i, image=images[i], diagnosis=diagnoses[i], split=split, mask=masks.get(i))
        for i in sorted(images)
    ]


def _images(folder: Path) -> dict[str, Path]:
    paths = _files(folder, IMAGE_SUFFIXES)
    _require_single((path.stem for path in paths), f"{folder}: doubled images")
    return {path.stem: path for path in paths}


def _masks(folder: Path, state: ArchiveState, diagnoses: dict[str, str]) -> dict[str, Path]:
    named = [(MASK_NAME.fullmatch(path.stem), path) for path in _files(folder, MASK_SUFFIXES)]
    if odd := [path.name for match, path in named if match is None]:
        raise LabelError(f"{folder} is not the archive's: expected <image>_segmentation.png, found {listed(odd)}")
    masks = [(match["image_id"], path) for match, path in named if match is not None]
    _require_single((image_id for image_id, _ in masks), f"{folder}: images with two masks")
    if stray := sorted(image_id for image_id, _ in masks if image_id not in diagnoses):
        raise LabelError(f"{folder}: masks of images without a label: {listed(stray)}. Take them out.")
    _require_all(len(masks), state, folder)
    return dict(masks)


def _files(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in suffixes)


def _require_all(count: int, state: ArchiveState, folder: Path) -> None:
    if count != state.found:
        raise LabelError(f"{folder} holds {count} files, but {state.found} of {state.name} were put there. {AGAIN}")


def _rows(table: Path, columns: tuple[str, ...]) -> list[tuple[int, list[str]]]:
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            lines = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader if cells]
    except (UnicodeDecodeError, csv.Error) as error:
        raise LabelError(f"{table} is not a table of comma-separated text ({error}); fetch it again") from None
    header = lines[0][1] if lines else []
    if header != list(columns):
        raise LabelError(
            f"{table} is not the archive's: expected the columns {','.join(columns)}, found {','.join(header)}. "
            f"{CORRECT}"
        )
    for line, cells in lines[1:]:
        if len(cells) != len(columns) or not cells[0]:
            raise LabelError(
                f"{table}, line {line}: expected {','.join(columns)}, found '{','.join(cells)}'. {CORRECT}"
            )
    return lines[1:]


def _require_single(names: Iterable[str], what: str) -> None:
    if doubled := sorted(name for name, times in Counter(names).items() if times > 1):
        raise LabelError(f"{what}: {listed(doubled)}; expected each once. Take the others out.")
