"""The data sets that are read as their publishers lay them out, by name or by the files of a folder. No torch."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from attnmel.data.archives.by_hand import BY_HAND, how_to_get
from attnmel.data.archives.fetch import ArchiveState
from attnmel.data.datasets.dataset import Dataset
from attnmel.data.datasets.own.folder import FolderContent
from attnmel.data.datasets.published import derm7pt, isic_archive, milk10k, ph2
from attnmel.data.datasets.published.derm7pt import examine_derm7pt
from attnmel.data.datasets.published.isic_archive import examine_isic_archive, is_isic_archive
from attnmel.data.datasets.published.milk10k import examine_milk10k
from attnmel.data.datasets.published.ph2 import examine_ph2
from attnmel.data.datasets.splits import check_disjoint
from attnmel.data.tables.problems import refuse
from attnmel.errors import ArchiveError, LabelError
from attnmel.files.folders import dataset_folder


@dataclass(frozen=True)
class Layout:
    """How one publisher lays files out."""

    title: str
    licence: str
    table: str
    """The file by which a folder is known, relative to it."""
    examine: Callable[[Path], FolderContent]
    """Folder that holds the table -> its content, with every problem."""
    images: int = 0
    """How many images the publisher counts that are read; 0 where nothing is prescribed."""
    has_test: bool = False
    """Whether the publisher divided it, so that its test images are evaluated and not all."""


LAYOUTS: Mapping[str, Layout] = {
    "ph2": Layout(
        "PH2", "research and education only; cite Mendonca et al., EMBC 2013, 5437-5440", ph2.TABLE, examine_ph2, 200
    ),
    "derm7pt": Layout(
        "Derm7pt (seven-point checklist)",
        "research only; cite Kawahara et al., IEEE J. Biomed. Health Inform. 23(2), 538-546 (2019)",
        derm7pt.TABLE,
        examine_derm7pt,
        1011,
        has_test=True,
    ),
    "milk10k": Layout(
        "MILK10k",
        "CC BY-NC 4.0; cite Tschandl et al., J. Invest. Dermatol. 146(2), 357-364 (2026), and doi:10.34970/648456",
        milk10k.TABLE,
        examine_milk10k,
        5240,
    ),
}
"""By name; the files lie in the data set's folder of the home."""

ISIC_ARCHIVE = Layout("ISIC Archive", "", isic_archive.TABLE, examine_isic_archive)
"""A folder that isic-cli wrote, which is named by its path."""


def folder_of_layout(layout: Layout, folder: Path) -> Path | None:
    """Return the folder that holds a layout's table: this one or one directly below it; None where none does."""
    below = sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    return next((one for one in (folder, *below) if (one / layout.table).is_file()), None)


def recognised(folder: Path) -> tuple[Layout, Path] | None:
    """Return the layout of a folder by its files, and the folder that holds its table; None of any other."""
    for layout in LAYOUTS.values():
        if (place := folder_of_layout(layout, folder)) is not None:
            return layout, place
    return (ISIC_ARCHIVE, folder) if is_isic_archive(folder) else None


def named_place(name: str, home: Path) -> Path:
    """Return the folder of `home` that holds the table of a data set of `LAYOUTS`.

    Raises:
        ArchiveError: it is not there; says how to get it.
    """
    folder = dataset_folder(home, name)
    if (place := folder_of_layout(LAYOUTS[name], folder)) is not None:
        return place
    if name in BY_HAND:
        raise ArchiveError(f"{name} is not in {folder}: {how_to_get(name, home)}")
    raise ArchiveError(f"{name} is not in {folder}; run `attnmel fetch {name}`")


def read_layout(
    name: str,
    layout: Layout,
    place: Path,
    *,
    states: Sequence[ArchiveState] = (),
    disjoint: bool = True,
    is_known: bool = False,
) -> Dataset:
    """Read a published layout as the data set `name`; `states` are what was fetched of it.

    `is_known` is whether it was named so, and not by the path of a folder of that name.
    """
    content = layout.examine(place)
    advice = "Correct the table, or take it from its publisher again."
    refuse({str(place / content.table): content.problems}, LabelError, advice)
    if disjoint:
        check_disjoint(content.lesions)
    title = layout.title if name in LAYOUTS else f"{layout.title}, images in {name}"
    licence = layout.licence or f"licences of the images: {content.licence}; see attribution.txt"
    return Dataset(
        name,
        title,
        content.lesions,
        licence,
        tuple(states),
        notes=content.sentences,
        leaves_out=True,
        is_known=is_known,
    )
