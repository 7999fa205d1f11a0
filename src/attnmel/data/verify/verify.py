"""A data set's name or folder -> every finding: by names and tables first, then by decoding every file. No torch."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from attnmel.data.archives.catalog import source_of
from attnmel.data.datasets.own.folder import AS_WRITTEN, TableReading
from attnmel.data.datasets.published.layouts import LAYOUTS, named_place
from attnmel.data.datasets.read_dataset import KNOWN, labelled_folder, published_folder, set_name
from attnmel.data.datasets.sources import SOURCES
from attnmel.data.image_files.reading import counted_notes
from attnmel.data.preprocess.workers import in_order, worthwhile_processes
from attnmel.data.verify.files import Examined, examine_item
from attnmel.data.verify.findings import KINDS, Finding
from attnmel.data.verify.inventory import Inventory
from attnmel.data.verify.official import official_inventory
from attnmel.data.verify.own import own_inventory, published_inventory
from attnmel.errors import ArchiveError
from attnmel.files.folders import dataset_folder
from attnmel.progress import SILENT, Progress

SMALL = 224
"""Pixels of the shorter side: an image below it is enlarged for the recipes' networks."""

UNLIKE_OTHERS = 0.5
"""An image is small where its shorter side is also below this share of the data set's median."""


@dataclass(frozen=True)
class Verification(Inventory):
    """The same once every file was looked at: findings in the order of `KINDS`, then by image id."""

    is_own: bool = False
    """Whether it is a folder of one's own, which is never fetched."""

    @property
    def errors(self) -> int:
        """How many findings are errors."""
        return sum(finding.severity == "error" for finding in self.findings)

    def by_kind(self) -> dict[str, list[Finding]]:
        """Return the findings of each kind that occurs, in the order of `KINDS`."""
        kinds: dict[str, list[Finding]] = {}
        for finding in self.findings:
            kinds.setdefault(finding.kind, []).append(finding)
        return kinds

    def hint(self, kind: str) -> str:
        """Return what to do about the findings of a kind."""
        return KINDS[kind].hint_for(self.is_own)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        findings = [
            {
                "kind": finding.kind,
                "image_id": finding.image_id,
                "file": finding.file,
                "line": finding.problem.line if finding.problem else None,
                "detail": finding.detail,
                "severity": finding.severity,
                "hint": self.hint(finding.kind),
            }
            for finding in self.findings
        ]
        warnings = len(findings) - self.errors
        totals = {"errors": self.errors, "warnings": warnings, "counts": self.counts}
        return {"dataset": self.dataset, "title": self.title, **totals, "notes": list(self.notes), "findings": findings}


def verify_dataset(
    name: str,
    home: Path,
    *,
    reading: TableReading = AS_WRITTEN,
    workers: int | None = None,
    progress: Progress = SILENT,
) -> Verification:
    """Check all of a known data set, or of a folder with labels.csv, and report every problem.

    Nothing that is found stops it. `reading` is how a folder's table is read. `workers` None: as many processes as
    save time.

    Raises:
        ConfigError: neither a known data set nor a folder with labels.csv.
    """
    inventory = _inventory(name, home, reading)
    processes = workers or worthwhile_processes(len(inventory.items))
    examined: list[Examined] = []
    with progress.bar(f"looking at {inventory.dataset}", len(inventory.items), "images") as advance:
        for one in in_order(examine_item, inventory.items, processes):
            examined.append(one)
            advance(1)
    findings = [*inventory.findings, *(finding for one in examined for finding in one.findings), *_small(examined)]
    place = {kind: number for number, kind in enumerate(KINDS)}
    findings.sort(key=lambda finding: (place[finding.kind], finding.image_id, finding.file))
    counts = {**inventory.counts, "sound masks": sum(one.has_usable_mask for one in examined)}
    read = Counter(note for one in examined for note in one.notes)
    notes = (*inventory.notes, *counted_notes(read, len(examined)))
    return Verification(
        inventory.dataset, inventory.title, inventory.items, tuple(findings), counts, notes, name not in KNOWN
    )


def _inventory(name: str, home: Path, reading: TableReading) -> Inventory:
    if name in SOURCES:
        return official_inventory(source_of(name), SOURCES[source_of(name)], home)
    if name in LAYOUTS:
        return _layout_inventory(name, home)
    folder = labelled_folder(name)
    if (published := published_folder(folder)) is not None:
        return published_inventory(set_name(str(folder)), *published)
    return own_inventory(folder, reading)


def _layout_inventory(name: str, home: Path) -> Inventory:
    layout = LAYOUTS[name]
    try:
        place = named_place(name, home)
    except ArchiveError as error:
        findings = (Finding("not fetched", "", str(dataset_folder(home, name)), str(error)),)
        return Inventory(name, layout.title, (), findings, {})
    return published_inventory(name, layout, place)


def _small(examined: Sequence[Examined]) -> list[Finding]:
    """Return the images that are much smaller than the others; that all are small is no finding."""
    shorter = {one.image_id: min(one.size) for one in examined if one.size is not None}
    if not shorter:
        return []
    usual = median(shorter.values())
    least = min(SMALL, UNLIKE_OTHERS * usual)
    return [
        Finding("image small", image_id, "", f"its shorter side has {side} pixels; half of the images have {usual:g}")
        for image_id, side in shorter.items()
        if side < least
    ]
