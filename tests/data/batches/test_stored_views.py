"""The views are the eight turns and flips of each crop, each once; the first is the crop that validation sees."""

import pytest
import torch

from attnmel.data.batches.crop_and_flip import Augmentation
from attnmel.data.batches.stored_views import Views

SIDE, SIZE = 12, 8


def test_the_eight_views_are_the_eight_symmetries_of_the_square() -> None:
    picture = torch.arange(SIDE * SIDE).view(1, 1, SIDE, SIDE)
    views = Views(8, 0, images=1, side=SIDE, size=SIZE)
    positions, numbers = torch.zeros(8, dtype=torch.int64), torch.arange(8)
    seen = views.augmentation(positions, numbers)(picture.expand(8, -1, -1, -1))[:, 0]
    crop = picture[0, 0, 2:10, 2:10]
    turned = [crop.rot90(quarter) for quarter in range(4)]
    expected = {tuple(one.flatten().tolist()) for one in [*turned, *(one.fliplr() for one in turned)]}
    assert len(expected) == 8
    assert {tuple(one.flatten().tolist()) for one in seen} == expected
    assert torch.equal(seen[0], crop)


def test_view_0_is_the_central_crop_of_validation_however_many_crops_there_are() -> None:
    for crops in (0, 3):
        views = Views(2, crops, images=5, side=SIDE, size=SIZE)
        first = views.augmentation(torch.arange(5), torch.zeros(5, dtype=torch.int64))
        centre = Augmentation.centre(5, side=SIDE, size=SIZE)
        pictures = torch.arange(5 * SIDE * SIDE).view(5, 1, SIDE, SIDE)
        assert torch.equal(first(pictures), centre(pictures))


def test_further_crops_lie_at_a_place_of_their_own_for_each_image_and_do_so_again() -> None:
    views = Views(1, 2, images=50, side=SIDE, size=SIZE)
    second = views.augmentation(torch.arange(50), torch.ones(50, dtype=torch.int64))
    third = views.augmentation(torch.arange(50), torch.full((50,), 2))
    assert len(views) == 3
    assert set(second.top.tolist()) == set(third.left.tolist()) == {0, 1, 2, 3, 4}
    assert not torch.equal(second.top, third.top)
    again = Views(1, 2, images=50, side=SIDE, size=SIZE).augmentation(torch.arange(50), torch.ones(50).long())
    assert torch.equal(second.top, again.top)
    assert torch.equal(second.left, again.left)


@pytest.mark.parametrize(("turned", "crops"), [(8, 0), (3, 2)])
def test_every_view_is_drawn_equally_often_and_by_the_generator_alone(turned: int, crops: int) -> None:
    views = Views(turned, crops, images=1, side=SIDE, size=SIZE)
    drawn = views.draw(20_000, torch.Generator().manual_seed(1))
    shares = torch.bincount(drawn, minlength=len(views)) / len(drawn)
    assert shares.shape == (turned * (1 + crops),)
    assert (shares * len(views) - 1).abs().max() < 0.1
    assert torch.equal(drawn, views.draw(20_000, torch.Generator().manual_seed(1)))
