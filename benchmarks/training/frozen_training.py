"""Images a second in training AttnMel-CNN-Lesion on the stored maps of a frozen trunk, against training all layers.

    python benchmarks/training/frozen_training.py [--size 224] [--batch 32] [--rounds 3] [--images 64] [--views 8]
                                                  [--width 1.0] [--shared]

All sides are `training`'s loop, set up as `attnmel train` does, loader, prior and check included: all layers on images,
above pool 4 on stored maps, and gates and head on stored maps (pool 5); Mel-CNN frozen to pool 5, which reads means
alone, is shown with them. They take turns, so that a machine whose speed drifts drifts for all; medians, and the ratio
round by round. Images and maps are noise, whose values make no difference to the time. Last, every view of `--images`
images and of four times as many is read, and the growth of the process's memory is shown. Wanted: 8 times the images a
second at pool 4, 60 times at pool 5. `--shared` is for a core shared with other programs: one thread, whose processor
time is counted in place of the clock's.
"""

import argparse
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from attnmel.compute import runtime
from attnmel.config.load import load_recipe
from attnmel.data.batches.loader import TrainingBatches
from attnmel.data.batches.maker import BatchMaker
from attnmel.data.batches.stored_maps import StoredMaps, Wanted, open_maps
from attnmel.data.batches.stored_views import Views
from attnmel.data.preprocess.cache import Cache
from attnmel.models.classifiers import trunk_of
from attnmel.pipeline.train.setup import objective, schedule, set_up, start_network
from attnmel.pipeline.train.train import recipe_fabric
from attnmel.progress import SILENT
from attnmel.training.loop import EpochLoss, train_epochs
from random_cache import MEAN, STD, random_cache


class Side(NamedTuple):
    """One way to train."""

    recipe: str
    settings: tuple[str, ...]
    steps: int
    """An epoch: enough for the clock."""
    wanted: float
    """Times the images a second of the first; 0: none."""


SIDES = {
    "all layers": Side("isic2017/attnmel-lesion", (), 1, 0),
    "above pool 4": Side("isic2017/attnmel-lesion", ("training.freeze=pool4",), 2, 8),
    "gates and head": Side("isic2017/attnmel-lesion", ("training.freeze=pool5",), 8, 60),
    "head on means": Side("isic2017/mel-cnn", ("training.freeze=pool5",), 32, 0),
}


def noise_maps(shapes: dict[int, tuple[int, int, int]], ids: tuple[str, ...], views: int, home: Path) -> StoredMaps:
    """Store positive noise as maps of these images."""
    random = np.random.default_rng(0)
    noise = {
        pool: random.random((views, *shape), dtype=np.float32).astype(np.float16) for pool, shape in shapes.items()
    }

    def make(images: range) -> Iterator[dict[int, np.ndarray]]:
        return (noise for _ in images)

    key = f"{len(ids)}-{'-'.join(map(str, shapes))}"
    return open_maps(Wanted(key, ids, views, shapes), make, home=home)


def loop(name: str, cache: Cache, home: Path, chosen: argparse.Namespace) -> Iterator[EpochLoss]:
    """Set up one side; each `next` trains one epoch."""
    side = SIDES[name]
    recipe = load_recipe(
        side.recipe,
        [
            *side.settings,
            "training.device=cpu",
            "training.precision=bf16",
            "training.learning_rate=1e-3",
            f"training.batch={chosen.batch}",
            f"training.epochs={chosen.rounds + 1}",
            f"model.width={chosen.width}",
        ],
    )
    fabric = recipe_fabric(recipe)
    network, optimizer = set_up(recipe, start_network(recipe), fabric, SILENT)
    rows, views, maps = np.arange(len(cache.image_ids)), None, None
    if recipe.training.keeps_maps:
        trunk = trunk_of(network.module)
        with torch.no_grad():
            found = trunk.frozen_maps(torch.zeros(1, 3, chosen.size, chosen.size))
        shapes = {pool: (one.shape[2], one.shape[3], one.shape[1]) for pool, one in found.items()}
        views = Views(chosen.views, 0, len(rows), cache.side, chosen.size)
        maps = noise_maps(shapes, cache.image_ids, chosen.views, home)
        maps = maps.means if recipe.model.network == "mel-cnn" else maps
    count = chosen.batch * side.steps
    every = np.resize(rows, count)
    prior = recipe.loss.prior
    maker = BatchMaker(cache, every, every % 2, mean=MEAN, std=STD, prior=prior, device="cpu", maps=maps)
    views = views and Views(chosen.views, 0, count, cache.side, chosen.size)
    batches = TrainingBatches(maker, size=chosen.size, repeats={}, passes=1, batch=chosen.batch, seed=0, views=views)
    return train_epochs(
        network,
        optimizer,
        batches,
        fabric=fabric,
        objective=objective(recipe),
        schedule=schedule(recipe),
        seed=0,
        image_ids=cache.image_ids,
    )


def measured(chosen: argparse.Namespace, folder: Path, clock: Callable[[], float]) -> list[dict[str, float]]:
    """Return the images a second of each side, for each round after one that warms up."""
    cache = random_cache(folder, images=chosen.images, side=round(chosen.size * 8 / 7))
    loops = {name: loop(name, cache, folder, chosen) for name in SIDES}
    rounds = []
    for _ in range(chosen.rounds + 1):
        rates = {}
        for name, epochs in loops.items():
            start = clock()
            next(epochs)
            rates[name] = SIDES[name].steps * chosen.batch / (clock() - start)
        rounds.append(rates)
    return rounds[1:]


def growth(maps: StoredMaps, batch: int) -> float:
    """Return by how many MB the peak of this process's memory grows while every view is read in batches."""
    every = np.arange(len(maps.image_ids) * maps.views)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for some in np.array_split(every, -(-len(every) // batch)):
        maps.gather(some // maps.views, some % maps.views)
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--images", type=int, default=64)
    parser.add_argument("--views", type=int, default=8)
    parser.add_argument("--width", type=float, default=1.0)
    parser.add_argument("--shared", action="store_true", help="one thread, processor time")
    chosen = parser.parse_args()
    runtime.use_threads(1 if chosen.shared else None)
    print(f"{runtime.device_name(torch.device('cpu'))}, torch {torch.__version__}")
    print(f"size {chosen.size}, batch {chosen.batch}, width {chosen.width}; {chosen.rounds} interleaved rounds")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rounds = measured(chosen, folder, time.process_time if chosen.shared else time.perf_counter)
        first = next(iter(SIDES))
        for side, (_, _, _, wanted) in SIDES.items():
            rates = [one[side] for one in rounds]
            ratios = [one[side] / one[first] for one in rounds]
            print(
                f"{side:16} {statistics.median(rates):8.2f} images/s ({min(rates):.2f} to {max(rates):.2f}), "
                f"{statistics.median(ratios):.1f} times ({min(ratios):.1f} to {max(ratios):.1f})"
                + (f"; wanted: {wanted}" if wanted else "")
            )
        shapes = {3: (28, 28, 256), 4: (14, 14, 512), 5: (7, 7, 512)}
        for images in (chosen.images, 4 * chosen.images):
            ids = tuple(map(str, range(images)))
            maps = noise_maps(shapes, ids, chosen.views, folder)
            print(f"{images} images, {chosen.views} views: the memory grows by {growth(maps, chosen.batch):.0f} MB")


if __name__ == "__main__":
    main()
