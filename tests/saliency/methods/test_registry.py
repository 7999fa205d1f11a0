"""Promises that every method keeps."""

import re
from collections.abc import Callable
from functools import partial

import pytest
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from attnmel.errors import ConfigError
from attnmel.saliency.methods.integrated_gradients import integrated_gradients, pixel_shares
from attnmel.saliency.methods.occlusion import occlusion
from attnmel.saliency.methods.registry import BASELINES, METHODS, build_method, maps_of

OF_NETWORKS = [name for name in METHODS if name not in BASELINES]
OF_CLASSES = [name for name in OF_NETWORKS if not name.startswith("attention")]


@pytest.fixture(autouse=True)
def _few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Integrate over a few points: what is promised here holds of any number of them."""
    monkeypatch.setattr("attnmel.saliency.methods.integrated_gradients.pixel_shares", partial(pixel_shares, steps=10))


def jaccard(maps: Float[Tensor, "B s s"], square: Bool[Tensor, "s s"]) -> float:
    """The lowest of the images, at half."""
    marked = maps > 0.5
    return ((marked & square).sum((1, 2)) / (marked | square).sum((1, 2))).min().item()


@pytest.mark.parametrize("name", OF_NETWORKS)
def test_every_method_finds_the_square_that_decides(
    name: str, square_network: nn.Module, square: Bool[Tensor, "s s"], bright: Float[Tensor, "B 3 s s"]
) -> None:
    assert jaccard(build_method(name)(square_network, bright, torch.ones(3, dtype=torch.long)), square) > 0.85


@pytest.mark.parametrize("name", OF_CLASSES)
def test_the_other_class_is_found_outside_the_square(
    name: str, square_network: nn.Module, square: Bool[Tensor, "s s"], bright: Float[Tensor, "B 3 s s"]
) -> None:
    assert jaccard(build_method(name)(square_network, bright, torch.zeros(3, dtype=torch.long)), ~square) > 0.85


@pytest.mark.parametrize("name", BASELINES)
def test_the_controls_do_not_find_it(
    name: str, square_network: nn.Module, square: Bool[Tensor, "s s"], bright: Float[Tensor, "B 3 s s"]
) -> None:
    assert jaccard(build_method(name)(square_network, bright, torch.ones(3, dtype=torch.long)), square) < 0.5


@pytest.mark.parametrize("name", METHODS)
def test_maps_fill_zero_to_one_at_the_images_size(
    name: str, network: nn.Module, images: Float[Tensor, "B 3 s s"], classes: Int[Tensor, " B"]
) -> None:
    maps = build_method(name)(network, images, classes)
    assert maps.shape == (3, 64, 64)
    assert maps.dtype == torch.float32
    assert maps.min() >= 0
    if name.startswith("attention"):
        assert maps.max() < 1
    else:
        assert (maps.amax((1, 2)) == 1).all()


@pytest.mark.parametrize("name", METHODS)
def test_a_batch_gives_what_its_images_give_alone(
    name: str, network: nn.Module, images: Float[Tensor, "B 3 s s"], classes: Int[Tensor, " B"]
) -> None:
    method = build_method(name)
    alone = torch.cat([method(network, images[[row]], classes[[row]]) for row in range(len(images))])
    torch.testing.assert_close(method(network, images, classes), alone, rtol=1e-3, atol=1e-4)


def test_maps_of_several_methods_are_those_of_each(
    network: nn.Module, images: Float[Tensor, "B 3 s s"], classes: Int[Tensor, " B"]
) -> None:
    # One layer is asked for by two names.
    names = [*reversed(METHODS), "gradcam:pool4", "gradcam:gates.0.score"]
    found = maps_of(network, images, classes, names)
    assert list(found) == names
    for name, maps in found.items():
        torch.testing.assert_close(maps, build_method(name)(network, images, classes), rtol=1e-4, atol=1e-6)
    assert maps_of(network, images, classes, []) == {}


def test_both_gates_maps_take_one_pass_and_grad_cams_of_all_stages_another(
    network: nn.Module, images: Float[Tensor, "B 3 s s"], classes: Int[Tensor, " B"]
) -> None:
    passes: list[int] = []
    network.register_forward_pre_hook(lambda module, inputs: passes.append(len(inputs[0])))
    maps_of(network, images, classes, [name for name in METHODS if name.startswith("attention")])
    maps_of(network, images, classes, [name for name in METHODS if name.startswith("gradcam")])
    assert passes == [len(images)] * 2


@pytest.mark.parametrize("name", OF_NETWORKS)
def test_flipping_the_image_flips_the_map(
    name: str, network: nn.Module, images: Float[Tensor, "B 3 s s"], classes: Int[Tensor, " B"]
) -> None:
    # In double precision no rounding decides which of two values is the larger.
    network, images = network.double(), images.double()
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            layer.weight.data = (layer.weight.data + layer.weight.data.flip(-1)) / 2
    # The positions of the default patch, 9 of 64 pixels, do not mirror each other.
    method = partial(occlusion, patch=16, stride=8) if name == "occlusion" else build_method(name)
    flipped = method(network, images.flip(-1), classes).flip(-1)
    torch.testing.assert_close(flipped, method(network, images, classes), rtol=1e-6, atol=1e-6)


class Answering(nn.Module):
    """A user's network, which answers in its own way."""

    def __init__(self, network: nn.Module, answer: Callable[[object], object]) -> None:
        super().__init__()
        self.network = network
        self.answer = answer

    def forward(self, images: Tensor) -> object:
        """Answer."""
        return self.answer(self.network(images))


ANSWERS: dict[str, Callable[..., object]] = {
    "tensor": lambda output: output.logits,
    "tuple": tuple,
    "list": lambda output: [output.logits, *output.attention],
}


