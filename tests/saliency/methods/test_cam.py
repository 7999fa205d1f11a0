import pytest
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from attnmel.errors import ConfigError
from attnmel.models.classifiers import build_network
from attnmel.saliency.methods.cam import cam, cam_parts
from attnmel.saliency.methods.gradcam import gradcam_evidence
from attnmel.saliency.methods.scaling import upsampled


@pytest.mark.parametrize("side", [64, 96])
def test_cam_is_grad_cam_before_its_relu_on_vgg16_gap(side: int) -> None:
    torch.manual_seed(0)
    network = build_network("vgg16-gap", width=0.05, classes=3).eval()
    images, classes = torch.randn(2, 3, side, side), torch.tensor([2, 0])
    (part,) = cam_parts(network, images, classes).values()
    evidence = gradcam_evidence(network, images, classes, layers=["pool5"])["pool5"]
    places = (side // 32) ** 2
    assert part.shape == (2, side // 32, side // 32)
    torch.testing.assert_close(evidence * places, part, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("attention", ["sigmoid", "softmax"])
@pytest.mark.parametrize("name", ["vgg16-gap", "mel-cnn", "attnmel-cnn", "chen", "harangi"])
def test_the_parts_of_cam_add_up_to_the_score(name: str, attention: str) -> None:
    torch.manual_seed(0)
    branches = ("vgg16",) if name == "harangi" else ()
    network = build_network(name, width=0.05, classes=3, attention=attention, branches=branches).eval()
    network.get_parameter("head.bias").data = torch.tensor([0.5, -1.0, 2.0])
    images, classes = torch.randn(2, 3, 64, 64), torch.tensor([2, 0])
    parts = cam_parts(network, images, classes)
    scores = network(images).logits[[0, 1], classes]
    bias = network.get_parameter("head.bias")[classes]
    torch.testing.assert_close(sum(part.mean((1, 2)) for part in parts.values()) + bias, scores)
    large = torch.stack([upsampled(part, 64) for part in parts.values()]).sum(0)
    torch.testing.assert_close(large.mean((1, 2)) + bias, scores)


def test_cam_is_its_parts_up_sampled_summed_and_spread(
    network: nn.Module, images: Float[Tensor, "B 3 s s"], classes: Int[Tensor, " B"]
) -> None:
    parts = cam_parts(network, images, classes)
    assert {name: part.shape[-1] for name, part in parts.items()} == {"pool3": 8, "pool4": 4, "pool5": 2}
    total = sum(nn.functional.interpolate(part[:, None], size=64, mode="bilinear")[:, 0] for part in parts.values())
    assert isinstance(total, Tensor)
    low, high = total.amin((1, 2), keepdim=True), total.amax((1, 2), keepdim=True)
    torch.testing.assert_close(cam(network, images, classes), (total - low) / (high - low))


@pytest.mark.parametrize("name", ["vgg16-gap", "mel-cnn", "attnmel-cnn", "chen"])
def test_two_heads_have_no_one_class_activation_map(
    name: str, images: Float[Tensor, "B 3 s s"], classes: Int[Tensor, " B"]
) -> None:
    with pytest.raises(ConfigError, match="a network with two heads has two weights of each channel for a class"):
        cam(build_network(name, width=0.02, classes=3, heads="both"), images, classes)


def test_a_network_without_a_linear_layer_on_averaged_maps_says_why_it_has_no_cam(
    images: Float[Tensor, "B 3 s s"], classes: Int[Tensor, " B"]
) -> None:
    dense = build_network("vgg16", width=0.02, classes=3)
    with pytest.raises(ConfigError, match="VGG-16 has no class activation map: its dense layers weigh each channel"):
        cam(dense, images, classes)
    with pytest.raises(ConfigError, match=r"Sequential has no class activation map that is known.*use gradcam-pool5"):
        cam(nn.Sequential(nn.Flatten(), nn.Linear(3 * 64 * 64, 3)), images, classes)
