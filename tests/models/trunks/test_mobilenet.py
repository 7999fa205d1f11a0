from pathlib import Path
from typing import get_args

import pytest
import torch
from safetensors import safe_open
from torch import Tensor
from torch.nn import functional

from attnmel.config.settings.model import Padding
from attnmel.models.trunks.mobilenet import InvertedResidual, MobileNetV2Trunk, divisible

REAL = Path(__file__).parents[3] / "shared" / "weights" / "mobilenet_v2-imagenet-dequantised.safetensors"
NORM = ("weight", "bias", "running_mean", "running_var")

# Block by block: channels in, channels inside, channels out. Written by hand from table 2 of the paper.
BLOCKS = (
    *((32, 32, 16), (16, 96, 24), (24, 144, 24), (24, 144, 32), (32, 192, 32), (32, 192, 32), (32, 192, 64)),
    *((64, 384, 64), (64, 384, 64), (64, 384, 64), (64, 384, 96), (96, 576, 96), (96, 576, 96), (96, 576, 160)),
    *((160, 960, 160), (160, 960, 160), (160, 960, 320)),
)


def torchvision_shapes() -> dict[str, tuple[int, ...]]:
    """Names and shapes of torchvision's `features`: a block's layers are nested once more than its last convolution."""

    def layer(name: str, norm: str, *shape: int) -> dict[str, tuple[int, ...]]:
        counted = {f"{norm}.num_batches_tracked": ()}
        return {f"{name}.weight": shape, **{f"{norm}.{part}": shape[:1] for part in NORM}, **counted}

    shapes = layer("features.0.0", "features.0.1", 32, 3, 3, 3)
    for place, (inputs, hidden, outputs) in enumerate(BLOCKS, 1):
        block, at = f"features.{place}.conv", 0
        if place > 1:
            shapes |= layer(f"{block}.0.0", f"{block}.0.1", hidden, inputs, 1, 1)
            at = 1
        shapes |= layer(f"{block}.{at}.0", f"{block}.{at}.1", hidden, 1, 3, 3)
        shapes |= layer(f"{block}.{at + 1}", f"{block}.{at + 2}", outputs, hidden, 1, 1)
    return shapes | layer("features.18.0", "features.18.1", 1280, 320, 1, 1)


def full_width() -> MobileNetV2Trunk:
    with torch.device("meta"):
        return MobileNetV2Trunk(width=1.0, padding="symmetric")


def small(padding: Padding = "symmetric") -> MobileNetV2Trunk:
    """A narrow trunk in evaluation mode, in double precision, with a batch-norm that does something."""
    torch.manual_seed(3)
    trunk = MobileNetV2Trunk(width=0.1, padding=padding).double()
    trunk(torch.randn(8, 3, 64, 64, dtype=torch.float64))
    return trunk.eval()


def test_state_dict_has_torchvision_names_and_shapes() -> None:
    found = {name: tuple(tensor.shape) for name, tensor in full_width().state_dict().items()}
    assert found == torchvision_shapes()
    assert next(iter(found)) == "features.0.0.weight"


@pytest.mark.real
@pytest.mark.skipif(not REAL.is_file(), reason="no real weights beside the project")
def test_state_dict_has_names_and_shapes_of_the_real_weights() -> None:
    with safe_open(REAL, framework="pt") as file:
        names = [name for name in file.keys() if name.startswith("features.")]  # noqa: SIM118 - no mapping
        real = {name: tuple(file.get_slice(name).get_shape()) for name in names}
    assert real == {name: tuple(tensor.shape) for name, tensor in full_width().state_dict().items()}


def test_parameter_count_is_torchvisions() -> None:
    # 3,504,872 of the whole network, less the classifier's 1280 x 1000 + 1000.
    assert sum(parameter.numel() for parameter in full_width().parameters()) == 3_504_872 - 1_281_000 == 2_223_872


