import math
from collections.abc import Callable, Sequence
from typing import get_args

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from attnmel.models.classifiers import build_network
from attnmel.models.output import Output
from attnmel.training.losses import (
    Dice,
    DiceSums,
    TotalLoss,
    dice_loss,
    dice_sums,
    focal_loss,
    mask_loss,
    presence_loss,
)

GAMMA = 2.0
WEIGHTS = (0.3, 0.7)


def whole_loss(
    output: Output,
    labels: Tensor,
    priors: Tensor,
    has_prior: Tensor,
    *,
    kind: Dice = "batch",
    share: float = 1.0,
    others: Sequence[DiceSums] | None = None,
) -> Tensor:
    """The total loss of one part of a batch, as training computes it."""
    loss = TotalLoss(gamma=GAMMA, pool3_weight=WEIGHTS[0], pool4_weight=WEIGHTS[1], dice=kind)
    focal, dice = loss.terms(output, labels, loss.sums(output, priors, has_prior), others)
    return loss.total(share * focal, dice)


def test_the_total_loss_is_the_weighted_sum_of_its_terms(generator: torch.Generator) -> None:
    logits, labels = torch.randn(4, 3, generator=generator), torch.tensor([0, 2, 1, 1])
    maps = tuple(torch.rand(4, 1, side, side, generator=generator) for side in (4, 2))
    priors, has_prior = torch.rand(4, 1, 8, 8, generator=generator), torch.tensor([True, False, True, True])
    loss = TotalLoss(gamma=GAMMA, pool3_weight=0.3, pool4_weight=0.7)
    focal = plain_focal(logits.numpy(), labels.numpy(), GAMMA)
    shallow, deep = (plain_dice(one.numpy(), priors.numpy(), has_prior.numpy()) for one in maps)
    expected = focal + 0.3 * shallow + 0.7 * deep
    assert loss(Output(logits, maps), labels, priors, has_prior).item() == pytest.approx(expected, rel=1e-5)
    alone = TotalLoss(gamma=GAMMA)(Output(logits, maps), labels, priors, has_prior)
    assert alone.item() == pytest.approx(focal, rel=1e-5)


def plain_focal(logits: np.ndarray, labels: np.ndarray, gamma: float) -> float:
    losses = []
    for scores, label in zip(logits, labels, strict=True):
        shares = [math.exp(score) for score in scores]
        true = shares[label] / sum(shares)
        losses.append(-((1 - true) ** gamma) * math.log(true))
    return sum(losses) / len(losses)


def plain_dice(attention: np.ndarray, prior: np.ndarray, has_prior: np.ndarray) -> float:
    side = attention.shape[-1]
    block = prior.shape[-1] // side
    overlap = total = 0.0
    for image in np.flatnonzero(has_prior):
        for row in range(side):
            for column in range(side):
                cell = prior[image, 0, row * block : (row + 1) * block, column * block : (column + 1) * block]
                a, m = attention[image, 0, row, column], cell.sum() / cell.size
                overlap += a * m
                total += a + m
    return 1 - 2 * overlap / total


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(3)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0, 5.0])
def test_focal_loss_is_its_formula(gamma: float, generator: torch.Generator) -> None:
    logits = 3 * torch.randn(20, 4, generator=generator, dtype=torch.float64)
    labels = torch.randint(4, (20,), generator=generator)
    expected = plain_focal(logits.numpy(), labels.numpy(), gamma)
    assert focal_loss(logits, labels, gamma).item() == pytest.approx(expected, rel=1e-12)


def test_focal_loss_without_focus_is_cross_entropy(generator: torch.Generator) -> None:
    logits = torch.randn(20, 4, generator=generator)
    labels = torch.randint(4, (20,), generator=generator)
    torch.testing.assert_close(focal_loss(logits, labels, 0.0), torch.nn.functional.cross_entropy(logits, labels))


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("scale", [1e2, 1e4, 1e30])
def test_extreme_scores_give_finite_losses_and_gradients(gamma: float, scale: float) -> None:
    logits = (scale * torch.tensor([[1.0, -1.0], [-1.0, 1.0], [1.0, 1.0]])).requires_grad_()
    loss = focal_loss(logits, torch.tensor([0, 0, 1]), gamma)
    loss.backward()
    assert loss.isfinite()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


