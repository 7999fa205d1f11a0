"""The thesis's three tables as data: recipes in rows, measures in columns, and the splits they are evaluated on.

A further table is one more entry; its rows are names of recipes or TOML files.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from attnmel.evaluation.classification.metric_set import ALL_CLASSES, MEAN, RECALL
from attnmel.evaluation.thesis.published import CLASSES_2018


@dataclass(frozen=True)
class Column:
    """One figure of every row."""

    head: str
    measure: str
    task: str | None = None
    """None for the class that a recipe names first among its positives."""
    tested: bool = True
    """Whether rows are compared by it; fewer tests are corrected less."""


@dataclass(frozen=True)
class BlockPlan:
    """One split of a table."""

    split: str
    title: str
    published: bool = True
    """Whether the published figures are of images such as these, so that they may be shown with them."""


@dataclass(frozen=True)
class TablePlan:
    """One table: rows from top to bottom, columns from left to right."""

    name: str
    """Also the data set of its published rows and footnotes."""
    title: str
    rows: tuple[str, ...]
    columns: tuple[Column, ...]
    blocks: tuple[BlockPlan, ...]
    rivals: tuple[str, ...] = ()
    """Systems of other groups, built again; shown first, and tested against the plain classifier alone."""

    @property
    def every_row(self) -> tuple[str, ...]:
        """All recipes from top to bottom."""
        return (*self.rivals, *self.rows)


RANKING = (Column("AP", "ap"), Column("AUC", "auc"))
RECALLS = (
    *(Column(name, f"{RECALL}{name}", ALL_CLASSES, tested=False) for name in CLASSES_2018),
    Column("AVG", "balanced_accuracy", ALL_CLASSES),
)
BOTH_TASKS = (
    *RANKING,
    Column("AUC SK", "auc", "seborrheic_keratosis", tested=False),
    Column("mean AUC", "auc", MEAN, tested=False),
)
"""ISIC 2017 ranked teams by the mean AUC of its two tasks; only rows of three classes have the last two figures."""
TEST = (BlockPlan("test", "Official test images"),)


def _plan(
    name: str,
    title: str,
    rows: str,
    columns: tuple[Column, ...],
    blocks: tuple[BlockPlan, ...] = TEST,
    *,
    rivals: str = "",
) -> TablePlan:
    own, others = (tuple(f"{name}/{row}" for row in names.split()) for names in (rows, rivals))
    return TablePlan(name, title, own, columns, blocks, others)


TABLES: Mapping[str, TablePlan] = MappingProxyType(
    {
        plan.name: plan
        for plan in (
            _plan(
                "isic2016",
                "ISIC 2016",
                "vgg16 vgg16-gap mel-cnn attnmel",
                RANKING,
                rivals="lequan-yu codella codella-contexts zhen-yu",
            ),
            _plan(
                "isic2017",
                "ISIC 2017",
                "vgg16 vgg16-gap mel-cnn attnmel attnmel-dermo attnmel-lesion attnmel-bkg",
                BOTH_TASKS,
                rivals="matsunaga gonzalez-diaz gonzalez-diaz-ellipse menegola harangi harangi-weighted mahbod chen",
            ),
            _plan(
                "isic2018",
                "ISIC 2018 task 3",
                "vgg16 vgg16-gap mel-cnn attnmel attnmel-lesion-star attnmel-lesion-real attnmel-lesion-shifted "
                "attnmel-lesion-dilated attnmel-lesion-swapped attnmel-leaky",
                RECALLS,
                (
                    BlockPlan("internal", "Internal split: a tenth of the training images, kept apart"),
                    BlockPlan("test", "Official test images", published=False),
                ),
                rivals="zhuang zhuang-folds",
            ),
        )
    }
)
"""By name, in the order of the slides."""

UNCHANGING = (
    "training.device",
    "training.devices",
    "training.nodes",
    "training.accumulate",
    "training.seed",
    "training.precision",
    "training.threads",
    "training.log",
)
"""Settings that move no figure on purpose."""
FOLD = re.compile(r"\d+/\d+")
SHRINKING = ("data.size", "data.limit", "data.passes", "model.width", "training.epochs")
SHORT_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "data.size": "{} pixels",
        "data.limit": "{} training images",
        "data.passes": "passes {}",
        "training.epochs": "{} epochs",
        "model.width": "{} of the channels",
        "model.weights": "{} start",
        "model.trunk": "trunk {}",
    }
)
"""How a title calls a setting; one that is not listed goes by its key."""


def table_title(plan: TablePlan, settings: Mapping[str, str]) -> str:
    """Name a table, and what was changed of its recipes; `settings` are values by dotted key."""
    differing = {key: _short(value) for key, value in settings.items() if key not in UNCHANGING}
    if not differing:
        return plan.title
    changes = ", ".join(_change(key, value) for key, value in differing.items())
    if any(key in SHRINKING for key in differing):
        return f"{plan.title}, shrunken: {changes}; these figures say nothing of the published ones"
    return f"{plan.title}, changed: {changes}; the published figures are of the unchanged recipes"


def _change(key: str, value: str) -> str:
    words = SHORT_WORDS.get(key, f"{key} {{}}").format(value)
    return words.removesuffix("s") if (key, value) == ("training.epochs", "1") else words


def _short(value: str) -> str:
    """Return a value without its quotes; of a file or folder its name alone, of a fold all of it."""
    plain = value.strip("\"'")
    return plain if FOLD.fullmatch(plain) else plain.rstrip("/").rpartition("/")[2]
