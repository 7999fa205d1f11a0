"""The official files of every known data set: names, roles, expected contents, addresses. No torch.

Names and counts are those that the ISIC challenge archive publishes; masks and metadata of HAM10000 lie at Harvard
Dataverse, and on a mirror next to the other files of 2018. No checksums are published.
"""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

from attnmel.data.image_files.suffixes import JPEG_SUFFIXES, PNG_SUFFIXES
from attnmel.files.folders import dataset_folder
from attnmel.records import Split

OFFICIAL_ADDRESS = "https://isic-challenge-data.s3.amazonaws.com"
DATAVERSE_ADDRESS = "https://dataverse.harvard.edu/api/access/datafile"
ARCHIVE_ADDRESS = "https://isic-archive.s3.amazonaws.com/challenges"
"""Where the challenges' data page links the files of 2020 and MILK10k; those of 2019 lie there as well."""

# Sizes as the archive's data page gives them (challenge.isic-archive.com/data, read in its templates, November 2026):
# rounded, in powers of 1024. Files that it does not list, as those at Harvard Dataverse, have none here.
KB, MB, GB = 1024, 1024**2, 1024**3

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
    about_bytes: float | None = None
    """About how large the published file is; None where that is not known."""
    published: str = ""
    """Its own address, where it does not lie with the others."""
    base: str = OFFICIAL_ADDRESS
    """Below which it is published."""
    folder: str = ""
    """Where it lies below an address; empty for the year."""

    @property
    def is_table(self) -> bool:
        """Whether it is a table, zipped or not."""
        return self.role in TABLES

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
        if base == OFFICIAL_ADDRESS and self.published:
            return self.published
        return f"{self.base if base == OFFICIAL_ADDRESS else base}/{self.folder or self.year}/{self.name}"


_of_2016 = partial(Archive, "isic2016", 2016)
_ISIC2016 = (
    _of_2016("ISBI2016_ISIC_Part3_Training_GroundTruth.csv", "labels", "train", 900, about_bytes=19 * KB),
    _of_2016("ISBI2016_ISIC_Part1_Training_GroundTruth.zip", "masks", "train", 900, about_bytes=6 * MB),
    _of_2016("ISBI2016_ISIC_Part3_Training_Data.zip", "images", "train", 900, about_bytes=602 * MB),
    _of_2016("ISBI2016_ISIC_Part3_Test_GroundTruth.csv", "labels", "test", 379, about_bytes=7 * KB),
    _of_2016("ISBI2016_ISIC_Part1_Test_GroundTruth.zip", "masks", "test", 379, about_bytes=2 * MB),
    _of_2016("ISBI2016_ISIC_Part3_Test_Data.zip", "images", "test", 379, about_bytes=232 * MB),
)

# The test files' names say v2: the first edition of the test set was withdrawn. Part 2 comes last, so that a fetch that
# stops before it has all that a data set needs.
_of_2017 = partial(Archive, "isic2017", 2017)
_ISIC2017 = (
    _of_2017("ISIC-2017_Training_Part3_GroundTruth.csv", "labels", "train", 2000, "image_id", 43 * KB),
    _of_2017("ISIC-2017_Training_Part1_GroundTruth.zip", "masks", "train", 2000, about_bytes=9 * MB),
    _of_2017("ISIC-2017_Training_Data.zip", "images", "train", 2000, about_bytes=5.8 * GB),
    _of_2017("ISIC-2017_Validation_Part3_GroundTruth.csv", "labels", "validation", 150, "image_id", 3 * KB),
    _of_2017("ISIC-2017_Validation_Part1_GroundTruth.zip", "masks", "validation", 150, about_bytes=559 * KB),
    _of_2017("ISIC-2017_Validation_Data.zip", "images", "validation", 150, about_bytes=878 * MB),
    _of_2017("ISIC-2017_Test_v2_Part3_GroundTruth.csv", "labels", "test", 600, "image_id", 13 * KB),
    _of_2017("ISIC-2017_Test_v2_Part1_GroundTruth.zip", "masks", "test", 600, about_bytes=18 * MB),
    _of_2017("ISIC-2017_Test_v2_Data.zip", "images", "test", 600, about_bytes=5.4 * GB),
    _of_2017("ISIC-2017_Training_Part2_GroundTruth.zip", "superpixel features", "train", 2000, about_bytes=710 * KB),
    _of_2017("ISIC-2017_Validation_Part2_GroundTruth.zip", "superpixel features", "validation", 150, "", 51 * KB),
    _of_2017("ISIC-2017_Test_v2_Part2_GroundTruth.zip", "superpixel features", "test", 600, about_bytes=210 * KB),
)