def test_focal_loss_is_taken_in_float32_under_autocast(generator: torch.Generator) -> None:
    logits = 3 * torch.randn(20, 4, generator=generator)
    labels = torch.randint(4, (20,), generator=generator)
    with torch.autocast("cpu", torch.bfloat16):
        loss = focal_loss(logits, labels, GAMMA)
        rounded = focal_loss(logits.bfloat16(), labels, GAMMA)
    assert loss.dtype == rounded.dtype == torch.float32
    assert torch.equal(loss, focal_loss(logits, labels, GAMMA))
    assert torch.equal(rounded, focal_loss(logits.bfloat16().float(), labels, GAMMA))


@pytest.mark.parametrize("side", [28, 14])
def test_dice_loss_is_its_formula(side: int, generator: torch.Generator) -> None:
    attention = torch.rand(3, 1, side, side, generator=generator, dtype=torch.float64)
    prior = torch.rand(3, 1, 224, 224, generator=generator, dtype=torch.float64)
    has_prior = torch.tensor([True, False, True])
    expected = plain_dice(attention.numpy(), prior.numpy(), has_prior.numpy())
    assert dice_loss(dice_sums(attention, prior, has_prior)).item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("side", [28, 14])
def test_dice_loss_of_images_is_the_mean_of_each_ones_own_but_for_empty_priors(
    side: int, generator: torch.Generator
) -> None:
    attention = torch.rand(5, 1, side, side, generator=generator, dtype=torch.float64)
    prior = torch.rand(5, 1, 56, 56, generator=generator, dtype=torch.float64)
    prior[2] = 0
    has_prior = np.array([True, False, True, True, True])
    own = [plain_dice(attention.numpy(), prior.numpy(), np.arange(5) == image) for image in (0, 3, 4)]
    found = dice_loss(dice_sums(attention, prior, torch.from_numpy(has_prior), "image"))
    assert found.item() == pytest.approx(sum(own) / 3, rel=1e-12)
    assert found.item() != pytest.approx(plain_dice(attention.numpy(), prior.numpy(), has_prior), rel=1e-3)


def test_an_empty_prior_of_its_own_is_1_without_a_gradient_but_counts_in_the_batch() -> None:
    attention = torch.rand(1, 1, 4, 4).requires_grad_()
    nothing, here = torch.zeros(1, 1, 8, 8), torch.tensor([True])
    alone = dice_loss(dice_sums(attention, nothing, here))
    assert alone.item() == 1
    (gradient,) = torch.autograd.grad(alone, attention)
    assert not gradient.any()
    image = dice_loss(dice_sums(attention, nothing, here, "image"))
    assert image.item() == 0
    (gradient,) = torch.autograd.grad(image, attention)
    assert not gradient.any()
    both = dice_sums(attention, nothing, here)
    others = DiceSums(torch.tensor(2.0), torch.tensor(8.0))
    (gradient,) = torch.autograd.grad(dice_loss(both, others), attention)
    assert (gradient > 0).all(), "attention is not drawn to nothing where nothing is marked"


def test_dice_loss_of_a_map_that_is_the_prior_is_zero_and_of_its_opposite_one() -> None:
    prior = torch.zeros(1, 1, 8, 8)
    prior[..., :4] = 1
    same = torch.nn.functional.avg_pool2d(prior, 2)
    everywhere = torch.tensor([True])
    assert dice_loss(dice_sums(same, prior, everywhere)).item() == 0
    assert dice_loss(dice_sums(1 - same, prior, everywhere)).item() == 1


def test_dice_sums_are_taken_in_float32_under_autocast(generator: torch.Generator) -> None:
    attention = torch.rand(32, 1, 28, 28, generator=generator).bfloat16()
    prior = torch.rand(32, 1, 56, 56, generator=generator)
    everywhere = torch.ones(32, dtype=torch.bool)
    with torch.autocast("cpu", torch.bfloat16):
        sums = dice_sums(attention, prior, everywhere)
    exact = dice_sums(attention.double(), prior.double(), everywhere)
    for found, expected in zip(sums, exact, strict=True):
        assert found.dtype == torch.float32
        assert found.item() == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize("kind", get_args(Dice))
