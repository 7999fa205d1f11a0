"""A step has the gradient of the formula; a batch in parts, or in several processes, takes the step of the whole."""

import copy
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import TYPE_CHECKING

import pytest
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from attnmel.data.batches.loader import Batch, TrainingBatches
from attnmel.data.batches.maker import BatchMaker
from attnmel.data.preprocess.cache import Cache, open_cache
from attnmel.errors import TrainingError
from attnmel.models.classifiers import build_network
from attnmel.pipeline.run.images.dataset import prepare
from attnmel.training.loop import RATE_SHARE, EpochLoss, train_epochs
from attnmel.training.losses import Dice, TotalLoss
from attnmel.training.objectives import ClassifierObjective
from attnmel.training.schedules import EpochSchedule

if TYPE_CHECKING:
    from tests.conftest import Phantoms

    from attnmel.config.recipe import Recipe

SCHEDULE = EpochSchedule(epochs=2, learning_rate=0.05, decay=0.1, decay_every=1)
LOSS = TotalLoss(gamma=2.0, pool3_weight=0.5, pool4_weight=1.0)
OBJECTIVE = ClassifierObjective(LOSS)

TOLERANCE = 1e-4
"""Of a gradient in float32, as a share of its length."""


@pytest.fixture
def cache(phantoms: "Phantoms", tiny: "Recipe") -> Cache:
    lesions = prepare(tiny.data, home=phantoms.home).lesions
    return open_cache(lesions, crop=0.8, side=tiny.data.side, home=phantoms.home)


def make_batches(cache: Cache, batch: int = 8, prior: str = "lesion") -> TrainingBatches:
    rows = torch.arange(16).numpy()
    mean, std = (0.7, 0.6, 0.5), (0.1, 0.1, 0.1)
    maker = BatchMaker(cache, rows, rows % 2, mean=mean, std=std, prior=prior, device="cpu")
    return TrainingBatches(maker, size=32, repeats={1: 2}, passes=1, batch=batch, seed=3)


def train_once(
    cache: Cache, fabric: Fabric, *, trunk: str, accumulate: int, schedule: EpochSchedule = SCHEDULE
) -> tuple[nn.Module, Sequence[EpochLoss]]:
    torch.manual_seed(0)
    network = build_network("attnmel-cnn", trunk=trunk, width=0.05, classes=2)
    optimizer = torch.optim.SGD(network.parameters(), lr=1.0, momentum=0.9, nesterov=True)
    wrapped, optimizer = fabric.setup(network, optimizer)
    losses = train_epochs(
        wrapped,
        optimizer,
        make_batches(cache),
        fabric=fabric,
        objective=OBJECTIVE,
        schedule=schedule,
        seed=3,
        image_ids=cache.image_ids,
        accumulate=accumulate,
    )
    return network, list(losses)


class OneBatch(TrainingBatches):
    """A single batch, given by hand: six images of which four have a prior."""

    def __init__(self) -> None:
        generator = torch.Generator().manual_seed(5)
        self.only = Batch(
            inputs=torch.randn(6, 3, 32, 32, generator=generator),
            labels=torch.tensor([0, 1, 1, 0, 0, 1]),
            # Noise also where there is no prior: it must not count.
            priors=torch.rand(6, 1, 32, 32, generator=generator),
            has_prior=torch.tensor([True, False, True, True, False, True]),
            rows=torch.arange(6),
        )

    def __len__(self) -> int:
        return 1

    def epoch(self, number: int, *, rank: int = 0, world: int = 1) -> Iterator[Batch]:
        """Give the batch in every epoch."""
        yield self.only


def gradients_of_training(
    network: nn.Module,
    batches: OneBatch,
    fabric: Fabric,
    accumulate: int,
    dice: Dice = "batch",
    class_weights: tuple[float, ...] = (),
    mask_weight: float = 0.0,
) -> list[Tensor]:
    """What one step of the program's own loop leaves in the parameters."""
    wrapped, optimizer = fabric.setup(network, torch.optim.SGD(network.parameters(), lr=1.0))
    steps = train_epochs(
        wrapped,
        optimizer,
        batches,
        fabric=fabric,
        objective=ClassifierObjective(
            dataclasses.replace(LOSS, dice=dice, class_weights=class_weights, mask_weight=mask_weight)
        ),
        schedule=EpochSchedule(epochs=1, learning_rate=0.01, decay=1.0, decay_every=1),
        seed=0,
        image_ids=[str(row) for row in range(6)],
        accumulate=accumulate,
    )
    assert len(list(steps)) == 1
    return [parameter.grad.double() for parameter in network.parameters() if parameter.grad is not None]


