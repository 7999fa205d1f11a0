"""What a data set holds, joined by image id, before any file is opened. No torch."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from attnmel.data.verify.findings import Finding


@dataclass(frozen=True)
class Item:
    """One image with the masks that belong to it."""

    image_id: str
    image: Path
    mask: Path | None = None
    features: tuple[Path, ...] = ()
    """Masks of dermoscopic features, of which any but not all may be empty."""
    superpixels: tuple[Path, Path] | None = None
    """Superpixels, and the list of the features seen in each."""


@dataclass(frozen=True)
class Inventory:
    """What lies there, and what is wrong with it by its names alone."""

    dataset: str
    title: str
    items: tuple[Item, ...] = field(repr=False)
    findings: tuple[Finding, ...]
    counts: dict[str, int]
    """Files or rows by what they are."""
    notes: tuple[str, ...] = ()
    """How the table of an own folder, and in the end images, were read, a sentence each."""


def doubled(names: Iterable[str], file: str, what: str) -> list[Finding]:
    """Return a finding for each name that occurs more than once; `what` is where, for example "rows"."""
    return [
        Finding("id doubled", name, file, f"{count} {what}; expected one")
        for name, count in sorted(Counter(names).items())
        if count > 1
    ]
