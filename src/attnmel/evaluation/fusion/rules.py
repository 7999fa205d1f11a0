"""Class probabilities of several members -> one row an image, by rules of arithmetic. No torch.

Shapes: M members, N images, K classes. Each class is a column of its own, so that members whose rows do not sum to 1
(two networks of one class against the rest) are fused as those whose rows do.
"""

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import rankdata

from attnmel.errors import PredictionsError

Members = Float[np.ndarray, "M N K"]
Fused = Float[np.ndarray, "N K"]


def mean(members: Members) -> Fused:
    """Return the plain mean: of runs of several folds, networks or test transforms as of any other members."""
    return members.mean(axis=0)


def rank_mean(members: Members) -> Fused:
    """Return the mean over the members of each image's rank among the images of its class, ties averaged.

    Ranks from 1 to N are written as (rank - 0.5) / N, strictly between 0 and 1: not probabilities.
    """
    return ((rankdata(members, axis=1) - 0.5) / members.shape[1]).mean(axis=0)


def accuracies(members: Members, labels: Int[np.ndarray, " N"]) -> Float[np.ndarray, " M"]:
    """Return the share of the images whose true class has each member's highest probability."""
    return (members.argmax(axis=2) == labels).mean(axis=1)


def weighted(members: Members, weights: Float[np.ndarray, " M"]) -> Fused:
    """Return the mean by weights, such as the members' validation accuracies (Harangi, JBI 2018).

    s_c = sum_k w_k p_kc / sum_k w_k, which is s_c / sum_c s_c where the rows of all members sum to 1. A member of
    weight 0 has no influence.

    Raises:
        PredictionsError: all weights are 0.
    """
    _check_weights(weights)
    return np.average(members, axis=0, weights=weights)


def confident(members: Members, weights: Float[np.ndarray, " M"]) -> Fused:
    """Return the mean by weight times confidence, the highest probability of the member's row (Harangi, JBI 2018).

    Raises:
        PredictionsError: all weights are 0.
    """
    _check_weights(weights)
    each = members.max(axis=2) * weights[:, None]
    total = each.sum(axis=0)  # 0 only where all members with a weight give 0 to every class
    shares = np.divide(each, total, out=np.full_like(each, 1 / len(members)), where=total > 0)
    return (shares[:, :, None] * members).sum(axis=0)


def most_extreme(members: Float[np.ndarray, "M *shape"]) -> Float[np.ndarray, "*shape"]:
    """Return the score farthest from 0.5 (Menegola et al. 2017); the mean of two that are as far on both sides."""
    away = np.abs(members - 0.5)
    farthest = np.isclose(away, away.max(axis=0), rtol=0, atol=1e-12)
    found = np.where(farthest, members, 0).sum(axis=0) / farthest.sum(axis=0)
    # The mean of equal numbers may differ in the last bit.
    return np.clip(found, members.min(axis=0), members.max(axis=0))


def _check_weights(weights: Float[np.ndarray, " M"]) -> None:
    if not (weights > 0).any():
        raise PredictionsError("no member classifies any validation image right, so all weights are 0; fuse by mean")
