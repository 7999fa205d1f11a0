"""What a network is trained or judged on."""

from typing import NamedTuple

from jaxtyping import Bool, Float, Int64
from torch import Tensor


class Batch(NamedTuple):
    """What a network is trained or judged on."""

    inputs: Float[Tensor, "B 3 s s"] | dict[int, Float[Tensor, "B C h w"]]
    """What the network takes: images, normalised float32, or the maps of a frozen trunk by pool, in half floats;
    channels last in memory."""
    labels: Int64[Tensor, " B"]
    """Index of the class; -1 where it is not known."""
    priors: Float[Tensor, "B 1 s s"]
    """What attention is drawn toward, in [0, 1]; 0 where there is none."""
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
