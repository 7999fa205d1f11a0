"""Candidates of an audit: those of the quick search against those of comparing all turns of all pairs in full.

    python benchmarks/data/audit_index.py isic2016 isic2017 isic2018 isic2018-task1 --home HOME
                                          [--sizes 20000 50000 100000]

On the data sets both ways search whole frames and views; wanted: the same candidates, so that every finding of the one
is one of the other. Of each size then, a sample of images is searched by both ways among so many descriptions: those
of the data sets, and beyond them blends of two. Seconds of the processor, for a thread; the peak is of the process that
holds such signatures and searches.
"""

import argparse
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from attnmel.cli.terminal import Terminal
from attnmel.data.audit.descriptors import CHUNK, COARSE, Signatures, signatures
from attnmel.data.audit.frames import VIEWS
from attnmel.data.audit.search.candidates import (
    COARSE_NEIGHBOURS,
    SPECTRAL_NEIGHBOURS,
    SYMMETRIES,
    VIEW_NEIGHBOURS,
    spectra,
    turned,
    undone,
)
from attnmel.data.audit.search.nearest import Nearest, NearestPairs
from attnmel.data.audit.search.turned_nearest import TurnedNearest
from attnmel.data.audit.search.ways_nearest import WaysNearest
from attnmel.pipeline.data.audit import prepare_audit

MOST, LEAST = 5, 0.5


def searched(described: Signatures) -> tuple[set[tuple[int, ...]], float]:
    """Return the neighbours by whole frames, views and spectra, and the seconds."""
    start, waves = time.process_time(), list(spectra(described.middle).swapaxes(0, 1))
    search = TurnedNearest(squares(described, 0))
    found = [
        search.of_each(squares(described, view), COARSE_NEIGHBOURS if view == 0 else VIEW_NEIGHBOURS, LEAST)
        for view in range(len(VIEWS))
    ]
    found.append(WaysNearest(waves).of_each(waves[0], SPECTRAL_NEIGHBOURS, -1))
    return keys(found), time.process_time() - start


def searched_in_full(described: Signatures) -> tuple[set[tuple[int, ...]], float]:
    """Return the same by comparing all turns of all pairs in full."""
    start, waves = time.process_time(), list(spectra(described.middle).swapaxes(0, 1))
    search, found = Nearest([described.coarse(0)]), []
    for view in range(len(VIEWS)):
        some = squares(described, view).astype(np.float32)
        turns = [turned(some, way).reshape(len(some), -1) for way in undone(np.arange(SYMMETRIES)).tolist()]
        found.append(search.of_each(turns, COARSE_NEIGHBOURS if view == 0 else VIEW_NEIGHBOURS, LEAST))
    found.append(Nearest(waves).of_each(waves[:1], SPECTRAL_NEIGHBOURS, -1))
    return keys(found), time.process_time() - start


def keys(found: list[NearestPairs]) -> set[tuple[int, ...]]:
    """Return the pairs of several searches as a set."""
    return {
        (number, *row) for number, one in enumerate(found) for row in zip(*(x.tolist() for x in one[:3]), strict=True)
    }


def blended(described: Signatures, count: int) -> Signatures:
    """Return signatures of so many images: those given, then blends of the coarse structure of two of them."""
    generator, known = np.random.default_rng(0), len(described)
    first, second = generator.integers(known, size=(2, max(0, count - known)))
    share = generator.random((len(first), 1, 1)).astype(np.float16)
    rows = np.concatenate([np.arange(min(known, count)), first])
    fields = {name: np.take(one, rows, axis=0) for name, one in vars(described).items()}
    coarse = fields["view_coarse"]
    for start in range(0, len(first), CHUNK):
        some = slice(start, start + CHUNK)
        mixed = share[some] * coarse[known:][some] + (1 - share[some]) * described.view_coarse[second[some]]
        coarse[known:][some] = mixed / np.linalg.norm(mixed.astype(np.float32), axis=2, keepdims=True).clip(1e-3)
    return Signatures(**fields)


