"""The nouns that travel between stages outside tensors: `Lesion` and `Predictions`. numpy only."""

import csv
import dataclasses
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from attnmel.diagnoses import REST, class_among
from attnmel.errors import LabelError, PredictionsError, counted, listed
from attnmel.files.data_frames import frame
from attnmel.files.table_files import read_table, write_table
from attnmel.shapes import Bool, Float, Int

if TYPE_CHECKING:
    from pandas import DataFrame

Split = Literal["train", "validation", "test", "internal"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
"""The three that every data set has or is drawn into."""

INTERNAL: Split = "internal"
"""A second test split, drawn from the official training images and kept from training; ISIC 2018 has one."""

EVERY_SPLIT: tuple[Split, ...] = (*SPLITS, INTERNAL)

ATTRIBUTES = ("age", "sex", "site", "laterality", "confirmation", "source")
"""What may be known of an image besides its diagnosis, as text: age in years, sex, body site, side of the body, how the
diagnosis was confirmed (histopathology, follow-up, consensus, confocal), and which collection the image is from."""

ATTENTION_MAPS = ("pool3", "pool4")
"""Names of a network's attention maps in files and tables, in the order that networks return them."""

CALIBRATED, UNCALIBRATED = "probability_", "uncalibrated_"
"""Start of the columns of probabilities: calibrated as far as there is a temperature, and without it."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ColourStatistics:
    """The mean colours of training images, with which `data.preprocess.image_warnings` compares those of others."""

    mean: tuple[float, float, float]
    """Mean over images of the mean red, green and blue that the network saw of each, in [0, 1]."""
    covariance: tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]
    """Of these three over images; can be inverted."""
    limit: float
    """Mahalanobis distance above which colours are far from training."""
    images: int

    def __post_init__(self) -> None:
        matrix = np.array(self.covariance)
        if not (np.isfinite(matrix).all() and np.linalg.eigvalsh(matrix)[0] > 0 and self.limit > 0):
            raise ValueError("expected a positive limit and a covariance that can be inverted")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Lesion:
    """One dermoscopy image with what is known of it."""

    image_id: str
    image: Path
    diagnosis: str | None
    """As the data set names it; None where it is not known."""
    split: Split | None
    """None until a split is drawn."""
    mask: Path | None = None
    """Lesion mask of the image's own size, or None."""
    group: str | None = None
    """Images of one group (one lesion, one patient) stay on one side of a split."""
    attributes: Mapping[str, str] = dataclasses.field(default_factory=dict, hash=False)
    """By a name of `ATTRIBUTES`; what is not known is left out."""


DOWNSAMPLED = "_downsampled"
"""End of the ids of 2,074 images of ISIC 2019 that are smaller copies of images of the archive."""


def plain_id(image_id: str) -> str:
    """Return an image id as it is compared across data sets, without `DOWNSAMPLED`."""
    return image_id.removesuffix(DOWNSAMPLED)


def scale_in_words(temperature: float | None) -> str:
    """Say which probabilities measures and thresholds are of."""
    calibrated = temperature is not None
    return f"calibrated probabilities (temperature {temperature:g})" if calibrated else "uncalibrated probabilities"


RECALIBRATION = "recalibration"
"""What a page calls the images of another place that `attnmel recalibrate` has in place of the validation images."""


def choosing_images(count: int, elsewhere: str = "", among: str = "") -> str:
    """Return the images that chose a temperature or thresholds, in words.

    `elsewhere` says which they are where they are no validation images of the training; `among` follows the count.
    """
    return f"{count:,} images{among}, {elsewhere}" if elsewhere else f"{count:,} validation images{among}"


def class_index(lesion: Lesion, classes: Sequence[str]) -> int:
    """Return the place of the lesion's diagnosis among the classes.

    Raises:
        LabelError: no diagnosis, or one without a class where no class is called "rest".
    """
    if lesion.diagnosis is None:
        raise LabelError(f"{lesion.image_id} has no label; expected one of: {', '.join(classes)}")
    if (place := place_among(lesion, classes)) is not None:
        return place
    raise LabelError(
        f"{lesion.image_id} is labelled '{lesion.diagnosis}', which is none of the classes {', '.join(classes)}. "
        "Name it in data.classes, or put 'rest' there for all others."
    )


def place_among(lesion: Lesion, classes: Sequence[str]) -> int | None:
    """Return the place of the class that a lesion's diagnosis is, by its own or another name; None where it is none.

    The names are looked up by `diagnoses.class_among`; what has no class is "rest".
    """
    if lesion.diagnosis is None:
        return None
    name = class_among(lesion.diagnosis, classes) or (REST if REST in classes else None)
    return None if name is None else classes.index(name)


@dataclasses.dataclass(frozen=True)
class Predictions:
    """Class probabilities of images, with what is true of them, joined by image id."""

    image_ids: tuple[str, ...]
    classes: tuple[str, ...]
    probabilities: Float[np.ndarray, "N K"]
    labels: Int[np.ndarray, " N"]
    """Index of the true class; -1 where it is not known."""
    groups: tuple[str, ...]
    """The lesion or patient of each image; its own id where that is not known."""
    attributes: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    """What else is known of each image, by a name of `ATTRIBUTES`; "" where it is not known."""
    temperature: float | None = None
    """What the scores were divided by; None for uncalibrated probabilities."""

    def __repr__(self) -> str:
        return f"Predictions({counted(len(self.image_ids), 'image')}, {', '.join(self.classes)}; see .to_frame())"

    def __post_init__(self) -> None:
        count = len(self.image_ids)
        lengths = {len(self.probabilities), len(self.labels), len(self.groups), count}
        lengths |= {len(column) for column in self.attributes.values()}
        if lengths != {count} or self.probabilities.shape != (count, len(self.classes)):
            raise PredictionsError(f"predictions of unequal length: {sorted(lengths)}")
        if len(set(self.image_ids)) != count:
            doubled = sorted(one for one, times in Counter(self.image_ids).items() if times > 1)
            raise PredictionsError(f"doubled image ids: {listed(doubled)}")

    @staticmethod
    def of_image(classes: tuple[str, ...], probabilities: Sequence[float] | np.ndarray) -> "Predictions":
        """Return the probabilities of one unlabelled image, for what takes those of many."""
        return Predictions(("image",), classes, np.array([probabilities]), np.array([-1]), ("image",))

    def probability(self, name: str) -> Float[np.ndarray, " N"]:
        """Probability of one class."""
        return self.probabilities[:, self.classes.index(name)]

    def is_class(self, name: str) -> np.ndarray:
        """Whether each image truly is of the class."""
        return self.labels == self.classes.index(name)

    def among(self, chosen: Bool[np.ndarray, " N"]) -> "Predictions":
        """Return those of the chosen images, in the same order."""
        return self.take(np.flatnonzero(chosen).tolist())

    def take(self, rows: Sequence[int]) -> "Predictions":
        """Return the images of these rows, in their order."""
        return Predictions(
            image_ids=tuple(self.image_ids[row] for row in rows),
            classes=self.classes,
            probabilities=self.probabilities[list(rows)],
            labels=self.labels[list(rows)],
            groups=tuple(self.groups[row] for row in rows),
            attributes={name: tuple(column[row] for row in rows) for name, column in self.attributes.items()},
            temperature=self.temperature,
        )

    def of_images(self, image_ids: Sequence[str]) -> "Predictions":
        """Return these images, in their order."""
        place = {image_id: row for row, image_id in enumerate(self.image_ids)}
        return self.take([place[image_id] for image_id in image_ids])

    def write(self, path: Path, licence: str | None, *, uncalibrated: "Predictions | None" = None) -> None:
        """Write the table as CSV, and with a licence what it may be used for into a file next to it.

        Calibrated predictions come with the uncalibrated ones of the same images, in columns of their own at the end.
        Probabilities are written in full (`repr`), so that a file read back gives the same measures to the last bit.
        """
        named = self._columns()
        header, columns = [*named], [*named.values()]
        if uncalibrated is not None:
            header += [f"{UNCALIBRATED}{name}" for name in self.classes]
            columns += uncalibrated.probabilities.T.astype(float).tolist()
        write_table(path, header, zip(*columns, strict=True), licence=licence)

    def to_frame(self) -> "DataFrame":
        """Return the table that `write` writes as one of pandas."""
        names = self._columns()
        return frame(dict(zip(names, row, strict=True)) for row in zip(*names.values(), strict=True))

    def _columns(self) -> dict[str, Sequence[object]]:
        labels = [self.classes[label] if label >= 0 else "" for label in self.labels.tolist()]
        shares = self.probabilities.T.astype(float).tolist()
        known: dict[str, Sequence[object]] = {"image": self.image_ids, "label": labels, "group": self.groups}
        known |= {f"attribute_{name}": values for name, values in self.attributes.items()}
        return known | {f"{CALIBRATED}{name}": share for name, share in zip(self.classes, shares, strict=True)}

    @staticmethod
    def read(path: Path, *, uncalibrated: bool = False) -> "Predictions":
        """Read what `write` wrote: the probabilities, or with `uncalibrated` those without a temperature.

        Files of an earlier version, and those of a run without a temperature, hold uncalibrated ones only.

        Raises:
            PredictionsError: no such file, one that is no table of text, a missing column, a label that is no class, a
                probability outside [0, 1].
        """
        if path.is_dir():
            raise PredictionsError(f"{path} is a folder; expected a CSV in it, as `attnmel evaluate` writes it")
        if not path.is_file():
            raise PredictionsError(f"no predictions at {path}; make them with `attnmel evaluate RUN`")
        try:
            rows = read_table(path)
        except (UnicodeDecodeError, csv.Error) as error:
            raise PredictionsError(
                f"{path.name} is no table of text in UTF-8 ({error}); expected a CSV as `attnmel evaluate` writes it"
            ) from None
        if not rows:
            raise PredictionsError(f"{path.name} holds no row; expected a header and one row an image")
        columns = [name for name in rows[0] if name and name.startswith(CALIBRATED)]
        if missing := {"image", "label", "group"} - set(rows[0]):
            raise PredictionsError(f"{path.name} lacks the column {', '.join(sorted(missing))}")
        if not columns:
            raise PredictionsError(f"{path.name} has no column that starts with '{CALIBRATED}'")
        classes = tuple(name.removeprefix(CALIBRATED) for name in columns)
        if uncalibrated and f"{UNCALIBRATED}{classes[0]}" in rows[0]:
            columns = [f"{UNCALIBRATED}{name}" for name in classes]
        return Predictions(
            image_ids=tuple(row["image"] for row in rows),
            classes=classes,
            probabilities=np.array([[_share(row, name, path) for name in columns] for row in rows], dtype=np.float64),
            labels=np.array([_label(row, classes, path) for row in rows], dtype=np.int64),
            groups=tuple(row["group"] or row["image"] for row in rows),
            attributes={
                name: tuple(row[f"attribute_{name}"] for row in rows)
                for name in ATTRIBUTES
                if f"attribute_{name}" in rows[0]
            },
        )


def _share(row: dict[str, str], column: str, path: Path) -> float:
    try:
        share = float(row[column])
    except (TypeError, ValueError):
        share = math.nan
    if not 0 <= share <= 1:
        raise PredictionsError(f"{path.name}, {row['image']}: {column} is '{row[column]}', expected a number in [0, 1]")
    return share


def _label(row: dict[str, str], classes: tuple[str, ...], path: Path) -> int:
    if not row["label"]:
        return -1
    if row["label"] not in classes:
        raise PredictionsError(f"{path.name}, {row['image']}: label '{row['label']}' is none of {', '.join(classes)}")
    return classes.index(row["label"])