@pytest.mark.parametrize("accumulate", [2, 3])
def test_class_weights_have_the_same_gradient_in_parts(fabric: Fabric, accumulate: int) -> None:
    torch.manual_seed(0)
    network, weights = build_network("attnmel-cnn", trunk="vgg16", width=0.05, classes=2), (0.2, 3.0)
    whole, plain, parts = (
        gradients_of_training(copy.deepcopy(network), OneBatch(), fabric, count, class_weights=given)
        for count, given in ((1, weights), (1, ()), (accumulate, weights))
    )
    assert distance(parts, whole) < TOLERANCE
    assert distance(plain, whole) > 100 * TOLERANCE


@pytest.mark.parametrize("accumulate", [2, 3])
def test_a_segmentation_branch_has_the_same_gradient_in_parts(fabric: Fabric, accumulate: int) -> None:
    torch.manual_seed(0)
    network = build_network("chen", trunk="vgg16", width=0.05, classes=2)
    whole, without, parts = (
        gradients_of_training(copy.deepcopy(network), OneBatch(), fabric, count, mask_weight=weight)
        for count, weight in ((1, 2.0), (1, 1.0), (accumulate, 2.0))
    )
    assert distance(parts, whole) < TOLERANCE
    assert distance(without, whole) > 100 * TOLERANCE


def plain_dice(maps: Tensor, batch: Batch) -> Tensor:
    """1 - 2 * sum(a_i m_i) / sum(a_i + m_i), image by image and cell by cell."""
    return plain_dice_of(maps, batch, (0, 2, 3, 5))


def plain_mean_dice(maps: Tensor, batch: Batch) -> Tensor:
    """The mean of each image's own Dice loss."""
    return torch.stack([plain_dice_of(maps, batch, (image,)) for image in (0, 2, 3, 5)]).mean()


def plain_dice_of(maps: Tensor, batch: Batch, images: Sequence[int]) -> Tensor:
    cells = maps.shape[-1]
    block = 32 // cells
    overlap = total = torch.zeros((), dtype=torch.float64)
    for image in images:
        for row, column in product(range(cells), repeat=2):
            top, left = row * block, column * block
            prior = batch.priors[image, 0, top : top + block, left : left + block].double().mean()
            overlap = overlap + maps[image, 0, row, column] * prior
            total = total + maps[image, 0, row, column] + prior
    return 1 - 2 * overlap / total


def gradients_of_the_formula(
    network: nn.Module, batch: Batch, pool3: float, pool4: float, dice: Callable[[Tensor, Batch], Tensor] = plain_dice
) -> list[Tensor]:
    """Autograd of L_focal + pool3_weight * L_D(pool-3) + pool4_weight * L_D(pool-4), in float64."""
    network = copy.deepcopy(network).double()
    logits, (shallow, deep), *_ = network(batch.images.double())
    focal = torch.zeros((), dtype=torch.float64)
    for scores, label in zip(logits, batch.labels.tolist(), strict=True):
        share = scores[label].exp() / scores.exp().sum()
        focal = focal - (1 - share) ** 2 * share.log() / 6
    loss = focal + pool3 * dice(shallow, batch) + pool4 * dice(deep, batch)
    return list(torch.autograd.grad(loss, list(network.parameters())))


def distance(found: Sequence[Tensor], expected: Sequence[Tensor]) -> float:
    """The farthest that a parameter's gradient is from its expected one, as a share of that one's length."""
    # A bias before batch-norm has no gradient but rounding: nothing to compare with.
    least = 1e-9 * float(torch.cat([one.flatten() for one in expected]).norm())
    pairs = zip(found, expected, strict=True)
    return max(float((one - other).norm() / other.norm()) for one, other in pairs if other.norm() > least)


