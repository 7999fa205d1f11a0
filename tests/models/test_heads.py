"""The heads after Lequan Yu: probabilities of each, their mean, and what trains them."""

from typing import get_args

import pytest
import torch
from torch import Tensor

from attnmel.config.settings.model import HeadKind
from attnmel.errors import ConfigError
from attnmel.models.classifiers import NETWORKS, build_network
from attnmel.models.heads import HEADS, Head, HingeHead, TwoHeads
from attnmel.models.output import Output, probabilities
from attnmel.training.losses import TotalLoss, hinge_loss

FEATURES = torch.randn(5, 7, generator=torch.Generator().manual_seed(0))
LABELS = torch.tensor([0, 2, 1, 1, 0])
IMAGES = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))


def head(kind: type[Head]) -> Head:
    torch.manual_seed(0)
    built = kind(7, 3)
    for weights in built.parameters():
        weights.data = torch.randn_like(weights)
    return built


def shares_of(output: Output) -> Tensor:
    return probabilities(output.logits)


def test_probabilities_of_the_hinge_head_are_sigmoids_over_their_sum() -> None:
    built = head(HingeHead)
    sigmoids = torch.sigmoid((FEATURES @ built.weight.T + built.bias).double())
    torch.testing.assert_close(shares_of(built.output(FEATURES)), sigmoids / sigmoids.sum(1, keepdim=True))


def test_probabilities_of_both_are_the_mean_of_each() -> None:
    built = head(TwoHeads)
    assert isinstance(built, TwoHeads)
    softmax = (FEATURES @ built.weight.T + built.bias).double().softmax(1)
    expected = (softmax + shares_of(built.hinge.output(FEATURES))) / 2
    torch.testing.assert_close(shares_of(built.output(FEATURES)), expected, rtol=1e-5, atol=1e-7)


def test_the_mean_of_two_heads_that_agree_is_each_of_them() -> None:
    built = head(TwoHeads)
    assert isinstance(built, TwoHeads)
    # Scores that are logarithms of sigmoids: the softmax divides sigmoids by their sum, as the hinge head does.
    with torch.no_grad():
        for weights in (built.weight, built.hinge.weight):
            weights.zero_()
        built.hinge.bias.copy_(torch.tensor([0.3, -1.0, 2.0]))
        built.bias.copy_(torch.nn.functional.logsigmoid(built.hinge.bias))
    mean, each = shares_of(built.output(FEATURES)), shares_of(built.hinge.output(FEATURES))
    torch.testing.assert_close(mean, each, rtol=1e-6, atol=1e-7)
    torch.testing.assert_close(mean, probabilities(built(FEATURES)), rtol=1e-6, atol=1e-7)


def test_large_scores_stay_finite() -> None:
    built = head(TwoHeads)
    assert built.output(1e4 * FEATURES).logits.isfinite().all()


def test_the_hinge_loss_is_its_formula() -> None:
    margins = 2 * torch.randn(5, 3, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    expected = 0.0
    for row, label in zip(margins.tolist(), LABELS.tolist(), strict=True):
        expected += sum(max(0.0, 1 - (1 if place == label else -1) * one) for place, one in enumerate(row))
    assert hinge_loss(margins, LABELS).item() == pytest.approx(expected / 5, rel=1e-12)


def test_each_head_is_trained_by_its_own_loss() -> None:
    built = head(TwoHeads)
    assert isinstance(built, TwoHeads)
    nothing = torch.zeros(5, 1, 8, 8), torch.zeros(5, dtype=torch.bool)
    loss = TotalLoss(gamma=0.0)
    loss(built.output(FEATURES), LABELS, *nothing).backward()
    found = built.weight.grad, built.hinge.weight.grad
    built.zero_grad()
    torch.nn.functional.cross_entropy(built(FEATURES), LABELS).backward()
    hinge_loss(built.hinge(FEATURES), LABELS).backward()
    for own, expected in zip(found, (built.weight.grad, built.hinge.weight.grad), strict=True):
        assert own is not None
        assert expected is not None
        torch.testing.assert_close(own, expected)


@pytest.mark.parametrize("heads", get_args(HeadKind))
@pytest.mark.parametrize("network", [name for name in NETWORKS if name != "dermaknet"])
def test_every_network_takes_every_head(network: str, heads: str) -> None:
    torch.manual_seed(0)
    branches = ("vgg16",) if network == "harangi" else ()
    built = build_network(network, width=0.05, classes=3, heads=heads, branches=branches).eval()
    output: Output = built(IMAGES)
    assert type(built.get_submodule("head")) is HEADS[heads]  # pyright: ignore[reportArgumentType] - one of the kinds
    assert (output.margins is None) == (heads == "softmax")
    assert (output.softmax_scores is None) == (heads != "both")
    torch.testing.assert_close(shares_of(output).sum(1), torch.ones(2, dtype=torch.float64))
    assert len(output.attention) == (2 if network == "attnmel-cnn" else 0)
    assert (output.masks is not None) == (network == "chen")


def test_dermaknet_with_its_three_layers_takes_no_other_head() -> None:
    with pytest.raises(ConfigError, match=r"model\.heads = 'both' is of one linear layer, and dermaknet has three"):
        build_network("dermaknet", classes=2, heads="both")


def test_an_unknown_head_is_answered_with_the_known() -> None:
    with pytest.raises(ConfigError, match="unknown head 'svm'; known: both, hinge, softmax"):
        build_network("vgg16-gap", classes=2, heads="svm")


@pytest.mark.parametrize("kind", [Head, HingeHead, TwoHeads])
def test_a_class_weight_counts_an_image_as_often_in_the_loss_of_every_head(kind: type[Head]) -> None:
    built, weights = head(kind), (1, 3, 2)

    def loss(times: Tensor, class_weights: tuple[float, ...]) -> Tensor:
        nothing = torch.zeros(int(times.sum()), 1, 8, 8), torch.zeros(int(times.sum()), dtype=torch.bool)
        output, labels = built.output(FEATURES.repeat_interleave(times, 0)), LABELS.repeat_interleave(times)
        return TotalLoss(gamma=2.0, class_weights=class_weights)(output, labels, *nothing)

    weighted = loss(torch.ones_like(LABELS), weights)
    torch.testing.assert_close(weighted, loss(torch.tensor(weights)[LABELS], ()))
    assert not torch.isclose(weighted, loss(torch.ones_like(LABELS), ()), rtol=0.01)
