"""Labels mixed with a teacher's probabilities, in a whole batch and in its parts."""

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from attnmel.data.batches.batch import Batch
from attnmel.models.output import Output
from attnmel.training.losses import TotalLoss
from attnmel.training.objectives import ClassifierObjective
from attnmel.training.soft_labels import SoftLabels

WEIGHTS = torch.tensor([0.5, 0.0, 0.25, 1.0, 0.5, 0.5])
TEACHER = torch.tensor(
    [[0.2, 0.3, 0.5], [0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.1, 0.8, 0.1], [0.6, 0.2, 0.2], [0.3, 0.3, 0.4]]
)
ROWS, LABELS = [3, 1, 0, 2], [0, 2, 1, 1]


class OneLayer(nn.Module):
    """Scores of images of 12 numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.linspace(-1, 1, 36).reshape(3, 12))

    def forward(self, images: Tensor) -> Output:
        """Return the scores."""
        return Output(images.flatten(1) @ self.weight.T, ())


def batch() -> Batch:
    images = torch.rand(4, 3, 2, 2, generator=torch.Generator().manual_seed(1))
    nothing = torch.zeros(4, 1, 2, 2)
    return Batch(images, torch.tensor(LABELS), nothing, torch.zeros(4, dtype=torch.bool), torch.tensor(ROWS))


def test_the_label_is_mixed_with_the_teacher_of_its_image() -> None:
    found = SoftLabels(TEACHER, WEIGHTS)(batch())
    for row, label, mixed in zip(ROWS, LABELS, found.numpy(), strict=True):
        share = float(WEIGHTS[row])
        expected = [(1 - share) * (place == label) + share * float(TEACHER[row, place]) for place in range(3)]
        assert mixed == pytest.approx(expected)
    assert found.sum(1).numpy() == pytest.approx(np.ones(4))
    assert found[1].tolist() == [0, 0, 1], "an image without a row keeps its label"


@pytest.mark.parametrize("class_weights", [(), (2.0, 0.5, 1.0)])
def test_the_parts_of_a_batch_have_the_gradient_of_the_whole(class_weights: tuple[float, ...], fabric: Fabric) -> None:
    objective = ClassifierObjective(TotalLoss(gamma=2.0, class_weights=class_weights), SoftLabels(TEACHER, WEIGHTS))
    gradients = []
    for count in (1, 2, 4):
        network = fabric.setup_module(OneLayer())
        parts = batch().parts(count)
        loss_of = objective.part_losses(network, parts, fabric)
        for part in parts:
            loss_of(part).loss.backward()
        gradients.append(network.weight.grad)
    torch.testing.assert_close(gradients[1], gradients[0])
    torch.testing.assert_close(gradients[2], gradients[0])
    plain = fabric.setup_module(OneLayer())
    only = [batch()]
    ClassifierObjective(objective.loss).part_losses(plain, only, fabric)(only[0]).loss.backward()
    assert not torch.allclose(plain.weight.grad, gradients[0])
