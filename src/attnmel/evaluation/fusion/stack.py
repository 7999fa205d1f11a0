"""Validation scores of members -> logistic models of random combinations of them (Menegola et al. 2017). No torch.

Each column is a member's probability of one class as log-odds to base 2, clipped at 1e-5. What is ours: a combination
draws as many columns as there are, with replacement, and keeps the distinct ones; the models are logistic in place of a
linear SVM, so that their outputs are probabilities; their cost is the one with the highest AUC on folds by lesion.

Shapes: M members, N images, C combinations.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import expit, logit

from attnmel.evaluation.classification.ranking import Ranking, roc_auc

CLIP = 1e-5
COMBINATIONS = 100
COSTS = tuple(2.0**power for power in range(-8, 9, 4))

Scores = Float[np.ndarray, "M N"]
"""Probabilities of one class against the rest."""


class Stack(NamedTuple):
    """The fitted models of one class."""

    slopes: Float[np.ndarray, "C M"]
    """0 for a member that is not in the combination."""
    offsets: Float[np.ndarray, " C"]

    def __call__(self, scores: Scores) -> Float[np.ndarray, "C N"]:
        """Return each model's probability."""
        return expit(self.slopes @ log_odds(scores) + self.offsets[:, None])


class FittedStack(NamedTuple):
    """A stack, and what it predicts for the images that it was fitted on."""

    stack: Stack
    cost: float
    """Inverse of the penalty on the slopes."""
    held_out: Float[np.ndarray, "C N"]
    """Of each image by the models that were fitted without its fold."""


def log_odds(scores: Scores) -> Scores:
    """Return log2(p / (1 - p)), p between 1e-5 and 1 - 1e-5."""
    return logit(np.clip(scores, CLIP, 1 - CLIP)) / np.log(2)


def combinations(members: int, *, seed: int) -> Bool[np.ndarray, "C M"]:
    """Return which members each combination has: as many as there are, drawn with replacement."""
    drawn = np.random.default_rng(seed).integers(members, size=(COMBINATIONS, members))
    return (drawn[:, :, None] == np.arange(members)).any(axis=1)


def fit_stack(
    scores: Scores, positive: Bool[np.ndarray, " N"], fold_of: Int[np.ndarray, " N"], *, seed: int
) -> FittedStack:
    """Fit the models of one class; each fold has both sides, and all images of a lesion are in one.

    Members with the same scores count as one. Needs scikit-learn.
    """
    columns, firsts = log_odds(scores), _distinct(scores)
    chosen = combinations(len(firsts), seed=seed)
    aucs = [_held_out_auc(columns[firsts], positive, fold_of, cost) for cost in COSTS]
    cost = COSTS[int(np.argmax(aucs))]

    def fit(rows: Bool[np.ndarray, " N"]) -> Stack:
        slopes, offsets = np.zeros((len(chosen), len(scores))), np.zeros(len(chosen))
        kept: dict[bytes, tuple[np.ndarray, float]] = {}
        for place, which in enumerate(chosen):
            some = firsts[which]
            if which.tobytes() not in kept:
                kept[which.tobytes()] = _logistic(columns[some][:, rows], positive[rows], cost)
            slopes[place, some], offsets[place] = kept[which.tobytes()]
        return Stack(slopes, offsets)

    held_out = np.empty((len(chosen), scores.shape[1]))
    for fold in np.unique(fold_of):
        held_out[:, fold_of == fold] = fit(fold_of != fold)(scores[:, fold_of == fold])
    return FittedStack(fit(np.ones(len(positive), dtype=bool)), cost, held_out)


def _distinct(scores: Scores) -> Int[np.ndarray, " D"]:
    """Return the places of the first of all members with the same scores, in order."""
    return np.sort(np.unique(scores, axis=0, return_index=True)[1])


def _held_out_auc(
    columns: Scores, positive: Bool[np.ndarray, " N"], fold_of: Int[np.ndarray, " N"], cost: float
) -> float:
    """Return the mean AUC over the folds of the model of all columns."""
    aucs = []
    for fold in np.unique(fold_of):
        held = fold_of == fold
        slopes, offset = _logistic(columns[:, ~held], positive[~held], cost)
        aucs.append(roc_auc(Ranking.of(positive[held], slopes @ columns[:, held] + offset).counts())[0])
    return float(np.mean(aucs))


def _logistic(columns: Scores, positive: Bool[np.ndarray, " N"], cost: float) -> tuple[np.ndarray, float]:
    from sklearn.linear_model import LogisticRegression

    found = LogisticRegression(C=cost, solver="newton-cholesky", tol=1e-8).fit(columns.T, positive)
    return found.coef_[0], float(found.intercept_[0])
