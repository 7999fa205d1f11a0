"""From the cache to batches: over-sampled, shuffled, augmented and normalised on their device.

An epoch is a function of its number and the seed alone, so a stopped training continues with the very same batches, and
several processes that share a batch see together what one would see.
"""

from collections.abc import Iterator, Mapping

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor

from attnmel.compute.runtime import spare_memory
from attnmel.data.batches.batch import Batch, oversampled
from attnmel.data.batches.crop_and_flip import Augmentation
from attnmel.data.batches.maker import BatchMaker
from attnmel.data.batches.scale_and_colour import Warp, WarpRange
from attnmel.data.batches.stored_views import Views
from attnmel.errors import ConfigError, LabelError

KEPT_SHARE = 0.25
"""Of the memory that a GPU has free before the network is there: what all prepared images may take of it."""


class TrainingBatches:
    """The batches of every epoch, of the images of a maker.

    `repeats` says how often the images of a class stand in the list of an epoch (else once), `passes` how often an
    epoch goes over that list. `batch` counts the images of a step over all processes. `keep` puts all prepared images
    on the device now, for every epoch; None: on a GPU with `KEPT_SHARE` to spare. `views` are those that an image is
    seen in, in place of a random crop, turn and flip. `warp` is what crops of any scale, angle and colour are drawn
    from, in place of crops of the input's size, quarter turns and flips.

    Raises:
        LabelError: fewer images than a batch takes.
        ConfigError: a crop larger than the prepared images.
    """

    def __init__(
        self,
        maker: BatchMaker,
        *,
        size: int,
        repeats: Mapping[int, int],
        passes: int,
        batch: int,
        seed: int,
        keep: bool | None = None,
        views: Views | None = None,
        warp: WarpRange | None = None,
    ) -> None:
        self._maker, self._views, self._warp = maker, views, warp
        self._positions = torch.from_numpy(oversampled(maker.labels, repeats, passes))
        self._side, self._size, self._batch, self._seed = maker.side, size, batch, seed
        Augmentation.centre(1, side=maker.side, size=size)  # refuses an impossible crop now, not in the first epoch
        if len(self) == 0:
            raise LabelError(
                f"{len(maker.labels)} training images make {len(self._positions)} rows an epoch, fewer than one batch "
                f"of {batch}; add images, or set training.batch lower"
            )
        spare = maker.needs_images and maker.size_in_bytes <= KEPT_SHARE * spare_memory(maker.device)
        if keep or (keep is None and spare):
            maker.keep()

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


def evaluation_batches(make: BatchMaker, *, size: int, batch: int) -> Iterator[Batch]:
    """Give the central crops of a maker's images, in order, the last incomplete batch too."""
    for start in range(0, len(make.labels), batch):
        positions = np.arange(start, min(start + batch, len(make.labels)))
        yield make(positions, Augmentation.centre(len(positions), side=make.side, size=size))


def view_batches(make: BatchMaker, views: Views, chosen: range, *, batch: int) -> Iterator[Float32[Tensor, "B 3 s s"]]:
    """Give every view of the images at the `chosen` positions of a maker's, normalised, an image after another."""
    every = torch.arange(chosen.start * len(views), chosen.stop * len(views))
    for some in every.split(batch):
        positions = some // len(views)
        yield make(positions.numpy(), views.augmentation(positions, some % len(views))).images


def epoch_generator(seed: int, epoch: int) -> torch.Generator:
    """Return the source of chance of one epoch; neighbouring seeds and epochs have nothing in common."""
    (mixed,) = np.random.SeedSequence([seed, epoch]).generate_state(1, np.uint64).tolist()
    return torch.Generator().manual_seed(mixed)
