from typing import get_args

import pytest
import torch
from efficientnet_lite_pytorch import EfficientNet
from torch import Tensor, nn

from attnmel.config.settings.model import Padding
from attnmel.models.trunks.efficientnet_lite import VARIANTS, EfficientNetLiteTrunk, blocks_of
from attnmel.models.trunks.mobilenet import InvertedResidual
from attnmel.models.trunks.registry import TRUNKS
from attnmel.models.weights.efficientnet_lite import packaged_file, renamed

# Variant, and a side near that of its weights (224, 240, 260) that is a multiple of 32.
SIDES = [(0, 224), (1, 224), (1, 256), (2, 256)]
# By hand from table 1 of the paper and the factors of blocks: 1, 1.1 and 1.2, rounded up, but at both ends.
BLOCKS = ((1, 2, 2, 3, 3, 4, 1), (1, 3, 3, 4, 4, 5, 1), (1, 3, 3, 4, 4, 5, 1))
CHANNELS = ((40, 112, 1280), (40, 112, 1280), (48, 120, 1280))


def reference(variant: int, side: int, *, dropped_blocks: float = 0.2) -> EfficientNet:
    """The package's network with its weights, padded as TensorFlow pads images of that side."""
    name = f"efficientnet-lite{variant}"
    built = EfficientNet.from_name(name, image_size=side, drop_connect_rate=dropped_blocks)
    built.load_state_dict(pickled(variant))
    return built


def pickled(variant: int) -> dict[str, Tensor]:
    return torch.load(packaged_file(f"efficientnet_lite{variant}"), weights_only=True)


def with_weights(variant: int, padding: Padding = "tensorflow") -> EfficientNetLiteTrunk:
    trunk = EfficientNetLiteTrunk(VARIANTS[variant], width=1.0, padding=padding)
    held = renamed(pickled(variant))
    trunk.load_state_dict({name: tensor for name, tensor in held.items() if name.startswith("features.")})
    return trunk


def reference_maps(network: EfficientNet, images: Tensor) -> list[Tensor]:
    """Outputs of the last block before each halving of the side, and of the last layer, by size alone."""
    maps: dict[int, Tensor] = {}

    def keep(module: nn.Module, inputs: object, output: Tensor) -> None:
        maps[output.shape[-1]] = output

    for block in network._blocks:
        block.register_forward_hook(keep)
    last = network.extract_features(images)
    side = images.shape[-1]
    return [maps[side // 8], maps[side // 16], last]


@pytest.mark.parametrize(("variant", "side"), SIDES)
def test_all_three_maps_agree_with_the_reference_package(variant: int, side: int) -> None:
    torch.manual_seed(0)
    images = torch.randn(3, 3, side, side)
    with torch.inference_mode():
        expected = reference_maps(reference(variant, side).eval(), images)
        found = with_weights(variant).eval()(images)
    for one, other in zip(found, expected, strict=True):
        assert one.abs().max() > 1
        torch.testing.assert_close(one, other, rtol=0, atol=1e-5)


def test_a_step_of_training_moves_weights_and_batch_norms_as_the_reference_does() -> None:
    torch.manual_seed(0)
    images = torch.randn(3, 3, 64, 64)
    theirs, ours = reference(0, 64, dropped_blocks=0.0).train(), with_weights(0).train()
    for network, features in ((theirs, theirs.extract_features), (ours, lambda one: ours(one).stride32)):
        features(images).square().mean().backward()
        torch.optim.SGD(network.parameters(), lr=0.01).step()
    expected = renamed(theirs.state_dict())
    for name, tensor in ours.state_dict().items():
        torch.testing.assert_close(tensor, expected[name], rtol=1e-4, atol=1e-5, msg=name)


def test_symmetric_padding_is_another_function_of_the_same_weights() -> None:
    images = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        tensorflow, symmetric = (with_weights(0, padding).eval()(images) for padding in ("tensorflow", "symmetric"))
    assert (tensorflow.stride8 - symmetric.stride8).abs().max() > 0.1


@pytest.mark.parametrize("variant", [0, 1, 2])
def test_state_dict_has_the_layers_and_the_size_of_the_published_network(variant: int) -> None:
    with torch.device("meta"):
        trunk = TRUNKS[f"efficientnet_lite{variant}"](1.0)
    held = renamed(pickled(variant))
    assert {name: tuple(tensor.shape) for name, tensor in trunk.state_dict().items()} == {
        name: tuple(tensor.shape) for name, tensor in held.items() if name.startswith("features.")
    }
    # 4.7, 5.4 and 6.1 million with a classifier of 1280 x 1000 + 1000, as the official table says.
    whole = sum(parameter.numel() for parameter in trunk.parameters()) + 1_281_000
    assert round(whole / 1e6, 1) == (4.7, 5.4, 6.1)[variant]


@pytest.mark.parametrize("variant", [0, 1, 2])
def test_blocks_and_channels_of_each_variant(variant: int) -> None:
    assert blocks_of(VARIANTS[variant]) == BLOCKS[variant]
    with torch.device("meta"):
        assert TRUNKS[f"efficientnet_lite{variant}"](1.0).channels == CHANNELS[variant]


@pytest.mark.parametrize("padding", get_args(Padding))
def test_maps_have_strides_8_16_and_32(padding: Padding) -> None:
    trunk = EfficientNetLiteTrunk(VARIANTS[2], width=1.0, padding=padding).eval()
    for side in (96, 32):
        with torch.inference_mode():
            shapes = [tuple(one.shape[1:]) for one in trunk(torch.zeros(1, 3, side, side))]
        assert shapes == [(48, side // 8, side // 8), (120, side // 16, side // 16), (1280, side // 32, side // 32)]


def test_a_narrow_trunk_keeps_its_last_channels() -> None:
    with torch.device("meta"):
        trunk = TRUNKS["efficientnet_lite2"](0.5)
    # By hand: halves of 48 and 120, the latter to the nearest multiple of 8 (60 lies between: up); 16 of 32 at first.
    assert trunk.channels == (24, 64, 1280)
    assert trunk.get_parameter("features.0.0.weight").shape[0] == 16


def test_tensorflow_padding_of_a_5x5_convolution_is_one_before_and_two_after() -> None:
    torch.manual_seed(0)
    convolution = InvertedResidual(8, 8, 1, 2, "tensorflow", kernel=5).get_submodule("conv.0.0")
    kernel = convolution.get_parameter("weight")[:, 0]
    images = torch.randn(1, 8, 8, 8)
    found = convolution(images)[0]
    assert found.shape == (8, 4, 4)
    torch.testing.assert_close(found[:, 0, 0], (kernel[:, 1:, 1:] * images[0, :, :4, :4]).sum((1, 2)))
    torch.testing.assert_close(found[:, 3, 3], (kernel[:, :3, :3] * images[0, :, 5:, 5:]).sum((1, 2)))


def test_gradients_are_those_of_finite_differences_in_spite_of_in_place_layers() -> None:
    torch.manual_seed(0)
    block = InvertedResidual(8, 8, 2, 1, "tensorflow", kernel=5).double()
    images = torch.randn(2, 8, 4, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(block, (images,))
