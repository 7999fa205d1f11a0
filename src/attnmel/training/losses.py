"""The loss of a classifier: focal loss of the classes plus the weighted Dice losses of its attention maps.

L = L_focal + pool3_weight * L_D(A_pool3, M_pool3) + pool4_weight * L_D(A_pool4, M_pool4); the slides call the weights
lambda_1 and lambda_2. A network with a segmentation branch has + mask_weight * (cross-entropy + Dice loss) of its masks
in their place.

L_D is 1 minus twice a ratio of sums over the whole batch: of a_i * m_i and a_i + m_i (the slides), or the mean of each
image's own such loss. Where a batch is computed in parts, one after another or in several processes, each part gets the
sums of all others as constants; the gradients of the parts then add up to exactly that of the whole batch. All sums are
taken in float32 or better, also under autocast.

A label is the index of a class, or a distribution over the classes (soft): then the loss of an image is the mean of its
losses for each class as the true one, with these shares.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeVar

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from attnmel.models.output import Output

Dice = Literal["batch", "image"]
"""One ratio of sums over the batch, or the mean of each image's own Dice loss."""

Labels = Int[Tensor, " B"] | Float[Tensor, "B K"]
"""The class of each image, or its share in each of the classes."""

Number = TypeVar("Number", float, Tensor)


class DiceSums(NamedTuple):
    """The two sums of the Dice loss over some images; those of several parts add up."""

    overlap: Float[Tensor, ""]
    """Sum of a_i * m_i over the batch; for the mean over images the sum of each image's overlap divided by its total.
    """
    total: Float[Tensor, ""]
    """Sum of a_i + m_i over the batch; for the mean over images the number of images that count."""


class LossParts(NamedTuple):
    """The loss of a batch or, averaged over its batches, of an epoch; NaN for a term that it lacks."""

    total: float
    focal: float = math.nan
    """Of the classes; what the other terms leave of the total is the weighted loss of a segmentation branch."""
    dice_pool3: float = math.nan
    """Dice losses are unweighted."""
    dice_pool4: float = math.nan


@dataclass(frozen=True, kw_only=True)
class TotalLoss:
    """The focal loss plus the weighted Dice losses of the attention maps, with the settings of a recipe."""

    gamma: float
    """Focusing exponent of the focal loss."""
    pool3_weight: float = 0.0
    """Weight of the Dice loss of the attention map on pool-3; 0 without a prior."""
    pool4_weight: float = 0.0
    """Weight of the Dice loss of the attention map on pool-4; 0 without a prior."""
    dice: Dice = "batch"
    class_weights: tuple[float, ...] = ()
    """Weight of an image of each class in the focal loss; empty where all count alike."""
    mask_weight: float = 0.0
    """Weight of the loss of a segmentation branch; 0 without a prior."""
    by_presence: bool = False
    """Whether structure maps learn from how much of the lesion they are alone; the last plane is the lesion's."""

    @property
    def regularised(self) -> bool:
        """Whether attention maps are trained toward a prior at all."""
        return bool(self.pool3_weight or self.pool4_weight)

    def mass(self, labels: Labels) -> float | Float[Tensor, ""]:
        """Return the sum of the class weights of images, which divides their focal loss; without, their number."""
        return _weights_of(labels, self.class_weights).sum() if self.class_weights else len(labels)

    def sums(
        self, output: Output, priors: Float[Tensor, "B P s s"], has_prior: Bool[Tensor, " B"]
    ) -> tuple[DiceSums, ...]:
        """Return the sums of the Dice loss of each attention map; empty without a prior."""
        maps = output.attention if self.regularised else ()
        return tuple(dice_sums(attention, priors, has_prior, self.dice) for attention in maps)

    def terms(
        self,
        output: Output,
        labels: Labels,
        own: Sequence[DiceSums],
        others: Sequence[DiceSums] | None = None,
    ) -> tuple[Float[Tensor, ""], tuple[Float[Tensor, ""], ...]]:
        """Return the loss of the classes of one part of a batch, and the Dice losses of pool-3 and pool-4 of all of it.

        `own` are the sums of the part, `others` those of all other parts. Dice losses are unweighted.
        """
        rest: Sequence[DiceSums | None] = others or [None] * len(own)
        dice = tuple(dice_loss(mine, theirs) for mine, theirs in zip(own, rest, strict=True))
        return class_loss(output, labels, self.gamma, self.class_weights), dice

    def mask_term(
        self, output: Output, priors: Float[Tensor, "B P s s"], has_prior: Bool[Tensor, " B"]
    ) -> Float[Tensor, ""]:
        """Return the weighted loss of a segmentation branch, a mean over images; 0 without one."""
        if output.masks is None or not self.mask_weight:
            return torch.zeros((), device=output.logits.device)
        planes = output.masks.shape[1]
        if not self.by_presence:
            return self.mask_weight * mask_loss(output.masks, priors[:, :planes], has_prior)
        structures = priors.shape[1] - 1
        weak = presence_loss(output.masks[:, :structures], priors, has_prior)
        lesion = (
            mask_loss(output.masks[:, structures:], priors[:, structures:], has_prior) if planes > structures else 0
        )
        return self.mask_weight * (weak + lesion)

    def total(self, focal: Number, dice: Sequence[Number], copies: int = 1) -> Number:
        """Add the terms up, the Dice losses with their weights, `copies` times."""
        if not dice:
            return focal
        pool3, pool4 = dice
        return focal + (self.pool3_weight * pool3 + self.pool4_weight * pool4) * copies

    def __call__(
        self,
        output: Output,
        labels: Labels,
        priors: Float[Tensor, "B P s s"],
        has_prior: Bool[Tensor, " B"],
    ) -> Float[Tensor, ""]:
        """Return the loss of a whole batch."""
        terms = self.terms(output, labels, self.sums(output, priors, has_prior))
        return self.total(*terms) + self.mask_term(output, priors, has_prior)


