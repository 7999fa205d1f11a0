import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from attnmel.saliency.methods.baselines import centred_gaussian, random_map


def test_the_bell_marks_27_percent_around_the_centre(network: nn.Module) -> None:
    (bell,) = centred_gaussian(network, torch.zeros(1, 3, 224, 224), torch.tensor([0]))
    marked = bell > 0.5
    assert abs(marked.float().mean().item() - 0.27) < 0.01
    assert torch.equal(bell, bell.flip(0))
    assert torch.equal(bell, bell.T)
    assert bell.argmax() in (111 * 224 + 111, 111 * 224 + 112, 112 * 224 + 111, 112 * 224 + 112)


def test_noise_is_the_images_own_whatever_stands_beside_it(
    network: nn.Module, images: Float[Tensor, "B 3 s s"], classes: Int[Tensor, " B"]
) -> None:
    state = torch.get_rng_state()
    maps = random_map(network, images, classes)
    assert torch.equal(maps.flip(0), random_map(network, images.flip(0), classes))
    assert not torch.equal(maps[0], maps[1])
    assert torch.equal(state, torch.get_rng_state())
