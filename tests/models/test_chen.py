"""The checks of the network after Chen: what reaches which branch, and what is left without passing."""

from typing import get_args

import pytest
import torch
from torch import Tensor, nn

from attnmel.config.settings.model import Passing
from attnmel.errors import ConfigError
from attnmel.models.chen import ChenNetwork, FeaturePassing
from attnmel.models.classifiers import build_network, train_without_masks
from attnmel.training.losses import TotalLoss

IMAGES = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))


def network(passing: str = "both") -> ChenNetwork:
    torch.manual_seed(0)
    built = build_network("chen", width=0.05, classes=2, passing=passing).eval()
    assert isinstance(built, ChenNetwork)
    return built


def without_messages(built: ChenNetwork) -> ChenNetwork:
    for name, weights in built.named_parameters():
        if ".message." in name:
            nn.init.zeros_(weights)
    return built


@pytest.mark.parametrize("passing", get_args(Passing))
def test_without_messages_the_two_branches_are_independent(passing: str) -> None:
    built, alone = without_messages(network(passing)), network("none")
    alone.load_state_dict(built.state_dict(), strict=False)
    output, expected = built(IMAGES), alone(IMAGES)
    torch.testing.assert_close(output.logits, expected.logits)
    torch.testing.assert_close(output.masks, expected.masks)


def test_without_passing_the_classifier_is_vgg16_gap() -> None:
    built = network("none")
    plain = build_network("vgg16-gap", width=0.05, classes=2).eval()
    left_out = plain.load_state_dict(built.state_dict(), strict=False)
    assert left_out.missing_keys == []
    torch.testing.assert_close(built(IMAGES).logits, plain(IMAGES).logits)


@pytest.mark.parametrize(
    ("passing", "class_to_mask", "mask_to_class"),
    [("none", False, False), ("to-class", False, True), ("to-mask", True, False), ("both", True, True)],
)
def test_features_reach_the_other_branch_only_through_the_gates(
    passing: Passing, class_to_mask: bool, mask_to_class: bool
) -> None:
    layer = FeaturePassing(3, 4, passing)
    for_class = torch.rand(1, 3, 2, 2, requires_grad=True)
    for_mask = torch.rand(1, 4, 4, 4, requires_grad=True)
    passed = layer(for_class, for_mask)

    def reaches(output: Tensor, source: Tensor) -> bool:
        (found,) = torch.autograd.grad(output.sum(), source, allow_unused=True, retain_graph=True)
        return found is not None and bool(found.any())

    assert reaches(passed.for_mask, for_class) == class_to_mask
    assert reaches(passed.for_class, for_mask) == mask_to_class


def test_messages_are_of_the_features_before_any_message() -> None:
    torch.manual_seed(0)
    layer, for_class, for_mask = FeaturePassing(3, 4, "both"), torch.rand(1, 3, 2, 2), torch.rand(1, 4, 4, 4)
    assert layer.to_class is not None
    assert layer.to_mask is not None

    def message(of: nn.Module, features: Tensor) -> Tensor:
        return torch.sigmoid(of.get_submodule("gate")(features)) * of.get_submodule("message")(features)

    passed = layer(for_class, for_mask)
    torch.testing.assert_close(passed.for_class, for_class + message(layer.to_class, for_mask))
    large = nn.functional.interpolate(for_class, scale_factor=2, mode="bilinear")
    torch.testing.assert_close(passed.for_mask, for_mask + message(layer.to_mask, large))


def gradients(built: ChenNetwork, loss: TotalLoss, has_prior: bool) -> dict[str, Tensor | None]:
    prior = torch.zeros(2, 1, 64, 64)
    prior[..., :32] = 1
    loss(built(IMAGES), torch.tensor([0, 1]), prior, torch.tensor([has_prior, has_prior])).backward()
    return {name: weights.grad for name, weights in built.named_parameters()}


@pytest.mark.parametrize(("weight", "has_prior"), [(0.0, True), (1.0, False)])
def test_without_weight_or_mask_it_is_a_single_task_with_gates(weight: float, has_prior: bool) -> None:
    found = gradients(network(), TotalLoss(gamma=0.0, mask_weight=weight), has_prior)
    single = gradients(network(), TotalLoss(gamma=0.0), True)
    assert all(
        grad is None or torch.equal(grad, other if other is not None else torch.zeros_like(grad))
        for grad, other in zip(found.values(), single.values(), strict=True)
    )
    assert bool(single["passing.to_class.gate.weight"].any())  # pyright: ignore[reportOptionalMemberAccess]


@pytest.mark.parametrize("passing", get_args(Passing))
def test_the_layers_that_only_masks_train_are_those_without_a_gradient_of_the_classes(passing: str) -> None:
    found = gradients(network(passing), TotalLoss(gamma=0.0), True)
    built = network(passing)
    train_without_masks(built)
    kept = {name for name, weights in built.named_parameters() if not weights.requires_grad}
    assert kept == {name for name, gradient in found.items() if gradient is None}


def test_an_unknown_passing_is_answered_with_the_known() -> None:
    with pytest.raises(ConfigError, match="unknown passing 'twice'; known: both, none, to-class, to-mask"):
        build_network("chen", classes=2, passing="twice")


def test_images_without_a_mask_give_only_the_loss_of_the_classes() -> None:
    output, labels = network()(IMAGES), torch.tensor([0, 1])
    loss, prior = TotalLoss(gamma=0.0, mask_weight=0.5), torch.ones(2, 1, 64, 64)

    def of(*has_prior: bool) -> Tensor:
        return loss(output, labels, prior, torch.tensor(has_prior))

    classes = of(False, False)
    torch.testing.assert_close(classes, nn.functional.cross_entropy(output.logits, labels))
    torch.testing.assert_close(of(True, True) - classes, of(True, False) + of(False, True) - 2 * classes)
