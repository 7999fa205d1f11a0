"""Columns that the tables of the ISIC Archive have in common: kind of image, age, sex, site, licence. No torch."""

from collections import Counter
from collections.abc import Iterable, Mapping

from attnmel.data.datasets.published.gather import counts_in_words
from attnmel.data.tables.metadata import CONFIRMATIONS
from attnmel.data.tables.words import age_in_words, is_unknown, sex_in_words, word

Row = tuple[int, Mapping[str, str]]
"""Line and cells."""

DERMOSCOPIC = "dermoscopic"
NO_KIND = "of no stated kind"
SITES = ("anatom_site_2", "anatom_site_1", "anatom_site_general", "site")
"""Where a site is taken from, the first that is known: the second level of the archive's tree (since August 2026), such
as "Anterior trunk", else the first, else the former single column; MILK10k's is called site."""


def dermoscopic_rows(rows: Iterable[Row], table: str) -> tuple[list[Row], list[str]]:
    """Return the rows of dermoscopic images, and a note on how many of which other kind are left out; none of none."""
    kept: list[Row] = []
    left_out = Counter[str]()
    for line, cells in rows:
        kind = cells["image_type"]
        if kind.casefold() == DERMOSCOPIC:
            kept.append((line, cells))
        else:
            left_out[NO_KIND if is_unknown(kind) else kind] += 1
    if not left_out:
        return kept, []
    count = f"{left_out.total():,} images that are not dermoscopic are left out"
    return kept, [f"{table}: {count}: {counts_in_words(left_out)}"]


def attributes_of(cells: Mapping[str, str]) -> dict[str, str]:
    """Return age, sex, site, confirmation and source of a row, "" where one is not known; 85+ is read as 85."""
    confirmed = word(cells.get("diagnosis_confirm_type", ""))
    return {
        "age": age_in_words(cells.get("age_approx", "")) or "",
        "sex": sex_in_words(cells.get("sex", "")),
        "site": next((word(cells[name]) for name in SITES if not is_unknown(cells.get(name, ""))), ""),
        "confirmation": CONFIRMATIONS.get(confirmed, confirmed),
        "source": word(cells.get("attribution", "")),
    }


def licences_of(rows: Iterable[Mapping[str, str]]) -> str:
    """Return the licences of the images with the number of each, the most frequent first."""
    counts = Counter(cells.get("copyright_license", "") or "not stated" for cells in rows)
    return counts_in_words(counts)
