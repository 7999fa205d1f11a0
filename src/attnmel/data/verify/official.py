"""What lies there of a known data set, joined by image id, split by split, whatever is missing. No torch."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

from attnmel.data.archives.catalog import ARCHIVES, FEATURES, IMAGE_SUFFIXES, OPTIONAL, Archive, Role
from attnmel.data.archives.fetch import ArchiveState, recorded_states
from attnmel.data.datasets.mask_files import FEATURE_NAME, MASK_NAME, MaskNames, files_of
from attnmel.data.datasets.part import SplitFiles
from attnmel.data.datasets.sources import Source
from attnmel.data.datasets.superpixels import superpixel_pairs
from attnmel.data.tables.isic2020 import read_isic2020_duplicates
from attnmel.data.tables.labels import LABEL_SCHEMAS
from attnmel.data.tables.metadata import METADATA_2017, METADATA_ENDING
from attnmel.data.tables.schema import check_table
from attnmel.data.verify.findings import Finding
from attnmel.data.verify.inventory import Inventory, Item, doubled
from attnmel.errors import ArchiveError, LabelError
from attnmel.files.folders import dataset_folder
from attnmel.records import Split

COUNTED: dict[Role, str] = {
    "lesion groups": "images with a lesion",
    "metadata": "images with metadata",
    "duplicates": "listed duplicates",
}
"""What the rows of some tables are counted as."""

ROW_KINDS = {"row": "label value", "doubled": "id doubled"}
"""Kind of the finding by the kind of the problem of a table of labels."""


def official_inventory(dataset: str, source: Source, home: Path) -> Inventory:
    """List what lies there of a known data set, with all that is wrong by names, counts and tables alone."""
    folder, title = dataset_folder(home, dataset), source.title
    try:
        states = recorded_states(dataset, home)
    except ArchiveError as error:
        return Inventory(dataset, title, (), (Finding("table unusable", "", "archives.json", str(error)),), {})
    archives = ARCHIVES[dataset]
    if not any(archive.location(home).exists() for archive in archives):
        return Inventory(dataset, title, (), (Finding("not fetched", "", str(folder), "no file of it is there"),), {})
    findings = [finding for one in archives for finding in _presence(one, states.get(one.name), home)]
    items: list[Item] = []
    sides: dict[str, list[Split]] = defaultdict(list)
    splits: dict[Split, None] = {archive.split: None for archive in archives}
    for split in splits:
        part_items, part_findings = _listed(SplitFiles.of(dataset, split, states, home), source)
        items += part_items
        findings += part_findings
        for item in part_items:
            sides[item.image_id].append(split)
    findings += [
        Finding("id on two sides", image_id, "", f"it is in {' and '.join(on)}")
        for image_id, on in sides.items()
        if len(on) > 1
    ]
    counts = Counter[str]()
    for archive in archives:
        counts[COUNTED.get(archive.role, archive.role)] += _count(archive, home)
    return Inventory(dataset, title, tuple(items), tuple(findings), dict(counts))


def _presence(archive: Archive, state: ArchiveState | None, home: Path) -> list[Finding]:
    location = archive.location(home)
    if not location.exists():
        if state is not None and state.status == "absent":
            return [Finding("archive absent", "", archive.name, f"not at {state.address}")]
        if state is None and archive.role in OPTIONAL:
            return [Finding("archive absent", "", archive.name, "never fetched, and needed for one prior alone")]
        text = "it was never fetched" if state is None else f"{state.found} files or rows of it were there"
        return [Finding("archive missing", "", archive.name, text)]
    found = _count(archive, home)
    if state is not None and not archive.is_table and found != state.found:
        text = f"{found} files lie there; {state.found} were unpacked"
        return [Finding("files changed", "", location.name, text)]
    if archive.expected is not None and found < archive.expected:
        return [Finding("archive short", "", archive.name, f"{found:,} {archive.role} of {archive.expected:,}")]
    return []


def _count(archive: Archive, home: Path) -> int:
    location = archive.location(home)
    if not location.exists():
        return 0
    if not archive.is_table:
        return len(files_of(location, archive.suffixes))
    lines = [line for line in location.read_bytes().splitlines() if line.strip()]
    return max(0, len(lines) - bool(archive.header))


def _listed(part: SplitFiles, source: Source) -> tuple[list[Item], list[Finding]]:
    """Join images, labels and masks of one split by image id."""
    images, findings = _images(part)
    labelled, odd_labels = _labels(part, images)
    masks, odd_masks = _masks(part, images, labelled)
    features, odd_features = _features(part, images)
    findings += [*odd_labels, *odd_masks, *odd_features, *_lesions(part, source, images, labelled)]
    findings += _other_tables(part, source)
    folder = part.place("superpixel features")
    pairs = superpixel_pairs(images, [folder] if folder else [])
    items = [
        Item(i, images[i], masks.get(i), tuple(features.get(i, {}).values()), pairs.get(i)) for i in sorted(images)
    ]
    return items, findings


def _images(part: SplitFiles) -> tuple[dict[str, Path], list[Finding]]:
    if (folder := part.place("images")) is None:
        return {}, []
    paths = files_of(folder, IMAGE_SUFFIXES)
    return {path.stem: path for path in paths}, doubled((path.stem for path in paths), folder.name, "image files")


def _labels(part: SplitFiles, images: dict[str, Path]) -> tuple[frozenset[str], list[Finding]]:
    """Return the ids of the labelled images, also of those that did not come; none without a usable table."""
    if (table := part.place("labels")) is None:
        return frozenset(), _without_table(part, images)
    ids, findings = _labelled_ids(table, part.archives["labels"])
    known = frozenset(ids)
    if not ids:
        return known, findings
    findings += [
        Finding("image without label", image_id, images[image_id].name, f"no row of {table.name} names it")
        for image_id in sorted(images.keys() - known)
    ]
    if part.place("images") is None:
        return known, findings  # reported once, as an archive that is absent
    kind = "label without image" if part.has_all_images else "image not in archive"
    findings += [Finding(kind, image_id, table.name, "no image of it") for image_id in sorted(known - images.keys())]
    return known, findings


def _labelled_ids(table: Path, archive: Archive) -> tuple[tuple[str, ...], list[Finding]]:
    """Return the image ids of a table of labels and what is wrong with it; no ids where its header or text is wrong."""
    checked = check_table(table, LABEL_SCHEMAS[archive.year])
    unusable = [problem.sentence() for problem in checked.problems if problem.kind == "file"]
    if unusable:
        return (), [Finding("table unusable", "", table.name, "; ".join(unusable))]
    return checked.ids, [
        Finding(ROW_KINDS[problem.kind], problem.image_id, table.name, problem.sentence())
        for problem in checked.problems
    ]


def _without_table(part: SplitFiles, images: dict[str, Path]) -> list[Finding]:
    """Say that the images of a split are left out of the data set, where its table is one that a mirror lacked."""
    state = part.states.get("labels")
    if not images or state is None or state.status != "absent":
        return []  # no such table, or reported as missing
    text = f"none of {len(images):,} images has a label, and the split is left out, since {state.name} did not come"
    return [Finding("image without label", "", part.location("images").name, text)]


def _named(folder: Path, names: MaskNames) -> tuple[list[tuple[re.Match[str], Path]], list[Finding]]:
    matched, odd = names.sorted_out(folder)
    return matched, [
        Finding("file name", "", path.name, f"in {folder.name}; expected {names.expected}") for path in odd
    ]


def _masks(
    part: SplitFiles, images: dict[str, Path], labelled: frozenset[str]
) -> tuple[dict[str, Path], list[Finding]]:
    if (folder := part.place("masks")) is None:
        return {}, []
    matched, findings = _named(folder, MASK_NAME)
    masks = {match["image_id"]: path for match, path in matched}
    findings += doubled((match["image_id"] for match, _ in matched), folder.name, "masks")
    findings += _strays(part, masks, images, labelled)
    findings += [
        Finding("image without mask", image_id, images[image_id].name, "no mask of it lies there")
        for image_id in sorted(images.keys() - masks.keys())
    ]
    return masks, findings


def _features(part: SplitFiles, images: dict[str, Path]) -> tuple[dict[str, dict[str, Path]], list[Finding]]:
    if (folder := part.place("feature masks")) is None:
        return {}, []
    matched, findings = _named(folder, FEATURE_NAME)
    features: dict[str, dict[str, Path]] = defaultdict(dict)
    for match, path in matched:
        features[match["image_id"]][match["feature"]] = path
    findings += _strays(part, {image_id: next(iter(of.values())) for image_id, of in features.items()}, images)
    for image_id in sorted(images):
        if missing := [name for name in FEATURES if name not in features.get(image_id, {})]:
            text = f"none of {', '.join(missing)}"
            findings.append(Finding("feature masks missing", image_id, folder.name, text))
    return features, findings


def _strays(
    part: SplitFiles, masks: dict[str, Path], images: dict[str, Path], labelled: frozenset[str] = frozenset()
) -> list[Finding]:
    """Return the masks of no image; where the archive is short of images, a label shows that there is one."""
    if not part.has_all_images and not labelled:
        return []  # of images that the archive is short of, the masks may have come
    known = images.keys() if part.has_all_images else images.keys() | labelled
    text = "no image of it" if part.has_all_images else "no image of it, and no label"
    return [Finding("mask without image", one, masks[one].name, text) for one in sorted(masks.keys() - known)]


def _lesions(part: SplitFiles, source: Source, images: dict[str, Path], labelled: frozenset[str]) -> list[Finding]:
    """Compare the table of lesions or patients with the labels, as `fetched` does, which refuses what differs."""
    if source.groups is None or source.groups_in not in part.archives:
        return []
    if (table := part.place(source.groups_in)) is None:
        state = part.states.get(source.groups_in)
        if not images or state is None or state.status != "absent":
            return []  # nothing to group, or reported as missing
        text = (
            f"none of {len(images):,} images has a lesion, and the data set is refused, since {state.name} did not come"
        )
        return [Finding("image without lesion", "", part.location("images").name, text)]
    try:
        _, known = source.groups.read_groups(table)
    except LabelError as error:
        return [Finding("table unusable", "", table.name, str(error))]
    if source.groups_in == "labels":
        return []  # without a lesion it has no label either, which is reported
    without = sorted((images.keys() | labelled) - known.keys())
    stray = sorted(known.keys() - labelled) if labelled else []
    return [
        *(Finding("image without lesion", one, table.name, f"no row of {table.name} names it") for one in without),
        *(Finding("lesion without label", one, table.name, "no label of it") for one in stray),
    ]


def _other_tables(part: SplitFiles, source: Source) -> list[Finding]:
    findings: list[Finding] = []
    readers: list[tuple[Callable[[Path], object], Path]] = []
    if source.metadata is not None and (table := part.place("metadata")) is not None:
        readers.append((source.metadata.read, table))
    if (table := part.place("duplicates")) is not None:
        readers.append((read_isic2020_duplicates, table))
    if (folder := part.place("images")) is not None:
        readers += [(METADATA_2017.read, table) for table in sorted(folder.glob(f"*{METADATA_ENDING}"))]
    for read, table in readers:
        try:
            read(table)
        except LabelError as error:
            findings.append(Finding("table unusable", "", table.name, str(error)))
    return findings
