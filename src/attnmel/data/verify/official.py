"""What lies there of a known data set, joined by image id, split by split, whatever is missing. No torch."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from attnmel.data.archives.catalog import ARCHIVES, FEATURES, IMAGE_SUFFIXES, MASK_SUFFIXES, OPTIONAL, Archive, Role
from attnmel.data.archives.fetch import ArchiveState, recorded_states
from attnmel.data.datasets.mask_files import FEATURE_NAME, MASK_NAME, files_of
from attnmel.data.datasets.sources import Source
from attnmel.data.tables.isic2020 import read_isic2020_duplicates
from attnmel.data.tables.metadata import METADATA_2017, METADATA_ENDING
from attnmel.data.verify.findings import Finding
from attnmel.data.verify.inventory import Inventory, Item, doubled
from attnmel.data.verify.tables import labelled_ids
from attnmel.errors import ArchiveError, LabelError
from attnmel.files.folders import dataset_folder
from attnmel.records import Split


@dataclass(frozen=True)
class _Part:
    """The official files of one split that lie there, by role."""

    archives: dict[Role, Archive]
    places: dict[Role, Path]
    states: dict[Role, ArchiveState]

    def is_whole(self, role: Role) -> bool:
        """Whether nothing of an official file is known to be missing."""
        return role in self.places and (role not in self.states or self.states[role].status == "complete")


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
        part_items, part_findings = _listed(_part(dataset, split, states, home), source)
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
        counts[_plural(archive.role)] += _count(archive, home)
    return Inventory(dataset, title, tuple(items), tuple(findings), dict(counts))


def _part(dataset: str, split: Split, states: dict[str, ArchiveState], home: Path) -> _Part:
    archives: dict[Role, Archive] = {one.role: one for one in ARCHIVES[dataset] if one.split == split}
    there: dict[Role, Archive] = {role: one for role, one in archives.items() if one.location(home).exists()}
    places: dict[Role, Path] = {role: one.location(home) for role, one in there.items()}
    came: dict[Role, ArchiveState] = {role: states[one.name] for role, one in archives.items() if one.name in states}
    return _Part(archives, places, came)


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


def _plural(role: Role) -> str:
    return {
        "lesion groups": "images with a lesion",
        "metadata": "images with metadata",
        "duplicates": "listed duplicates",
    }.get(role, role)


def _listed(part: _Part, source: Source) -> tuple[list[Item], list[Finding]]:
    """Join images, labels and masks of one split by image id."""
    images, findings = _images(part)
    masks, odd_masks = _masks(part, images)
    features, odd_features = _features(part, images)
    findings += [*_labels(part, images), *odd_masks, *odd_features, *_other_tables(part, source, images)]
    items = [Item(i, images[i], masks.get(i), tuple(features.get(i, {}).values())) for i in sorted(images)]
    return items, findings


def _images(part: _Part) -> tuple[dict[str, Path], list[Finding]]:
    if "images" not in part.places:
        return {}, []
    folder = part.places["images"]
    paths = files_of(folder, IMAGE_SUFFIXES)
    return {path.stem: path for path in paths}, doubled((path.stem for path in paths), folder.name, "image files")


def _labels(part: _Part, images: dict[str, Path]) -> list[Finding]:
    if "labels" not in part.places:
        return _without_table(part, images)
    table = part.places["labels"]
    ids, findings = labelled_ids(table, part.archives["labels"])
    if not ids:
        return findings
    known = set(ids)
    findings += [
        Finding("image without label", image_id, images[image_id].name, f"no row of {table.name} names it")
        for image_id in sorted(images.keys() - known)
    ]
    if "images" not in part.places:
        return findings  # reported once, as an archive that is absent
    kind = "label without image" if part.is_whole("images") else "image not in archive"
    findings += [Finding(kind, image_id, table.name, "no image of it") for image_id in sorted(known - images.keys())]
    return findings


def _without_table(part: _Part, images: dict[str, Path]) -> list[Finding]:
    """Say that the images of a split are left out of the data set, where its table is one that a mirror lacked."""
    state = part.states.get("labels")
    if not images or state is None or state.status != "absent":
        return []  # no such table, or reported as missing
    text = f"none of {len(images):,} images has a label, and the split is left out, since {state.name} did not come"
    return [Finding("image without label", "", part.places["images"].name, text)]


def _named(
    folder: Path, pattern: re.Pattern[str], expected: str
) -> tuple[list[tuple[re.Match[str], Path]], list[Finding]]:
    matched, odd = [], []
    for path in files_of(folder, MASK_SUFFIXES):
        match = pattern.fullmatch(path.stem)
        if match is None:
            odd.append(Finding("file name", "", path.name, f"in {folder.name}; expected {expected}"))
        else:
            matched.append((match, path))
    return matched, odd


def _masks(part: _Part, images: dict[str, Path]) -> tuple[dict[str, Path], list[Finding]]:
    if "masks" not in part.places:
        return {}, []
    folder = part.places["masks"]
    matched, findings = _named(folder, MASK_NAME, "<image>_segmentation.png")
    masks = {match["image_id"]: path for match, path in matched}
    findings += doubled((match["image_id"] for match, _ in matched), folder.name, "masks")
    findings += _strays(part, masks, images)
    findings += [
        Finding("image without mask", image_id, images[image_id].name, "no mask of it lies there")
        for image_id in sorted(images.keys() - masks.keys())
    ]
    return masks, findings


def _features(part: _Part, images: dict[str, Path]) -> tuple[dict[str, dict[str, Path]], list[Finding]]:
    if "feature masks" not in part.places:
        return {}, []
    folder = part.places["feature masks"]
    matched, findings = _named(folder, FEATURE_NAME, "<image>_attribute_<feature>.png")
    features: dict[str, dict[str, Path]] = defaultdict(dict)
    for match, path in matched:
        features[match["image_id"]][match["feature"]] = path
    findings += _strays(part, {image_id: next(iter(of.values())) for image_id, of in features.items()}, images)
    for image_id in sorted(images):
        if missing := [name for name in FEATURES if name not in features.get(image_id, {})]:
            text = f"none of {', '.join(missing)}"
            findings.append(Finding("feature masks missing", image_id, folder.name, text))
    return features, findings


def _strays(part: _Part, masks: dict[str, Path], images: dict[str, Path]) -> list[Finding]:
    if not part.is_whole("images"):
        return []  # of images that the archive is short of, the masks may have come
    return [
        Finding("mask without image", image_id, masks[image_id].name, "no image of it")
        for image_id in sorted(masks.keys() - images.keys())
    ]


def _other_tables(part: _Part, source: Source, images: dict[str, Path]) -> list[Finding]:
    findings: list[Finding] = []
    if source.groups is not None and (table := part.places.get(source.groups_in)):
        try:
            _, known = source.groups.read_groups(table)
            findings += [
                Finding("image without lesion", image_id, images[image_id].name, f"no row of {table.name} names it")
                for image_id in sorted(images.keys() - known.keys())
                if source.groups_in != "labels"  # else it has no label either, which is reported
            ]
        except LabelError as error:
            findings.append(Finding("table unusable", "", table.name, str(error)))
    readers: list[tuple[Callable[[Path], object], list[Path]]] = []
    if source.metadata is not None and "metadata" in part.places:
        readers.append((source.metadata.read, [part.places["metadata"]]))
    if "duplicates" in part.places:
        readers.append((read_isic2020_duplicates, [part.places["duplicates"]]))
    if folder := part.places.get("images"):
        readers.append((METADATA_2017.read, sorted(folder.glob(f"*{METADATA_ENDING}"))))
    for read, tables in readers:
        for metadata in tables:
            try:
                read(metadata)
            except LabelError as error:
                findings.append(Finding("table unusable", "", metadata.name, str(error)))
    return findings
