"""Prepared images of some rows to one batch on its device: augmented, normalised, with labels and priors."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Int64, Integer, UInt8
from torch import Tensor

from attnmel.compute.runtime import sent
from attnmel.config.recipe import OF_STRUCTURES
from attnmel.data.batches.ablate import Paint
from attnmel.data.batches.batch import Batch
from attnmel.data.batches.crop_and_flip import Augmentation
from attnmel.data.batches.scale_and_colour import Warp
from attnmel.data.batches.stored_maps import StoredMaps
from attnmel.data.preprocess.cache import Cache
from attnmel.data.preprocess.cache_build import CHANNELS
from attnmel.data.preprocess.images import BLACK_TO_WHITE, shift_and_scale
from attnmel.data.priors.cache import Planes
from attnmel.data.priors.kinds import NO_PRIOR, PRIORS
from attnmel.errors import LabelError, require_known

Rgb = Sequence[float]
"""Red, green and blue in [0, 1]."""

CHUNK = 256
"""Images put on the device at once."""


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


class BatchMaker:
    """Turns positions in `rows` and an augmentation into a batch on the device.

    `rows` of the cache and `labels` (index of the class, -1 where it is not known) go together. `mean` and `std` are of
    RGB in [0, 1]. `prior` is a name of `PRIORS`, or "none"; it is made of the lesion masks of the cache, or of
    `planes`, one for each of the rows. `paint` changes the images before they are augmented, never the masks: a prior
    stays what it is. `maps` holds what a frozen trunk makes of the images, in their place.

    Raises:
        LabelError: planes of other images.
        ConfigError: an unknown prior.
    """

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
        paint: Paint | None = None,
        maps: StoredMaps | None = None,
    ) -> None:
        require_known("prior", prior, [NO_PRIOR, *PRIORS])
        if planes is not None and planes.image_ids != tuple(cache.image_ids[row] for row in rows.tolist()):
            raise LabelError("the planes of the prior are not of the images of the rows; open them for these images")
        self._cache, self._rows, self.labels = cache, rows.astype(np.int64), labels.astype(np.int64)
        self.side, self.device = cache.side, torch.device(device)
        self._shift, self._scale = (torch.from_numpy(values).to(self.device) for values in shift_and_scale(mean, std))
        self._prior = PRIORS.get(prior)
        self._bits = prior in OF_STRUCTURES
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
        kept = torch.empty((len(self._rows), side, side, CHANNELS), dtype=torch.uint8, device=self.device)
        for positions in np.array_split(np.arange(len(self._rows)), -(-len(self._rows) // CHUNK)):
            kept[int(positions[0]) : int(positions[-1]) + 1] = torch.from_numpy(self._prepared(positions))
        self._kept = kept

    def __call__(
        self,
        positions: Int64[np.ndarray, " B"],
        augmentation: Augmentation | Warp,
        views: Int64[np.ndarray, " B"] | None = None,
    ) -> Batch:
        """Make a batch; `views` are the numbers of the views that the augmentation makes, None: all 0."""
        images = masks = None
        if self.needs_images:
            kept = self._kept
            prepared = self._sent(self._prepared(positions)) if kept is None else kept[self._sent(positions)]
            images, masks = self._augmented(prepared, augmentation)
        has_prior = self._sent(self._has_prior[positions])
        return Batch(
            inputs=self._stored(positions, views) if images is None or self._maps is not None else images,
            labels=self._sent(self.labels[positions]),
            priors=self._priors(masks, has_prior, augmentation.size),
            has_prior=has_prior,
            rows=self._sent(self._rows[positions]),
        )

    def _augmented(
        self, prepared: UInt8[Tensor, "B S S 4"], augmentation: Augmentation | Warp
    ) -> tuple[Float32[Tensor, "B 3 s s"], Float32[Tensor, "B 1 s s"]]:
        """Return normalised images, and masks from 0 to 255."""
        if isinstance(augmentation, Warp):
            moved = augmentation(prepared, bits=self._bits)
            shift, scale = self._shift[:, None, None], self._scale[:, None, None]
            images = ((moved[:, :3] - shift) * scale).contiguous(memory_format=torch.channels_last)
            return images, moved[:, 3:].contiguous()
        pixels = augmented_pixels(prepared, augmentation)
        masks = pixels[..., 3].contiguous().view(len(pixels), 1, *pixels.shape[1:3]).to(torch.float32)
        return normalise(pixels, self._shift, self._scale), masks

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
        self, masks: Float32[Tensor, "B 1 s s"] | None, has_prior: Bool[Tensor, " B"], size: int
    ) -> Float32[Tensor, "B P s s"]:
        if self._prior is None or masks is None:
            return torch.zeros((len(has_prior), 1, size, size), device=self.device)
        return self._prior(masks / BLACK_TO_WHITE) * has_prior[:, None, None, None]

    def _sent(self, values: np.ndarray) -> Tensor:
        return sent(torch.from_numpy(values), self.device)


def augmented_pixels(pixels: UInt8[Tensor, "B S S 4"], augmentation: Augmentation) -> UInt8[Tensor, "B s s 4"]:
    """Move pixels with their masks: the four bytes of each as one number, faster than one by one."""
    whole = pixels.view(torch.int32).view(len(pixels), 1, *pixels.shape[1:3])
    return augmentation(whole).view(torch.uint8).view(len(pixels), augmentation.size, augmentation.size, CHANNELS)
