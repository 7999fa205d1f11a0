"""The parts of the slides' loss: focal loss of the classes, Dice loss of an attention map with its prior.

L = L_focal + lambda_1 * L_D(A_pool3, M_pool3) + lambda_2 * L_D(A_pool4, M_pool4), which `training` adds up.

L_D is 1 minus twice a ratio of sums over the whole batch: of a_i * m_i and a_i + m_i (the slides), or of each image's
own such ratio and 1, which makes it the mean of the images' Dice losses. Where a batch is computed in parts, one after
another or in several processes, each part gets the sums of all others as constants; the gradients of the parts then add
up to exactly that of the whole batch. All sums are taken in float32 or better, also under autocast.
"""

from typing import Literal, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

Dice = Literal["batch", "image"]
"""One ratio of sums over the batch, or the mean of each image's own."""


class DiceSums(NamedTuple):
    """The two sums of the Dice loss over some images; those of several parts add up."""

    overlap: Float[Tensor, ""]
    """Sum of a_i * m_i over the batch; for the mean over images the sum of each one's overlap as a share of its total.
    """
    total: Float[Tensor, ""]
    """Sum of a_i + m_i over the batch; for the mean over images how many count."""


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
    attention: Float[Tensor, "B 1 h w"],
    prior: Float[Tensor, "B 1 s s"],
    has_prior: Bool[Tensor, " B"],
    kind: Dice = "batch",
) -> DiceSums:
    """Return the sums of the Dice loss over the images that have a prior.

    The prior, in [0, 1], is average-pooled to the map's size and stays soft (the authors' code). An empty prior counts
    in the sums over the batch, where its image adds a_i to the total and so learns to attend to nothing. Of its own it
    has a Dice loss of 1 whatever the map says, with no gradient, so that the mean over images leaves it out.
    """
    pooled = functional.adaptive_avg_pool2d(_precise(prior), (attention.shape[-2], attention.shape[-1]))
    chosen = has_prior[:, None, None, None]
    # `where`, not a product and not an index: no gradient and no value leaks from the other images, and a GPU need not
    # wait to count them.
    attention = _precise(attention).where(chosen, 0.0)
    pooled = pooled.where(chosen, 0.0)
    if kind == "batch":
        return DiceSums((attention * pooled).sum(), (attention + pooled).sum())
    overlap, total = (values.flatten(1).sum(1) for values in (attention * pooled, attention + pooled))
    counted = pooled.flatten(1).any(1)  # with a part of the prior in the total, which is then above 0
    shares = (overlap / total.where(counted, 1.0)).where(counted, 0.0)
    return DiceSums(shares.sum(), counted.sum().to(shares.dtype))


def dice_loss(own: DiceSums, others: DiceSums | None = None) -> Float[Tensor, ""]:
    """Dice loss of a whole batch, 1 - 2 * overlap / total, differentiable in the part `own` alone.

    `others` are the sums of all other parts, of the same kind. Without any prior in the batch it is exactly 0, and so
    is its gradient.
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
