"""From the cache to batches: over-sampled, shuffled, augmented and normalised on their device.

An epoch is a function of its number and the seed alone, so a stopped training continues with the very same batches, and
several processes that share a batch see together what one would see.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Int64, Integer, UInt8
from torch import Tensor

from attnmel.data.batches.ablate import Paint
from attnmel.data.batches.augment import Augmentation
from attnmel.data.batches.batch import Batch, oversampled
from attnmel.data.batches.stored_maps import StoredMaps
from attnmel.data.batches.views import Views
from attnmel.data.preprocess.cache import Cache
from attnmel.data.preprocess.cache_build import CHANNELS
from attnmel.data.preprocess.images import BLACK_TO_WHITE, shift_and_scale
from attnmel.data.priors.cache import Planes
from attnmel.data.priors.kinds import NO_PRIOR, PRIORS
from attnmel.errors import ConfigError, LabelError, require_known
from attnmel.runtime import sent, spare_memory

Rgb = Sequence[float]

KEPT_SHARE = 0.25
"""Of the memory that a GPU has free before the network is there: what all prepared images may take of it."""

CHUNK = 256
"""Images put on the device at once."""


class TrainingBatches:
    """The batches of every epoch; `rows` of the cache and `labels` (index of the class) go together.

    `repeats` says how often the images of a class stand in the list of an epoch (else once), `passes` how often an
    epoch goes over that list. `batch` counts the images of a step over all processes. `prior` is a name of `PRIORS`, or
    "none"; it is made of the lesion masks of the cache, or of `planes`, one for each of the rows. `mean` and `std` are
    of RGB in [0, 1]. `paint` changes the images before they are augmented, never the masks: a prior stays what it is.
    `keep` puts all prepared images on the device now, for every epoch; None: on a GPU with `KEPT_SHARE` to spare.
    `views` are those that an image is seen in, in place of a random crop, turn and flip; `maps` holds what a frozen
    trunk makes of them, in place of the images.

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
    ) -> None:
        self._views = views
        self._positions = torch.from_numpy(oversampled(labels, repeats, passes))
        self._maker = _BatchMaker(
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
            if self._views is None:
                augmentation = Augmentation.draw(self._batch, side=self._side, size=self._size, generator=generator)
                yield self._maker(positions[mine].numpy(), augmentation[mine])
            else:
                views = self._views.draw(self._batch, generator)
                augmentation = self._views.augmentation(self._maker.places[positions], views)
                yield self._maker(positions[mine].numpy(), augmentation[mine], views[mine].numpy())


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

    Raises:
        ConfigError: a crop larger than the prepared images.
    """
    make = _BatchMaker(cache, rows, labels, mean=mean, std=std, device=device, paint=paint, maps=maps)
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
    make = _BatchMaker(cache, rows, np.full(len(rows), -1), mean=mean, std=std, device=device, paint=paint)
    every = torch.arange(chosen.start * len(views), chosen.stop * len(views))
    for some in every.split(batch):
        positions = some // len(views)
        yield make(positions.numpy(), views.augmentation(positions, some % len(views))).images


def epoch_generator(seed: int, epoch: int) -> torch.Generator:
    """Return the source of chance of one epoch; neighbouring seeds and epochs have nothing in common."""
    (mixed,) = np.random.SeedSequence([seed, epoch]).generate_state(1, np.uint64).tolist()
    return torch.Generator().manual_seed(mixed)


def normalise(
    pixels: UInt8[Tensor, "B s s 4"], shift: Float32[Tensor, " 3"], scale: Float32[Tensor, " 3"]
) -> Float32[Tensor, "B 3 s s"]:
    """Return (pixels - shift) * scale of red, green and blue, channels last in memory.

    Channels are picked one by one, and the six numbers repeated along a line of the image, because torch's loops over
    three neighbouring values take three times as long (226 against 78 microseconds an image, one core of an EPYC).
    """
    count, size = pixels.shape[:2]
    rgb = torch.empty((count, size, size, 3), dtype=torch.uint8, device=pixels.device)
    for channel in range(3):
        rgb[..., channel] = pixels[..., channel]
    lines = rgb.view(count, size, size * 3).to(torch.float32)
    lines.sub_(shift.repeat(size)).mul_(scale.repeat(size))
    return lines.view(count, size, size, 3).permute(0, 3, 1, 2)


class _BatchMaker:
    """Turns positions in `rows` and an augmentation into a batch on the device."""

    def __init__(
        self,
        cache: Cache,
        rows: Integer[np.ndarray, " n"],
        labels: Integer[np.ndarray, " n"],
        *,
        mean: Rgb,
        std: Rgb,
        prior: str = NO_PRIOR,
        planes: Planes | None = None,
        device: torch.device | str,
        paint: Paint | None,
        maps: StoredMaps | None = None,
    ) -> None:
        require_known("prior", prior, [NO_PRIOR, *PRIORS])
        if planes is not None and planes.image_ids != tuple(cache.image_ids[row] for row in rows.tolist()):
            raise LabelError("the planes of the prior are not of the images of the rows; open them for these images")
        self._cache, self._rows, self._labels = cache, rows.astype(np.int64), labels.astype(np.int64)
        self._device = torch.device(device)
        self._shift, self._scale = (torch.from_numpy(values).to(self._device) for values in shift_and_scale(mean, std))
        self._prior = PRIORS.get(prior)
        self._planes, self._paint = planes, paint
        has_mask = planes.has_prior if planes is not None else cache.has_mask[self._rows]
        self._has_prior = has_mask & (self._prior is not None)
        self._kept: UInt8[Tensor, "n S S 4"] | None = None
        self._maps = maps
        ids = [cache.image_ids[row] for row in rows.tolist()]
        self.places = torch.from_numpy(maps.places(ids) if maps is not None else np.arange(len(ids)))
        """Of the images among those that maps are kept of."""

    @property
    def needs_images(self) -> bool:
        """Whether images are looked at: where maps stand in their place, for the prior alone."""
        return self._maps is None or self._prior is not None

    @property
    def size_in_bytes(self) -> int:
        """Of all prepared images."""
        return len(self._rows) * self._cache.side**2 * CHANNELS

    def keep(self) -> None:
        """Put all prepared images on the device, so that a batch no longer passes from the disk through the CPU."""
        side = self._cache.side
        kept = torch.empty((len(self._rows), side, side, CHANNELS), dtype=torch.uint8, device=self._device)
        for positions in np.array_split(np.arange(len(self._rows)), -(-len(self._rows) // CHUNK)):
            kept[int(positions[0]) : int(positions[-1]) + 1] = torch.from_numpy(self._prepared(positions))
        self._kept = kept

    def __call__(
        self,
        positions: Int64[np.ndarray, " B"],
        augmentation: Augmentation,
        views: Int64[np.ndarray, " B"] | None = None,
    ) -> Batch:
        """Make a batch; `views` are the numbers of the views that the augmentation makes, None: all 0."""
        pixels = None
        if self.needs_images:
            kept = self._kept
            prepared = self._sent(self._prepared(positions)) if kept is None else kept[self._sent(positions)]
            pixels = augmented_pixels(prepared, augmentation)
        has_prior = self._sent(self._has_prior[positions])
        return Batch(
            inputs=self._stored(positions, views) if pixels is None or self._maps is not None else self._normal(pixels),
            labels=self._sent(self._labels[positions]),
            priors=self._priors(pixels, has_prior, augmentation.size),
            has_prior=has_prior,
            rows=self._sent(self._rows[positions]),
        )

    def _normal(self, pixels: UInt8[Tensor, "B s s 4"]) -> Float32[Tensor, "B 3 s s"]:
        return normalise(pixels, self._shift, self._scale)

    def _stored(
        self, positions: Int64[np.ndarray, " B"], views: Int64[np.ndarray, " B"] | None
    ) -> dict[int, Float[Tensor, "B C h w"]]:
        assert self._maps is not None
        gathered = self._maps.gather(
            self.places[positions].numpy(), np.zeros_like(positions) if views is None else views
        )
        return {pool: self._sent(one).permute(0, 3, 1, 2) for pool, one in gathered.items()}

    def _prepared(self, positions: Int64[np.ndarray, " B"]) -> UInt8[np.ndarray, "B S S 4"]:
        pixels = self._cache.gather(self._rows[positions])
        if self._paint is not None:
            self._paint(pixels)
        if self._planes is not None:
            # In place of the mask, so that pixel and prior still move as one number.
            pixels[..., 3] = self._planes.gather(positions)
        return pixels

    def _priors(
        self, pixels: UInt8[Tensor, "B s s 4"] | None, has_prior: Bool[Tensor, " B"], size: int
    ) -> Float32[Tensor, "B 1 s s"]:
        shape = (len(has_prior), 1, size, size)
        if self._prior is None or pixels is None:
            return torch.zeros(shape, device=self._device)
        masks = pixels[..., 3].contiguous().view(shape).to(torch.float32).div_(BLACK_TO_WHITE)
        return self._prior(masks) * has_prior[:, None, None, None]

    def _sent(self, values: np.ndarray) -> Tensor:
        return sent(torch.from_numpy(values), self._device)


def augmented_pixels(pixels: UInt8[Tensor, "B S S 4"], augmentation: Augmentation) -> UInt8[Tensor, "B s s 4"]:
    """Move pixels with their masks: the four bytes of each as one number, faster than one by one."""
    whole = pixels.view(torch.int32).view(len(pixels), 1, *pixels.shape[1:3])
    return augmentation(whole).view(torch.uint8).view(len(pixels), augmentation.size, augmentation.size, CHANNELS)
