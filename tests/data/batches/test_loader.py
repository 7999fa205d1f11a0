from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from attnmel.data.batches.batch import Batch, oversampled
from attnmel.data.batches.crop_and_flip import Augmentation
from attnmel.data.batches.loader import TrainingBatches, evaluation_batches
from attnmel.data.batches.maker import BatchMaker, augmented_pixels
from attnmel.data.batches.scale_and_colour import WarpRange
from attnmel.data.batches.stored_maps import Wanted, open_maps
from attnmel.data.batches.stored_views import Views
from attnmel.data.preprocess.cache import Cache, open_cache
from attnmel.data.preprocess.images import central_crop, normalised
from attnmel.errors import ConfigError, LabelError
from attnmel.records import Lesion

SIDE, SIZE = 36, 32
MEAN, STD = (0.7, 0.5, 0.4), (0.1, 0.2, 0.3)
LABELS = np.array([0, 1, 0, 0, 1, 0, 0])


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Cache:
    """Seven images, 90 x 60, each with a cross off its centre in image and mask; the last has no mask."""
    folder = tmp_path_factory.mktemp("crosses")
    lesions = []
    for number in range(len(LABELS)):
        # The upright arm is longer than the other and thicker: no turn and no flip leaves the cross as it was.
        cross = Image.new("L", (90, 60))
        x, y = 36 + 3 * number, 24 + 2 * number % 8
        ImageDraw.Draw(cross).rectangle((x, y - 8, x + 3, y + 16), fill=255)
        ImageDraw.Draw(cross).rectangle((x - 5, y, x + 12, y + 1), fill=255)
        image, mask = folder / f"i{number}.png", folder / f"m{number}.png"
        cross.convert("RGB").save(image)
        cross.save(mask)
        last = number == len(LABELS) - 1
        lesions.append(
            Lesion(image_id=f"i{number}", image=image, mask=None if last else mask, diagnosis=None, split=None)
        )
    return open_cache(lesions, crop=0.8, side=SIDE, home=folder / "home")


@pytest.fixture(scope="module")
def batches(cache: Cache) -> Callable[..., TrainingBatches]:
    def made(**changed: Any) -> TrainingBatches:  # noqa: ANN401 - any of the settings
        images: dict[str, Any] = {"mean": MEAN, "std": STD, "prior": "lesion", "device": "cpu"}
        images |= {name: changed.pop(name) for name in ("prior", "paint", "planes", "maps") if name in changed}
        settings: dict[str, Any] = {"size": SIZE, "repeats": {1: 3}, "passes": 2, "batch": 4, "seed": 7}
        return TrainingBatches(BatchMaker(cache, np.arange(len(LABELS)), LABELS, **images), **(settings | changed))

    return made


