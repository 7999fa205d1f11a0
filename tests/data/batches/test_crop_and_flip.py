from collections import Counter

import pytest
import torch
from torch import Tensor

from attnmel.data.batches.crop_and_flip import Augmentation
from attnmel.errors import ConfigError

SIDE, SIZE = 11, 8


def drawn(count: int, seed: int = 0) -> Augmentation:
    return Augmentation.draw(count, side=SIDE, size=SIZE, generator=torch.Generator().manual_seed(seed))


def one_by_one(augmentation: Augmentation, batch: Tensor) -> Tensor:
    """The same in words of torch, an image at a time: crop, turn, exchange left and right, top and bottom."""
    images = []
    for row, image in enumerate(batch):
        top, left = int(augmentation.top[row]), int(augmentation.left[row])
        image = image[:, top : top + SIZE, left : left + SIZE]
        image = torch.rot90(image, int(augmentation.turns[row]), dims=(1, 2))
        image = image.flip(2) if augmentation.horizontal[row] else image
        images.append(image.flip(1) if augmentation.vertical[row] else image)
    return torch.stack(images)


@pytest.mark.parametrize("kind", [torch.uint8, torch.int32, torch.float32, torch.bfloat16])
def test_a_batch_is_moved_as_image_by_image(kind: torch.dtype) -> None:
    augmentation = drawn(200)
    batch = (torch.rand(200, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1)) * 255).to(kind)
    moved = augmentation(batch)
    assert moved.dtype == kind
    assert torch.equal(moved, one_by_one(augmentation, batch))


def test_memory_order_makes_no_difference() -> None:
    augmentation = drawn(20)
    batch = torch.rand(20, 3, SIDE, SIDE)
    assert torch.equal(augmentation(batch.contiguous(memory_format=torch.channels_last)), augmentation(batch))


def test_every_crop_turn_and_flip_is_drawn_about_equally_often() -> None:
    augmentation = drawn(8000)
    for values, kinds in ((augmentation.top, 4), (augmentation.left, 4), (augmentation.turns, 4)):
        counts = Counter(values.tolist())
        assert sorted(counts) == list(range(kinds))
        assert min(counts.values()) > 0.9 * 8000 / kinds
    for flips in (augmentation.horizontal, augmentation.vertical):
        assert flips.float().mean().item() == pytest.approx(0.5, abs=0.03)


def test_the_same_generator_draws_the_same() -> None:
    batch = torch.rand(30, 1, SIDE, SIDE)
    assert torch.equal(drawn(30, seed=5)(batch), drawn(30, seed=5)(batch))
    assert not torch.equal(drawn(30, seed=5)(batch), drawn(30, seed=6)(batch))


def test_global_chance_is_neither_used_nor_changed() -> None:
    before = torch.get_rng_state()
    drawn(10)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_centre_leaves_equal_borders() -> None:
    batch = torch.rand(3, 2, 10, 10)
    assert torch.equal(Augmentation.centre(3, side=10, size=8)(batch), batch[:, :, 1:9, 1:9])


def test_a_part_acts_on_its_images_alone() -> None:
    augmentation, batch = drawn(12), torch.rand(12, 1, SIDE, SIDE)
    assert len(augmentation[4:8]) == 4
    assert torch.equal(augmentation[4:8](batch[4:8]), augmentation(batch)[4:8])


def test_a_crop_of_the_whole_side_has_one_place() -> None:
    augmentation = Augmentation.draw(50, side=SIZE, size=SIZE, generator=torch.Generator())
    assert set(augmentation.top.tolist()) == {0}


def test_a_crop_larger_than_the_image_is_refused() -> None:
    with pytest.raises(ConfigError, match="cannot cut 12 pixels out of prepared images of 11"):
        Augmentation.draw(1, side=11, size=12, generator=torch.Generator())


def test_it_happens_on_the_device_of_the_batch() -> None:
    # "meta" computes nothing, but refuses to mix devices as a GPU does.
    assert drawn(4)(torch.empty(4, 3, SIDE, SIDE, device="meta")).device.type == "meta"
