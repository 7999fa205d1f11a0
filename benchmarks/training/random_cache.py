"""A cache of noise for the benchmarks: the values of the pixels make no difference to time or memory."""

from pathlib import Path

import numpy as np

from attnmel.data.batches.loader import TrainingBatches
from attnmel.data.batches.maker import BatchMaker
from attnmel.data.preprocess.cache import KIND, Cache

MEAN, STD = (0.68, 0.53, 0.47), (0.08, 0.11, 0.13)


def random_cache(folder: Path, *, images: int, side: int) -> Cache:
    """Write a cache of `images` squares of noise, each with a mask, into an empty folder."""
    random = np.random.default_rng(0)
    path = folder / KIND.file
    with path.open("wb") as file:
        for _ in range(images):
            file.write(random.integers(0, 256, side * side * 4, dtype=np.uint8).data)
    arrays = np.memmap(path, dtype=np.uint8, mode="r", shape=(images, side, side, 4))
    ids = tuple(f"{number:07d}" for number in range(images))
    has_mask = np.ones(images, dtype=bool)
    return Cache(path=folder, key="", image_ids=ids, file=path, arrays=arrays, has_mask=has_mask)


class OneStep(TrainingBatches):
    """The program's own loader, but each epoch ends after its first batch, drawn from all images."""

    def __len__(self) -> int:
        return min(1, super().__len__())


def random_batches(
    cache: Cache,
    *,
    size: int,
    batch: int,
    kind: type[TrainingBatches] = TrainingBatches,
    repeats: int = 1,
    device: str = "cpu",
) -> TrainingBatches:
    """Return the program's own loader over all images of a cache, every second one a melanoma, each `repeats` times."""
    rows = np.arange(len(cache.image_ids))
    maker = BatchMaker(cache, rows, rows % 2, mean=MEAN, std=STD, prior="lesion", device=device)
    return kind(maker, size=size, repeats={0: repeats, 1: repeats}, passes=1, batch=batch, seed=0)