def focal_loss(
    logits: Float[Tensor, "B K"], labels: Labels, gamma: float, class_weights: Sequence[float] = ()
) -> Float[Tensor, ""]:
    """Mean of -(1 - p_t)^gamma * log(p_t), p_t the softmax probability of the true class (Lin et al. 2017, eq. 4).

    With class weights the weighted mean over images, each with the weight of its class, as torch's `cross_entropy`;
    gamma 0 is cross-entropy. An image with a soft label counts in each class by its share there.
    """
    log_probability = torch.log_softmax(_precise(logits), dim=1)
    if not labels.is_floating_point():
        log_probability = log_probability.gather(1, labels[:, None]).squeeze(1)
    # expm1 keeps 1 - p_t where p_t is near 1. The smallest positive number in place of 0 keeps the gradient of the
    # power finite for gamma < 1; the clamp passes no gradient on, and there is none to pass at p_t = 1.
    missing = -torch.expm1(log_probability)
    missing = missing.clamp(min=torch.finfo(missing.dtype).tiny)
    losses = -(missing**gamma * log_probability)
    return _weighted_mean(losses, labels, class_weights)


def dice_sums(
    attention: Float[Tensor, "B 1 h w"],
    prior: Float[Tensor, "B 1 s s"],
    has_prior: Bool[Tensor, " B"],
    kind: Dice = "batch",
) -> DiceSums:
    """Return the sums of the Dice loss over the images that have a prior.

    The prior, in [0, 1], is average-pooled to the map's size and stays soft (the authors' code). An empty prior counts
    in the sums over the batch, where its image adds a_i to the total and so learns to attend to nothing. Its own Dice
    loss is 1 for every map and has no gradient, so that the mean over images leaves it out.
    """
    pooled = functional.adaptive_avg_pool2d(_precise(prior), (attention.shape[-2], attention.shape[-1]))
    chosen = has_prior[:, None, None, None]
    # `where`, not a product and not an index: no gradient and no value leaks from the other images, and the GPU is not
    # made to wait for a count of them.
    attention = _precise(attention).where(chosen, 0.0)
    pooled = pooled.where(chosen, 0.0)
    if kind == "batch":
        return DiceSums((attention * pooled).sum(), (attention + pooled).sum())
    overlap, total = (values.flatten(1).sum(1) for values in (attention * pooled, attention + pooled))
    counted = pooled.flatten(1).any(1)  # where the prior is not empty, so that the total is above 0
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


def _weighted_mean(
    losses: Float[Tensor, " B"] | Float[Tensor, "B K"], labels: Labels, class_weights: Sequence[float]
) -> Float[Tensor, ""]:
    """Mean over images of their losses, or of their losses in each class by the shares of a soft label."""
    if labels.is_floating_point():
        weights = _weights_of(labels, class_weights) if class_weights else labels
        whole = weights.sum() if class_weights else len(labels)
        return (weights * losses).sum() / whole
    if not class_weights:
        return losses.mean()
    weights = _weights_of(labels, class_weights)
    return (weights * losses).sum() / weights.sum()


