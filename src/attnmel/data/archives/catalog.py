"""The official files of every known data set: names, roles, expected contents, addresses. No torch.

Names and counts are those that the ISIC challenge archive publishes; masks and metadata of HAM10000 lie at Harvard
Dataverse, and on a mirror next to the other files of 2018. No checksums are published.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from attnmel.data.archives.sizes import ABOUT_BYTES
from attnmel.data.image_files.formats import JPEG_SUFFIXES, PNG_SUFFIXES
from attnmel.files.folders import dataset_folder
from attnmel.records import Split

OFFICIAL_ADDRESS = "https://isic-challenge-data.s3.amazonaws.com"
DATAVERSE_ADDRESS = "https://dataverse.harvard.edu/api/access/datafile"
ARCHIVE_ADDRESS = "https://isic-archive.s3.amazonaws.com/challenges"
"""Where the challenges' data page links the files of 2020 and MILK10k; those of 2019 lie there as well."""

Role = Literal[
    "images", "masks", "labels", "lesion groups", "metadata", "duplicates", "feature masks", "superpixel features"
]
TABLES: tuple[Role, ...] = ("labels", "lesion groups", "metadata", "duplicates")
"""What is a table; a zip of one holds nothing else that is used."""

OPTIONAL: tuple[Role, ...] = ("superpixel features",)
"""What a data set does without: where an earlier version fetched it, nothing is known of these files."""

SUFFIXES: dict[Role, tuple[str, ...]] = {
    "images": JPEG_SUFFIXES,
    "masks": PNG_SUFFIXES,
    "feature masks": PNG_SUFFIXES,
    "superpixel features": (".json",),
}
"""Endings of what is counted in a folder."""
IMAGE_SUFFIXES, MASK_SUFFIXES, TABLE_SUFFIXES = SUFFIXES["images"], SUFFIXES["masks"], (".csv",)

FEATURES = ("pigment_network", "negative_network", "streaks", "milia_like_cyst", "globules")
"""The dermoscopic features of ISIC 2018 task 2, one mask an image and feature."""


