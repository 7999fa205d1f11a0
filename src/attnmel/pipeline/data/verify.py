"""Data sets -> the problems of each, and a contact sheet of their masks."""

import random
from collections.abc import Hashable, Iterable, Sequence
from pathlib import Path

import numpy as np

from attnmel.data.datasets.own.folder import AS_WRITTEN, TableReading
from attnmel.data.image_files.decode import decode_scaled, opened
from attnmel.data.image_files.masks import read_mask
from attnmel.data.image_files.picture import upright_size
from attnmel.data.image_files.reading import read_picture
from attnmel.data.tables.problems import likeness, one_sentence
from attnmel.data.verify import KINDS, Finding, Item, Verification, verify_dataset
from attnmel.errors import ImageError, listed
from attnmel.files.locks import hold_files
from attnmel.progress import SILENT, Progress
from attnmel.report.galleries.contact_sheet import SIDE, Group, Sheet, Tile, tile_picture, write_html, write_png
from attnmel.report.html.sections import Table

MOST_TILES = 24
"""Of one kind of finding; the others are counted, and all are in the JSON."""

MOST_NOTES = 8
FIRST = 3
"""Places named in the table, and sentences of a known data set printed on the terminal, of each kind."""

MOST_OF_OWN = 50
"""Sentences of each kind printed of an own folder, so that all that is wrong is seen at once."""


def verify_datasets(
    names: Sequence[str],
    *,
    home: Path,
    reading: TableReading = AS_WRITTEN,
    html: Path | None = None,
    png: Path | None = None,
    sample: int = 48,
    seed: int = 0,
    progress: Progress = SILENT,
) -> tuple[Verification, ...]:
    """Verify every data set; write a contact sheet as HTML or PNG, or both, where a path is given.

    `reading` is how the tables of own folders are read. `sample` images of each data set are drawn at random, in
    addition to those with a finding.

    Raises:
        ConfigError: a name that is neither a known data set nor a folder with labels.csv.
        BusyError: another command writes the same sheet.
    """
    with hold_files(html, png):
        found = tuple(verify_dataset(name, home, reading=reading, progress=progress) for name in dict.fromkeys(names))
        if html is not None or png is not None:
            sheets = [_sheet(one, sample, seed, progress) for one in found]
            if html is not None:
                write_html(html, sheets)
            if png is not None:
                write_png(png, sheets)
    return found


def verdict(found: Verification) -> str:
    """Return the verdict on a data set in a few words."""
    warnings = len(found.findings) - found.errors
    counts = [_number(found.errors, "error")] if found.errors else []
    counts += [_number(warnings, "warning")] if warnings else []
    return f"{', '.join(counts) or 'nothing wrong'} in {found.counts.get('images', 0):,} images"


def summary_rows(found: Verification) -> list[tuple[str, str, str, str]]:
    """Return kind, count, severity and the first places of every kind of finding."""
    rows = []
    for kind, findings in found.by_kind().items():
        places = list(dict.fromkeys(one.image_id or one.file for one in findings))
        more = ", ..." if len(places) > FIRST else ""
        rows.append((kind, f"{len(findings):,}", KINDS[kind].severity, ", ".join(places[:FIRST]) + more))
    return rows


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _sheet(found: Verification, sample: int, seed: int, progress: Progress) -> Sheet:
    items = {item.image_id: item for item in found.items}
    groups = [_group(kind, findings, items, found.hint(kind)) for kind, findings in found.by_kind().items()]
    with_finding = {finding.image_id for finding in found.findings}
    others = [item for item in found.items if item.image_id not in with_finding]
    drawn = random.Random(seed).sample(others, min(sample, len(others)))
    with progress.bar(f"drawing {found.dataset}", len(drawn), "images") as advance:
        tiles = []
        for item in drawn:
            tiles.append(_tile(item, ""))
            advance(1)
    groups.append(Group("drawn at random, without a finding", "", "", len(others), tuple(tiles)))
    counts = ", ".join(f"{count:,} {what}" for what, count in found.counts.items())
    table = Table(f"{counts}.", ("Found", "Count", "Severity", "First"), tuple(summary_rows(found)))
    return Sheet(found.dataset, found.title, verdict(found), table, tuple(groups))


def _group(kind: str, findings: Sequence[Finding], items: dict[str, Item], hint: str) -> Group:
    shown = [finding for finding in findings if finding.image_id in items][:MOST_TILES]
    tiles = tuple(_tile(items[finding.image_id], finding.detail) for finding in shown)
    notes = notes_on(finding for finding in findings if finding.image_id not in items)
    return Group(kind, KINDS[kind].severity, hint, len(findings), tiles, notes)


def printed_notes(found: Verification, findings: Sequence[Finding]) -> tuple[str, ...]:
    """Return what the terminal shows of one kind: more of an own folder than of a known data set."""
    return notes_on(findings, MOST_OF_OWN if found.is_own else FIRST)


def notes_on(findings: Iterable[Finding], most: int = MOST_NOTES) -> tuple[str, ...]:
    """Return what was found and where, the same in several places as one sentence with the first of them.

    The findings beyond the first `most` sentences are counted.
    """
    groups = _alike(findings)
    left = sum(map(len, groups[most:]))
    more = (f"and {left:,} more; all are in the output of --json",) if left else ()
    return (*map(_sentence, groups[:most]), *more)


def _alike(findings: Iterable[Finding]) -> list[list[Finding]]:
    """Return findings of one detail together, and those of a table's rows as `refuse` lists them."""
    groups: dict[Hashable, list[Finding]] = {}
    for one in findings:
        groups.setdefault((one.file, likeness(one.problem)) if one.problem else one.detail, []).append(one)
    return list(groups.values())


def _sentence(findings: Sequence[Finding]) -> str:
    first = findings[0]
    problems = [one.problem for one in findings if one.problem is not None]
    if problems:
        return f"{first.file}: {one_sentence(problems)}"
    places = [" ".join(filter(None, (one.image_id, one.file))) for one in findings]
    where = listed(filter(None, places))
    return f"{where}: {first.detail}" if where else first.detail


def _tile(item: Item, caption: str) -> Tile:
    try:
        with opened(item.image) as picture:
            decode_scaled(picture, max(1, min(upright_size(picture)) // SIDE))
            image = np.asarray(read_picture(picture).pixels)
    except ImageError:
        return Tile(item.image_id, caption, None)
    return Tile(item.image_id, caption, tile_picture(image, _mask(item.mask)))


def _mask(path: Path | None) -> np.ndarray | None:
    if path is None:
        return None
    try:
        return np.asarray(read_mask(path))
    except ImageError:
        return None
