"""How long an audit takes once the images are prepared: reading them, describing them, comparing each with all others.

    python benchmarks/data/audit.py isic2016 isic2017 isic2018 isic2018-task1 --home HOME [--most 15000]

The data sets must have been fetched to HOME; the first run prepares them, which is not counted. Nothing is stored.
"""

import argparse
import os
import time
from pathlib import Path

from attnmel.cli.terminal import Terminal
from attnmel.compute.runtime import use_threads
from attnmel.compute.threads import available_processors
from attnmel.data.audit.descriptors import CHUNK, signatures
from attnmel.data.audit.same_pictures import same_pictures
from attnmel.pipeline.data.audit import prepare_audit


def main() -> None:
    """Measure wall and processor seconds of each step."""
    parser = argparse.ArgumentParser(description="Time of an audit of prepared images.")
    parser.add_argument("names", nargs="+", help="data sets, as `attnmel audit` takes them")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--most", type=int, default=15_000, help="images that are audited")
    arguments = parser.parse_args()
    use_threads()
    looked = prepare_audit(arguments.names, home=arguments.home, progress=Terminal())
    places = range(min(arguments.most, len(looked.entries)))
    print(f"{len(places)} images, {available_processors()} processors, load {os.getloadavg()[0]:.1f}")
    start, busy = time.perf_counter(), time.process_time()
    chunks = (looked.images(places[first : first + CHUNK]) for first in range(0, len(places), CHUNK))
    described = signatures(chunks, len(places))
    print(f"read and describe: {time.perf_counter() - start:.1f} s, {time.process_time() - busy:.1f} s of processors")
    found = same_pictures(described, lambda rows: looked.images([places[row] for row in rows]))
    print(f"all: {time.perf_counter() - start:.1f} s, {time.process_time() - busy:.1f} s of processors")
    print(f"{len(found)} pairs show the same picture")


if __name__ == "__main__":
    main()
