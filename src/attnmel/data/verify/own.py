"""What an own folder or a published one holds, as far as its table can be read, checked as `train` checks it.

No torch.
"""

import dataclasses
from collections import Counter
from pathlib import Path

from attnmel.data.datasets.own.folder import (
    AS_WRITTEN,
    TABLE,
    FolderContent,
    TableReading,
    examined_folder,
    group_sentence,
)
from attnmel.data.datasets.published.layouts import Layout
from attnmel.data.datasets.read_dataset import set_name
from attnmel.data.datasets.splits import check_classes, fold_sentence, shared_names, with_splits
from attnmel.data.verify.findings import Finding
from attnmel.data.verify.inventory import Inventory, Item
from attnmel.errors import LabelError
from attnmel.records import SPLITS

LABELS_AS_WRITTEN = (
    "labels may be any words; name a recipe by --recipe to check them and the splits as its training does"
)

NO_GROUPS = (
    "no column names the lesion or patient of an image (group): photographs of one may be in two splits, which makes "
    "measures too good, and each counts by itself"
)


def own_inventory(folder: Path, reading: TableReading) -> Inventory:
    """List the images that the rows of labels.csv name, with every problem of the table.

    With the classes of a recipe, also whether each split, that of its fold too, has images of each class.
    """
    content = examined_folder(folder, reading)
    ungrouped = bool(content.lesions) and all(one.group is None for one in content.lesions)
    notes = (
        *content.notes,
        *([NO_GROUPS] if ungrouped else []),
        *([LABELS_AS_WRITTEN] if reading.classes is None else []),
        *([fold_sentence(reading.fold, set_name(str(folder)))] if reading.fold else []),
    )
    return _inventory(set_name(str(folder)), f"own images in {folder.name}", content, reading, notes)


def published_inventory(name: str, layout: Layout, place: Path) -> Inventory:
    """List the images that the tables of a published layout name, with every problem of them."""
    content = layout.examine(place)
    inventory = _inventory(name, layout.title, content, AS_WRITTEN, content.notes)
    images = len(inventory.items)
    if content.problems or images >= layout.images:
        return inventory
    short = Finding("archive short", "", content.table, f"{images:,} images of {layout.images:,}")
    return dataclasses.replace(inventory, findings=(*inventory.findings, short))


def _inventory(
    name: str, title: str, content: FolderContent, reading: TableReading, notes: tuple[str, ...]
) -> Inventory:
    lesions = content.lesions
    findings = _of_table(content) + _of_splits(content, reading)
    items = tuple(Item(lesion.image_id, lesion.image, lesion.mask) for lesion in lesions)
    labels = Counter(f"labelled {lesion.diagnosis}" for lesion in lesions)
    counts = {"images": len(lesions), "masks": sum(lesion.mask is not None for lesion in lesions), **labels}
    if 0 < counts["masks"] < len(lesions):
        findings += [
            Finding("image without mask", lesion.image_id, lesion.image.name, f"its row of {content.table} names none")
            for lesion in lesions
            if lesion.mask is None
        ]
    return Inventory(name, title, items, tuple(findings), counts, notes)


def _of_table(content: FolderContent) -> list[Finding]:
    table = content.table
    kind = "folder table" if table == TABLE else "table unusable"
    return [
        *(Finding(kind, "", table, problem.sentence(), problem) for problem in content.problems),
        *(Finding("row without image", "", table, row.sentence(), row) for row in content.without_image),
        *(Finding("image without row", "", str(path), f"no row of {table} names it") for path in content.without_row),
        *(
            Finding("large group", "", table, group_sentence(name, count, len(content.lesions)))
            for name, count in content.large_groups.items()
        ),
    ]


def _of_splits(content: FolderContent, reading: TableReading) -> list[Finding]:
    """Return what `check_disjoint` and `check_classes` refuse, once the table has no other problem."""
    shared = shared_names((lesion.group, lesion.split) for lesion in content.lesions if lesion.group is not None)
    findings = [
        Finding("id on two sides", "", content.table, f"images of the group '{name}' are on two sides")
        for name in shared
    ]
    if reading.classes is None or content.problems:
        return findings
    lesions = with_splits(content.lesions, reading.fold)
    missing = [split for split in SPLITS if not any(lesion.split == split for lesion in lesions)]
    findings += [Finding("split without class", "", TABLE, f"no image is in the split '{split}'") for split in missing]
    try:
        check_classes(lesions, reading.classes)
    except LabelError as error:
        findings.append(Finding("split without class", "", TABLE, str(error)))
    return findings
