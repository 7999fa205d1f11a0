"""Peak memory of training AttnMel-CNN on the CPU in float32, for few and many images, over-sampled or not.

    python benchmarks/training/memory.py [--size 224] [--batch 32] [--width 1.0] [--steps 3] [--images 64 1000]
                                         [--repeats 1]

Each number of images and of their repeats an epoch is a fresh process that runs the program's own loop and loader over
a cache of noise on disk; its peak is the kernel's own count of resident memory (ru_maxrss). Wanted: under 8 GB, and no
more for more images or more repeats.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

WANTED = 8.0
"""Gigabytes, of 10^9 bytes."""


def train_and_tell(chosen: argparse.Namespace, images: int, repeats: int) -> None:
    """Take some steps in this process and print its peak in gigabytes."""
    # Imported here, so that the process that only starts the others stays small: a child inherits its parent's peak.
    from random_cache import OneStep, random_batches, random_cache
    from training_loop import training_loop

    with tempfile.TemporaryDirectory() as folder:
        cache = random_cache(Path(folder), images=images, side=round(chosen.size * 8 / 7))
        batches = random_batches(cache, size=chosen.size, batch=chosen.batch, kind=OneStep, repeats=repeats)
        loop = training_loop(cache, batches, width=chosen.width, precision="float32", epochs=chosen.steps)
        for _ in loop:
            pass
    # Kilobytes on Linux, bytes on macOS.
    unit = 1 if sys.platform == "darwin" else 1024
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9)


def peak(chosen: argparse.Namespace, images: int, repeats: int) -> float:
    """Return the peak of a fresh process in gigabytes."""
    shape = [f"--{name}={getattr(chosen, name)}" for name in ("size", "batch", "width", "steps")]
    command = [sys.executable, __file__, *shape, "--child", str(images), str(repeats)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--width", type=float, default=1.0)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--images", type=int, nargs="+", default=[64, 1000])
    parser.add_argument("--repeats", type=int, nargs="+", default=[1])
    parser.add_argument("--child", type=int, nargs=2, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.child is not None:
        train_and_tell(chosen, *chosen.child)
        return
    cases = [(images, repeats) for images in chosen.images for repeats in chosen.repeats]
    peaks = {case: peak(chosen, *case) for case in cases}
    print(f"size {chosen.size}, batch {chosen.batch}, width {chosen.width}, float32, {chosen.steps} steps each")
    for (images, repeats), gigabytes in peaks.items():
        rows = f"{images:6} images {images * repeats:7} rows an epoch"
        print(f"{rows}   peak {gigabytes:.2f} GB   {gigabytes / peaks[cases[0]]:.3f} x the first")
    print(f"wanted: under {WANTED:g} GB, and ratios of 1")


if __name__ == "__main__":
    main()