@pytest.mark.parametrize("padding", get_args(Padding))
def test_maps_have_strides_8_16_and_32(padding: Padding) -> None:
    trunk = MobileNetV2Trunk(width=1.0, padding=padding).eval()
    for side in (224, 64):
        with torch.inference_mode():
            maps = trunk(torch.zeros(1, 3, side, side))
        shapes = [tuple(one.shape[1:]) for one in maps]
        assert shapes == [(32, side // 8, side // 8), (96, side // 16, side // 16), (1280, side // 32, side // 32)]
        assert trunk.channels == (32, 96, 1280)


def test_the_maps_are_those_of_the_last_block_of_their_stride() -> None:
    trunk, images = small(), torch.randn(2, 3, 64, 64, dtype=torch.float64)
    expected = [trunk.features[:7], trunk.features[:14], trunk.features]
    for found, layers in zip(trunk(images), expected, strict=True):
        assert torch.equal(found, layers(images))


@pytest.mark.parametrize(
    ("channels", "kept"),
    # By hand: to the nearest multiple of 8, at least 8; 8 of 11.2 is less than nine tenths, so 16.
    [(32, 32), (24 * 0.75, 24), (32 * 0.35, 16), (16 * 0.35, 8), (160 * 0.35, 56), (64 * 0.5, 32), (1.6, 8), (12, 16)],
)
def test_channels_are_multiples_of_eight(channels: float, kept: int) -> None:
    assert divisible(channels) == kept


def test_a_narrow_trunk_keeps_its_last_channels() -> None:
    with torch.device("meta"):
        assert MobileNetV2Trunk(width=0.35, padding="symmetric").channels == (16, 32, 1280)


def normed(state: dict[str, Tensor], name: str, maps: Tensor) -> Tensor:
    """Batch-norm in evaluation mode, by its formula."""
    weight, bias, mean, variance = (state[f"{name}.{part}"][:, None, None] for part in NORM)
    return (maps - mean) / (variance + 1e-5).sqrt() * weight + bias


def by_formula(state: dict[str, Tensor], images: Tensor, *, stride: int) -> Tensor:
    """An inverted residual without its addition, of plain functions; the 3x3 convolution channel by channel."""
    hidden = normed(state, "conv.0.1", torch.einsum("oi,bihw->bohw", state["conv.0.0.weight"][:, :, 0, 0], images))
    hidden = hidden.clamp(0, 6)
    kernels = state["conv.1.0.weight"]
    channels = [
        functional.conv2d(hidden[:, [place]], kernels[[place]], padding=1, stride=stride)
        for place in range(len(kernels))
    ]
    hidden = normed(state, "conv.1.1", torch.cat(channels, dim=1)).clamp(0, 6)
    return normed(state, "conv.3", torch.einsum("oi,bihw->bohw", state["conv.2.weight"][:, :, 0, 0], hidden))


@pytest.mark.parametrize(("inputs", "outputs", "stride", "adds"), [(8, 8, 1, 1), (8, 16, 1, 0), (8, 8, 2, 0)])
def test_a_block_is_what_its_formula_says(inputs: int, outputs: int, stride: int, adds: int) -> None:
    torch.manual_seed(0)
    block = InvertedResidual(inputs, outputs, 6, stride, "symmetric").double()
    images = 3 * torch.randn(4, inputs, 8, 8, dtype=torch.float64)
    for name, tensor in block.state_dict().items():
        if name.endswith(NORM):
            tensor.copy_(torch.rand_like(tensor) + 0.5)
    before = images.clone()
    expected = by_formula(block.state_dict(), images, stride=stride) + (images if adds else 0)
    torch.testing.assert_close(block.eval()(images), expected)
    assert torch.equal(images, before), "the input is needed by the gates and must stay"


def test_gradients_are_those_of_finite_differences_in_spite_of_in_place_layers() -> None:
    torch.manual_seed(0)
    block = InvertedResidual(8, 8, 2, 1, "symmetric").double()
    images = torch.randn(2, 8, 4, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(block, (images,))


def test_tensorflow_padding_is_symmetric_padding_of_everything_turned_by_180_degrees() -> None:
    trunk, turned = small("tensorflow"), small("symmetric")
    turned.load_state_dict(
        {name: one.flip(2, 3) if one.shape[2:] == (3, 3) else one for name, one in trunk.state_dict().items()}
    )
    images = torch.randn(2, 3, 96, 96, dtype=torch.float64)
    for found, other in zip(trunk(images), turned(images.flip(2, 3)), strict=True):
        torch.testing.assert_close(found, other.flip(2, 3))
    # The two are not the same by chance.
    assert not torch.allclose(trunk(images).stride32, turned(images).stride32, atol=1e-3)


def test_tensorflow_padding_is_none_before_and_one_after() -> None:
    first = MobileNetV2Trunk(width=0.1, padding="tensorflow").get_submodule("features.0.0")
    kernel = first.get_parameter("weight")
    images = torch.randn(1, 3, 6, 6)
    found = first(images)
    assert found.shape[2:] == (3, 3)
    torch.testing.assert_close(found[0, :, 0, 0], (kernel * images[:, :, :3, :3]).sum((1, 2, 3)))
    torch.testing.assert_close(found[0, :, 2, 2], (kernel[:, :, :2, :2] * images[:, :, 4:, 4:]).sum((1, 2, 3)))


def test_random_start_is_kaiming_by_fan_out() -> None:
    torch.manual_seed(0)
    weight = MobileNetV2Trunk(width=1.0, padding="symmetric").get_parameter("features.18.0.weight")
    assert weight.std().item() == pytest.approx((2 / 1280) ** 0.5, rel=0.02)
