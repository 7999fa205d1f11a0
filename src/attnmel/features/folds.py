"""Training images -> folds by lesion: what fits a score and what is scored never show the same lesion. No torch."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int

from attnmel.data.datasets.splits import draw_sides
from attnmel.errors import LabelError, counted


def draw_folds(
    labels: Int[np.ndarray, " N"], groups: Sequence[str], classes: Sequence[str], *, folds: int, seed: int
) -> Int[np.ndarray, " N"]:
    """Return the fold of each image, from 0: stratified by class, all images of a group (a lesion) in one fold.

    Raises:
        LabelError: a class that one of the folds, or all others together, would lack.
    """
    ids: dict[str, str | None] = {str(row): str(classes[label]) for row, label in enumerate(labels.tolist())}
    group_of = {str(row): group for row, group in enumerate(groups)}
    shares = {str(fold): 1 / folds for fold in range(folds)}
    side_of = draw_sides(ids, group_of, seed=seed, shares=shares)
    drawn = np.array([int(side_of[str(row)]) for row in range(len(labels))], dtype=np.int64)
    for fold in range(folds):
        for index, name in enumerate(classes):
            held = int((labels[drawn == fold] == index).sum())
            if held == 0 or held == int((labels == index).sum()):
                lesions = len({group for group, label in zip(groups, labels.tolist(), strict=True) if label == index})
                # A single lesion is in one fold whatever their number, and there are two folds at least.
                fewer = (
                    f"set svm.folds to {min(folds - 1, lesions)} or fewer, or " if min(folds - 1, lesions) > 1 else ""
                )
                raise LabelError(
                    f"fold {fold + 1} of {folds} holds {'no' if held == 0 else 'every'} training image of '{name}' "
                    f"({counted(lesions, 'lesion')} of it in all); {fewer}train on more images"
                )
    return drawn