def _weights_of(labels: Labels, class_weights: Sequence[float]) -> Float[Tensor, " B"] | Float[Tensor, "B K"]:
    """Return the weight of each image, or of each of its classes by the shares of a soft label."""
    weights = torch.tensor(class_weights, dtype=torch.float32, device=labels.device)
    return labels * weights if labels.is_floating_point() else weights[labels]


def class_loss(output: Output, labels: Labels, gamma: float, class_weights: Sequence[float] = ()) -> Float[Tensor, ""]:
    """Focal loss of a softmax head, hinge loss of a hinge head (of no soft label), or the sum of both."""
    if output.margins is None:
        return focal_loss(output.logits, labels, gamma, class_weights)
    hinge = hinge_loss(output.margins, labels, class_weights)
    if output.softmax_scores is None:
        return hinge
    return focal_loss(output.softmax_scores, labels, gamma, class_weights) + hinge


def hinge_loss(
    margins: Float[Tensor, "B K"], labels: Int[Tensor, " B"], class_weights: Sequence[float] = ()
) -> Float[Tensor, ""]:
    """Mean over images of the sum over classes of max(0, 1 - t m), t = 1 for the true class and -1 for the others."""
    signs = 2 * functional.one_hot(labels, margins.shape[1]) - 1
    return _weighted_mean((1 - signs * _precise(margins)).clamp(min=0).sum(1), labels, class_weights)


def mask_loss(
    scores: Float[Tensor, "B P h w"], prior: Float[Tensor, "B P s s"], has_prior: Bool[Tensor, " B"]
) -> Float[Tensor, ""]:
    """Cross-entropy plus Dice loss of a segmentation branch: the sum over the images with a prior, divided by all.

    `scores` are before the sigmoid; the prior, in [0, 1], is average-pooled to their size and stays soft. Per plane the
    Dice loss is 1 - (2 * overlap + 1) / (total + 1), so that a plane that marks nothing has one too.
    """
    scores = _precise(scores)
    pooled = functional.adaptive_avg_pool2d(_precise(prior), (scores.shape[-2], scores.shape[-1]))
    entropy = functional.binary_cross_entropy_with_logits(scores, pooled, reduction="none").mean((1, 2, 3))
    shares = scores.sigmoid()
    overlap, total = (shares * pooled).sum((2, 3)), (shares + pooled).sum((2, 3))
    dice = (1 - (2 * overlap + 1) / (total + 1)).mean(1)
    return (entropy + dice).where(has_prior, 0.0).mean()


SHARE_LIMITS = ((0.0, 0.01), (0.15, 0.5), (0.5, 1.0))
"""Least and greatest share of the lesion that a structure fills: absent, local (less than half) and global ones, as in
the public settings of DermaKNet."""


def presence_loss(
    scores: Float[Tensor, "B P h w"], marks: Float[Tensor, "B Q s s"], has_prior: Bool[Tensor, " B"]
) -> Float[Tensor, ""]:
    """How far the share of the lesion that each structure map fills lies outside the limits of its label: a mean.

    The last plane of `marks` is the lesion; where it is empty, all of the image is. Of the others no more is used than
    whether they are absent, fill less than half of the lesion, or more. Outside the lesion the limits are those of an
    absent structure.
    """
    scores = _precise(scores)
    pooled = functional.adaptive_avg_pool2d(_precise(marks), (scores.shape[-2], scores.shape[-1])).flatten(2)
    lesion, planes = pooled[:, -1:], pooled[:, :-1]
    lesion = lesion.where(lesion.sum(2, keepdim=True) > 0, 1.0)
    filled = ((planes * lesion).sum(2) / lesion.sum(2)).clamp(max=1.0)
    label = (planes.amax(2) > 0).long() + (filled >= SHARE_LIMITS[2][0]).long()
    least, greatest = torch.tensor(SHARE_LIMITS, device=scores.device)[label].unbind(2)
    shares, outside = scores.sigmoid().flatten(2), 1 - lesion
    inside = (shares * lesion).sum(2) / lesion.sum(2)
    around = (shares * outside).sum(2) / outside.sum(2).clamp(min=1e-6)
    wrong = (least - inside).clamp(min=0) + (inside - greatest).clamp(min=0)
    wrong = wrong + (around - SHARE_LIMITS[0][1]).clamp(min=0)
    return wrong.mean(1).where(has_prior, 0.0).mean()


def _precise(tensor: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))