@pytest.mark.parametrize("others", [None, DiceSums(torch.tensor(0.0), torch.tensor(0.0))])
def test_without_any_prior_dice_and_its_gradient_are_zero(others: DiceSums | None, kind: Dice) -> None:
    attention = torch.rand(2, 1, 4, 4).requires_grad_()
    loss = dice_loss(dice_sums(attention, torch.ones(2, 1, 8, 8), torch.zeros(2, dtype=torch.bool), kind), others)
    loss.backward()
    assert loss.item() == 0
    assert attention.grad is not None
    assert not attention.grad.any()


@pytest.mark.parametrize("kind", get_args(Dice))
def test_images_without_a_prior_play_no_part(kind: Dice) -> None:
    attention = torch.rand(2, 1, 4, 4).requires_grad_()
    prior = torch.rand(2, 1, 8, 8)
    loss = dice_loss(dice_sums(attention, prior, torch.tensor([True, False]), kind))
    loss.backward()
    assert attention.grad is not None
    assert attention.grad[0].all()
    assert not attention.grad[1].any()
    alone = dice_loss(dice_sums(attention[:1], prior[:1], torch.tensor([True])))
    assert loss.item() == pytest.approx(alone.item())


@pytest.mark.parametrize("kind", get_args(Dice))
def test_a_map_that_is_not_a_number_shows_in_the_loss(kind: Dice) -> None:
    attention = torch.full((1, 1, 4, 4), math.nan)
    assert dice_loss(dice_sums(attention, torch.ones(1, 1, 4, 4), torch.tensor([True]), kind)).isnan()
    assert dice_loss(dice_sums(attention, torch.zeros(1, 1, 4, 4), torch.tensor([True]))).isnan()


def central_difference(function: Callable[[], Tensor], value: Tensor, place: int, step: float) -> float:
    """Slope of a function of `value`, changed in place at one place of its flat view."""
    flat = value.detach().view(-1)
    start = flat[place].item()
    ends = []
    for sign in (1, -1):
        flat[place] = start + sign * step
        ends.append(function().item())
    flat[place] = start
    return (ends[0] - ends[1]) / (2 * step)


def test_gradient_of_the_whole_loss_matches_central_differences(generator: torch.Generator) -> None:
    logits = torch.randn(3, 4, generator=generator, dtype=torch.float64).requires_grad_()
    maps = [torch.rand(3, 1, s, s, generator=generator, dtype=torch.float64).requires_grad_() for s in (4, 2)]
    labels = torch.tensor([0, 3, 1])
    priors = torch.rand(3, 1, 8, 8, generator=generator, dtype=torch.float64)

    def loss() -> Tensor:
        return whole_loss(Output(logits, tuple(maps)), labels, priors, torch.tensor([True, True, False]))

    loss().backward()
    for value in (logits, *maps):
        assert value.grad is not None
        slopes = [central_difference(loss, value, place, 1e-6) for place in range(value.numel())]
        np.testing.assert_allclose(value.grad.view(-1), slopes, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(("trunk", "kind"), [("vgg16", "sigmoid"), ("vgg16", "softmax"), ("vgg16_bn", "sigmoid")])
def test_gradient_through_the_network_matches_central_differences(trunk: str, kind: str) -> None:
    torch.manual_seed(2)
    network = build_network("attnmel-cnn", trunk=trunk, width=0.02, classes=2, attention=kind).double()
    for name, weights in network.named_parameters():
        if name.endswith("bias"):  # from 0, where a ReLU fed with zeros has no slope
            torch.nn.init.normal_(weights, std=0.1)
    images, priors = torch.rand(4, 3, 32, 32).double(), torch.rand(4, 1, 32, 32).double()
    labels, has_prior = torch.tensor([0, 1, 1, 0]), torch.tensor([True, True, False, True])

    def loss() -> Tensor:
        return whole_loss(network(images), labels, priors, has_prior)

    loss().backward()
    for name, weights in network.named_parameters():
        assert weights.grad is not None, name
        place = int(weights.grad.abs().argmax())
        # A small step, for a ReLU or a maximum that switches within it would bend the slope.
        slope = central_difference(loss, weights, place, 1e-7)
        assert weights.grad.view(-1)[place].item() == pytest.approx(slope, rel=1e-4, abs=1e-8), name


@pytest.mark.parametrize("kind", get_args(Dice))
@pytest.mark.parametrize("parts", [2, 4])
def test_parts_give_the_gradient_of_the_whole_batch(parts: int, kind: Dice) -> None:
    torch.manual_seed(4)
    network = build_network("attnmel-cnn", trunk="vgg16", width=0.05, classes=2).double()
    images, priors = torch.rand(8, 3, 64, 64).double(), torch.rand(8, 1, 64, 64).double()
    # The first part of four has no prior at all.
    labels, has_prior = torch.arange(8) % 2, torch.tensor([False, False, True, True, False, True, True, True])

    priors[5] = 0  # an empty one
    whole_loss(network(images), labels, priors, has_prior, kind=kind).backward()
    expected = [weights.grad.clone() for weights in network.parameters() if weights.grad is not None]
    network.zero_grad()

    chunks = list(zip(*(values.chunk(parts) for values in (images, labels, priors, has_prior)), strict=True))
    with torch.no_grad():
        sums = [[dice_sums(a, p, h, kind) for a in network(i).attention] for i, _, p, h in chunks]
    for number, (part_images, *rest) in enumerate(chunks):
        others = [_added([sums[other][pool] for other in range(parts) if other != number]) for pool in range(2)]
        whole_loss(network(part_images), *rest, kind=kind, share=1 / parts, others=others).backward()
    found = [weights.grad for weights in network.parameters()]
    assert len(found) == len(expected)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-14)


