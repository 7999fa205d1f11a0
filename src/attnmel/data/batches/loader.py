"""From the cache to batches: over-sampled, shuffled, augmented and normalised on their device.

An epoch is a function of its number and the seed alone, so a stopped training continues with the very same batches, and
several processes that share a batch see together what one would see.
"""

from collections.abc import Iterator, Mapping

import numpy as np
import torch
from jaxtyping import Float32, Integer
from torch import Tensor

from attnmel.data.batches.ablate import Paint
from attnmel.data.batches.batch import Batch, oversampled
from attnmel.data.batches.crop_and_flip import Augmentation
from attnmel.data.batches.maker import BatchMaker, Rgb
from attnmel.data.batches.scale_and_colour import Warp, WarpRange
from attnmel.data.batches.stored_maps import StoredMaps
from attnmel.data.batches.views import Views
from attnmel.data.preprocess.cache import Cache
from attnmel.data.priors.cache import Planes
from attnmel.errors import ConfigError, LabelError
from attnmel.runtime import spare_memory

KEPT_SHARE = 0.25
"""Of the memory that a GPU has free before the network is there: what all prepared images may take of it."""


class TrainingBatches:
    """The batches of every epoch; `rows` of the cache and `labels` (index of the class) go together.

    `repeats` says how often the images of a class stand in the list of an epoch (else once), `passes` how often an
    epoch goes over that list. `batch` counts the images of a step over all processes. `prior` is a name of `PRIORS`, or
    "none"; it is made of the lesion masks of the cache, or of `planes`, one for each of the rows. `mean` and `std` are
    of RGB in [0, 1]. `paint` changes the images before they are augmented, never the masks: a prior stays what it is.
    `keep` puts all prepared images on the device now, for every epoch; None: on a GPU with `KEPT_SHARE` to spare.
    `views` are those that an image is seen in, in place of a random crop, turn and flip; `maps` holds what a frozen
    trunk makes of them, in place of the images. `warp` is what crops of any scale, angle and colour are drawn from, in
    place of crops of the input's size, quarter turns and flips.

    Raises:
        LabelError: fewer images than a batch takes, or planes of other images.
        ConfigError: an unknown prior, or a crop larger than the prepared images.
    """

    def __init__(
        self,
        cache: Cache,
        rows: Integer[np.ndarray, " n"],
        labels: Integer[np.ndarray, " n"],
        *,
        size: int,
        repeats: Mapping[int, int],
        passes: int,
        batch: int,
        mean: Rgb,
        std: Rgb,
        prior: str,
        seed: int,
        device: torch.device | str,
        planes: Planes | None = None,
        paint: Paint | None = None,
        keep: bool | None = None,
        views: Views | None = None,
        maps: StoredMaps | None = None,
        warp: WarpRange | None = None,
    ) -> None:
        self._views, self._warp = views, warp
        self._positions = torch.from_numpy(oversampled(labels, repeats, passes))
        self._maker = BatchMaker(
            cache, rows, labels, mean=mean, std=std, prior=prior, planes=planes, device=device, paint=paint, maps=maps
        )
        self._side, self._size, self._batch, self._seed = cache.side, size, batch, seed
        Augmentation.centre(1, side=cache.side, size=size)  # refuses an impossible crop now, not in the first epoch
        if len(self) == 0:
            raise LabelError(
                f"{len(rows)} training images make {len(self._positions)} rows an epoch, fewer than one batch of "
                f"{batch}; add images, or set training.batch lower"
            )
        if keep or (
            keep is None
            and self._maker.needs_images
            and self._maker.size_in_bytes <= KEPT_SHARE * spare_memory(torch.device(device))
        ):
            self._maker.keep()

    def __len__(self) -> int:
        """Steps an epoch; the last incomplete batch is left out."""
        return len(self._positions) // self._batch

    def epoch(self, number: int, *, rank: int = 0, world: int = 1) -> Iterator[Batch]:
        """Give the batches of one epoch; process `rank` of `world` takes its share of each.

        Raises:
            ConfigError: the batch does not divide over the processes.
        """
        if self._batch % world:
            raise ConfigError(f"training.batch = {self._batch} does not divide over {world} processes")
        share = self._batch // world
        mine = slice(rank * share, (rank + 1) * share)
        generator = epoch_generator(self._seed, number)
        order = self._positions[torch.randperm(len(self._positions), generator=generator)]
        for step in range(len(self)):
            positions = order[step * self._batch : (step + 1) * self._batch]
            # Drawn for the whole batch, then shared out: an image is augmented alike for any number of processes.
            if self._views is not None:
                views = self._views.draw(self._batch, generator)
                augmentation = self._views.augmentation(self._maker.places[positions], views)
                yield self._maker(positions[mine].numpy(), augmentation[mine], views[mine].numpy())
            elif self._warp is not None:
                warp = Warp.draw(self._batch, self._warp, size=self._size, generator=generator)
                yield self._maker(positions[mine].numpy(), warp[mine])
            else:
                augmentation = Augmentation.draw(self._batch, side=self._side, size=self._size, generator=generator)
                yield self._maker(positions[mine].numpy(), augmentation[mine])


def evaluation_batches(
    cache: Cache,
    rows: Integer[np.ndarray, " n"],
    labels: Integer[np.ndarray, " n"],
    *,
    size: int,
    batch: int,
    mean: Rgb,
    std: Rgb,
    device: torch.device | str,
    paint: Paint | None = None,
    maps: StoredMaps | None = None,
) -> Iterator[Batch]:
    """Give the central crops in the order of `rows`, the last incomplete batch too, without priors; labels may be -1.

    `paint` changes the images first, as in training. `maps` holds what a frozen trunk makes of them, in their place.
    """
    make = BatchMaker(cache, rows, labels, mean=mean, std=std, device=device, paint=paint, maps=maps)
    for start in range(0, len(rows), batch):
        positions = np.arange(start, min(start + batch, len(rows)))
        yield make(positions, Augmentation.centre(len(positions), side=cache.side, size=size))


def view_batches(
    cache: Cache,
    rows: Integer[np.ndarray, " n"],
    views: Views,
    chosen: range,
    *,
    batch: int,
    mean: Rgb,
    std: Rgb,
    device: torch.device | str,
    paint: Paint | None = None,
) -> Iterator[Float32[Tensor, "B 3 s s"]]:
    """Give every view of the images at the `chosen` positions of `rows`, normalised, an image after another."""
    make = BatchMaker(cache, rows, np.full(len(rows), -1), mean=mean, std=std, device=device, paint=paint)
    every = torch.arange(chosen.start * len(views), chosen.stop * len(views))
    for some in every.split(batch):
        positions = some // len(views)
        yield make(positions.numpy(), views.augmentation(positions, some % len(views))).images


def epoch_generator(seed: int, epoch: int) -> torch.Generator:
    """Return the source of chance of one epoch; neighbouring seeds and epochs have nothing in common."""
    (mixed,) = np.random.SeedSequence([seed, epoch]).generate_state(1, np.uint64).tolist()
    return torch.Generator().manual_seed(mixed)
