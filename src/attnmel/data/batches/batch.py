"""A batch of images for training or evaluation, and the list of the images of an epoch."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int64, Integer
from torch import Tensor


def oversampled(labels: Integer[np.ndarray, " n"], repeats: Mapping[int, int], passes: int) -> Int64[np.ndarray, " m"]:
    """Return positions in `labels`, each `repeats[label]` times (else once), the whole list `passes` times."""
    times = np.array([repeats.get(label, 1) for label in labels.tolist()], dtype=np.int64)
    once = np.repeat(np.arange(len(labels)), times)
    return np.tile(once, passes)


class Batch(NamedTuple):
    """A batch of images for training or evaluation."""

    inputs: Float[Tensor, "B 3 s s"] | dict[int, Float[Tensor, "B C h w"]]
    """The input of the network: images, normalised float32, or the maps of a frozen trunk by pool, in half floats;
    channels last in memory."""
    labels: Int64[Tensor, " B"]
    """Index of the class; -1 where it is not known."""
    priors: Float[Tensor, "B P s s"]
    """The priors of the attention maps or of a segmentation branch, in [0, 1]; 0 where there is none."""
    has_prior: Bool[Tensor, " B"]
    rows: Int64[Tensor, " B"]
    """Rows of the cache; they name the images."""

    @property
    def images(self) -> Float[Tensor, "B 3 s s"]:
        """The inputs of a network without stored maps."""
        assert isinstance(self.inputs, Tensor)
        return self.inputs

    def parts(self, count: int) -> list["Batch"]:
        """Return the batch in so many parts."""
        inputs, *others = self
        chunks = _chunks(inputs, count) if isinstance(inputs, dict) else inputs.chunk(count)
        return [Batch(*fields) for fields in zip(chunks, *(field.chunk(count) for field in others), strict=True)]


def _chunks(maps: dict[int, Tensor], count: int) -> list[dict[int, Tensor]]:
    by_part = zip(*(one.chunk(count) for one in maps.values()), strict=True)
    return [dict(zip(maps, part, strict=True)) for part in by_part]
