import copy
from itertools import product

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from attnmel.models.trunks.depthwise import Depthwise
from attnmel.models.trunks.mobilenet import DepthwisePaddedAtTheEnd, MobileNetV2Trunk

CHANNELS = 6
KERNELS = ((3, 3), (5, 5), (7, 7), (3, 5), (1, 4))
STRIDES = ((1, 1), (2, 2), (1, 2), (3, 2))
PADDINGS = ((0, 0), (1, 1), (2, 2), (0, 3))


def gradients(
    layer: nn.Conv2d, images: Tensor, *, autocast: bool = False, seed: int = 0
) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """The layer's output, and the gradients of a random sum of it by the images and by the weights."""
    layer.zero_grad()
    images = images.clone().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        found = layer(images)
    drawn = torch.randn(found.shape, generator=torch.Generator().manual_seed(seed)).to(found.dtype)
    (found * drawn).sum().backward()
    return found, images.grad, layer.weight.grad


def by_torch(layer: Depthwise, images: Tensor) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """The same by torch's own layer, in double precision."""
    # Outside training, which a test below shows to be torch's own.
    return gradients(copy.deepcopy(layer).double().eval(), images.double())


def depthwise(kernel: tuple[int, int], stride: tuple[int, int], padding: tuple[int, int]) -> Depthwise:
    torch.manual_seed(0)
    return Depthwise(CHANNELS, CHANNELS, kernel, stride, padding, groups=CHANNELS, bias=False)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("kernel", KERNELS)
def test_output_and_gradients_are_those_of_torchs_convolution(
    kernel: tuple[int, int], layout: torch.memory_format
) -> None:
    images = torch.randn(3, CHANNELS, 11, 14).contiguous(memory_format=layout)
    for stride, padding in product(STRIDES, PADDINGS):
        layer = depthwise(kernel, stride, padding)
        found, expected = gradients(layer, images), by_torch(layer, images)
        for ours, theirs in zip(found, expected, strict=True):
            assert ours is not None
            assert theirs is not None
            assert (ours - theirs).abs().max() <= 1e-5 * theirs.abs().max()


@pytest.mark.parametrize("kernel", KERNELS)
def test_under_autocast_gradients_are_as_near_as_bf16_is(kernel: tuple[int, int]) -> None:
    for stride, padding in product(STRIDES, PADDINGS):
        layer = depthwise(kernel, stride, padding)
        layer.weight.data = layer.weight.data.bfloat16().float()
        images = torch.randn(3, CHANNELS, 11, 14).bfloat16().float()
        found, by_images, by_weights = gradients(layer, images, autocast=True)
        assert found.dtype == torch.bfloat16
        # The random factors of the sum are rounded to bf16 too, so the reference has the same ones.
        drawn = torch.randn(found.shape, generator=torch.Generator().manual_seed(0)).bfloat16().double()
        wide, weight = images.double().requires_grad_(), layer.weight.detach().double().requires_grad_()
        reference = functional.conv2d(wide, weight, None, stride, padding, 1, CHANNELS)
        (reference * drawn).sum().backward()
        for ours, theirs in ((found, reference), (by_images, wide.grad), (by_weights, weight.grad)):
            assert ours is not None
            assert theirs is not None
            # Half a unit in the last of the 8 bits, for sums in float32; a processor that sums in bf16 has a few, one
            # without instructions for it up to .017 of the largest.
            assert (ours - theirs).abs().max() <= 2**-5 * theirs.abs().max()


@pytest.mark.parametrize(("kernel", "stride"), [((3, 3), (2, 2)), ((5, 5), (2, 2)), ((5, 5), (1, 1))])
def test_gradients_are_those_of_finite_differences(kernel: tuple[int, int], stride: tuple[int, int]) -> None:
    layer = depthwise(kernel, stride, (2, 1)).double()
    images = torch.randn(2, CHANNELS, 5, 6, dtype=torch.float64, requires_grad=True)

    def convolve(images: Tensor, weight: Tensor) -> Tensor:
        return torch.func.functional_call(layer, {"weight": weight}, (images,))

    assert torch.autograd.gradcheck(convolve, (images, layer.weight))


@pytest.mark.parametrize("wanted", ["images", "weights"])
def test_a_gradient_that_nobody_wants_is_left_out(wanted: str) -> None:
    layer, images = depthwise((5, 5), (2, 2), (2, 2)), torch.randn(2, CHANNELS, 8, 8)
    _, by_images, by_weights = gradients(layer, images)
    expected = {"images": by_images, "weights": by_weights}
    layer.zero_grad()
    layer.weight.requires_grad_(wanted == "weights")
    images.requires_grad_(wanted == "images")
    found = layer(images)
    (found * torch.randn(found.shape, generator=torch.Generator().manual_seed(0))).sum().backward()
    left = {"images": images.grad, "weights": layer.weight.grad}
    other = "weights" if wanted == "images" else "images"
    assert left[other] is None
    torch.testing.assert_close(left[wanted], expected[wanted])


def test_outside_training_it_is_torchs_own_convolution_and_can_be_differentiated_twice() -> None:
    layer = depthwise((3, 3), (2, 2), (1, 1)).double().eval()
    images = torch.randn(1, CHANNELS, 5, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(layer, (images,))


@pytest.mark.parametrize("kernel", [3, 5])
def test_padding_at_the_end_reaches_the_gradients(kernel: int) -> None:
    torch.manual_seed(0)
    shape = {"kernel_size": kernel, "stride": 2, "groups": CHANNELS, "bias": False}
    layer = DepthwisePaddedAtTheEnd(CHANNELS, CHANNELS, **shape).double()
    images = torch.randn(2, CHANNELS, 8, 8, dtype=torch.float64)
    trained, plain = gradients(layer, images), gradients(layer.eval(), images)
    for ours, theirs in zip(trained, plain, strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("padding", ["symmetric", "tensorflow"])
def test_a_trunk_learns_what_it_learns_with_torchs_convolutions(padding: str) -> None:
    torch.manual_seed(0)
    trunk = MobileNetV2Trunk(width=0.1, padding="tensorflow" if padding == "tensorflow" else "symmetric").double()
    plain = copy.deepcopy(trunk)
    for module in plain.modules():
        if isinstance(module, Depthwise):
            module.eval()
    images = torch.randn(4, 3, 64, 64, dtype=torch.float64)
    for one in (trunk, plain):
        one(images).stride32.square().mean().backward()
    for ours, theirs in zip(trunk.parameters(), plain.parameters(), strict=True):
        assert ours.grad is not None
        torch.testing.assert_close(ours.grad, theirs.grad)


def test_the_trunks_depthwise_convolutions_are_the_quick_ones() -> None:
    trunk = MobileNetV2Trunk(width=0.1, padding="symmetric")
    grouped = [one for one in trunk.modules() if isinstance(one, nn.Conv2d) and one.groups > 1]
    assert len(grouped) == 17
    assert all(isinstance(one, Depthwise) for one in grouped)