def quickly(described: Signatures, sample: int) -> tuple[list[set[tuple[int, int]]], float, float]:
    """Return the neighbours of a sample by every view, and the seconds of all by coarse structure and by spectrum."""
    start, found = time.process_time(), []
    search = TurnedNearest(squares(described, 0))
    built, start = time.process_time() - start, time.process_time()
    for view in range(len(VIEWS)):
        ours = search.of_each(squares(described, view)[:sample], MOST, LEAST)
        found.append(set(zip(ours.first.tolist(), ours.second.tolist(), strict=True)))
    coarse, start = built + (time.process_time() - start) * len(described) / sample, time.process_time()
    del search
    waves = list(spectra(described.middle).swapaxes(0, 1))
    by_waves = WaysNearest(waves)
    built, start = time.process_time() - start, time.process_time()
    by_waves.of_each(waves[0][:sample], MOST, -1)
    return found, coarse, built + (time.process_time() - start) * len(described) / sample


def in_full(described: Signatures, sample: int) -> tuple[list[set[tuple[int, int]]], float, float]:
    """Return the same by comparing all turns of all pairs in full."""
    found, search, start = [], Nearest([described.coarse(0)]), time.process_time()
    for view in range(len(VIEWS)):
        some = squares(described, view)[:sample].astype(np.float32)
        turns = [turned(some, way).reshape(sample, -1) for way in undone(np.arange(SYMMETRIES)).tolist()]
        all_pairs = search._of_some(turns, 0, MOST, LEAST)
        found.append(set(zip(all_pairs.first.tolist(), all_pairs.second.tolist(), strict=True)))
    coarse, start = (time.process_time() - start) * len(described) / sample, time.process_time()
    waves = list(spectra(described.middle).swapaxes(0, 1))
    by_waves = Nearest(waves)
    built, start = time.process_time() - start, time.process_time()
    by_waves._of_some([waves[0][:sample]], 0, MOST, -1)
    return found, coarse, built + (time.process_time() - start) * len(described) / sample


def squares(described: Signatures, view: int) -> np.ndarray:
    """Return the coarse structure of a view as squares."""
    return described.view_coarse[:, view].reshape(-1, COARSE, COARSE)


def sampled(described: Signatures, sample: int) -> None:
    """Print the seconds of both searches, for a sample, times all; and the peak memory of the quick one."""
    ours, coarse, waves = quickly(described, sample)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    theirs, full_coarse, full_waves = in_full(described, sample)
    print(
        f"{len(described)} images: by coarse structure {coarse:.0f} of {full_coarse:.0f} s in full "
        f"({coarse / full_coarse:.2f}), by spectrum {waves:.0f} of {full_waves:.0f} s ({waves / full_waves:.2f}), both "
        f"{(coarse + waves) / (full_coarse + full_waves):.2f}; {'the same' if ours == theirs else 'OTHER'} neighbours; "
        f"peak {peak:.2f} GB",
        flush=True,
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="+", help="data sets, as `attnmel audit` takes them")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--sizes", type=int, nargs="*", default=[20_000, 50_000, 100_000])
    parser.add_argument("--sample", type=int, default=256)
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    looked = prepare_audit(chosen.names, home=chosen.home, progress=Terminal())
    places = list({entry.digest: place for place, entry in enumerate(looked.entries)}.values())
    chunks = (looked.images(places[first : first + CHUNK]) for first in range(0, len(places), CHUNK))
    described = signatures(chunks, len(places))
    if chosen.one:
        described = blended(described, chosen.one)
        sampled(described, chosen.sample)
        return
    for size in chosen.sizes:
        subprocess.run([sys.executable, *sys.argv, "--one", str(size)], check=True)
    quick, seconds = searched(described)
    print(f"{len(places)} images: quick {seconds:.1f} s, {len(quick)} neighbours", flush=True)
    full, all_seconds = searched_in_full(described)
    print(
        f"in full {all_seconds:.1f} s, {len(full)} neighbours, of which the quick search misses "
        f"{len(full - quick)} and adds {len(quick - full)}; {seconds / all_seconds:.2f} times"
    )


if __name__ == "__main__":
    main()
