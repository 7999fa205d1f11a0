"""A folder of masks against the true masks of a data set: by diagnosis, by flag, and by what the segmenter saw."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from attnmel import NOTICE
from attnmel.data.datasets.own.masks import FolderMasks
from attnmel.data.datasets.read_dataset import read_dataset
from attnmel.data.preprocess.workers import in_order, worthwhile_processes
from attnmel.errors import ConfigError, LabelError, PredictionsError, listed
from attnmel.evaluation.challenge.masks import ENDING, LEAST_JACCARD, masks_in
from attnmel.evaluation.masks.agreement import file_pixels, mean_overlaps, overlaps, rank_correlation
from attnmel.evaluation.statistics.bootstrap import RESAMPLES, Interval
from attnmel.files.folders import MasksFolder, predicted_masks
from attnmel.number_formats import fixed, in_ascii
from attnmel.pipeline.run.images.seen_images import known_images, read_images, shared_images
from attnmel.pipeline.segment.masks_table import MaskRow, read_masks_table
from attnmel.progress import SILENT, Progress
from attnmel.records import Lesion
from attnmel.report.html.sections import Table
from attnmel.report.html.table_texts import markdown_table

ALL, DIAGNOSIS, FLAG, KNOWN = "all", "diagnosis", "flag", "segmenter"
"""Kinds of parts of the images."""

MISSING = "no mask"
UNFLAGGED = "no flag"
UNKNOWN = "never saw them"
KNOWN_WORDS = {"train": "learnt from them", "validation": "chose its epoch by them"}
"""By the split of the segmenter's own images."""

COLUMNS = {
    "threshold_jaccard": "threshold Jaccard",
    "jaccard": "Jaccard",
    "dice": "Dice",
    "failed": f"share below {fixed(LEAST_JACCARD, 2)}",
}


@dataclass(frozen=True)
class MaskGroup:
    """The agreement over some of the images."""

    kind: str
    name: str
    images: int
    figures: dict[str, Interval]


@dataclass(frozen=True)
class MasksScore:
    """How the masks of a folder agree with the true ones of a data set."""

    dataset: str
    split: str
    """Of the data set; "all" for every image with a true mask."""
    folder: str
    images: int
    missing: int
    """Images without a predicted mask: each counts as an empty one, Jaccard 0."""
    parts: tuple[MaskGroup, ...]
    confidence_correlation: float
    """Spearman's, of confidence with Jaccard; NaN where there is no table of confidences."""
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        plain = dataclasses.asdict(self)
        for part, values in zip(self.parts, plain["parts"], strict=True):
            values["figures"] = {name: one._asdict() for name, one in part.figures.items()}
        return {"notice": NOTICE, **plain}

    def markdown(self) -> str:
        """Return a title, a table with 95 % intervals, and notes."""
        heads = ("images of", "images", *COLUMNS.values())
        rows = (
            (_words(one), f"{one.images}", *(in_ascii(one.figures[name]) for name in COLUMNS)) for one in self.parts
        )
        table = "\n".join(markdown_table(Table("", heads, tuple(rows))))
        notes = [
            f"Rank correlation of confidence with Jaccard: {fixed(self.confidence_correlation, missing='-')}.",
            *self.notes,
        ]
        return f"{self.dataset} ({self.split}) against {self.folder}\n\n{table}\n\n" + "\n".join(notes) + "\n"


def score_masks(
    dataset: str,
    folder: Path | None = None,
    *,
    home: Path,
    split: str = ALL,
    resamples: int = RESAMPLES,
    seed: int = 0,
    progress: Progress = SILENT,
) -> MasksScore:
    """Compare predicted masks with the true ones in the images' own size; images of one lesion are resampled together.

    Without a folder the masks are those that `attnmel segment predict` drew for the data set. A mask that is missing
    counts as empty. Where the folder names the images that its segmenter learnt from, and some of them are scored, the
    measures of those, and of the others, are given too.

    Raises:
        ConfigError: an unknown data set, or a folder of images of one's own without a folder of masks.
        LabelError: no image of the split has a true mask; of images of one name, one mask fits several.
        PredictionsError: no folder, no mask in it or none of these images, or masks that cannot be read or are of
            another size; names them.
    """
    read = read_dataset(dataset, home)
    if folder is None and not read.is_known:
        raise ConfigError(f"name the folder of masks too; only a known data set has one of its own, {dataset} is none")
    masks = MasksFolder(folder) if folder is not None else predicted_masks(home, dataset)
    lesions = [one for one in read.lesions if one.mask is not None and split in (ALL, one.split)]
    if not lesions:
        raise LabelError(f"no image of {dataset} has a true mask in the split '{split}'; fetch them, or choose another")
    predicted, table = _predicted(lesions, masks), read_masks_table(masks)
    if not any(one.image_id in predicted or (table and one.image_id in table.rows) for one in lesions):
        raise PredictionsError(
            f"none of the {len(predicted)} masks in {masks.path} is of the {len(lesions)} images of {dataset} "
            f"({listed(sorted(predicted))}); expected files called <image>{ENDING}.png"
        )
    pixels = _pixels(lesions, predicted, progress)
    missing = sum(one.image_id not in predicted for one in lesions)
    kinds, notes = _kinds(lesions, predicted, table.rows if table else {}, masks, home)
    if missing:
        notes.append(f"{missing} of {len(lesions)} images have no mask; each counts as an empty one.")
    parts = []
    for kind, names in kinds.items():
        for name in _in_order(kind, names):
            chosen = np.array([one == name for one in names])
            groups = [one.group or one.image_id for one, keep in zip(lesions, chosen, strict=True) if keep]
            found = mean_overlaps(pixels[chosen], groups, resamples=resamples, seed=seed)
            parts.append(MaskGroup(kind, name, int(chosen.sum()), found))
    return MasksScore(
        dataset=read.name,
        split=split,
        folder=str(masks.path),
        images=len(lesions),
        missing=missing,
        parts=tuple(parts),
        confidence_correlation=_correlation(lesions, pixels, table.rows if table else {}),
        notes=tuple(notes),
    )