@pytest.mark.parametrize(
    ("trunk", "accumulate"),
    # With batch-norm, parts of a batch have statistics of their own, and so another gradient.
    [("vgg16", 1), ("vgg16", 2), ("vgg16_bn", 1)],
)
def test_a_step_has_the_gradient_of_the_formula(fabric: Fabric, trunk: str, accumulate: int) -> None:
    torch.manual_seed(0)
    network = build_network("attnmel-cnn", trunk=trunk, width=0.05, classes=2)
    batches, pool3, pool4 = OneBatch(), LOSS.pool3_weight, LOSS.pool4_weight
    expected = gradients_of_the_formula(network, batches.only, pool3, pool4)
    # What a slip would give, from the same start: weights swapped, one map or both left out.
    slips = [(pool4, pool3), (0.0, pool4), (pool3, 0.0), (0.0, 0.0)]
    wrong = [gradients_of_the_formula(network, batches.only, *weights) for weights in slips]
    found = gradients_of_training(network, batches, fabric, accumulate)
    assert len(found) == len(expected)
    assert distance(found, expected) < TOLERANCE
    assert min(distance(one, expected) for one in wrong) > 1000 * TOLERANCE


@pytest.mark.parametrize("accumulate", [1, 2, 3])
def test_a_step_of_the_mean_over_images_has_the_gradient_of_its_formula(fabric: Fabric, accumulate: int) -> None:
    torch.manual_seed(0)
    network = build_network("attnmel-cnn", trunk="vgg16", width=0.05, classes=2)
    batches = OneBatch()
    batches.only.priors[2] *= 0.1  # so that the two forms differ much
    weights = (LOSS.pool3_weight, LOSS.pool4_weight)
    expected = gradients_of_the_formula(network, batches.only, *weights, plain_mean_dice)
    other = gradients_of_the_formula(network, batches.only, *weights)
    found = gradients_of_training(network, batches, fabric, accumulate, "image")
    assert distance(found, expected) < TOLERANCE
    assert distance(other, expected) > 100 * TOLERANCE


def test_a_step_in_bf16_is_finite_and_near_that_of_float32(cache: Cache, fabric: Fabric) -> None:
    half = Fabric(accelerator="cpu", devices=1, precision="bf16-mixed")
    slow = dataclasses.replace(SCHEDULE, learning_rate=1e-4)  # what rounding changes does not grow from step to step
    (network, losses), (_, plain) = (
        train_once(cache, one, trunk="vgg16_bn", accumulate=1, schedule=slow) for one in (half, fabric)
    )
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}
    assert all(bool(parameter.isfinite().all()) for parameter in network.parameters())
    assert losses[0].loss != plain[0].loss, "nothing was computed in bf16"
    for found, expected in zip(losses, plain, strict=True):
        assert found.loss.total == pytest.approx(expected.loss.total, rel=0.05)


@pytest.mark.parametrize("accumulate", [2, 4])
def test_a_batch_in_parts_takes_the_step_of_the_whole_batch(cache: Cache, fabric: Fabric, accumulate: int) -> None:
    whole, losses = train_once(cache, fabric, trunk="vgg16", accumulate=1)
    parts, losses_in_parts = train_once(cache, fabric, trunk="vgg16", accumulate=accumulate)
    for one, other in zip(whole.parameters(), parts.parameters(), strict=True):
        torch.testing.assert_close(other, one, rtol=1e-4, atol=1e-6)
    for one, other in zip(losses, losses_in_parts, strict=True):
        assert other.loss == pytest.approx(one.loss, abs=1e-5)


def test_the_pass_ahead_leaves_no_trace_in_batch_norm(cache: Cache, fabric: Fabric) -> None:
    network, losses = train_once(cache, fabric, trunk="vgg16_bn", accumulate=2)
    counted = {module.num_batches_tracked for module in network.modules() if isinstance(module, nn.BatchNorm2d)}
    steps = len(losses) * len(make_batches(cache))
    assert {int(count) for count in counted if count is not None} == {2 * steps}
    assert all(module.track_running_stats for module in network.modules() if isinstance(module, nn.BatchNorm2d))


def test_the_rate_decays_by_steps(cache: Cache, fabric: Fabric) -> None:
    _, losses = train_once(cache, fabric, trunk="vgg16", accumulate=1)
    assert [loss.learning_rate for loss in losses] == pytest.approx([0.05, 0.005])


