"""The parts of the slides' loss: focal loss of the classes, Dice loss of an attention map with its prior.

L = L_focal + lambda_1 * L_D(A_pool3, M_pool3) + lambda_2 * L_D(A_pool4, M_pool4), which `training` adds up.

L_D is a ratio of sums over the whole batch. Where a batch is computed in parts, one after another or in several
processes, each part gets the sums of all others as constants; the gradients of the parts then add up to exactly that of
the whole batch. All sums are taken in float32 or better, also under autocast.
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional


class DiceSums(NamedTuple):
    """The two sums of the Dice loss over some images; those of several parts add up."""

    overlap: Float[Tensor, ""]
    """Sum of a_i * m_i."""
    total: Float[Tensor, ""]
    """Sum of a_i + m_i."""


class LossParts(NamedTuple):
    """The loss of a batch or, averaged over its batches, of an epoch; Dice terms unweighted, NaN without a prior."""

    total: float
    focal: float
    dice_pool3: float
    dice_pool4: float


def focal_loss(logits: Float[Tensor, "B K"], labels: Int[Tensor, " B"], gamma: float) -> Float[Tensor, ""]:
    """Mean of -(1 - p_t)^gamma * log(p_t), p_t the softmax probability of the true class (Lin et al. 2017, eq. 4).

    No class weights; gamma 0 is cross-entropy.
    """
    log_probability = torch.log_softmax(_precise(logits), dim=1).gather(1, labels[:, None]).squeeze(1)
    # expm1 keeps 1 - p_t where p_t is near 1. The smallest positive number in place of 0 keeps the gradient of the
    # power finite for gamma < 1; the clamp passes no gradient on, and there is none to pass at p_t = 1.
    missing = -torch.expm1(log_probability)
    missing = missing.clamp(min=torch.finfo(missing.dtype).tiny)
    return -(missing**gamma * log_probability).mean()


def dice_sums(
    attention: Float[Tensor, "B 1 h w"], prior: Float[Tensor, "B 1 s s"], has_prior: Bool[Tensor, " B"]
) -> DiceSums:
    """Return the sums of the Dice loss over the images that have a prior.

    The prior, in [0, 1], is average-pooled to the map's size and stays soft (the authors' code).
    """
    pooled = functional.adaptive_avg_pool2d(_precise(prior), (attention.shape[-2], attention.shape[-1]))
    chosen = has_prior[:, None, None, None]
    # `where`, not a product and not an index: no gradient and no value leaks from the other images, and a GPU need not
    # wait to count them.
    attention = _precise(attention).where(chosen, 0.0)
    pooled = pooled.where(chosen, 0.0)
    return DiceSums((attention * pooled).sum(), (attention + pooled).sum())


def dice_loss(own: DiceSums, others: DiceSums | None = None) -> Float[Tensor, ""]:
    """Dice loss of a whole batch, 1 - 2 * sum(a_i * m_i) / sum(a_i + m_i), differentiable in the part `own` alone.

    `others` are the sums of all other parts. Without any prior in the batch it is exactly 0, and so is its gradient.
    """
    overlap, total = own
    if others is not None:
        overlap, total = overlap + others.overlap.detach(), total + others.total.detach()
    # Compared with 0, not "above 0": a total that is not a number must show in the loss.
    empty = total == 0
    loss = 1 - 2 * overlap / total.where(~empty, 1.0)
    return loss.where(~empty, 0.0)


def _precise(tensor: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))
