import numpy as np
import pytest
import torch
from jaxtyping import Bool, Float, Int
from scipy.ndimage import gaussian_filter
from torch import Tensor, nn
from torch.nn import functional

from attnmel.errors import ConfigError
from attnmel.evaluation.maps.attention_overlap import binarised
from attnmel.evaluation.maps.faithfulness import Probabilities, faithfulness
from attnmel.saliency.faithfulness import area_evidence, blurred, faithfulness_curves, ranks
from attnmel.saliency.methods.registry import BASELINES, METHODS, build_method

SIDE = 64


class Texture(nn.Module):
    """Class 1 is fine structure inside a square in a corner, an eighth of the image; nothing else counts."""

    def __init__(self) -> None:
        super().__init__()
        self.square = torch.zeros(SIDE, SIDE, dtype=torch.bool)
        self.square[4:36, 4:20] = True

    def forward(self, images: Float[Tensor, "B 3 s s"]) -> tuple[Float[Tensor, "B 2"], None]:
        """Score, in a tuple as other people's networks do."""
        rough = (images - functional.avg_pool2d(images, 3, stride=1, padding=1)).abs().mean(1)
        structure = (rough * self.square).sum((1, 2)) / self.square.sum()
        score = 30 * (structure - 0.35)
        return torch.stack([-score, score], dim=1), None


class Brightness(Texture):
    """Class 1 is a bright square."""

    def forward(self, images: Float[Tensor, "B 3 s s"]) -> tuple[Float[Tensor, "B 2"], None]:
        """Score."""
        score = 8 * ((images.mean(1) * self.square).sum((1, 2)) / self.square.sum() - 0.5)
        return torch.stack([-score, score], dim=1), None


