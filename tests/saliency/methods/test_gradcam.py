import pytest
import torch
from captum.attr import LayerGradCam
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from attnmel.errors import ConfigError
from attnmel.models.classifiers import build_network
from attnmel.saliency.methods.gradcam import gradcam, gradcam_evidence
from attnmel.saliency.methods.layers import stage_layers


@pytest.mark.parametrize("stage", ["pool3", "pool4", "pool5"])
def test_grad_cam_agrees_with_captum(
    stage: str, network: nn.Module, images: Float[Tensor, "B 3 s s"], classes: Int[Tensor, " B"]
) -> None:
    network.eval()
    layer = network.get_submodule(stage_layers(network, images)[stage])
    found = LayerGradCam(lambda some: network(some).logits, layer).attribute(images, classes)
    assert isinstance(found, Tensor)
    evidence = gradcam_evidence(network, images, classes, layers=[stage])[stage]
    torch.testing.assert_close(evidence, found[:, 0].detach(), rtol=1e-4, atol=1e-8)


def test_a_layer_before_one_that_works_in_place_gives_its_own_maps(
    network: nn.Module, images: Float[Tensor, "B 3 s s"], classes: Int[Tensor, " B"]
) -> None:
    # The batch-norm's maps are overwritten by the ReLU after it.
    network.eval()
    found = gradcam_evidence(network, images, classes, layers=["trunk.features.5"])["trunk.features.5"]
    before = network.get_submodule("trunk.features")
    assert isinstance(before, nn.Sequential)
    maps = before[:6](images).detach().requires_grad_()
    pool4 = before[6:8](maps.clone())
    pool5 = before[8:](pool4)
    pool3 = before[:4](images)
    gates = network.get_submodule("gates")
    assert isinstance(gates, nn.ModuleList)
    features = torch.cat([pool5.mean((2, 3)), gates[0](pool3, pool5).features, gates[1](pool4, pool5).features], 1)
    scores = network.get_submodule("head")(features)
    (gradient,) = torch.autograd.grad(scores[range(3), classes].sum(), maps)
    expected = (gradient.mean((2, 3), keepdim=True) * maps).sum(1).detach()
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-8)


def test_maps_of_several_layers_come_from_one_pass_and_are_each_ones_own(
    network: nn.Module, images: Float[Tensor, "B 3 s s"], classes: Int[Tensor, " B"]
) -> None:
    # In the order of asking, not of the network; pool-4 by two names; a gate beside the trunk; a layer before an
    # in-place one.
    layers = ["pool5", "pool3", "pool4", "trunk.features.7", "gates.0.score", "trunk.features.5"]
    passes = 0

    def count(module: nn.Module, inputs: tuple[Tensor]) -> None:
        nonlocal passes
        passes += len(inputs[0])

    hook = network.get_submodule("gates.1").register_forward_pre_hook(count)
    found = gradcam_evidence(network, images, classes, layers=layers)
    hook.remove()
    assert passes == len(images)
    assert list(found) == layers
    for frozen in (False, True):
        network.requires_grad_(not frozen)
        for layer in layers:
            (alone,) = gradcam_evidence(network, images, classes, layers=[layer]).values()
            torch.testing.assert_close(found[layer], alone, rtol=1e-4, atol=1e-8)


@pytest.mark.parametrize("name", ["vgg16", "vgg16-gap", "mel-cnn", "attnmel-cnn", "chen"])
def test_every_stage_of_every_network_has_a_map(name: str) -> None:
    torch.manual_seed(0)
    network = build_network(name, width=0.02, classes=2)
    for stage, side in (("pool3", 8), ("pool4", 4), ("pool5", 2)):
        evidence = gradcam_evidence(network, torch.randn(1, 3, 64, 64), torch.tensor([1]), layers=[stage])[stage]
        assert evidence.shape == (1, side, side)
        assert evidence.any()


