"""Weights that let rare classes count as much as frequent ones in the loss."""

from collections.abc import Mapping

import numpy as np

from attnmel.errors import LabelError


def median_frequency(counts: Mapping[str, int]) -> dict[str, float]:
    """Return for each class the median of all classes' numbers of images divided by its own.

    Median frequency balancing, Eigen and Fergus, ICCV 2015; Zhuang et al. use it for ISIC 2018.

    Raises:
        LabelError: a class without an image has no such weight.
    """
    if missing := [name for name, count in counts.items() if not count]:
        raise LabelError(
            f"loss.class_weights = 'median-frequency' needs training images of every class, but there is none of "
            f"{', '.join(missing)}; add images, or give each class a number of its own"
        )
    middle = float(np.median(list(counts.values())))
    return {name: middle / count for name, count in counts.items()}
