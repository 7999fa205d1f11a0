"""The labels of training images mixed with the probabilities of a teacher (knowledge distillation, Hinton et al. 2015).

Predictions of an image by networks that were not trained on it do not just repeat its label. A student of the teacher's
own architecture is a born-again network (Furlanello et al. 2018).
"""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from attnmel.data.batches.batch import Batch


@dataclass(frozen=True)
class SoftLabels:
    """A teacher's probabilities of every row of the image cache, on the device of the training."""

    probabilities: Float[Tensor, "N K"]
    weights: Float[Tensor, " N"]
    """The teacher's share in the label of each image; 0 where it has no probabilities."""

    def __call__(self, batch: Batch) -> Float[Tensor, "B K"]:
        """Return (1 - weight) * label + weight * teacher of each image of a batch."""
        weights = self.weights[batch.rows][:, None]
        truth = functional.one_hot(batch.labels, self.probabilities.shape[1])
        return (1 - weights) * truth + weights * self.probabilities[batch.rows]
