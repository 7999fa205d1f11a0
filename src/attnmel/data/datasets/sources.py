"""The data sets of official files: how the tables of each are read, and how it is divided. No torch."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from attnmel.data.archives.catalog import Role
from attnmel.data.datasets.splits import SHARES
from attnmel.data.tables.isic2020 import read_isic2020_labels
from attnmel.data.tables.labels import read_labels
from attnmel.data.tables.metadata import HAM10000, LESION_GROUPS, TEST_2019, TRAINING_2019, TRAINING_2020, MetadataTable
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
    groups: MetadataTable | None = None
    """Table of lesions or patients, and of attributes."""
    groups_in: Role = "lesion groups"
    """Which table that is."""
    metadata: MetadataTable | None = None
    """Further table of attributes."""
    leaves_out: bool = False
    """Whether images whose diagnosis has no class in a recipe are left out of training, instead of an error."""


TASK3 = Source(
    "ISIC 2018 task 3 (HAM10000)",
    "CC BY-NC 4.0; cite Tschandl et al., Sci. Data 5, 180161 (2018), and Codella et al., arXiv:1902.03368",
    partial(read_labels, year=2018),
    ("train", "test"),
    SHARES_2018,
    groups=LESION_GROUPS,
    metadata=HAM10000,
)

SOURCES: dict[str, Source] = {
    "isic2016": Source("ISIC 2016", "CC-0", partial(read_labels, year=2016), ("train", "test"), SHARES_2016),
    "isic2017": Source("ISIC 2017", "CC-0", partial(read_labels, year=2017)),
    "isic2018": TASK3,
    "isic2018-leaky": dataclasses.replace(TASK3, title=f"{TASK3.title}, split by image: leaks", leaks=True),
    "isic2019": Source(
        "ISIC 2019",
        "CC BY-NC 4.0; cite BCN_20000 (Hernández-Pérez et al., Sci. Data 11, 641, 2024), HAM10000 (Tschandl et al., "
        "Sci. Data 5, 180161, 2018) and MSK (Codella et al., arXiv:1710.05006 and arXiv:1902.03368)",
        partial(read_labels, year=2019),
        ("train", "test"),
        SHARES_2018,
        groups=TRAINING_2019,
        metadata=TEST_2019,
        leaves_out=True,
    ),
    "isic2020": Source(
        "ISIC 2020 (SIIM-ISIC)",
        "CC BY-NC 4.0; cite Rotemberg et al., Sci. Data 8, 34 (2021), doi:10.34970/2020-ds01",
        read_isic2020_labels,
        ("train",),
        SHARES,
        groups=TRAINING_2020,
        groups_in="labels",
        leaves_out=True,
    ),
    "isic2018-task1": Source("ISIC 2018 task 1-2", "CC-0", None, ("train",)),
    "phantoms": Source("phantoms (synthetic dermoscopy)", "synthetic, Apache-2.0", partial(read_labels, year=2017)),
}
"""Every data set whose official files `attnmel fetch` brings and this folder joins by image id."""