def _predicted(lesions: Sequence[Lesion], masks: MasksFolder) -> Mapping[str, Path]:
    """Return the mask of each image that has one; where ids have folders, `segment predict` writes masks into such."""
    if not masks.path.is_dir() or not any("/" in one.image_id for one in lesions):
        return masks_in(masks.path)
    found = FolderMasks(masks.path).find_each((one.image_id, one.image) for one in lesions)
    predicted = {one.image_id: mask for one, mask in zip(lesions, found, strict=True) if mask is not None}
    return predicted or masks_in(masks.path)


def _pixels(lesions: Sequence[Lesion], predicted: Mapping[str, Path], progress: Progress) -> np.ndarray:
    """Count the pixels of every pair; an error names all masks that cannot be used."""
    pairs = [(predicted.get(one.image_id), one.mask) for one in lesions if one.mask is not None]
    counted, problems = [], []
    with progress.bar("comparing masks", len(pairs), "masks") as advance:
        for one in in_order(file_pixels, pairs, worthwhile_processes(len(pairs))):
            if isinstance(one, str):
                problems.append(one)
            else:
                counted.append(one)
            advance(1)
    if problems:
        raise PredictionsError(f"{len(problems)} of {len(pairs)} pairs of masks cannot be used: {listed(problems)}")
    return np.stack(counted)


def _kinds(
    lesions: Sequence[Lesion],
    predicted: Mapping[str, Path],
    rows: Mapping[str, MaskRow],
    masks: MasksFolder,
    home: Path,
) -> tuple[dict[str, list[str]], list[str]]:
    """Return the name of each image's part by kind of part, and notes."""
    kinds = {ALL: [ALL] * len(lesions)}
    known, note = _known(lesions, masks, home)
    if any(one != UNKNOWN for one in known):
        kinds[KNOWN] = known
    if any(one.diagnosis for one in lesions):
        kinds[DIAGNOSIS] = [one.diagnosis or "not known" for one in lesions]
    if rows:
        kinds[FLAG] = [_flag(one.image_id, predicted, rows) for one in lesions]
    return kinds, [note]


def _known(lesions: Sequence[Lesion], masks: MasksFolder, home: Path) -> tuple[list[str], str]:
    """Return for each image whether the segmenter saw it, by id, content or lesion, and a sentence about all."""
    learnt = read_images(masks)
    if not learnt:
        return [UNKNOWN] * len(lesions), f"No {masks.images.name}: what the segmenter learnt from is not known."
    scored = known_images(lesions, home)
    leaks = {one.image: KNOWN_WORDS[one.known_split] for one in shared_images(learnt, scored, masks.path.name)}
    names = [leaks.get(one.image_id, UNKNOWN) for one in lesions]
    fitted, chose = (names.count(words) for words in KNOWN_WORDS.values())
    note = f"The segmenter learnt from {fitted} of these {len(lesions)} images and chose its epoch by {chose}."
    return names, note


def _flag(image_id: str, predicted: Mapping[str, Path], rows: Mapping[str, MaskRow]) -> str:
    if image_id not in rows or rows[image_id].error:
        return UNFLAGGED if image_id in predicted else MISSING
    return rows[image_id].flag or UNFLAGGED


def _in_order(kind: str, names: Iterable[str]) -> list[str]:
    """Return the parts of a kind: images that the segmenter never saw first, the others by name."""
    first = {UNKNOWN: 0, UNFLAGGED: 0}
    return sorted(set(names), key=lambda name: (first.get(name, 1), name))


def _correlation(lesions: Sequence[Lesion], pixels: np.ndarray, rows: Mapping[str, MaskRow]) -> float:
    sure = [rows[one.image_id].confidence if _has_row(one, rows) else np.nan for one in lesions]
    confidence, jaccard = np.array(sure), overlaps(pixels)["jaccard"]
    known = ~np.isnan(confidence)
    return rank_correlation(confidence[known], jaccard[known])


def _has_row(lesion: Lesion, rows: Mapping[str, MaskRow]) -> bool:
    return lesion.image_id in rows and not rows[lesion.image_id].error


def _words(part: MaskGroup) -> str:
    return part.name if part.kind == ALL else f"{part.kind}: {part.name}"
