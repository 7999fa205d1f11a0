"""A rule and what it was fitted to on validation predictions -> the fused probabilities of any images. No torch.

Shapes: M members, N images, K classes.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from attnmel.config.fusion import FITTED_RULES, STACKS, Rule
from attnmel.errors import LabelError, PredictionsError
from attnmel.evaluation.fusion.rules import accuracies, confident, mean, most_extreme, rank_mean, weighted
from attnmel.evaluation.fusion.stack import Stack, fit_stack

FOLDS = 5
"""Of the validation images that a stack is fitted on."""


@dataclass(frozen=True)
class Fusion:
    """A rule with all that it was fitted to."""

    by: Rule
    weights: Float[np.ndarray, " M"]
    """Validation accuracy of each member, where the rule uses it; else equal."""
    stacks: tuple[Stack, ...] = ()
    """One a class; of two classes one, of the second."""

    def __call__(self, members: Float[np.ndarray, "M N K"]) -> Float[np.ndarray, "N K"]:
        """Return the fused probabilities of any images.

        Raises:
            PredictionsError: all weights are 0.
        """
        if self.by == "weighted":
            return weighted(members, self.weights)
        if self.by == "confidence":
            return confident(members, self.weights)
        if self.by in STACKS:
            return self.pooled([stack(members[:, :, place]) for place, stack in self._by_class()])
        return {"mean": mean, "rank": rank_mean, "extreme": most_extreme}[self.by](members)

    def pooled(self, stacked: list[Float[np.ndarray, "C N"]]) -> Float[np.ndarray, "N K"]:
        """Return one probability an image and class from all models of a stack: their mean, or the most extreme."""
        pool = most_extreme if self.by == "stack-extreme" else lambda models: models.mean(axis=0)
        columns = [pool(one) for one in stacked]
        return np.stack([1 - columns[0], columns[0]] if len(columns) == 1 else columns, axis=1)

    def _by_class(self) -> list[tuple[int, Stack]]:
        return [(1, self.stacks[0])] if len(self.stacks) == 1 else list(enumerate(self.stacks))


class FittedFusion(NamedTuple):
    """A fusion, and its probabilities of the validation images, each by models that were fitted without its lesion."""

    fusion: Fusion
    validation: Float[np.ndarray, "N K"]


def unfitted(by: Rule, members: int) -> Fusion:
    """Return the fusion by a rule that nothing is fitted of."""
    return Fusion(by, np.ones(members))


def fit_fusion(
    by: Rule,
    members: Float[np.ndarray, "M N K"],
    labels: Int[np.ndarray, " N"],
    fold_of: Int[np.ndarray, " N"] | None = None,
    *,
    seed: int = 0,
) -> FittedFusion:
    """Fit a rule to validation predictions; a stack needs the fold of each image, all images of a lesion in one.

    Raises:
        PredictionsError: an image without a label, or no member that classifies an image right.
        LabelError: a stack without folds.
    """
    fusion = unfitted(by, len(members))
    if by not in FITTED_RULES:
        return FittedFusion(fusion, fusion(members))
    if (labels < 0).any():
        raise PredictionsError(f"{int((labels < 0).sum())} of {len(labels)} validation images have no label")
    if by not in STACKS:
        fusion = replace(fusion, weights=accuracies(members, labels))
        return FittedFusion(fusion, fusion(members))
    if fold_of is None:
        raise LabelError("a stack is fitted on folds of the validation images")
    places = [1] if members.shape[2] == 2 else range(members.shape[2])
    fits = [fit_stack(members[:, :, place], labels == place, fold_of, seed=seed) for place in places]
    fusion = replace(fusion, stacks=tuple(one.stack for one in fits))
    return FittedFusion(fusion, fusion.pooled([one.held_out for one in fits]))
