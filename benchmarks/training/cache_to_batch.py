"""Images a second from the cache to an augmented, normalised batch, on one core, at 256 -> 224.

    python benchmarks/training/cache_to_batch.py

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

from attnmel.compute import runtime
from attnmel.data.batches.crop_and_flip import Augmentation
from attnmel.data.preprocess.cache import Cache
from random_cache import MEAN, STD, random_batches, random_cache

IMAGES, SIDE, SIZE, BATCH, RUNS = 512, 256, 224, 32, 9
WANTED = 1_500


def loader(cache: Cache) -> Callable[[], Iterator[object]]:
    """Return the loader's own epoch."""
    batches = random_batches(cache, size=SIZE, batch=BATCH)
    return lambda: batches.epoch(0)


def plain(cache: Cache) -> Callable[[], Iterator[object]]:
    """Return an epoch made image by image."""
    generator = torch.Generator().manual_seed(0)
    mean, std = torch.tensor(MEAN)[:, None, None], torch.tensor(STD)[:, None, None]

    def one(row: int, move: Augmentation, place: int) -> torch.Tensor:
        top, left = int(move.top[place]), int(move.left[place])
        pixels = torch.from_numpy(np.array(cache.arrays[row])).permute(2, 0, 1)
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
        cache = random_cache(Path(folder), images=IMAGES, side=SIDE)
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
