import pytest
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from attnmel.errors import ConfigError
from attnmel.models.classifiers import build_network
from attnmel.saliency.methods.attention import attention, attention_maps


def test_maps_are_the_networks_own_up_sampled(
    network: nn.Module, images: Float[Tensor, "B 3 s s"], classes: Int[Tensor, " B"]
) -> None:
    maps = attention_maps(network, images)
    network.eval()
    with torch.no_grad():
        own = network(images).attention
    for (name, found), one in zip(maps.items(), own, strict=True):
        large = nn.functional.interpolate(one, size=(64, 64), mode="bilinear", align_corners=False)
        assert torch.equal(found, large[:, 0])
        assert torch.equal(found, attention(network, images, classes, gate=name))
    assert list(maps) == ["pool3", "pool4"]


@pytest.mark.parametrize("name", ["vgg16", "vgg16-gap", "mel-cnn", "chen"])
def test_a_network_without_gates_says_so(name: str, images: Float[Tensor, "B 3 s s"]) -> None:
    with pytest.raises(ConfigError, match=r"returns no attention maps; expected 2 \(pool3, pool4\), as an attnmel-cnn"):
        attention_maps(build_network(name, width=0.02, classes=2), images)


def test_attention_beyond_one_is_refused(images: Float[Tensor, "B 3 s s"]) -> None:
    class Loud(nn.Module):
        def forward(self, images: Tensor) -> list[Tensor]:
            loud = images[:, :1] * 0 + 3
            return [images.mean((2, 3)), loud, loud]

    with pytest.raises(ConfigError, match=r"an attention map lies in \[3, 3\], expected values in \[0, 1\]"):
        attention_maps(Loud(), images)
