"""What lies there of an own folder, as far as its labels.csv can be read. No torch."""

from collections import Counter
from pathlib import Path

from attnmel.data.datasets.folder import TABLE, examined_folder
from attnmel.data.datasets.splits import shared_names
from attnmel.data.verify.findings import Finding
from attnmel.data.verify.inventory import Inventory, Item
from attnmel.errors import LabelError


def own_inventory(folder: Path) -> Inventory:
    """List the images that the rows of labels.csv name, with every problem of the table."""
    title = f"own images in {folder.name}"
    try:
        lesions, problems = examined_folder(folder)
    except LabelError as error:
        return Inventory(folder.name, title, (), (Finding("folder table", "", TABLE, str(error)),), {})
    findings = [Finding("folder table", "", TABLE, problem) for problem in problems]
    for name in shared_names((lesion.group, lesion.split) for lesion in lesions if lesion.group is not None):
        findings.append(Finding("id on two sides", "", TABLE, f"images of the group '{name}' are on two sides"))
    seen: dict[str, Item] = {}
    for lesion in lesions:
        seen.setdefault(lesion.image_id, Item(lesion.image_id, lesion.image, lesion.mask))
    labels = Counter(f"labelled {lesion.diagnosis}" for lesion in lesions)
    counts = {"images": len(lesions), "masks": sum(lesion.mask is not None for lesion in lesions), **labels}
    if 0 < counts["masks"] < len(lesions):
        findings += [
            Finding("image without mask", lesion.image_id, lesion.image.name, f"its row of {TABLE} names none")
            for lesion in lesions
            if lesion.mask is None
        ]
    return Inventory(folder.name, title, tuple(seen.values()), tuple(findings), counts)
