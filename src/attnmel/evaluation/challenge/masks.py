"""Lesion masks against true ones -> the official measures of ISIC 2018 tasks 1 and 2.

Masks are binarised at `MASK_ABOVE` and compared pixel by pixel in the size of the photograph.

Shapes: N masks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int, UInt8

from attnmel.data.datasets.mask_files import files_of
from attnmel.data.image_files.decode import opened
from attnmel.data.image_files.formats import PNG_SUFFIXES
from attnmel.data.image_files.masks import shown_levels
from attnmel.data.image_files.picture import upright
from attnmel.data.tables.problems import Problem, refuse
from attnmel.errors import ImageError, PredictionsError, listed
from attnmel.evaluation.challenge.metrics import ConfusionCounts, ratio
from attnmel.evaluation.challenge.rules import CHALLENGES, MASKS, OFFICIAL, Rules
from attnmel.evaluation.challenge.score import ChallengeReport
from attnmel.evaluation.classification.metric_intervals import MetricRow
from attnmel.evaluation.statistics.bootstrap import RESAMPLES, mean_interval

TASK1 = "isic2018-task1"

MASK_ABOVE = 128
"""Grey levels strictly above it are lesion."""

LEAST_JACCARD = 0.65
"""An overlap below it counts as a failure, 0 (Codella et al. 2019, arXiv:1902.03368)."""

ENDING = "_segmentation"

TRUE_MASKS = (
    "every mask equals the true one: it looks like the folder of the truth itself, so the measures say nothing of a "
    "segmenter; name the folder of its masks"
)
"""What is said of a submission that is the truth."""


@dataclass(frozen=True)
class MaskEntry:
    """Pixels called rightly and wrongly in each mask that counts."""

    image_ids: tuple[str, ...]
    pixels: Int[np.ndarray, "N 4"]
    """True positives, false positives, false negatives, true negatives."""
    groups: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def mask_pixels(predicted: UInt8[np.ndarray, "H W"], truth: UInt8[np.ndarray, "H W"]) -> Int[np.ndarray, " 4"]:
    """Count the pixels of one mask: true positives, false positives, false negatives, true negatives."""
    marked, lesion = predicted > MASK_ABOVE, truth > MASK_ABOVE
    both, called, true = int((marked & lesion).sum()), int(marked.sum()), int(lesion.sum())
    return np.array([both, called - both, true - both, marked.size - called - true + both])


def mask_measures(pixels: Int[np.ndarray, "N 4"], rules: Rules) -> dict[str, Float[np.ndarray, " N"]]:
    """Return every official measure of each mask, in [0, 1]; nothing against nothing is what `undefined` says.

    The threshold Jaccard is the Jaccard index where it is at least `LEAST_JACCARD`, else 0.
    """
    confusion = ConfusionCounts(*pixels.T.astype(np.float64))
    jaccard = ratio("jaccard", confusion, rules)
    found = {
        "threshold_jaccard": np.where(jaccard < LEAST_JACCARD, 0.0, jaccard),
        "jaccard": jaccard,
        "dice": ratio("f1", confusion, rules),
    }
    every = CHALLENGES[TASK1].measures
    return {name: found[name] if name in found else ratio(name, confusion, rules) for name in every}


def evaluate_masks(
    entry: MaskEntry, rules: Rules | None = None, *, resamples: int = RESAMPLES, seed: int = 0
) -> ChallengeReport:
    """Average every measure of task 1 over the masks, with 95 % bootstrap intervals, drawn by lesion.

    Raises:
        PredictionsError: no mask that counts.
    """
    if not entry.image_ids:
        raise PredictionsError("no mask that counts; expected at least one")
    rules = OFFICIAL[TASK1] if rules is None else rules
    rows = tuple(
        MetricRow(MASKS, name, *mean_interval(values, entry.groups, resamples=resamples, seed=seed))
        for name, values in mask_measures(entry.pixels, rules).items()
    )
    return ChallengeReport(
        dataset=TASK1,
        title=CHALLENGES[TASK1].title,
        rows=rows,
        ranked_by=CHALLENGES[TASK1].ranked_by,
        rules=rules,
        counts={},
        images=len(entry.image_ids),
        units=len(set(entry.groups)),
        left_out=entry.left_out,
        resamples=resamples,
        seed=seed,
        notes=entry.notes,
    )


def read_masks(
    predictions: Path,
    truth: Mapping[str, Path],
    *,
    excluded: Sequence[str] = (),
    groups: Mapping[str, str] | None = None,
) -> MaskEntry:
    """Compare a folder of `<image>_segmentation.png` with the true mask of each image.

    Raises:
        PredictionsError: no such folder, or missing, unknown or damaged masks, or of another size; lists all problems.
    """
    given = masks_in(predictions)
    name, wanted = predictions.name, sorted(set(truth) - set(excluded))
    problems = [
        Problem(0, "", given[one].name, "the masks of the truth only")
        for one in sorted(set(given) - set(truth) - set(excluded))
    ]
    if missing := [one for one in wanted if one not in given]:
        found = f"no mask of {len(missing)} of {len(wanted)} images ({listed(missing)})"
        problems.append(Problem(0, "", found, f"<image>{ENDING}.png for each"))
    pixels, coloured = [], 0
    for one in wanted:
        if one in given:
            compared = _compared(given[one], truth[one])
            if isinstance(compared, Problem):
                problems.append(compared)
            else:
                pixels.append(compared[0])
                coloured += compared[1]
    refuse({name: problems})
    wrong = sum(int(false_positives + false_negatives) for _, false_positives, false_negatives, _ in pixels)
    note = f"{coloured} of {len(wanted)} masks are not stored in grey, which the official program refuses; converted"
    return MaskEntry(
        tuple(wanted),
        np.array(pixels, dtype=np.int64).reshape(-1, 4),
        tuple((groups or {}).get(one) or one for one in wanted),
        tuple(sorted(set(truth) & set(excluded))),
        (*((note,) if coloured else ()), *((TRUE_MASKS,) if not wrong and pixels else ())),
    )


def masks_in(folder: Path) -> dict[str, Path]:
    """Return the masks of a folder by image id; the case of the names' ending does not matter.

    Raises:
        PredictionsError: no such folder, no mask in it, or two of one image.
    """
    if not folder.is_dir():
        raise PredictionsError(f"no folder at {folder}; expected one of masks, <image>{ENDING}.png")
    paths = files_of(folder, PNG_SUFFIXES)
    named = [(path.stem[: -len(ENDING)], path) for path in paths if path.stem.lower().endswith(ENDING)]
    if not named:
        raise PredictionsError(f"no mask in {folder}; expected files called <image>{ENDING}.png")
    masks = dict(named)
    if twice := [path.name for image_id, path in named if masks[image_id] != path]:
        raise PredictionsError(f"{folder} has two masks of one image: {listed(twice)}; take one of each out")
    return masks


def _compared(predicted: Path, truth: Path) -> tuple[Int[np.ndarray, " 4"], bool] | Problem:
    """Return the pixels, and whether the prediction is stored otherwise than in grey; or what is wrong."""
    try:
        (marked, coloured), (lesion, _) = grey_mask(predicted), grey_mask(truth)
    except ImageError as error:
        return Problem(0, "", f"a mask that cannot be read: {error}", "a whole PNG")
    if marked.shape != lesion.shape:
        sizes = [f"{width} x {height}" for height, width in (marked.shape, lesion.shape)]
        return Problem(0, "", f"{predicted.name} of {sizes[0]} pixels", f"{sizes[1]}, as {truth.name}")
    return mask_pixels(marked, lesion), coloured


def grey_mask(path: Path) -> tuple[UInt8[np.ndarray, "H W"], bool]:
    """Return the grey levels of a mask, and whether it is stored otherwise than in grey.

    Raises:
        ImageError: the file cannot be used.
    """
    with opened(path) as picture:
        coloured = picture.mode not in ("1", "L")
        return np.asarray(upright(shown_levels(picture), picture)), coloured