_HAM = f"{DATAVERSE_ADDRESS}/4338392?format=original", f"{DATAVERSE_ADDRESS}/3838943"
_of_2018 = partial(Archive, "isic2018", 2018)
_ISIC2018 = (
    _of_2018("ISIC2018_Task3_Training_LesionGroupings.csv", "lesion groups", "train", 10_015, "image", 481 * KB),
    _of_2018("HAM10000_metadata.csv", "metadata", "train", 10_015, "lesion_id", published=_HAM[0]),
    _of_2018("HAM10000_segmentations_lesion_tschandl.zip", "masks", "train", 10_015, published=_HAM[1]),
    _of_2018("ISIC2018_Task3_Training_GroundTruth.zip", "labels", "train", 10_015, "image", 36 * KB),
    _of_2018("ISIC2018_Task3_Training_Input.zip", "images", "train", 10_015, about_bytes=2.6 * GB),
    _of_2018("ISIC2018_Task3_Validation_GroundTruth.zip", "labels", "validation", 193, "image", 7 * KB),
    _of_2018("ISIC2018_Task3_Validation_Input.zip", "images", "validation", 193, about_bytes=51 * MB),
    _of_2018("ISIC2018_Task3_Test_GroundTruth.zip", "labels", "test", 1512, "image"),
    _of_2018("ISIC2018_Task3_Test_Input.zip", "images", "test", 1512, about_bytes=401 * MB),
)

_of_task1 = partial(Archive, "isic2018-task1", 2018)
_ISIC2018_TASK1 = (
    _of_task1("ISIC2018_Task1_Training_GroundTruth.zip", "masks", "train", 2594, about_bytes=26 * MB),
    _of_task1("ISIC2018_Task2_Training_GroundTruth_v3.zip", "feature masks", "train", 5 * 2594, about_bytes=33 * MB),
    _of_task1("ISIC2018_Task1-2_Training_Input.zip", "images", "train", 2594, about_bytes=10.4 * GB),
)

_of_2019 = partial(Archive, "isic2019", 2019, base=ARCHIVE_ADDRESS)
_ISIC2019 = (
    _of_2019("ISIC_2019_Training_Metadata.csv", "lesion groups", "train", 25_331, "image", 1 * MB),
    _of_2019("ISIC_2019_Training_GroundTruth.csv", "labels", "train", 25_331, "image", 1 * MB),
    _of_2019("ISIC_2019_Test_Metadata.csv", "metadata", "test", 8238, "image", 287 * KB),
    _of_2019("ISIC_2019_Test_GroundTruth.csv", "labels", "test", 8238, "image", 454 * KB),
    _of_2019("ISIC_2019_Training_Input.zip", "images", "train", 25_331, about_bytes=9.1 * GB),
    _of_2019("ISIC_2019_Test_Input.zip", "images", "test", 8238, about_bytes=3.6 * GB),
)

# The labels of the 10,982 test images are not public, so that these files are of no use here.
_of_2020 = partial(Archive, "isic2020", 2020, base=ARCHIVE_ADDRESS)
_ISIC2020 = (
    _of_2020("ISIC_2020_Training_GroundTruth_v2.csv", "labels", "train", 33_126, "image_name", 2 * MB),
    _of_2020("ISIC_2020_Training_Duplicates.csv", "duplicates", "train", 425, "image_name_1"),
    _of_2020("ISIC_2020_Training_JPEG.zip", "images", "train", 33_126, about_bytes=23 * GB),
)

# So are those of the 479 lesions of MILK10k's benchmark.
_of_milk10k = partial(Archive, "milk10k", 2025, base=ARCHIVE_ADDRESS, folder="milk10k")
_MILK10K = (
    _of_milk10k("MILK10k_Training_GroundTruth.csv", "labels", "train", 5240, "lesion_id", 287 * KB),
    _of_milk10k("MILK10k_Training_Metadata.csv", "metadata", "train", 10_480, "lesion_id", 2 * MB),
    _of_milk10k("MILK10k_Training_Input.zip", "images", "train", 10_480, about_bytes=314 * MB),
)

ARCHIVES: dict[str, tuple[Archive, ...]] = {
    "isic2016": _ISIC2016,
    "isic2017": _ISIC2017,
    "isic2018": _ISIC2018,
    "isic2018-task1": _ISIC2018_TASK1,
    "isic2019": _ISIC2019,
    "isic2020": _ISIC2020,
    "milk10k": _MILK10K,
    "phantoms": tuple(replace(one, dataset="phantoms", expected=None, about_bytes=None) for one in _ISIC2017),
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
