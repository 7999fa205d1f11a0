import numpy as np
import pytest
import torch
from jaxtyping import Float
from torch import Tensor, nn

from attnmel.saliency.methods.channels import Examples, channel_maps, layer_maps, measure_channels


def examples(images: Float[Tensor, "B 3 s s"], seed: int, *, marked: bool = True) -> Examples:
    masks = (torch.rand(len(images), 64, 64, generator=torch.Generator().manual_seed(seed)) > 0.6).float()
    return Examples(images, torch.arange(len(images)) % 2 == 0, masks * marked)


def test_channels_are_judged_as_numpy_judges_them(network: nn.Module, images: Float[Tensor, "B 3 s s"]) -> None:
    batches = [examples(images, 0), examples(images.flip(-1) * 2, 1), examples(images[:1] + 1, 2, marked=False)]
    channels = measure_channels(network, batches, layer="pool4")
    maps = torch.cat([layer_maps(network, one.images, layer="pool4") for one in batches]).numpy()
    labels = torch.cat([one.is_class for one in batches]).numpy()
    masks = torch.cat([one.masks for one in batches]).reshape(7, 4, 16, 4, 16).mean((2, 4)).numpy()
    for channel in range(5):
        own = maps[:, channel]
        expected = np.corrcoef(own.mean((1, 2)), labels)[0, 1]
        assert channels.correlation[channel].item() == pytest.approx(expected, abs=1e-5)
        shares = []
        for one, mask in zip(own[:6], masks[:6], strict=True):
            spread = (one - one.min()) / (np.ptp(one) or 1)
            shares.append(np.minimum(spread, mask).sum() / np.maximum(spread, mask).sum())
        assert channels.overlap[channel].item() == pytest.approx(np.mean(shares), abs=1e-5)
    assert channels.by_correlation().tolist() == np.argsort(-channels.correlation.numpy()).tolist()
    assert channels.by_overlap().tolist() == np.argsort(-channels.overlap.numpy()).tolist()


def test_the_channel_that_sees_the_lesion_comes_first(
    square_network: nn.Module, square: Tensor, bright: Float[Tensor, "B 3 s s"]
) -> None:
    darker = torch.where(square, bright * 0.5, bright)
    images = torch.cat([bright, darker])
    batch = Examples(images, torch.arange(6) < 3, square.float().repeat(6, 1, 1))
    channels = measure_channels(square_network, [batch], layer="pool3")
    assert channels.by_correlation()[0] == channels.by_overlap()[0] == 0
    assert channels.correlation[0] > 0.9
    assert channels.overlap[0] > 0.8
    assert channels.overlap[1] < 0.1


def test_without_masks_the_overlap_is_not_defined_and_one_class_correlates_with_nothing(
    network: nn.Module, images: Float[Tensor, "B 3 s s"]
) -> None:
    batch = Examples(images, torch.ones(3, dtype=torch.bool), torch.zeros(3, 64, 64))
    channels = measure_channels(network, [batch], layer="pool5")
    assert channels.overlap.isnan().all()
    assert not channels.correlation.any()


def test_a_channel_that_only_rounding_changes_correlates_with_nothing(images: Float[Tensor, "B 3 s s"]) -> None:
    class Constant(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return torch.full_like(images[:, :1], 0.1) + 1e-9 * images[:, :1]

    network = nn.Sequential(Constant(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    assert not measure_channels(network, [examples(images, 0)], layer="0").correlation.any()


def test_the_maps_of_chosen_channels_come_in_their_order(network: nn.Module, images: Float[Tensor, "B 3 s s"]) -> None:
    maps = channel_maps(network, images, layer="trunk.features.5", channels=[3, 0])
    assert maps.shape == (3, 2, 64, 64)
    assert maps.min() == 0
    assert maps.max() == 1
    # Before the ReLU that works in place: the batch-norm's own maps have values below 0.
    assert layer_maps(network, images, layer="trunk.features.5").min() < 0
    assert torch.equal(maps[:, 1], channel_maps(network, images, layer="trunk.features.5", channels=[0])[:, 0])
    assert network.training
