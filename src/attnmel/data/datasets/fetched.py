"""Official files that were fetched, joined by image id -> labelled lesions. No torch."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from attnmel.data.archives.catalog import IMAGE_SUFFIXES, source_of
from attnmel.data.archives.fetch import archive_states
from attnmel.data.datasets.dataset import Dataset
from attnmel.data.datasets.mask_files import AGAIN, files_of, lesion_masks, require_all, require_single
from attnmel.data.datasets.part import SplitFiles
from attnmel.data.datasets.sources import SOURCES, Source
from attnmel.data.datasets.splits import check_disjoint, draw_sides
from attnmel.data.tables.isic2020 import read_isic2020_duplicates
from attnmel.data.tables.metadata import METADATA_2017, METADATA_ENDING, Known
from attnmel.errors import LabelError, listed
from attnmel.files.folders import dataset_folder
from attnmel.records import Lesion, Split

SIDES_SEED = 0
"""Draws both, so that they are the same for every run, seed and machine."""


def read_fetched(name: str, home: Path) -> Dataset:
    """Read a data set of `SOURCES`, whose files were fetched to `home`, as `read_dataset` does."""
    files = source_of(name)
    states = archive_states(files, home)
    fetched = {state.name: state for state in states}
    source = SOURCES[name]
    lesions: list[Lesion] = []
    notes: list[str] = []
    for split in source.splits:
        part = SplitFiles.of(files, split, fetched, home)
        every = _read_part(source, part)
        doubled = read_isic2020_duplicates(part.location("duplicates")) if part.has("duplicates") else frozenset[str]()
        lesions += [lesion for lesion in every if lesion.image_id not in doubled]
        notes += _duplicate_notes(part, len(every), sum(lesion.image_id in doubled for lesion in every))
    if not lesions:
        what = "split with both images and labels" if source.diagnoses else "images"
        raise LabelError(f"{dataset_folder(home, files)} holds no {what}; fetch {files} again")
    if not source.leaks:
        check_disjoint(lesions)
    return Dataset(
        name,
        source.title,
        tuple(lesions),
        source.licence,
        states,
        source.leaks,
        tuple(notes),
        source.leaves_out,
        is_known=True,
    )


def _read_part(source: Source, part: SplitFiles) -> list[Lesion]:
    if not part.has("images") or (source.diagnoses and not part.has("labels")):
        return []
    images = _images(part.location("images"))
    diagnoses: Mapping[str, str | None] = dict.fromkeys(images)
    if source.diagnoses is not None:
        diagnoses = source.diagnoses(part.location("labels"))
        _check_labelled(images, diagnoses, part)
    require_all(len(images), part.states["images"], part.location("images"))
    masks = _masks(part, diagnoses) if part.has("masks") else {}
    groups, confirmed = _groups(source, part, diagnoses)
    attributes = _attributes(source, part, confirmed)
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


def _check_labelled(images: Mapping[str, Path], diagnoses: Mapping[str, str | None], part: SplitFiles) -> None:
    folder, state = part.location("images"), part.states["images"]
    if unlabelled := sorted(images.keys() - diagnoses.keys()):
        table = part.archives["labels"].name
        raise LabelError(f"{folder}: images without a label in {table}: {listed(unlabelled)}. Take them out.")
    # That an archive is short of images is known from its state, and no reason to stop here.
    if state.status == "complete" and (missing := sorted(diagnoses.keys() - images.keys())):
        raise LabelError(f"{folder}: labelled images that are not there: {listed(missing)}. {AGAIN}")


def _masks(part: SplitFiles, known: Mapping[str, object]) -> dict[str, Path]:
    folder = part.location("masks")
    masks = lesion_masks(folder)
    stray = sorted(masks.keys() - known.keys())
    # Without a table, images that an archive is short of are not known, but their masks may have come.
    if stray and ("labels" in part.archives or part.states["images"].status == "complete"):
        lacking = "without a label" if "labels" in part.archives else "that are not there"
        raise LabelError(f"{folder}: masks of images {lacking}: {listed(stray)}. Take them out.")
    require_all(len(masks), part.states["masks"], folder)
    return masks


def _groups(source: Source, part: SplitFiles, diagnoses: Iterable[str]) -> tuple[dict[str, str], Known]:
    """Return the lesion or patient of each image and attributes of it, where the archive has a table of them."""
    if source.groups is None or source.groups_in not in part.archives:
        return {}, {}
    table = part.location(source.groups_in)
    if not part.has(source.groups_in):
        raise LabelError(
            f"{table} did not come, and without it images of one lesion would stand on both sides of the split; "
            "fetch it, from another mirror if need be"
        )
    groups, known = source.groups.read_groups(table)
    if missing := sorted(set(diagnoses) - known.keys()):
        raise LabelError(f"{table}: labelled images without a lesion: {listed(missing)}. {AGAIN}")
    if stray := sorted(known.keys() - set(diagnoses)):
        raise LabelError(f"{table}: lesions of images without a label: {listed(stray)}. Take them out.")
    return groups, known


def _attributes(source: Source, part: SplitFiles, confirmed: Known) -> Known:
    """Return the attributes of each image; where two tables have the same attribute, the metadata counts."""
    tables = [confirmed]
    if source.metadata is not None and part.has("metadata"):
        tables.append(source.metadata.read(part.location("metadata")))
    tables += [METADATA_2017.read(path) for path in sorted(part.location("images").glob(f"*{METADATA_ENDING}"))]
    known: Known = {}
    for table in tables:
        for image_id, attributes in table.items():
            known[image_id] = known.get(image_id, {}) | attributes
    return known


def _duplicate_notes(part: SplitFiles, images: int, left_out: int) -> list[str]:
    if "duplicates" not in part.archives:
        return []
    table = part.archives["duplicates"].name
    if not part.has("duplicates"):
        return [f"{table} did not come, so that the images it lists as duplicates of others are not left out"]
    return [f"{left_out:,} of {images:,} images are left out: {table} lists them as duplicates of others"]