@pytest.fixture
def rough_images() -> Float[Tensor, "B 3 s s"]:
    return torch.randn(3, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def ones() -> Int[Tensor, " B"]:
    return torch.ones(3, dtype=torch.int64)


def maps_of(area: Bool[Tensor, "s s"]) -> Float[Tensor, "B s s"]:
    return area.float().expand(3, -1, -1)


def measured(network: nn.Module, images: Tensor, maps: Tensor, classes: Tensor, infill: Tensor | None = None) -> dict:
    curves = faithfulness_curves(network, images, maps, classes, infill=infill)
    areas = binarised(maps.numpy(), maps.shape[-1])
    evidence = area_evidence(network, images, torch.from_numpy(areas), classes, infill=infill)
    found = faithfulness(Probabilities(*(one.numpy() for one in (*curves, *evidence))), areas)
    return {name: float(np.mean(values)) for name, values in found.items()}


@pytest.mark.parametrize("control", ["gaussian", "random"])
@pytest.mark.parametrize(("network", "fills"), [(Texture(), "blur"), (Brightness(), "zeros")])
def test_the_true_region_is_near_perfect_and_the_controls_are_poor(
    network: Texture, fills: str, control: str, rough_images: Tensor, ones: Tensor
) -> None:
    images = rough_images if fills == "blur" else torch.ones(3, 3, SIDE, SIDE)
    infill = None if fills == "blur" else torch.zeros_like(images)
    true = measured(network, images, maps_of(network.square), ones, infill)
    poor = measured(network, images, build_method(control)(network, images, ones), ones, infill)
    # Both curves turn within the first eighth, half of it at a half: no map could do better than about 0.06 and 0.94.
    assert true["deletion"] < 0.12
    assert true["insertion"] > 0.88
    assert poor["deletion"] > true["deletion"] + 0.1
    assert poor["insertion"] < true["insertion"] - 0.2
    assert true["sufficiency"] == pytest.approx(0, abs=0.02)
    assert true["comprehensiveness"] > 0.9
    assert poor["sufficiency"] > 0.3
    assert poor["comprehensiveness"] < true["comprehensiveness"]
    assert true["area"] == pytest.approx(1 / 8)


@pytest.mark.parametrize("name", METHODS)
def test_each_method_is_as_faithful_as_the_true_region_and_the_controls_are_not(
    name: str, square_network: nn.Module, square: Bool[Tensor, "s s"], bright: Float[Tensor, "B 3 s s"], ones: Tensor
) -> None:
    # The probability of class 1 falls from about 1 to about 0 with the square's brightness; around it, nothing counts.
    square_network.get_parameter("head.weight").data *= torch.tensor([[0.0], [20.0]])
    square_network.get_parameter("head.bias").data = torch.tensor([8.0, 0.0])
    black = torch.zeros_like(bright)
    true = measured(square_network, bright, maps_of(square), ones, black)
    found = measured(square_network, bright, build_method(name)(square_network, bright, ones), ones, black)
    if name in BASELINES:
        assert found["deletion"] > true["deletion"] + 0.1
        assert found["insertion"] < true["insertion"] - 0.1
        assert found["sufficiency"] > 0.5
    else:
        # A coarse map's fringe lies outside the square, and the order within the square is its own.
        assert found["deletion"] == pytest.approx(true["deletion"], abs=0.05)
        assert found["insertion"] == pytest.approx(true["insertion"], abs=0.05)
        assert found["sufficiency"] < 0.1
        assert found["comprehensiveness"] > 0.9
        assert found["area"] == pytest.approx(1 / 4, abs=0.05)


def test_curves_go_from_the_image_to_the_infill_and_back(rough_images: Tensor, ones: Tensor) -> None:
    network = Texture()
    curves = faithfulness_curves(network, rough_images, maps_of(network.square), ones, steps=4)
    whole, gone = (network(images)[0].double().softmax(1)[:, 1] for images in (rough_images, blurred(rough_images)))
    assert curves.deletion.shape == curves.insertion.shape == (3, 5)
    torch.testing.assert_close(curves.deletion[:, [0, -1]], torch.stack([whole, gone], 1))
    torch.testing.assert_close(curves.insertion[:, [0, -1]], torch.stack([gone, whole], 1))


def test_curves_are_those_of_a_plain_loop_in_any_batch(
    rough_images: Tensor, ones: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("attnmel.saliency.faithfulness.BATCH", 7)
    network = Texture()
    maps = torch.rand(3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    found = faithfulness_curves(network, rough_images, maps, ones, steps=5)
    infill = blurred(rough_images)
    for row in range(3):
        order = maps[row].flatten().argsort(descending=True)
        for step in range(6):
            gone = torch.zeros(SIDE**2, dtype=torch.bool)
            gone[order[: -(-step * SIDE**2 // 5)]] = True
            mixed = torch.where(gone.view(SIDE, SIDE), infill[row], rough_images[row])
            expected = network(mixed[None])[0].double().softmax(1)[0, 1]
            assert found.deletion[row, step].item() == pytest.approx(expected.item(), abs=1e-9)


def test_ranks_fall_with_the_map_and_ties_go_in_no_line() -> None:
    maps = torch.rand(2, 8, 8, generator=torch.Generator().manual_seed(0))
    expected = (-maps.flatten(1)).argsort(1).argsort(1).view_as(maps)
    torch.testing.assert_close(ranks(maps), expected)
    tied = ranks(torch.zeros(1, 16, 16))
    assert tied.flatten().sort().values.tolist() == list(range(256))
    first_half = (tied[0] < 128).float().mean(1)
    assert ((first_half > 0) & (first_half < 1)).all()
    torch.testing.assert_close(tied, ranks(torch.zeros(1, 16, 16)))


def test_the_blur_is_scipys_and_leaves_a_constant_image() -> None:
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    expected = gaussian_filter(images.numpy(), 3.2, axes=(2, 3), mode="mirror", truncate=3.1)
    np.testing.assert_allclose(blurred(images).numpy(), expected, atol=1e-12)
    torch.testing.assert_close(blurred(torch.full((1, 3, 8, 8), 0.3)), torch.full((1, 3, 8, 8), 0.3))


def test_the_network_is_left_in_its_mode_and_wrong_questions_are_refused(rough_images: Tensor, ones: Tensor) -> None:
    network = Texture().train()
    maps = maps_of(network.square)
    faithfulness_curves(network, rough_images, maps, ones, steps=1)
    assert network.training
    with pytest.raises(ConfigError, match="a curve of 0 steps; expected at least 1"):
        faithfulness_curves(network, rough_images, maps, ones, steps=0)
    with pytest.raises(ConfigError, match="class 2 of a network for 2 classes"):
        area_evidence(network, rough_images, maps > 0, ones * 2)