def test_the_reported_loss_is_the_weighted_sum_of_its_parts(cache: Cache, fabric: Fabric) -> None:
    _, losses = train_once(cache, fabric, trunk="vgg16", accumulate=1)
    for _, loss, _ in losses:
        assert loss.total == pytest.approx(loss.focal + 0.5 * loss.dice_pool3 + 1.0 * loss.dice_pool4, abs=1e-6)


class OneBadBatch(TrainingBatches):
    """The batches of `make_batches`, but the second one of the second epoch holds a value that is no number."""

    def __init__(self, batches: TrainingBatches) -> None:
        self.batches = batches
        self.bad_rows: list[int] = []

    def __len__(self) -> int:
        return len(self.batches)

    def epoch(self, number: int, *, rank: int = 0, world: int = 1) -> Iterator[Batch]:
        """Spoil one image."""
        for step, batch in enumerate(self.batches.epoch(number, rank=rank, world=world)):
            if (number, step) == (1, 1):
                batch.images[3, 0, 5, 7] = torch.nan
                self.bad_rows = batch.rows.tolist()
            yield batch


def test_a_loss_that_is_not_finite_names_epoch_and_images_though_it_is_read_a_step_late(
    cache: Cache, fabric: Fabric
) -> None:
    torch.manual_seed(0)
    network = build_network("attnmel-cnn", trunk="vgg16", width=0.05, classes=2)
    wrapped, optimizer = fabric.setup(network, torch.optim.SGD(network.parameters(), lr=1.0))
    batches = OneBadBatch(make_batches(cache))
    assert len(batches) == 3, "the bad step is to be followed by another"
    finished: list[EpochLoss] = []
    with pytest.raises(TrainingError) as told:
        finished.extend(
            train_epochs(
                wrapped,
                optimizer,
                batches,
                fabric=fabric,
                objective=OBJECTIVE,
                schedule=SCHEDULE,
                seed=0,
                image_ids=cache.image_ids,
            )
        )
    names = ", ".join(cache.image_ids[row] for row in batches.bad_rows)
    assert str(told.value).startswith(f"the loss became nan in epoch 2; its batch: {names}. Checkpoints of finished")
    assert [epoch.number for epoch in finished] == [0], "an epoch with such a step must not count as finished"


def test_a_gradient_that_is_not_finite_behind_a_finite_loss_is_told(cache: Cache, fabric: Fabric) -> None:
    torch.manual_seed(0)
    network = build_network("attnmel-cnn", trunk="vgg16", width=0.05, classes=2)
    next(network.parameters()).register_hook(lambda gradient: gradient * torch.inf)
    wrapped, optimizer = fabric.setup(network, torch.optim.SGD(network.parameters(), lr=1.0))
    with pytest.raises(TrainingError, match=r"the gradient became (nan|inf) in epoch 1; its batch: ISIC_\d+, "):
        next(
            train_epochs(
                wrapped,
                optimizer,
                make_batches(cache),
                fabric=fabric,
                objective=OBJECTIVE,
                schedule=SCHEDULE,
                seed=0,
                image_ids=cache.image_ids,
            )
        )


def test_weights_that_the_last_step_of_an_epoch_spoils_are_told_at_once(fabric: Fabric) -> None:
    """No loss of that epoch shows them: it would be evaluated, and stored, with weights that nothing can be read of."""
    network = build_network("attnmel-cnn", trunk="vgg16_bn", width=0.05, classes=2)
    next(network.parameters()).register_hook(lambda gradient: torch.full_like(gradient, 10.0))
    wrapped, optimizer = fabric.setup(network, torch.optim.SGD(network.parameters(), lr=1.0))
    steps = train_epochs(
        wrapped,
        optimizer,
        OneBatch(),
        fabric=fabric,
        objective=OBJECTIVE,
        schedule=dataclasses.replace(SCHEDULE, learning_rate=1e38),
        seed=0,
        image_ids=[str(row) for row in range(6)],
        remedy="do otherwise",
    )
    with pytest.raises(TrainingError) as told:
        next(steps)
    many = len(network.state_dict())
    assert str(told.value) == (
        f"after the last step of epoch 1, 1 of {many} tensors of the network are not finite (first: "
        "'trunk.features.0.weight'). Checkpoints of finished epochs are kept; do otherwise."
    )


