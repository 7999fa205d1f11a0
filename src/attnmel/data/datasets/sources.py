"""The data sets of official files: how the tables of each are read, and how it is divided. No torch."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from attnmel.data.archives.catalog import Role
from attnmel.data.datasets.splits import SHARES
from attnmel.data.tables.isic2019 import read_isic2019_groups, read_isic2019_metadata
from attnmel.data.tables.isic2020 import read_isic2020_groups, read_isic2020_labels
from attnmel.data.tables.labels import (
    read_isic2016_labels,
    read_isic2017_labels,
    read_isic2018_labels,
    read_isic2019_labels,
)
from attnmel.data.tables.metadata import Known, read_ham10000_metadata, read_lesion_groups
from attnmel.records import INTERNAL, SPLITS, Split

SHARES_2016: Mapping[Split, float] = {"train": 0.85, "validation": 0.15}
"""ISIC 2016 has no validation set. A tenth would hold 17 malignant lesions, too few to choose an epoch by; this share
holds 26, near the 30 melanomas of ISIC 2017's own, and leaves 147 for training."""

SHARES_2018: Mapping[Split, float] = {"train": 0.8, "validation": 0.1, INTERNAL: 0.1}


@dataclass(frozen=True)
class Source:
    """How a known data set is read."""

    title: str
    licence: str
    diagnoses: Callable[[Path], dict[str, str]] | None
    """Table of labels -> diagnosis by image id; None where images have no diagnosis."""
    splits: tuple[Split, ...] = SPLITS
    """The official ones that are read."""
    shares: Mapping[Split, float] | None = None
    """How the official training images are divided anew; None where they are all for training."""
    leaks: bool = False
    """Whether they are divided image by image, one lesion on both sides."""
    groups: Callable[[Path], tuple[dict[str, str], Known]] | None = None
    """Table of lesions or patients -> the one of each image, where it is known, and attributes of every image."""
    groups_in: Role = "lesion groups"
    """Which table that is."""
    metadata: Callable[[Path], Known] | None = None
    """Table of metadata -> attributes of every image."""
    leaves_out: bool = False
    """Whether images whose diagnosis has no class in a recipe are left out of training, instead of an error."""


TASK3 = Source(
    "ISIC 2018 task 3 (HAM10000)",
    "CC BY-NC 4.0; cite Tschandl et al., Sci. Data 5, 180161 (2018), and Codella et al., arXiv:1902.03368",
    read_isic2018_labels,
    ("train", "test"),
    SHARES_2018,
    groups=read_lesion_groups,
    metadata=read_ham10000_metadata,
)

SOURCES: dict[str, Source] = {
    "isic2016": Source("ISIC 2016", "CC-0", read_isic2016_labels, ("train", "test"), SHARES_2016),
    "isic2017": Source("ISIC 2017", "CC-0", read_isic2017_labels),
    "isic2018": TASK3,
    "isic2018-leaky": dataclasses.replace(TASK3, title=f"{TASK3.title}, split by image: leaks", leaks=True),
    "isic2019": Source(
        "ISIC 2019",
        "CC BY-NC 4.0; cite BCN_20000 (Hernández-Pérez et al., Sci. Data 11, 641, 2024), HAM10000 (Tschandl et al., "
        "Sci. Data 5, 180161, 2018) and MSK (Codella et al., arXiv:1710.05006 and arXiv:1902.03368)",
        read_isic2019_labels,
        ("train", "test"),
        SHARES_2018,
        groups=read_isic2019_groups,
        metadata=read_isic2019_metadata,
        leaves_out=True,
    ),
    "isic2020": Source(
        "ISIC 2020 (SIIM-ISIC)",
        "CC BY-NC 4.0; cite Rotemberg et al., Sci. Data 8, 34 (2021), doi:10.34970/2020-ds01",
        read_isic2020_labels,
        ("train",),
        SHARES,
        groups=read_isic2020_groups,
        groups_in="labels",
        leaves_out=True,
    ),
    "isic2018-task1": Source("ISIC 2018 task 1-2", "CC-0", None, ("train",)),
    "phantoms": Source("phantoms (synthetic dermoscopy)", "synthetic, Apache-2.0", read_isic2017_labels),
}
"""Every data set whose official files `attnmel fetch` brings and this folder joins by image id."""
