import pytest
import torch

from attnmel.errors import ConfigError
from attnmel.models.trunks.registry import TRUNKS
from attnmel.models.trunks.trunk import check_size, kept_channels
from attnmel.models.trunks.vgg import VggTrunk

BATCH_NORM_NAMES = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


def torchvision_names(*, batch_norm: bool) -> list[str]:
    """State-dict names by counting the modules of torchvision's `features`: conv, (norm,) ReLU, and five poolings."""
    names = []
    place = 0
    for convolutions in (2, 2, 3, 3, 3):
        for _ in range(convolutions):
            names += [f"features.{place}.weight", f"features.{place}.bias"]
            if batch_norm:
                names += [f"features.{place + 1}.{name}" for name in BATCH_NORM_NAMES]
            place += 3 if batch_norm else 2
        place += 1
    return names


@pytest.mark.parametrize(("name", "batch_norm", "last"), [("vgg16", False, 28), ("vgg16_bn", True, 41)])
def test_state_dict_has_torchvision_names(name: str, batch_norm: bool, last: int) -> None:
    names = list(TRUNKS[name](0.05).state_dict())
    assert names == torchvision_names(batch_norm=batch_norm)
    # The last layers' places as published: torchvision's vgg16 ends in features.28, vgg16_bn in features.41.
    assert names[-1].split(".")[1] == str(last)


def test_shapes_are_those_of_the_published_weights() -> None:
    with torch.device("meta"):
        shapes = {name: tuple(tensor.shape) for name, tensor in TRUNKS["vgg16"](1.0).state_dict().items()}
    assert shapes["features.0.weight"] == (64, 3, 3, 3)
    assert shapes["features.10.weight"] == (256, 128, 3, 3)
    assert shapes["features.28.weight"] == (512, 512, 3, 3)


@pytest.mark.parametrize(("name", "parameters"), [("vgg16_bn", 14_723_136), ("vgg16", 14_714_688)])
def test_parameter_count(name: str, parameters: int) -> None:
    with torch.device("meta"):
        trunk = TRUNKS[name](1.0)
    assert sum(parameter.numel() for parameter in trunk.parameters()) == parameters


@pytest.mark.parametrize("name", TRUNKS)
@pytest.mark.parametrize(("side", "sides"), [(224, (28, 14, 7)), (64, (8, 4, 2)), (32, (4, 2, 1))])
def test_map_sizes(name: str, side: int, sides: tuple[int, int, int]) -> None:
    trunk = TRUNKS[name](0.05).eval()
    maps = trunk(torch.zeros(1, 3, side, side))
    for features, channels, map_side in zip(maps, trunk.channels, sides, strict=True):
        assert features.shape == (1, channels, map_side, map_side)


@pytest.mark.parametrize(("width", "channels"), [(1.0, (256, 512, 512)), (0.25, (64, 128, 128)), (0.001, (1, 1, 1))])
def test_width_scales_the_channels(width: float, channels: tuple[int, int, int]) -> None:
    with torch.device("meta"):
        assert TRUNKS["vgg16_bn"](width).channels == channels
    assert kept_channels(512, width) == channels[2]


def test_maps_come_after_max_pooling() -> None:
    trunk = VggTrunk(batch_norm=False, width=0.05)
    images = torch.rand(2, 3, 64, 64)
    expected = [trunk.features[:17], trunk.features[:24], trunk.features]
    for features, layers in zip(trunk(images), expected, strict=True):
        assert torch.equal(features, layers(images))


def test_random_start_is_kaiming_by_fan_out() -> None:
    torch.manual_seed(0)
    layer = VggTrunk(batch_norm=True, width=0.5).features[3]
    assert isinstance(layer, torch.nn.Conv2d)
    assert layer.weight.std().item() == pytest.approx((2 / (32 * 9)) ** 0.5, rel=0.05)
    assert layer.bias is not None
    assert not layer.bias.any()


@pytest.mark.parametrize(("side", "fits"), [(225, "224 or 256"), (31, "32"), (0, "32"), (100, "96 or 128")])
def test_other_sizes_are_answered_with_the_nearest(side: int, fits: str) -> None:
    with pytest.raises(ConfigError, match=rf"{side}x64 pixels.*multiple of 32.*nearest to {side}: {fits}\."):
        check_size(64, side)


def test_a_trunk_refuses_other_sizes() -> None:
    with pytest.raises(ConfigError, match="nearest to 48: 32 or 64"):
        TRUNKS["vgg16"](0.05)(torch.zeros(1, 3, 48, 48))
