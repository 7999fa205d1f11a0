"""Seconds of every overlap measure of 600 attention maps with masks of 224 pixels, on one core.

    python benchmarks/evaluation/map_measures.py [--images 600] [--runs 3]

600 images as in ISIC 2017's test set, maps as pool-3 gives them (28x28) and at the size of the network's input. Each
measure is timed by itself on maps that are sorted already, then all together as `map_overlap` gives them: against the
lesion, and against the lesion, the background and four dermoscopic features. A loop over scikit-learn on the first few
images shows that AP and Jaccard agree.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from sklearn.metrics import average_precision_score, jaccard_score
from threadpoolctl import threadpool_limits

from attnmel.compute import runtime
from attnmel.evaluation.maps.attention_overlap import binarised, upsampled_maps
from attnmel.evaluation.maps.localisation import CUTS, MEASURES, MapRanking, Target, jaccard_at, map_overlap

SIDE = 224
POOL3 = 28
WANTED = 5.0
CHECKED = 8
"""Images that scikit-learn judges, too."""

FEATURES = ("pigment_network", "negative_network", "milia_like_cyst", "streaks")


def targets(images: int) -> list[Target]:
    """Return a round lesion of each image, its background, and a patch for each feature."""
    generator = np.random.default_rng(0)
    down, across = np.mgrid[:SIDE, :SIDE]

    def discs(least: float, most: float) -> np.ndarray:
        radius = generator.uniform(least, most, (images, 1, 1)) * SIDE
        centre = generator.uniform(0.4, 0.6, (images, 2, 1, 1)) * SIDE
        inside = (down - centre[:, 0]) ** 2 + (across - centre[:, 1]) ** 2 < radius**2
        return np.where(inside, np.uint8(255), np.uint8(0))

    known = np.ones(images, dtype=bool)
    lesion = Target("lesion", discs(0.1, 0.4), known)
    return [lesion, lesion.background(), *(Target(name, discs(0.02, 0.2), known) for name in FEATURES)]


def seconds(work: Callable[[], object], runs: int) -> float:
    """Return the median time of the processor that one call takes."""
    taken = []
    for _ in range(runs):
        started = time.process_time()
        work()
        taken.append(time.process_time() - started)
    return statistics.median(taken)


def differences(maps: np.ndarray, lesion: Target) -> tuple[float, float]:
    """Return how far AP and Jaccard of the first images lie from scikit-learn's, at most."""
    part = slice(0, CHECKED)
    found = map_overlap(maps[part], [Target("lesion", lesion.masks[part], lesion.known[part])]).measures
    marked = [mask.ravel() > 127 for mask in lesion.masks[part]]
    large, areas = upsampled_maps(maps[part], SIDE), binarised(maps[part], SIDE)
    ap = [average_precision_score(truth, one.ravel()) for truth, one in zip(marked, large, strict=True)]
    jaccard = [jaccard_score(truth, area.ravel()) for truth, area in zip(marked, areas, strict=True)]
    return (
        float(np.abs(found["ap", "lesion"] - ap).max()),
        float(np.abs(found["jaccard", "lesion"] - jaccard).max()),
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=600)
    parser.add_argument("--runs", type=int, default=3)
    chosen = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    threadpool_limits(1)
    every = targets(chosen.images)
    lesion = every[0]
    maps = np.random.default_rng(1).random((chosen.images, POOL3, POOL3)).astype(np.float32)
    full = upsampled_maps(maps, SIDE).astype(np.float32)
    print(
        f"{runtime.device_name(torch.device('cpu'))}, numpy {np.__version__}, one core; {chosen.images} maps, masks of "
        f"{SIDE} pixels; medians of {chosen.runs} runs, seconds of the processor"
    )
    print(f"{'sorting':40} {seconds(lambda: [MapRanking.of(one, SIDE) for one in maps], chosen.runs):6.2f}")
    rankings = [MapRanking.of(one, SIDE) for one in maps]
    marked = lesion.masks > 127
    pairs = list(zip(rankings, marked, strict=True))
    print(f"{'counting':40} {seconds(lambda: [one.counts(area) for one, area in pairs], chosen.runs):6.2f}")
    counts = [one.counts(area) for one, area in pairs]
    for name, measure in MEASURES.items():
        print(f"{name:40} {seconds(lambda of=measure: [of(one) for one in counts], chosen.runs):6.2f}")
    cuts = np.array(CUTS)
    print(f"{'jaccard at 19 cuts':40} {seconds(lambda: [jaccard_at(one, cuts) for one in counts], chosen.runs):6.2f}")
    for name, of_size in ((f"maps of {POOL3}", maps), (f"maps of {SIDE}", full)):
        for few, against in (("lesion", every[:1]), ("lesion, background, 4 features", every)):
            taken = seconds(lambda held=of_size, to=against: map_overlap(held, to), chosen.runs)
            print(f"all, {name}, {few:24} {taken:6.2f}")
    ap, jaccard = differences(maps, lesion)
    print(f"largest difference from scikit-learn: AP {ap:.1e}, Jaccard {jaccard:.1e}; wanted: at most {WANTED:g} s")


if __name__ == "__main__":
    main()
