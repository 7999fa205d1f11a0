import numpy as np
import pytest
import torch
from jaxtyping import Float
from torch import Tensor, nn

from attnmel.data.batches.ablate import paint_out_lesion
from attnmel.data.preprocess.images import normalised
from attnmel.errors import ConfigError
from attnmel.evaluation.maps.agreement import map_likeness
from attnmel.models.classifiers import build_network
from attnmel.saliency.methods.registry import build_method
from attnmel.saliency.sanity import next_class, painted_out, randomised, sanity_maps, weight_layers

MEAN, STD = (0.7, 0.5, 0.4), (0.1, 0.2, 0.3)


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(0)
    network = build_network("attnmel-cnn", width=0.05, classes=3).eval()
    # Batch normalisation of an untrained network knows nothing of its layers yet.
    network.train()(torch.randn(4, 3, 64, 64))
    return network.eval()


@pytest.fixture
def images() -> Float[Tensor, "B 3 s s"]:
    return torch.randn(4, 3, 64, 64, generator=torch.Generator().manual_seed(1))


CLASSES = torch.tensor([0, 1, 2, 0])


def test_layers_are_spoilt_from_the_top_and_the_network_itself_stays(network: nn.Module, images: Tensor) -> None:
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    layers = list(weight_layers(network, images))
    assert layers[-1] == "head"
    assert layers[0].startswith("trunk")
    given = []
    for name, spoilt in randomised(network, images):
        given.append(name)
        untouched = layers[: -len(given)]
        for one in untouched:
            for first, second in zip(
                network.get_submodule(one).parameters(), spoilt.get_submodule(one).parameters(), strict=True
            ):
                assert torch.equal(first, second)
        own, other = network.get_submodule(name), spoilt.get_submodule(name)
        for first, second in zip(own.parameters(), other.parameters(), strict=True):
            assert torch.equal(first.flatten().sort().values, second.flatten().sort().values)
    assert given == layers[::-1]
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


def test_channels_of_a_batch_normalisation_stay_together(images: Tensor) -> None:
    layer = nn.BatchNorm2d(3)
    layer.running_mean, layer.running_var = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([10.0, 20.0, 30.0])
    ((_, spoilt),) = randomised(nn.Sequential(layer), images, seed=1)
    buffers = dict(spoilt.named_buffers())
    torch.testing.assert_close(buffers["0.running_var"], 10 * buffers["0.running_mean"])
    assert buffers["0.running_mean"].tolist() != [1, 2, 3]


def test_every_few_layers_and_always_the_last(network: nn.Module, images: Tensor) -> None:
    layers = list(weight_layers(network, images))[::-1]
    given = [name for name, _ in randomised(network, images, every=10)]
    assert given == [*layers[9::10], *([layers[-1]] if len(layers) % 10 else [])]
    with pytest.raises(ConfigError, match="randomising every 0 layers"):
        next(randomised(network, images, every=0))
    with pytest.raises(ConfigError, match="Flatten has no layer with weights"):
        next(randomised(nn.Flatten(), images))


@pytest.mark.parametrize("name", ["cam", "attention-pool4"])
def test_maps_of_the_network_change_with_its_weights_and_those_of_a_control_do_not(
    name: str, network: nn.Module, images: Tensor
) -> None:
    def correlations(method_name: str) -> tuple[float, float]:
        method = build_method(method_name)
        own = method(network, images, CLASSES).numpy()
        (first, of_another_class), (last, of_randomised) = sanity_maps(method, network, images, CLASSES, every=100)
        assert first == "another class"
        assert last.startswith("randomised down to trunk")
        maps = (of_another_class, of_randomised)
        of_class, of_weights = (float(map_likeness(own, one.numpy())["spearman"].mean()) for one in maps)
        return of_class, of_weights

    of_class, of_weights = correlations(name)
    assert of_weights < 0.5
    # A gate attends without asking for which class.
    assert of_class == pytest.approx(1) if name.startswith("attention") else of_class < 0.9
    assert correlations("gaussian") == pytest.approx((1, 1))


def test_the_next_class_is_the_most_probable_of_the_others() -> None:
    class Scores(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return torch.tensor([[3.0, 2.0, 1.0], [3.0, 2.0, 1.0], [0.0, 1.0, 2.0]])

    images = torch.zeros(3, 3, 8, 8)
    assert next_class(Scores(), images, torch.tensor([0, 1, 0])).tolist() == [1, 0, 2]
    with pytest.raises(ConfigError, match="class 3 of a network for 3 classes; expected 0 to 2"):
        next_class(Scores(), images, torch.tensor([1, 3, 0]))
    with pytest.raises(ConfigError, match="has no other class"):
        next_class(nn.Sequential(nn.Flatten(), nn.Linear(192, 1)), images, torch.zeros(3, dtype=torch.int64))


def test_a_painted_image_is_the_controls_normalised_and_the_pixels_stay(network: nn.Module) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 4), dtype=np.uint8)
    pixels[..., 3] = 0
    pixels[0, 10:20, 8:16, 3] = 255
    before = pixels.copy()
    found = painted_out(pixels, MEAN, STD)
    assert (pixels == before).all()
    paint_out_lesion(before, np.array([178, 128, 102], dtype=np.uint8))
    expected = np.stack([normalised(one[..., :3], MEAN, STD) for one in before])
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-6)
    assert not np.allclose(found[0].numpy(), normalised(pixels[0, ..., :3], MEAN, STD))
    names = [name for name, _ in sanity_maps(build_method("random"), network, found, CLASSES[:2], painted=found)]
    assert names[:3] == ["another class", "lesion painted out", "randomised down to head"]