def _added(sums: Sequence[DiceSums]) -> DiceSums:
    return DiceSums(torch.stack([s.overlap for s in sums]).sum(), torch.stack([s.total for s in sums]).sum())


def test_the_sums_of_other_parts_are_constants() -> None:
    attention = torch.rand(1, 1, 4, 4).requires_grad_()
    elsewhere = torch.rand(1, 1, 4, 4).requires_grad_()
    prior, everywhere = torch.rand(1, 1, 4, 4), torch.tensor([True])
    dice_loss(dice_sums(attention, prior, everywhere), dice_sums(elsewhere, prior, everywhere)).backward()
    assert attention.grad is not None
    assert elsewhere.grad is None


@pytest.mark.parametrize("gamma", [0.0, GAMMA])
def test_class_weights_of_one_give_the_plain_loss(gamma: float, generator: torch.Generator) -> None:
    logits, labels = torch.randn(8, 3, generator=generator), torch.tensor([0, 2, 1, 1, 0, 0, 2, 1])
    plain = focal_loss(logits, labels, gamma)
    assert torch.equal(focal_loss(logits, labels, gamma, (1.0, 1.0, 1.0)), plain)
    torch.testing.assert_close(focal_loss(logits, labels, gamma, (3.0, 3.0, 3.0)), plain)


def test_weighted_cross_entropy_is_torchs(generator: torch.Generator) -> None:
    logits, labels = torch.randn(8, 3, generator=generator), torch.tensor([0, 2, 1, 1, 0, 0, 2, 1])
    weights = (0.4618, 0.0767, 4.4696)
    expected = functional.cross_entropy(logits, labels, weight=torch.tensor(weights))
    torch.testing.assert_close(focal_loss(logits, labels, 0.0, weights), expected)


def test_the_mask_loss_is_its_formula_and_leaves_out_images_without_a_prior(generator: torch.Generator) -> None:
    scores = torch.randn(3, 2, 2, 2, generator=generator, dtype=torch.float64)
    prior = torch.rand(3, 2, 4, 4, generator=generator, dtype=torch.float64)
    expected = 0.0
    for image in (0, 2):
        for plane in range(2):
            overlap = total = 0.0
            for row in range(2):
                for column in range(2):
                    share = 1 / (1 + math.exp(-scores[image, plane, row, column].item()))
                    block = prior[image, plane, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2].mean().item()
                    expected -= (block * math.log(share) + (1 - block) * math.log(1 - share)) / 8
                    overlap, total = overlap + share * block, total + share + block
            expected += (1 - (2 * overlap + 1) / (total + 1)) / 2
    found = mask_loss(scores, prior, torch.tensor([True, False, True]))
    assert found.item() == pytest.approx(expected / 3, rel=1e-12)


