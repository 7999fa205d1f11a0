"""Images a second from the cache to an augmented, normalised batch, on one core, at 256 -> 224.

    python benchmarks/cache_to_batch.py

Compared with the plain way (each image sliced, turned and flipped by itself, then normalised as torch broadcasts it)
and with what one core spends on reading the rows alone. Medians of interleaved runs.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch

from attnmel import runtime
from attnmel.data.augment import Augmentation
from attnmel.data.cache import CONTENTS, PIXELS, Cache
from attnmel.data.loader import TrainingBatches

IMAGES, SIDE, SIZE, BATCH, RUNS = 512, 256, 224, 32, 9
MEAN, STD = (0.68, 0.53, 0.47), (0.08, 0.11, 0.13)
WANTED = 1_500


def random_cache(folder: Path) -> Cache:
    """Write a cache of noise: the values make no difference to the time."""
    random = np.random.default_rng(0)
    with (folder / PIXELS).open("wb") as file:
        for _ in range(IMAGES):
            file.write(random.integers(0, 256, SIDE * SIDE * 4, dtype=np.uint8).data)
    (folder / CONTENTS).touch()
    pixels = np.memmap(folder / PIXELS, dtype=np.uint8, mode="r", shape=(IMAGES, SIDE, SIDE, 4))
    ids = tuple(f"{number:07d}" for number in range(IMAGES))
    return Cache(path=folder, key="", image_ids=ids, has_mask=np.ones(IMAGES, dtype=bool), pixels=pixels)


def loader(cache: Cache) -> Callable[[], Iterator[object]]:
    """Return the loader's own epoch."""
    batches = TrainingBatches(
        cache,
        np.arange(IMAGES),
        np.zeros(IMAGES, dtype=np.int64),
        size=SIZE,
        repeats={},
        passes=1,
        batch=BATCH,
        mean=MEAN,
        std=STD,
        prior="lesion",
        seed=0,
        device="cpu",
    )
    return lambda: batches.epoch(0)


def plain(cache: Cache) -> Callable[[], Iterator[object]]:
    """Return an epoch made image by image."""
    generator = torch.Generator().manual_seed(0)
    mean, std = torch.tensor(MEAN)[:, None, None], torch.tensor(STD)[:, None, None]

    def one(row: int, move: Augmentation, place: int) -> torch.Tensor:
        top, left = int(move.top[place]), int(move.left[place])
        pixels = torch.from_numpy(np.array(cache.pixels[row])).permute(2, 0, 1)
        pixels = pixels[:, top : top + SIZE, left : left + SIZE].rot90(int(move.turns[place]), dims=(1, 2))
        flips = [2] * bool(move.horizontal[place]) + [1] * bool(move.vertical[place])
        return pixels.flip(flips).float().div(255)

    def epoch() -> Iterator[object]:
        rows = torch.randperm(IMAGES, generator=generator).tolist()
        for start in range(0, IMAGES, BATCH):
            move = Augmentation.draw(BATCH, side=SIDE, size=SIZE, generator=generator)
            batch = torch.stack([one(row, move, place) for place, row in enumerate(rows[start : start + BATCH])])
            images = ((batch[:, :3] - mean) / std).contiguous(memory_format=torch.channels_last)
            yield images, batch[:, 3:]

    return epoch


def reading(cache: Cache) -> Callable[[], Iterator[object]]:
    """Return an epoch that only copies rows out of the cache."""
    rows = np.random.default_rng(0).permutation(IMAGES)
    return lambda: (cache.gather(rows[start : start + BATCH]) for start in range(0, IMAGES, BATCH))


def main() -> None:
    """Time each way in turn and print the table."""
    torch.set_num_threads(1)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory() as folder:
        cache = random_cache(Path(folder))
        ways = {"loader": loader(cache), "plain, image by image": plain(cache), "reading alone": reading(cache)}
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(RUNS):
            for name, epoch in ways.items():
                start = time.perf_counter()
                for _batch in epoch():
                    pass
                seconds[name].append(time.perf_counter() - start)
    rates = {name: IMAGES / statistics.median(times) for name, times in seconds.items()}
    print(f"{runtime.device_name(torch.device('cpu'))}, torch {torch.__version__}, one core")
    print(f"{SIDE} -> {SIZE}, batch {BATCH}, float32; medians of {RUNS} interleaved runs")
    for name, rate in rates.items():
        print(f"{name:24} {rate:8,.0f} images/s   {rate / rates['plain, image by image']:5.2f} x plain")
    print(f"wanted: {WANTED:,} images/s; found {rates['loader'] / WANTED:.2f} times that")


if __name__ == "__main__":
    main()
