"""Rescaled layers and inserted batch-norms leave the function of a VGG-16 without batch-norm as it was."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from attnmel.errors import CheckpointError
from attnmel.models.classifiers import build_network
from attnmel.models.trunks.vgg import VggTrunk
from attnmel.models.weights.safetensors_io import save_state
from attnmel.models.weights.start_weights import Start, start_weights
from attnmel.models.weights.vgg_rescale import insert_batch_norm, measure, rescale_layers

WIDTH = 0.05
CLASSES = ("rest", "melanoma")
CONVOLUTIONS = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)
"""Their places in torchvision's vgg16."""
GROWTH = (3.0, 5.0, 2.0, 1.5)
"""What the weights of successive layers are multiplied by."""


def plain_network(name: str = "mel-cnn") -> nn.Module:
    """A VGG-16 without batch-norm, in float64, whose activations are large."""
    torch.manual_seed(3)
    network = build_network(name, trunk="vgg16", width=WIDTH, classes=2).double().eval()
    weighted = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    for place, layer in enumerate(weighted):
        layer.weight.data *= GROWTH[place % len(GROWTH)]
        assert layer.bias is not None
        layer.bias.data.normal_().abs_()
    return network


@pytest.fixture
def images() -> Tensor:
    return torch.randn(9, 3, 64, 64, generator=torch.Generator().manual_seed(4), dtype=torch.float64)


@pytest.fixture
def batches(images: Tensor) -> list[Tensor]:
    """In batches of different sizes, as a split gives its last."""
    return list(images.split((4, 4, 1)))


def stored_in(folder: Path, network: nn.Module) -> Path:
    path = folder / "plain.safetensors"
    save_state(path, network.get_submodule("trunk").state_dict(), {})
    return path


def batch_normed(folder: Path, network: nn.Module, name: str = "mel-cnn") -> tuple[nn.Module, VggTrunk, Start]:
    """A network on vgg16_bn that starts from the plain one's file; its batch-norms are still to be inserted."""
    torch.manual_seed(3)
    normed = build_network(name, trunk="vgg16_bn", width=WIDTH, classes=2).double().eval()
    path = str(stored_in(folder, network))
    start = start_weights(normed, path, trunk="vgg16_bn", width=WIDTH, classes=CLASSES, home=folder)
    trunk = normed.get_submodule("trunk")
    assert isinstance(trunk, VggTrunk)
    return normed, trunk, start


def maps_of(network: nn.Module, images: Tensor) -> list[Tensor]:
    with torch.no_grad():
        return list(network.get_submodule("trunk")(images))


def outputs(network: nn.Module, images: Tensor) -> dict[str, np.ndarray]:
    """What each convolution gives to all images at once, before its ReLU."""
    found: dict[str, np.ndarray] = {}

    def keep(name: str, output: Tensor) -> None:
        found[name] = output.numpy().copy()  # for the ReLU works in place

    for name, layer in network.get_submodule("trunk").named_modules():
        if isinstance(layer, nn.Conv2d):
            layer.register_forward_hook(lambda _, __, output, name=name: keep(name, output))  # pyright: ignore[reportArgumentType] - a tensor
    maps_of(network, images)
    return found