def presence(share: float, marked: slice, side: int = 8) -> float:
    """The loss of a map that is `share` in the lesion, the left half, and 0 elsewhere, with some of its rows marked."""
    marks = torch.zeros(1, 2, side, side)
    marks[:, 1, :, : side // 2] = 1
    marks[:, 0, marked, : side // 2] = 1
    scores = torch.full((1, 1, side, side), -99.0)
    scores[..., : side // 2] = math.log(share / (1 - share)) if share else -99.0
    return float(presence_loss(scores, marks, torch.tensor([True])))


@pytest.mark.parametrize(
    ("share", "marked", "expected"),
    [
        (0.0, slice(0), 0.0),
        (0.41, slice(0), 0.40),  # absent: at most .01
        (0.3, slice(1), 0.0),  # local: .15 to .5
        (0.05, slice(1), 0.10),
        (0.7, slice(3), 0.20),
        (0.7, slice(4), 0.0),  # global: .5 and more
        (0.2, slice(8), 0.30),
    ],
)
def test_the_loss_of_presence_is_the_distance_to_the_limits(share: float, marked: slice, expected: float) -> None:
    assert presence(share, marked) == pytest.approx(expected, abs=1e-5)


def test_the_loss_of_presence_knows_no_place_inside_the_lesion_and_empties_what_is_around_it() -> None:
    assert presence(0.05, slice(0, 1)) == presence(0.05, slice(6, 7))
    marks = torch.zeros(1, 2, 8, 8)
    marks[:, 1, :, :4] = 1
    around = torch.full((1, 1, 8, 8), -99.0)
    around[..., 4:] = 0.0
    assert float(presence_loss(around, marks, torch.tensor([True]))) == pytest.approx(0.49, abs=1e-5)
    assert float(presence_loss(around, marks, torch.tensor([False]))) == 0
    marks[:, 1] = 0  # no lesion: all of the image counts
    assert float(presence_loss(around, marks, torch.tensor([True]))) == pytest.approx(0.24, abs=1e-5)


@pytest.mark.parametrize("weights", [(), (0.4618, 0.0767, 4.4696)])
@pytest.mark.parametrize("gamma", [0.0, GAMMA])
def test_a_soft_label_counts_in_each_class_by_its_share(
    gamma: float, weights: tuple[float, ...], generator: torch.Generator
) -> None:
    logits = torch.randn(6, 3, generator=generator, dtype=torch.float64)
    shares = torch.rand(6, 3, generator=generator, dtype=torch.float64)
    shares /= shares.sum(1, keepdim=True)
    expected = whole = 0.0
    for scores, soft in zip(logits.numpy(), shares.numpy(), strict=True):
        for label, share in enumerate(soft):
            weight = share * (weights[label] if weights else 1.0)
            expected += weight * plain_focal(scores[None], np.array([label]), gamma)
            whole += weight
    found = focal_loss(logits, shares, gamma, weights).item()
    assert found == pytest.approx(expected / whole, rel=1e-6 if weights else 1e-12)


def test_soft_labels_without_focus_are_torchs_cross_entropy(generator: torch.Generator) -> None:
    logits, shares = torch.randn(8, 3, generator=generator), torch.rand(8, 3, generator=generator).softmax(1)
    torch.testing.assert_close(focal_loss(logits, shares, 0.0), functional.cross_entropy(logits, shares))


@pytest.mark.parametrize("weights", [(), (0.4618, 0.0767, 4.4696)])
@pytest.mark.parametrize("gamma", [0.0, GAMMA])
def test_a_soft_label_of_one_class_is_that_label(
    gamma: float, weights: tuple[float, ...], generator: torch.Generator
) -> None:
    logits, labels = torch.randn(8, 3, generator=generator), torch.tensor([0, 2, 1, 1, 0, 0, 2, 1])
    whole = functional.one_hot(labels, 3).float()
    torch.testing.assert_close(focal_loss(logits, whole, gamma, weights), focal_loss(logits, labels, gamma, weights))
    loss = TotalLoss(gamma=gamma, class_weights=weights)
    assert float(loss.mass(whole)) == pytest.approx(float(loss.mass(labels)))