def test_a_layer_that_the_score_does_not_use_has_a_map_of_zeros(
    images: Float[Tensor, "B 3 s s"], classes: Int[Tensor, " B"]
) -> None:
    class Aside(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.unused = nn.Conv2d(3, 2, 1)
            self.head = nn.Linear(3, 3)

        def forward(self, images: Tensor) -> Tensor:
            self.unused(images)
            return self.head(images.mean((2, 3)))

    network = Aside()
    assert not gradcam(network, images, classes, layer="unused").any()
    assert not gradcam(network.requires_grad_(False), images, classes, layer="unused").any()


@pytest.mark.parametrize("layer", ["stem", "block.conv", "block"])
def test_a_users_own_network_by_the_name_of_a_layer_agrees_with_captum(
    layer: str, images: Float[Tensor, "B 3 s s"], classes: Int[Tensor, " B"]
) -> None:
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(4, 4, 3, padding=1)

        def forward(self, maps: Tensor) -> Tensor:
            return maps + self.conv(maps).relu_()

    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.block, self.head = nn.Conv2d(3, 4, 5, stride=4), Block(), nn.Linear(4, 3)

        def forward(self, images: Tensor) -> Tensor:
            return self.head(self.block(self.stem(images)).square().mean((2, 3)))

    torch.manual_seed(0)
    network = Own()
    found = LayerGradCam(network, network.get_submodule(layer)).attribute(images, classes)
    assert isinstance(found, Tensor)
    evidence = gradcam_evidence(network, images, classes, layers=[layer])[layer]
    torch.testing.assert_close(evidence, found[:, 0].detach(), rtol=1e-4, atol=1e-8)


def test_the_way_back_ends_at_the_layer_and_computes_no_gradient_of_weights(
    images: Float[Tensor, "B 3 s s"], classes: Int[Tensor, " B"]
) -> None:
    convolutions = [nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 5, 3, padding=1), nn.Conv2d(5, 6, 3, padding=1)]
    network = nn.Sequential(*convolutions, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 3))
    with FlopCounterMode(display=False) as counter:
        gradcam(network, images, classes, layer="1")
    back = counter.get_flop_counts()["Global"][torch.ops.aten.convolution_backward]
    # The last convolution's, with respect to its input, costs as much as its way forward: two for each product.
    assert back == 2 * 3 * 64**2 * 6 * 5 * 3**2


def test_frozen_weights_do_not_matter(
    network: nn.Module, images: Float[Tensor, "B 3 s s"], classes: Int[Tensor, " B"]
) -> None:
    expected = gradcam(network, images, classes, layer="pool4")
    network.requires_grad_(False)
    assert torch.equal(gradcam(network, images, classes, layer="pool4"), expected)


def test_nothing_before_the_layer_is_kept_for_a_gradient(
    network: nn.Module, images: Float[Tensor, "B 3 s s"], classes: Int[Tensor, " B"]
) -> None:
    graded: list[bool] = []
    for name in ("trunk.features.3", "trunk.features.8"):
        network.get_submodule(name).register_forward_hook(lambda module, _, output: graded.append(output.requires_grad))
    gradcam(network, images, classes, layer="trunk.features.7")
    assert graded == [False, True]


def test_a_wrong_layer_is_answered_with_the_known(
    network: nn.Module, images: Float[Tensor, "B 3 s s"], classes: Int[Tensor, " B"]
) -> None:
    for wrong in ("pool6", "head", "gates", ""):
        with pytest.raises(ConfigError, match=f"unknown layer '{wrong}'.*; known: .*pool3, pool4, pool5, .*features.1"):
            gradcam(network, images, classes, layer=wrong)
    own = nn.Sequential(nn.Conv2d(3, 3, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    with pytest.raises(ConfigError, match=r"unknown layer 'pool5'; known: 0, 1$"):
        gradcam(own, images, classes, layer="pool5")


def test_a_layer_that_is_used_twice_is_refused(images: Float[Tensor, "B 3 s s"], classes: Int[Tensor, " B"]) -> None:
    shared = nn.Conv2d(3, 3, 3)
    own = nn.Sequential(shared, shared, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    with pytest.raises(ConfigError, match="layer '0' is used 2 times in a pass; expected one that is used once"):
        gradcam(own, images, classes, layer="0")


def test_a_pool_of_several_trunks_is_refused(images: Float[Tensor, "B 3 s s"], classes: Tensor) -> None:
    several = build_network("harangi", width=0.02, classes=3, branches=("vgg16",)).eval()
    with pytest.raises(ConfigError, match="has several trunks, each with a map 'pool5'; use cam, or gradcam:LAYER"):
        gradcam(several, images, classes, layer="pool5")
    assert gradcam(several, images, classes, layer="others.0.features.30").shape == (3, 64, 64)
