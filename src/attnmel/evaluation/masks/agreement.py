"""How well predicted masks agree with true ones: means over images with intervals. No torch.

Shapes: N masks.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int
from scipy import stats

from attnmel.errors import ImageError
from attnmel.evaluation.challenge.masks import LEAST_JACCARD, TASK1, grey_mask, mask_measures, mask_pixels
from attnmel.evaluation.challenge.rules import OFFICIAL
from attnmel.evaluation.statistics.bootstrap import RESAMPLES, Interval, mean_interval
from attnmel.evaluation.statistics.estimators import estimate_shares
from attnmel.evaluation.statistics.sampling import Sampling

MEASURES = ("threshold_jaccard", "jaccard", "dice")


def file_pixels(pair: tuple[Path | None, Path]) -> Int[np.ndarray, " 4"] | str:
    """Count the pixels of a predicted and a true mask as `mask_pixels`, or say why not; None is an empty mask.

    One argument, so that processes can be handed pairs.
    """
    predicted, true = pair
    try:
        truth, _ = grey_mask(true)
        marked = np.zeros_like(truth) if predicted is None else grey_mask(predicted)[0]
    except ImageError as error:
        return str(error)
    if marked.shape != truth.shape:
        sizes = [f"{width} x {height}" for height, width in (marked.shape, truth.shape)]
        return f"{predicted} is {sizes[0]} pixels, but the true mask {true.name} is {sizes[1]}"
    return mask_pixels(marked, truth)


def overlaps(pixels: Int[np.ndarray, "N 4"]) -> dict[str, Float[np.ndarray, " N"]]:
    """Return the three `MEASURES` of each mask and whether it "failed", 1 where its Jaccard is below `LEAST_JACCARD`.

    `pixels` are counted by `official_masks.mask_pixels`; nothing against nothing counts as the official program has it.
    """
    found = mask_measures(pixels, OFFICIAL[TASK1])
    failed = (found["jaccard"] < LEAST_JACCARD).astype(np.float64)
    return {**{name: found[name] for name in MEASURES}, "failed": failed}


def mean_overlaps(
    pixels: Int[np.ndarray, "N 4"], groups: Sequence[str], *, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Interval]:
    """Return the mean of each figure of `overlaps` with its interval, by group.

    That of the share that "failed" is Wilson's, which has a width where no mask failed, too; of the others the
    percentile bootstrap's.
    """
    found = overlaps(pixels)
    failed = found["failed"].astype(np.bool_)[:, None]
    (share,) = estimate_shares(failed, np.ones_like(failed), Sampling.of(groups))
    means = {name: mean_interval(found[name], groups, resamples=resamples, seed=seed) for name in MEASURES}
    return {**means, "failed": share}


def rank_correlation(confidence: Float[np.ndarray, " N"], jaccard: Float[np.ndarray, " N"]) -> float:
    """Return Spearman's rank correlation; NaN for fewer than two images, or where all values of one are equal."""
    if len(jaccard) < 2 or np.ptp(confidence) == 0 or np.ptp(jaccard) == 0:
        return float("nan")
    return float(stats.spearmanr(confidence, jaccard).statistic)  # pyright: ignore[reportAttributeAccessIssue]
