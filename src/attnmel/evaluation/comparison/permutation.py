"""Two predictors on the same images -> p that they are equal, by swapping them lesion by lesion.

If two predictors are equal, their outputs for a lesion can be exchanged. Each permutation tosses a coin for each
lesion; p is the share of permutations, the real arrangement among them, that differ at least as much as the
real one: (1 + hits) / (1 + permutations), never 0 (Phipson and Smyth 2010).

Shapes: N images, R permutations, U units (lesions, patients or single images), M measures.
"""

from collections.abc import Callable, Iterator

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import stats

from attnmel.errors import ConfigError
from attnmel.evaluation.classification.ranking import MEASURES, Ranking
from attnmel.evaluation.statistics.bootstrap import CHUNK, PERMUTATIONS, ROUNDING

RANKED = ("auc", "ap")
"""Measures of the order of the scores alone."""


def rank_p(
    positive: Bool[np.ndarray, " N"],
    first: Float[np.ndarray, " N"],
    second: Float[np.ndarray, " N"],
    unit: Int[np.ndarray, " N"],
    *,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
) -> dict[str, float]:
    """Return p of each of `RANKED`, on swapped ranks.

    Each predictor's scores become its mid-ranks before they are swapped: AUC and AP stay what they are, and two
    predictors that rank alike on different scales are equal (Venkatraman and Begg 1996).

    Raises:
        ConfigError: fewer than one permutation.
    """
    # Both predictors in one ranking: a swap is then a matter of which rows count.
    ranks = np.concatenate([stats.rankdata(first), stats.rankdata(second)])
    ranking = Ranking.of(np.tile(positive, 2), ranks)

    def differences(swapped: Float[np.ndarray, "R N"]) -> Float[np.ndarray, "R M"]:
        kept = 1 - swapped
        there = ranking.counts(np.concatenate([kept, swapped], axis=1))
        back = ranking.counts(np.concatenate([swapped, kept], axis=1))
        return np.stack([MEASURES[name](back) - MEASURES[name](there) for name in RANKED], axis=1)

    found = _p(differences, unit, permutations, seed)
    return dict(zip(RANKED, found.tolist(), strict=True))


def share_p(
    shares: Float[np.ndarray, "N M"], unit: Int[np.ndarray, " N"], *, permutations: int = PERMUTATIONS, seed: int = 0
) -> Float[np.ndarray, " M"]:
    """Return p of each measure that is a sum over images, such as sensitivity.

    `shares` is what each image adds to the difference of the two predictors: for sensitivity 1 / positives where the
    second alone is right, minus that where the first alone is.

    Raises:
        ConfigError: fewer than one permutation.
    """
    return _p(lambda swapped: (1 - 2 * swapped) @ shares, unit, permutations, seed)


def _p(
    differences: Callable[[Float[np.ndarray, "R N"]], Float[np.ndarray, "R M"]],
    unit: Int[np.ndarray, " N"],
    permutations: int,
    seed: int,
) -> Float[np.ndarray, " M"]:
    if permutations < 1:
        raise ConfigError(f"permutations must be at least 1, got {permutations}")
    real = np.abs(differences(np.zeros((1, len(unit)))))
    hits = np.zeros(real.shape[1])
    for swapped in _swaps(unit, permutations, np.random.default_rng(seed)):
        hits += (np.abs(differences(swapped)) >= real - ROUNDING).sum(axis=0)
    return (1 + hits) / (1 + permutations)


def _swaps(
    unit: Int[np.ndarray, " N"], permutations: int, generator: np.random.Generator
) -> Iterator[Float[np.ndarray, "R N"]]:
    """Toss a coin for each unit and permutation, a chunk of bounded memory at a time; 1 where the two are swapped."""
    units = int(unit.max()) + 1
    step = max(1, CHUNK // (2 * len(unit)))
    for done in range(0, permutations, step):
        coins = generator.random((min(step, permutations - done), units)) < 0.5
        yield coins[:, unit].astype(np.float64)
