import sys

import pytest
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from attnmel.errors import ConfigError
from attnmel.saliency.methods.integrated_gradients import integrated_gradients, pixel_shares


def test_shares_add_up_to_what_the_image_changes_of_the_score(
    network: nn.Module, images: Float[Tensor, "B 3 s s"], classes: Int[Tensor, " B"]
) -> None:
    shares = pixel_shares(network, images, classes, steps=200)
    network.eval()
    with torch.no_grad():
        change = (network(images).logits - network(torch.zeros_like(images)).logits)[range(3), classes]
    torch.testing.assert_close(shares.sum((1, 2)), change, rtol=0.02, atol=1e-4)


def test_of_a_sum_of_pixels_the_shares_are_the_pixels(images: Float[Tensor, "B 3 s s"]) -> None:
    class Sum(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return images.sum((1, 2, 3))[:, None]

    classes = torch.zeros(3, dtype=torch.long)
    torch.testing.assert_close(pixel_shares(Sum(), images, classes, steps=3), images.sum(1))
    brightness = images.sum(1).relu()
    expected = brightness / brightness.amax((1, 2), keepdim=True)
    torch.testing.assert_close(integrated_gradients(Sum(), images, classes), expected)


def test_the_size_of_the_passes_does_not_matter(
    network: nn.Module, images: Float[Tensor, "B 3 s s"], classes: Int[Tensor, " B"]
) -> None:
    one, all_ = (pixel_shares(network, images, classes, steps=4, batch=batch) for batch in (1, 64))
    torch.testing.assert_close(one, all_, rtol=1e-3, atol=1e-4)


def test_without_captum_the_line_to_type_is_told(
    monkeypatch: pytest.MonkeyPatch, network: nn.Module, images: Float[Tensor, "B 3 s s"], classes: Int[Tensor, " B"]
) -> None:
    monkeypatch.setitem(sys.modules, "captum", None)
    with pytest.raises(ConfigError, match=r"needs the package captum, .*; type: pip install 'attnmel\[explain\]'"):
        integrated_gradients(network, images, classes)
