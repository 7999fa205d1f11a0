"""The tables of published data sets that `fuzz.py` damages, each among the other files of its folder."""

from collections.abc import Iterator
from pathlib import Path

from attnmel.data.datasets.published.layouts import ISIC_ARCHIVE, LAYOUTS, Layout, read_layout
from attnmel.data.tables import isic2020, metadata
from fuzz_target import Target, whole_files


def set_targets(strangers: Path) -> Iterator[Target]:
    """Give the readers of PH2, Derm7pt, MILK10k, a download of the ISIC Archive, and tables of ISIC 2019, 2020."""
    from tests.strangers.datasets import make_sets

    place = strangers / "sets"
    if not place.exists():
        make_sets.write_ph2(place, images=4)
        make_sets.write_derm7pt(place, cases=20)
        make_sets.write_milk10k(place, lesions=11)
        make_sets.write_archive(place / "archive", make_sets.archive_rows(12), images=False)
        make_sets.write_isic2019(place)
        make_sets.write_isic2020(place, patients=6)
    milk10k = place / "milk10k"
    yield from _layout("ph2", LAYOUTS["ph2"], place / "PH2Dataset")
    yield from _layout("derm7pt", LAYOUTS["derm7pt"], place / "release_v0")
    yield from _layout("milk10k", LAYOUTS["milk10k"], milk10k, ["IL/ISIC_7000001.jpg", "IL/ISIC_7000003.jpg"])
    some = [f"ISIC_{6_000_000 + number}.jpg" for number in range(12)]
    yield from _layout("archive", ISIC_ARCHIVE, place / "archive", some)
    readers = {
        "2019/ISIC_2019_Training_Metadata.csv": metadata.TRAINING_2019.read_groups,
        "2019/ISIC_2019_Test_Metadata.csv": metadata.TEST_2019.read,
        "2020/ISIC_2020_Training_GroundTruth_v2.csv": isic2020.read_isic2020_labels,
        "2020/ISIC_2020_Training_Duplicates.csv": isic2020.read_isic2020_duplicates,
    }
    for name, read in readers.items():
        path = place / name
        yield Target(path.stem, "csv", whole_files(path), read, path.name)
    truth = place / "2020" / "ISIC_2020_Training_GroundTruth_v2.csv"
    yield Target("ISIC_2020_groups", "csv", whole_files(truth), metadata.TRAINING_2020.read_groups, truth.name)


def _layout(name: str, layout: Layout, folder: Path, images: list[str] | None = None) -> Iterator[Target]:
    """Give a reader for each table of a layout; images are empty files, which it looks for and does not open."""
    texts = [path for path in folder.rglob("*") if path.suffix in (".csv", ".txt")]
    tables = {path.relative_to(folder): path.read_bytes() for path in texts}
    found = [path.relative_to(folder) for path in folder.rglob("*") if path.suffix in (".jpg", ".JPG", ".bmp")]
    empty = [Path(one) for one in images] if images is not None else found

    def read(path: Path, table: Path) -> object:
        place = path.parents[len(table.parts) - 1]
        for one in (*empty, *tables):
            if one != table:
                (place / one).parent.mkdir(parents=True, exist_ok=True)
                (place / one).write_bytes(tables.get(one, b""))
        return read_layout(name, layout, place)

    for table, content in tables.items():
        if table.name not in ("attribution.txt",):
            yield Target(
                f"{name}-{table.stem}", "csv", [content], lambda path, table=table: read(path, table), str(table)
            )
