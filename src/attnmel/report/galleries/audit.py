"""An audit and the images of its pairs -> one HTML page that shows them side by side."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from attnmel.data.audit.findings import Kind
from attnmel.report.galleries.examples import GalleryPicture
from attnmel.report.html.page import write_template

MOST_SHOWN = 200
"""Pairs of a kind that are shown, about 1.5 MB; the others are counted."""

HEADINGS: Mapping[Kind, tuple[str, str]] = {
    "same id": ("One id in two places", "The same image id is in two data sets or splits."),
    "same bytes": ("One file under two ids", "The two files are alike to the last byte."),
    "same picture": (
        "One picture under two ids",
        "The fine structure of the two agrees after turning, mirroring, moving, zooming and squashing, whatever the "
        "colours and the border: one picture in two versions, or the same lesion photographed again from the same "
        "view. The second is shown turned by quarters and mirrored like the first, but not squashed or enlarged.",
    ),
    "same lesion": ("One lesion or patient", "The data set itself says that both images are of one lesion or patient."),
    "labels differ": ("One picture, two labels", "Both labels cannot be true of one picture."),
    "alike": (
        "Close by embedding",
        "The network's trunk puts the two close together. That is a hint for the eye, not a finding: such pairs are "
        "neither leakage nor on an exclusion list.",
    ),
}


@dataclass(frozen=True)
class Pair:
    """Two images side by side."""

    pictures: tuple[GalleryPicture, GalleryPicture]
    likeness: str


@dataclass(frozen=True)
class PairGroup:
    """The pairs of one kind."""

    kind: Kind
    count: int
    pairs: tuple[Pair, ...]

    @property
    def heading(self) -> str:
        """Return the kind in words."""
        return HEADINGS[self.kind][0]

    @property
    def prose(self) -> str:
        """Return what makes a pair of this kind."""
        return HEADINGS[self.kind][1]


@dataclass(frozen=True)
class AuditPage:
    """All that the page says."""

    title: str
    byline: str
    verdict: str
    """What was found between two sides; empty where none were named."""
    counts: tuple[tuple[str, str, str, int], ...]
    notes: tuple[str, ...]
    groups: tuple[PairGroup, ...]


def write_audit_page(path: Path, page: AuditPage) -> None:
    """Write the page."""
    write_template(path, "audit.html", page=page)
