"""A part of a page in a form that every topic can fill: words, tables, vector figures, notes."""

from dataclasses import dataclass
from urllib.parse import quote

from attnmel.report.galleries.examples import GalleryPicture

NARROW = 6
"""Columns that have room on half a page."""


@dataclass(frozen=True)
class Table:
    """Text in rows; the first cell of each names the row, the others are to the right.

    What follows a line break in a cell is shown small below it: an interval under its value.
    """

    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    """Each as long as `heads`."""

    @property
    def narrow(self) -> bool:
        """Whether the table fits next to a drawing on a wide page."""
        return len(self.heads) <= NARROW


@dataclass(frozen=True)
class Drawing:
    """A figure of `attnmel.figures`, with what is below it."""

    svg: str
    caption: str


@dataclass(frozen=True)
class Link:
    """Another page in the same folder or below it."""

    text: str
    path: str
    """From the folder that this page lies in, with slashes."""

    @property
    def address(self) -> str:
        """The path as a browser reads it: a folder's name may hold what means something in an address."""
        return quote(self.path)


@dataclass(frozen=True, kw_only=True)
class Section:
    """One topic; what is not given is left out."""

    name: str
    """Unique among the sections of a run: letters and dashes, for links within the page."""
    title: str
    prose: str = ""
    pictures: tuple[GalleryPicture, ...] = ()
    """As wide as the page."""
    links: tuple[Link, ...] = ()
    figures: tuple[Drawing, ...] = ()
    tables: tuple[Table, ...] = ()
    more: tuple[Table, ...] = ()
    """Folded away below the others, for those who want every number."""
    notes: tuple[str, ...] = ()
    """Printed as `sentence` writes them."""


def sentence(note: str) -> str:
    """Return a note as a sentence: a capital letter first, unless it begins with a name or symbol, and a full stop.

    A name or symbol is a first word with other characters than letters, or of one letter: `leakage.csv`, `p`.
    """
    first = note.split(" ", 1)[0].rstrip(",:;")
    start = note[:1].upper() if first.isalpha() and (len(first) > 1 or first == "a") else note[:1]
    return start + note[1:] + ("" if note.endswith((".", "!", "?")) else ".")