def same(one: Batch, other: Batch) -> bool:
    pairs = zip((one.images, *one[1:]), (other.images, *other[1:]), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_each_class_is_repeated_as_asked() -> None:
    positions = oversampled(np.array([1, 0, 2, 1]), {1: 4, 2: 2}, passes=3)
    assert Counter(positions.tolist()) == {0: 12, 1: 3, 2: 6, 3: 12}


def test_the_cross_of_image_and_mask_is_found_at_one_place_after_every_augmentation(cache: Cache) -> None:
    places = torch.cartesian_prod(torch.arange(5), torch.arange(5), torch.arange(4), torch.arange(2), torch.arange(2))
    top, left, turns, horizontal, vertical = places.T
    augmentation = Augmentation(SIDE, SIZE, top, left, turns, horizontal == 1, vertical == 1)
    pixels = augmented_pixels(torch.from_numpy(cache.gather(np.zeros(len(places), np.int64))), augmentation)
    assert torch.equal(pixels[..., 0], pixels[..., 3])
    assert (pixels[..., 3] > 127).flatten(1).sum(1).min() > 20
    # 25 places of the crop; four turns and two flips make each of eight positions twice
    assert len({one.numpy().tobytes() for one in pixels}) == 25 * 8


def test_images_are_the_augmented_pixels_normalised_and_priors_move_along(
    batches: Callable[..., TrainingBatches],
) -> None:
    for batch in batches().epoch(0):
        cross = batch.images * torch.tensor(STD)[:, None, None] + torch.tensor(MEAN)[:, None, None]
        priors = batch.priors[batch.has_prior]
        torch.testing.assert_close(cross[batch.has_prior][:, :1], priors, atol=1e-5, rtol=0)


def test_warped_images_and_their_priors_move_along_and_epochs_repeat(batches: Callable[..., TrainingBatches]) -> None:
    warp = WarpRange(0.4, 1.0, any_angle=True, colour=0.0)
    again = list(batches(warp=warp).epoch(1))
    for batch, other in zip(batches(warp=warp).epoch(1), again, strict=True):
        assert same(batch, other)
        assert batch.images.is_contiguous(memory_format=torch.channels_last)
        cross = batch.images * torch.tensor(STD)[:, None, None] + torch.tensor(MEAN)[:, None, None]
        torch.testing.assert_close(cross[batch.has_prior][:, :1], batch.priors[batch.has_prior], atol=1e-5, rtol=0)
    assert not same(again[0], next(batches(warp=warp).epoch(2)))


def test_processes_share_the_warps_of_one_batch(batches: Callable[..., TrainingBatches]) -> None:
    warp = WarpRange(0.4, 1.0, any_angle=True, colour=0.2)
    whole = next(batches(warp=warp).epoch(0))
    parts = [next(batches(warp=warp).epoch(0, rank=rank, world=2)) for rank in range(2)]
    assert torch.equal(whole.images, torch.cat([part.images for part in parts]))


def test_a_batch_has_the_promised_form(batches: Callable[..., TrainingBatches]) -> None:
    batch = next(batches().epoch(0))
    assert batch.images.shape == (4, 3, SIZE, SIZE)
    assert batch.images.dtype == torch.float32
    assert batch.images.is_contiguous(memory_format=torch.channels_last)
    assert batch.priors.shape == (4, 1, SIZE, SIZE)
    assert batch.labels.tolist() == LABELS[batch.rows.numpy()].tolist()


def test_an_epoch_goes_over_the_over_sampled_list_but_for_the_last_incomplete_batch(
    batches: Callable[..., TrainingBatches],
) -> None:
    whole = batches(batch=11, passes=2)  # 5 + 2 * 3 rows, twice
    seen = Counter(row for batch in whole.epoch(3) for row in batch.rows.tolist())
    assert len(whole) == 2
    assert seen == {0: 2, 1: 6, 2: 2, 3: 2, 4: 6, 5: 2, 6: 2}
    assert len(batches(batch=4, passes=2)) == len(list(batches(batch=4, passes=2).epoch(0))) == 5


def test_an_epoch_depends_on_seed_and_number_alone(batches: Callable[..., TrainingBatches]) -> None:
    continued, fresh = batches(), batches()
    list(continued.epoch(0))
    assert all(map(same, continued.epoch(1), fresh.epoch(1)))
    assert not all(map(same, fresh.epoch(0), fresh.epoch(1)))
    assert not all(map(same, fresh.epoch(0), batches(seed=8).epoch(0)))


def test_neighbouring_seeds_and_epochs_have_nothing_in_common(batches: Callable[..., TrainingBatches]) -> None:
    """Else the epochs of one seed would be those of the next one, a step later."""
    orders = {
        tuple(row for batch in batches(seed=seed).epoch(number) for row in batch.rows.tolist())
        for seed in range(3)
        for number in range(3)
    }
    assert len(orders) == 9


def test_stored_maps_and_the_priors_with_them_are_of_the_place_of_each_image(
    batches: Callable[..., TrainingBatches], cache: Cache, tmp_path: Path
) -> None:
    """The maps are of more images than are trained on, as where folds share them; each map tells place and view."""
    views, ids = Views(1, 5, images=9, side=SIDE, size=SIZE), ("x", *cache.image_ids[::-1], "y")

    def make(chosen: range) -> Iterator[dict[int, np.ndarray]]:
        numbers = np.arange(chosen.start * len(views), chosen.stop * len(views), dtype=np.float16)
        yield {4: numbers[:, None, None, None]}

    maps = open_maps(Wanted("key", ids, len(views), {4: (1, 1, 1)}), make, home=tmp_path)
    for batch in batches(maps=maps, views=views).epoch(0):
        assert isinstance(batch.inputs, dict)
        numbers = batch.inputs[4].flatten().long()
        places, shown = numbers // len(views), numbers % len(views)
        assert [ids[place] for place in places.tolist()] == [cache.image_ids[row] for row in batch.rows.tolist()]
        masks = torch.from_numpy(cache.gather(batch.rows.numpy()))[..., 3]
        expected = views.augmentation(places, shown)(masks[:, None]).float() / 255
        torch.testing.assert_close(batch.priors, expected)


def test_global_chance_is_neither_used_nor_changed(batches: Callable[..., TrainingBatches]) -> None:
    before = torch.get_rng_state()
    list(batches().epoch(0))
    assert torch.equal(torch.get_rng_state(), before)


def test_several_processes_see_together_what_one_sees(batches: Callable[..., TrainingBatches]) -> None:
    alone = batches()
    shares = zip(alone.epoch(2, rank=0, world=2), alone.epoch(2, rank=1, world=2), strict=True)
    for whole, (first, second) in zip(alone.epoch(2), shares, strict=True):
        fields = zip(*((batch.images, *batch[1:]) for batch in (whole, first, second)), strict=True)
        for field, one, other in fields:
            assert torch.equal(field, torch.cat([one, other]))


def test_images_kept_on_the_device_give_the_same_batches(batches: Callable[..., TrainingBatches]) -> None:
    def darken(pixels: np.ndarray) -> None:
        pixels[..., :3] //= 2

    plain = list(batches().epoch(3))
    for changes in ({}, {"paint": darken}):
        kept, read = (list(batches(keep=keep, **changes).epoch(3)) for keep in (True, False))
        assert all(same(one, other) for one, other in zip(kept, read, strict=True))
        assert same(kept[0], plain[0]) is (not changes)


def test_a_batch_that_does_not_divide_is_refused(batches: Callable[..., TrainingBatches]) -> None:
    with pytest.raises(ConfigError, match=r"training\.batch = 4 does not divide over 3 processes"):
        next(batches().epoch(0, world=3))


def test_fewer_rows_than_a_batch_are_refused(batches: Callable[..., TrainingBatches]) -> None:
    with pytest.raises(LabelError, match="7 training images make 11 rows an epoch, fewer than one batch of 12; add"):
        batches(passes=1, batch=12)


def test_an_unknown_prior_is_answered_with_the_known_ones(batches: Callable[..., TrainingBatches]) -> None:
    with pytest.raises(ConfigError, match="unknown prior 'dermo'; known: background, dermoscopic, lesion, none"):
        batches(prior="dermo")


def test_an_impossible_crop_is_refused_before_the_first_epoch(batches: Callable[..., TrainingBatches]) -> None:
    with pytest.raises(ConfigError, match="cannot cut 64 pixels out of prepared images of 36"):
        batches(size=64)


def evaluated(cache: Cache, **changed: Any) -> list[Batch]:  # noqa: ANN401 - any of the settings
    rows = changed.pop("rows", np.arange(len(LABELS)))
    labels = changed.pop("labels", np.full(len(rows), -1))
    maker = BatchMaker(cache, rows, labels, mean=MEAN, std=STD, device="cpu")
    return list(evaluation_batches(maker, **({"size": SIZE, "batch": 3} | changed)))


def test_evaluation_keeps_the_order_and_the_last_images(cache: Cache) -> None:
    rows = np.array([4, 0, 6, 1])
    found = evaluated(cache, rows=rows, labels=LABELS[rows])
    assert [batch.rows.tolist() for batch in found] == [[4, 0, 6], [1]]
    assert [batch.labels.tolist() for batch in found] == [[1, 0, 0], [1]]


def test_evaluation_gives_to_the_last_bit_what_the_predictor_computes(cache: Cache) -> None:
    for batch in evaluated(cache):
        for image, row in zip(batch.images, batch.rows.tolist(), strict=True):
            (pixels,) = central_crop(cache.images[row : row + 1], SIZE)
            np.testing.assert_array_equal(image.numpy(), normalised(pixels, MEAN, STD))


@pytest.mark.parametrize("prior", ["lesion", "background"])
def test_an_image_without_a_mask_has_no_prior(batches: Callable[..., TrainingBatches], prior: str) -> None:
    (batch,) = batches(repeats={}, passes=1, batch=7, prior=prior).epoch(0)
    assert sorted(batch.rows.tolist()) == list(range(7))
    assert batch.has_prior.tolist() == [row < 6 for row in batch.rows.tolist()]
    assert batch.priors.flatten(1).any(1).tolist() == batch.has_prior.tolist()


def test_without_a_prior_and_in_evaluation_none_has_one(cache: Cache, batches: Callable[..., TrainingBatches]) -> None:
    for batch in (next(batches(prior="none").epoch(0)), *evaluated(cache)):
        assert not batch.has_prior.any()
        assert not batch.priors.any()