def test_the_rate_rises_in_a_line_and_falls_along_a_cosine_or_in_steps() -> None:
    cosine = EpochSchedule(epochs=4, learning_rate=0.8, decay=0.1, decay_every=1, kind="cosine", warm_up=0.5)
    # Half a cosine over the four epochs, 1 at the start, one half in the middle and 0 at the end.
    assert [cosine.rate(epoch) for epoch in (2, 4)] == pytest.approx([0.4, 0.0])
    assert cosine.rate(1) == pytest.approx(0.8 * (1 + 0.5**0.5) / 2)
    whole = EpochSchedule(epochs=4, learning_rate=0.8, decay=0.1, decay_every=1, kind="cosine")
    assert cosine.rate(0.25) == pytest.approx(whole.rate(0.25) / 2), "half of the way up"
    assert cosine.rate(0.75) == whole.rate(0.75)
    steps = EpochSchedule(epochs=4, learning_rate=0.8, decay=0.1, decay_every=2)
    assert [steps.rate(epoch) for epoch in (0, 1.99, 2, 3.5)] == pytest.approx([0.8, 0.8, 0.08, 0.08])


def test_every_step_has_the_rate_of_its_moment(cache: Cache, fabric: Fabric) -> None:
    rates: list[float] = []

    class Watched(torch.optim.SGD):
        def step(self, closure: None = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - no closure here
            rates.append(self.param_groups[0]["lr"])
            super().step(closure)

    network = build_network("mel-cnn", trunk="vgg16", width=1 / 16, classes=2)
    wrapped, optimizer = fabric.setup(network, Watched(network.parameters(), lr=1.0))
    schedule = EpochSchedule(epochs=2, learning_rate=0.01, decay=1.0, decay_every=1, kind="cosine", warm_up=1.0)
    batches = make_batches(cache, prior="none")
    epochs = list(
        train_epochs(
            wrapped,
            optimizer,
            batches,
            fabric=fabric,
            objective=ClassifierObjective(TotalLoss(gamma=2.0)),
            schedule=schedule,
            seed=0,
            image_ids=cache.image_ids,
        )
    )
    steps = len(batches)
    assert rates == pytest.approx([schedule.rate((step + 0.5) / steps) for step in range(2 * steps)])
    assert [one.learning_rate for one in epochs] == pytest.approx([schedule.rate(0.5), schedule.rate(1.5)])


class TwoBatches(OneBatch):
    """The six images one way round, then three of them."""

    def __len__(self) -> int:
        return 2

    def epoch(self, number: int, *, rank: int = 0, world: int = 1) -> Iterator[Batch]:
        """Give both batches."""
        yield from (self.only, self.only.parts(2)[0])


def test_the_loss_of_an_epoch_is_the_mean_over_its_batches_and_shares_of_the_rate_are_kept(fabric: Fabric) -> None:
    torch.manual_seed(0)
    network, batches = build_network("attnmel-cnn", trunk="vgg16", width=0.05, classes=2), TwoBatches()
    with torch.no_grad():
        each = [LOSS(network(one.images), one.labels, one.priors, one.has_prior).item() for one in batches.epoch(0)]
    first, *others = network.parameters()
    groups = [{"params": [first]}, {"params": others, RATE_SHARE: 0.25}]
    wrapped, optimizer = fabric.setup(network, torch.optim.SGD(groups, lr=1.0))
    rate = 1e-12  # so that the second batch is seen by the same network
    (found,) = train_epochs(
        wrapped,
        optimizer,
        batches,
        fabric=fabric,
        objective=OBJECTIVE,
        schedule=EpochSchedule(epochs=1, learning_rate=rate, decay=1.0, decay_every=1),
        seed=0,
        image_ids=[str(row) for row in range(6)],
    )
    assert abs(each[0] - each[1]) > 0.001
    assert found.loss.total == pytest.approx(sum(each) / 2, rel=1e-5)
    assert [group["lr"] for group in optimizer.param_groups] == [rate, 0.25 * rate]