def test_the_measured_activity_is_that_of_all_images_at_once(images: Tensor, batches: list[Tensor]) -> None:
    network = plain_network()
    found = measure(network, batches)
    expected = outputs(network, images)
    assert list(found) == [f"features.{place}" for place in CONVOLUTIONS] == list(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(found[name].mean, values.mean((0, 2, 3)), rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(found[name].variance, values.var((0, 2, 3), ddof=1), rtol=1e-9)
        assert found[name].rms == pytest.approx(np.sqrt((np.maximum(values, 0) ** 2).mean()), rel=1e-9)


def test_inserted_batch_norms_change_nothing_in_evaluation_mode(
    images: Tensor, batches: list[Tensor], tmp_path: Path
) -> None:
    network = plain_network()
    normed, trunk, start = batch_normed(tmp_path, network)
    assert start.bare
    assert start.sentence.endswith("; head start at random")
    insert_batch_norm(trunk, measure(normed, batches))
    for before, after in zip(maps_of(network, images), maps_of(normed, images), strict=True):
        assert before.abs().max() > 100
        assert (before - after).abs().max() / before.abs().max() < 1e-9
    # And they do normalise: in training mode the whole set, seen at once, has the moments that were stored, but for
    # the variance, which torch stores unbiased: the deepest has 144 values a channel.
    trunk.train()
    for before, after in zip(maps_of(network, images), maps_of(normed, images), strict=True):
        assert (before - after).abs().max() / before.abs().max() < 1e-2


def test_a_random_batch_norm_would_change_the_function(images: Tensor, tmp_path: Path) -> None:
    network = plain_network()
    _, trunk, _ = batch_normed(tmp_path, network)
    trunk.train()
    with torch.no_grad():
        deepest = trunk(images).stride32
    assert (maps_of(network, images)[2] - deepest).abs().max() > 1


def test_rescaled_maps_are_the_former_ones_over_the_layers_factors(images: Tensor, batches: list[Tensor]) -> None:
    network = plain_network()
    before = maps_of(network, images)
    activities = measure(network, batches)
    after_by_name = rescale_layers(network, activities)
    assert activities["features.28"].rms > 100
    for name, old, new in zip(
        ("features.14", "features.21", "features.28"), before, maps_of(network, images), strict=True
    ):
        assert (old / activities[name].rms - new).abs().max() < 1e-9
    for name, again in measure(network, batches).items():
        assert again.rms == pytest.approx(1, abs=1e-9)
        assert after_by_name[name].rms == pytest.approx(1, abs=1e-9)
        assert (again.mean - after_by_name[name].mean).abs().max() < 1e-9
        assert (again.variance - after_by_name[name].variance).abs().max() < 1e-9


def test_batch_norms_are_inserted_into_the_rescaled_network(
    images: Tensor, batches: list[Tensor], tmp_path: Path
) -> None:
    network = plain_network()
    normed, trunk, start = batch_normed(tmp_path, network)
    assert start.rescalable
    activities = measure(normed, batches)
    insert_batch_norm(trunk, rescale_layers(normed, activities))
    for name, old, new in zip(
        ("features.20", "features.30", "features.40"), maps_of(network, images), maps_of(normed, images), strict=True
    ):
        assert (old / activities[name].rms - new).abs().max() < 1e-9


def test_the_dense_layers_of_vgg16_are_rescaled_too(images: Tensor, batches: list[Tensor]) -> None:
    network = plain_network("vgg16")
    seen: list[Tensor] = []
    network.get_submodule("head").register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].clone()))
    with torch.no_grad():
        network(images)
        activities = measure(network, batches)
        assert list(activities)[-2:] == ["dense.0", "dense.3"]
        rescale_layers(network, activities)
        network(images)
    before, after = seen
    assert (before / activities["dense.3"].rms - after).abs().max() < 1e-9
    assert after.square().mean().sqrt() == pytest.approx(1, abs=1e-9)


def test_a_layer_that_is_0_for_all_images_cannot_be_rescaled(batches: list[Tensor]) -> None:
    network = plain_network()
    layer = network.get_submodule("trunk.features.5")
    assert isinstance(layer, nn.Conv2d)
    assert layer.bias is not None
    layer.weight.data.zero_()
    layer.bias.data.fill_(-1)
    with pytest.raises(CheckpointError) as told:
        rescale_layers(network, measure(network, batches))
    assert str(told.value) == (
        "the start weights' layer features.5 is 0 after its ReLU for all measured images, so that it cannot be "
        "rescaled to 1; take other weights, or set model.rescale = false"
    )


def test_a_constant_channel_keeps_its_value(images: Tensor, batches: list[Tensor], tmp_path: Path) -> None:
    network = plain_network()
    layer = network.get_submodule("trunk.features.5")
    assert isinstance(layer, nn.Conv2d)
    layer.weight.data[0] = 0
    normed, trunk, _ = batch_normed(tmp_path, network)
    activities = measure(normed, batches)
    assert activities["features.7"].variance[0] == 0
    insert_batch_norm(trunk, activities)
    for before, after in zip(maps_of(network, images), maps_of(normed, images), strict=True):
        assert (before - after).abs().max() / before.abs().max() < 1e-9


def test_weights_that_overflow_are_refused(batches: list[Tensor]) -> None:
    network = plain_network().float()
    network.get_parameter("trunk.features.10.weight").data.mul_(1e38)
    with pytest.raises(
        CheckpointError, match=r"layer features\.10 gives values that are not finite for training images"
    ):
        measure(network, batches)


def test_an_activity_divided_is_that_of_the_divided_output(images: Tensor) -> None:
    values = outputs(plain_network(), images)["features.2"] / 7
    halved = measure(plain_network(), [images])["features.2"].divided(7)
    np.testing.assert_allclose(halved.mean, values.mean((0, 2, 3)))
    np.testing.assert_allclose(halved.variance, values.var((0, 2, 3), ddof=1))
    assert halved.rms == pytest.approx(np.sqrt((np.maximum(values, 0) ** 2).mean()))