@dataclass(frozen=True)
class Archive:
    """One official file: a zip of images or masks, or a table, of one split."""

    dataset: str
    year: int
    name: str
    role: Role
    split: Split
    """The official one, also where the images of it are divided anew."""
    expected: int | None
    """Images, masks or rows in it; None where nothing is prescribed."""
    header: str = ""
    """Name of a table's first column; empty where a table has no header."""
    published: str | None = None
    """Its own address, where it does not lie with the others."""
    folder: str = ""
    """Where it lies below an address; empty for the year."""

    @property
    def is_table(self) -> bool:
        """Whether it is a table, zipped or not."""
        return self.role in TABLES

    @property
    def about_bytes(self) -> int | None:
        """About how large the published file is; None where that is not known."""
        return None if self.dataset == "phantoms" else ABOUT_BYTES.get(self.name)

    @property
    def published_at(self) -> str:
        """Where it is published; empty for phantoms, which are drawn."""
        return "" if self.dataset == "phantoms" else self.address(OFFICIAL_ADDRESS)

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Endings of what is counted in it."""
        return SUFFIXES.get(self.role, TABLE_SUFFIXES)

    def location(self, home: Path) -> Path:
        """Return the folder of images or masks, or the table, once fetched."""
        ending = ".csv" if self.is_table else ""
        return dataset_folder(home, self.dataset) / f"{self.name.removesuffix('.zip').removesuffix('.csv')}{ending}"

    def address(self, base: str) -> str:
        """Return where it lies below the official address or a mirror."""
        if self.published is not None and base == OFFICIAL_ADDRESS:
            return self.published
        return f"{base}/{self.folder or self.year}/{self.name}"


def _isic2016() -> tuple[Archive, ...]:
    parts: tuple[tuple[str, Split, int], ...] = (("Training", "train", 900), ("Test", "test", 379))
    files: tuple[tuple[str, str, Role], ...] = (
        ("Part3", "GroundTruth.csv", "labels"),
        ("Part1", "GroundTruth.zip", "masks"),
        ("Part3", "Data.zip", "images"),
    )
    return tuple(
        Archive("isic2016", 2016, f"ISBI2016_ISIC_{task}_{part}_{file}", role, split, count)
        for part, split, count in parts
        for task, file, role in files
    )


def _isic2017(dataset: str, *, counted: bool) -> tuple[Archive, ...]:
    # The test files' names say v2: the first edition of the test set was withdrawn.
    parts: tuple[tuple[str, Split, int], ...] = (
        ("Training", "train", 2000),
        ("Validation", "validation", 150),
        ("Test_v2", "test", 600),
    )
    files: tuple[tuple[str, Role, str], ...] = (
        ("Part3_GroundTruth.csv", "labels", "image_id"),
        ("Part1_GroundTruth.zip", "masks", ""),
        ("Data.zip", "images", ""),
    )
    # Last, so that a fetch that stops before them has all that a data set needs.
    features: tuple[tuple[str, Role, str], ...] = (("Part2_GroundTruth.zip", "superpixel features", ""),)
    return tuple(
        Archive(dataset, 2017, f"ISIC-2017_{part}_{file}", role, split, count if counted else None, header)
        for some in (files, features)
        for part, split, count in parts
        for file, role, header in some
    )


def _isic2018() -> tuple[Archive, ...]:
    parts: tuple[tuple[str, Split, int], ...] = (
        ("Training", "train", 10_015),
        ("Validation", "validation", 193),
        ("Test", "test", 1512),
    )
    files: tuple[tuple[str, Role, str], ...] = (("GroundTruth.zip", "labels", "image"), ("Input.zip", "images", ""))
    return (
        _task3("ISIC2018_Task3_Training_LesionGroupings.csv", "lesion groups", "image"),
        _task3("HAM10000_metadata.csv", "metadata", "lesion_id", f"{DATAVERSE_ADDRESS}/4338392?format=original"),
        _task3("HAM10000_segmentations_lesion_tschandl.zip", "masks", "", f"{DATAVERSE_ADDRESS}/3838943"),
        *(
            Archive("isic2018", 2018, f"ISIC2018_Task3_{part}_{file}", role, split, count, header)
            for part, split, count in parts
            for file, role, header in files
        ),
    )


def _task3(name: str, role: Role, header: str, published: str | None = None) -> Archive:
    return Archive("isic2018", 2018, name, role, "train", 10_015, header, published)


def _isic2018_task1() -> tuple[Archive, ...]:
    count = 2594
    files: tuple[tuple[str, Role, int], ...] = (
        ("Task1_Training_GroundTruth", "masks", count),
        ("Task2_Training_GroundTruth_v3", "feature masks", count * len(FEATURES)),
        ("Task1-2_Training_Input", "images", count),
    )
    return tuple(
        Archive("isic2018-task1", 2018, f"ISIC2018_{file}.zip", role, "train", expected)
        for file, role, expected in files
    )


def _at_archive(
    dataset: str, year: int, folder: str, files: tuple[tuple[str, Role, Split, int, str], ...]
) -> tuple[Archive, ...]:
    """Return files that the ISIC Archive holds itself: name, role, split, count and header of each."""
    return tuple(
        Archive(dataset, year, name, role, split, count, header, f"{ARCHIVE_ADDRESS}/{folder}/{name}", folder)
        for name, role, split, count, header in files
    )


_ISIC2019 = _at_archive(
    "isic2019",
    2019,
    "2019",
    (
        ("ISIC_2019_Training_Metadata.csv", "lesion groups", "train", 25_331, "image"),
        ("ISIC_2019_Training_GroundTruth.csv", "labels", "train", 25_331, "image"),
        ("ISIC_2019_Test_Metadata.csv", "metadata", "test", 8238, "image"),
        ("ISIC_2019_Test_GroundTruth.csv", "labels", "test", 8238, "image"),
        ("ISIC_2019_Training_Input.zip", "images", "train", 25_331, ""),
        ("ISIC_2019_Test_Input.zip", "images", "test", 8238, ""),
    ),
)

# The labels of the 10,982 test images are not public, so that these files are of no use here.
_ISIC2020 = _at_archive(
    "isic2020",
    2020,
    "2020",
    (
        ("ISIC_2020_Training_GroundTruth_v2.csv", "labels", "train", 33_126, "image_name"),
        ("ISIC_2020_Training_Duplicates.csv", "duplicates", "train", 425, "image_name_1"),
        ("ISIC_2020_Training_JPEG.zip", "images", "train", 33_126, ""),
    ),
)

# So are those of the 479 lesions of MILK10k's benchmark.
_MILK10K = _at_archive(
    "milk10k",
    2025,
    "milk10k",
    (
        ("MILK10k_Training_GroundTruth.csv", "labels", "train", 5240, "lesion_id"),
        ("MILK10k_Training_Metadata.csv", "metadata", "train", 10_480, "lesion_id"),
        ("MILK10k_Training_Input.zip", "images", "train", 10_480, ""),
    ),
)

ARCHIVES: dict[str, tuple[Archive, ...]] = {
    "isic2016": _isic2016(),
    "isic2017": _isic2017("isic2017", counted=True),
    "isic2018": _isic2018(),
    "isic2018-task1": _isic2018_task1(),
    "isic2019": _ISIC2019,
    "isic2020": _ISIC2020,
    "milk10k": _MILK10K,
    "phantoms": _isic2017("phantoms", counted=False),
}
"""Every data set with an official layout; phantoms come in that of ISIC 2017, as many as were drawn."""

COMPANIONS: dict[str, tuple[str, ...]] = {"isic2018": ("isic2018-task1",)}
"""What `attnmel fetch` brings along: the segmenter of the starred prior learns from task 1-2, whose attribute masks are
also the dermoscopic prior of ISIC 2017."""

SAME_FILES = {"isic2018-leaky": "isic2018"}
"""Data sets that divide another's files anew: none of theirs is fetched twice."""


def source_of(dataset: str) -> str:
    """Return the data set whose official files, table and challenge are meant: itself, but for `SAME_FILES`."""
    return SAME_FILES.get(dataset, dataset)
