import pytest
import torch
from jaxtyping import Float, Int
from tests.factories import Recorder
from torch import Tensor, nn

from attnmel.errors import ConfigError
from attnmel.saliency.methods.occlusion import occlusion, patch_covers, score_losses


class Counted(nn.Module):
    """A network that counts what it is asked."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.batches: list[int] = []

    def forward(self, images: Float[Tensor, "B 3 s s"]) -> object:
        """Count and answer."""
        self.batches.append(len(images))
        return self.network(images)


def test_each_image_passes_once_a_patch_and_once_uncovered(
    network: nn.Module, images: Float[Tensor, "B 3 s s"], classes: Int[Tensor, " B"]
) -> None:
    counted, bar = Counted(network), Recorder()
    occlusion(counted, images, classes, patch=32, stride=16, batch=8, progress=bar)
    # Patches start at 0, 16 and 32 down and across.
    passes = len(images) * (3 * 3 + 1)
    assert counted.batches == [8, 8, 8, 6]
    assert sum(counted.batches) == passes
    assert [*bar.totals.values()] == [*bar.steps.values()] == [passes]


@pytest.mark.parametrize(("side", "patch", "stride"), [(224, 32, 16), (64, 9, 4), (10, 3, 3), (8, 8, 1), (7, 1, 1)])
def test_patches_cover_every_pixel_and_stay_inside(side: int, patch: int, stride: int) -> None:
    covers = patch_covers(side, patch, stride)
    assert covers.any(0).all()
    assert (covers.sum((1, 2)) == patch**2).all()
    assert len({tuple(cover.flatten().tolist()) for cover in covers}) == len(covers)


@pytest.mark.parametrize(("patch", "stride"), [(4, 5), (65, 1), (4, 0), (0, 0)])
def test_patches_that_leave_gaps_or_do_not_fit_are_refused(
    patch: int, stride: int, network: nn.Module, images: Float[Tensor, "B 3 s s"], classes: Int[Tensor, " B"]
) -> None:
    message = f"a patch of {patch} pixels that moves by {stride} does not cover an image of 64; expected 1 <= stride"
    with pytest.raises(ConfigError, match=message):
        occlusion(network, images, classes, patch=patch, stride=stride)


def test_at_224_pixels_there_are_169_patches() -> None:
    assert len(patch_covers(224, 32, 16)) == 169


def test_losses_are_those_of_images_covered_by_hand(
    network: nn.Module, images: Float[Tensor, "B 3 s s"], classes: Int[Tensor, " B"]
) -> None:
    covers = patch_covers(64, 32, 32)
    losses = score_losses(network, images, classes, covers, batch=5)
    network.eval()
    with torch.no_grad():
        for row, label in enumerate(classes.tolist()):
            whole = network(images[[row]]).logits[0, label]
            for column, (top, left) in enumerate(((0, 0), (0, 32), (32, 0), (32, 32))):
                covered = images[[row]].clone()
                covered[..., top : top + 32, left : left + 32] = 0
                expected = whole - network(covered).logits[0, label]
                torch.testing.assert_close(losses[row, column], expected, rtol=1e-4, atol=1e-6)


def test_a_pixel_gets_the_mean_loss_of_the_patches_over_it(
    square_network: nn.Module, bright: Float[Tensor, "B 3 s s"]
) -> None:
    classes = torch.ones(3, dtype=torch.long)
    covers = patch_covers(128, 64, 32)
    losses = score_losses(square_network, bright, classes, covers, batch=16)
    found = occlusion(square_network, bright, classes, patch=64, stride=32)
    # Of nine patches, three down and three across, four lie over this pixel.
    mean = losses[:, [3, 4, 6, 7]].mean(1)
    top = losses[:, 6]
    torch.testing.assert_close(found[:, 70, 40], mean / top)
    torch.testing.assert_close(found[:, 127, 0], torch.ones(3))
