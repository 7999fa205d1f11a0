"""What an own folder or a published one holds, as far as its table can be read, checked as `train` checks it.

No torch.
"""

import dataclasses
from collections import Counter
from collections.abc import Sequence
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
from attnmel.data.datasets.splits import (
    check_classes,
    fold_sentence,
    in_use,
    shared_names,
    with_splits,
)
from attnmel.data.verify.findings import Finding
from attnmel.data.verify.inventory import Inventory, Item
from attnmel.errors import LabelError
from attnmel.records import SPLITS, Lesion

LABELS_AS_WRITTEN = (
    "labels may be any words; name a recipe by --recipe to check them and the splits as its training does"
)

NO_GROUPS = (
    "no column names the lesion or patient of an image (group): photographs of one may be in two splits, which makes "
    "measures too good, and each counts by itself"
)


def own_inventory(folder: Path, reading: TableReading) -> Inventory:
    """List the images that the rows of labels.csv name, with every problem of the table.

    With the classes of a recipe, also whether each split, that of its fold too, has images of each class among those
    that its training uses. All files are looked at, since a training prepares those that it leaves out too.
    """
    content = examined_folder(folder, reading)
    ungrouped = bool(content.lesions) and all(one.group is None for one in content.lesions)
    notes = (
        *content.notes,
        *([NO_GROUPS] if ungrouped else []),
        *([LABELS_AS_WRITTEN] if reading.classes is None else []),
        *_notes_on_use(content, reading, set_name(str(folder))),
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
    every = with_splits(content.lesions, reading.fold)
    findings += [
        Finding("excluded image unknown", image_id, content.table, "data.exclude names it, and no image has this id")
        for image_id in sorted(reading.exclude - {lesion.image_id for lesion in every})
    ]
    lesions, _ = in_use(every, reading.exclude, reading.limit, content.table)
    missing = [split for split in SPLITS if not any(lesion.split == split for lesion in lesions)]
    findings += [Finding("split without class", "", TABLE, _empty(split, every)) for split in missing]
    try:
        check_classes(lesions, reading.classes)
    except LabelError as error:
        findings.append(Finding("split without class", "", TABLE, str(error)))
    return findings


def _empty(split: str, every: Sequence[Lesion]) -> str:
    """Say that a split has no image, and where that is by the recipe's own doing."""
    left_out = sum(lesion.split == split for lesion in every)
    why = f": data.exclude leaves out all {left_out} of it" if left_out else ""
    return f"no image is in the split '{split}'{why}"


def _notes_on_use(content: FolderContent, reading: TableReading, name: str) -> list[str]:
    """Say which of the images a training by the recipe validates on, leaves out and does not train on."""
    fold = [fold_sentence(reading.fold, name)] if reading.fold else []
    if content.problems:
        return fold
    _, notes = in_use(with_splits(content.lesions, reading.fold), reading.exclude, reading.limit, name)
    looked_at = ["the files of images that a training does not use are looked at all the same"] if notes else []
    return [*fold, *notes, *looked_at]