BY_LAYER = {
    "gradcam-pool3": "gradcam:network.trunk.features.3",
    "gradcam-pool4": "gradcam:network.trunk.features.7",
    "gradcam-pool5": "gradcam:network.trunk.features.11",
}
"""Stages are the package's own; in a user's network the layer is named."""


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("name", METHODS)
def test_an_output_a_tuple_and_a_plain_tensor_give_the_same_map(
    name: str, answer: str, network: nn.Module, images: Float[Tensor, "B 3 s s"], classes: Int[Tensor, " B"]
) -> None:
    own, theirs = Answering(network, ANSWERS[answer]), build_method(BY_LAYER.get(name, name))
    if name == "cam":
        with pytest.raises(ConfigError, match=r"Answering has no class activation map.*use gradcam-pool5 or gradcam:L"):
            theirs(own, images, classes)
    elif name.startswith("attention") and answer == "tensor":
        with pytest.raises(ConfigError, match="Answering returns no attention maps; expected 2"):
            theirs(own, images, classes)
    else:
        torch.testing.assert_close(theirs(own, images, classes), build_method(name)(network, images, classes))


def state(network: nn.Module) -> tuple[object, ...]:
    """All that a method could leave behind."""
    modules = list(network.modules())
    return (
        [module.training for module in modules],
        [len(module._forward_hooks) + len(module._forward_pre_hooks) for module in modules],
        [(one.requires_grad, one.grad) for one in network.parameters()],
        {name: one.clone() for name, one in network.state_dict().items()},
        torch.is_grad_enabled(),
    )


def same(before: tuple[object, ...], after: tuple[object, ...]) -> bool:
    *plain, tensors, grad = before
    *plain_after, tensors_after, grad_after = after
    assert isinstance(tensors, dict)
    assert isinstance(tensors_after, dict)
    unchanged = all(torch.equal(tensors[name], tensors_after[name]) for name in tensors)
    return plain == plain_after and unchanged and grad == grad_after


@pytest.mark.parametrize("name", OF_NETWORKS)
def test_a_network_is_left_as_it_was(
    name: str, network: nn.Module, images: Float[Tensor, "B 3 s s"], classes: Int[Tensor, " B"]
) -> None:
    network.get_submodule("gates.1").eval()
    kept = images.clone()
    before = state(network)
    build_method(name)(network, images, classes)
    assert same(before, state(network))
    assert torch.equal(images, kept)
    assert not images.requires_grad


@pytest.mark.parametrize("name", OF_NETWORKS)
def test_a_network_is_left_as_it_was_after_an_error(
    name: str, network: nn.Module, images: Float[Tensor, "B 3 s s"], classes: Int[Tensor, " B"]
) -> None:

    def fail(module: nn.Module, inputs: object) -> None:
        raise ZeroDivisionError

    network.get_submodule("gates.0.score").register_forward_pre_hook(fail)
    before = state(network)
    with pytest.raises(ZeroDivisionError):
        build_method(name)(network, images, classes)
    assert same(before, state(network))


@pytest.mark.parametrize("around", [torch.no_grad, torch.inference_mode, torch.enable_grad])
@pytest.mark.parametrize("name", OF_NETWORKS)
def test_the_mode_around_a_method_does_not_matter(
    name: str,
    around: Callable[[], torch.no_grad],
    network: nn.Module,
    images: Float[Tensor, "B 3 s s"],
    classes: Int[Tensor, " B"],
) -> None:
    expected = build_method(name)(network, images, classes)
    with around():
        found = build_method(name)(network, images * 1, classes)
    assert torch.equal(found, expected)
    assert not found.requires_grad


@pytest.mark.parametrize("name", OF_CLASSES)
def test_a_class_that_the_network_does_not_have_is_refused(
    name: str, network: nn.Module, images: Float[Tensor, "B 3 s s"], classes: Int[Tensor, " B"]
) -> None:
    with pytest.raises(ConfigError, match="class 3 of a network for 3 classes; expected 0 to 2"):
        build_method(name)(network, images, torch.tensor([0, 3, 1]))


@pytest.mark.parametrize("name", OF_NETWORKS)
def test_a_network_that_sees_no_place_before_another_gives_maps_of_zeros(
    name: str, network: nn.Module, images: Float[Tensor, "B 3 s s"], classes: Int[Tensor, " B"]
) -> None:
    for one in network.parameters():
        nn.init.zeros_(one)
    assert not build_method(name)(network, images, classes).any()


def test_an_unknown_method_is_answered_with_the_known() -> None:
    known = ", ".join(sorted([*METHODS, "gradcam:LAYER"]))
    with pytest.raises(ConfigError, match=re.escape(f"unknown method 'saliency'; known: {known}")):
        build_method("saliency")
    with pytest.raises(ConfigError, match="unknown method 'saliency'"):
        maps_of(nn.Identity(), torch.zeros(1, 3, 8, 8), torch.tensor([0]), ["random", "saliency"])


def test_an_answer_without_scores_is_refused(
    network: nn.Module, images: Float[Tensor, "B 3 s s"], classes: Int[Tensor, " B"]
) -> None:
    own = Answering(network, lambda output: {"logits": 1})
    with pytest.raises(ConfigError, match="the network returns dict; expected scores of images and classes"):
        integrated_gradients(own, images, classes)


@pytest.mark.parametrize("name", OF_NETWORKS)
def test_maps_under_half_precision_are_close_and_float32(
    name: str, square_network: nn.Module, bright: Float[Tensor, "B 3 s s"]
) -> None:
    classes = torch.ones(3, dtype=torch.long)
    expected = build_method(name)(square_network, bright, classes)
    with torch.autocast("cpu", torch.bfloat16):
        found = build_method(name)(square_network, bright, classes)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, expected, rtol=0, atol=0.05)
