"""Images a second in training AttnMel-CNN: the program's own loop in bf16 against a plain float32 contiguous step.

    python benchmarks/training/training_step.py [--size 224] [--batch 32] [--rounds 3] [--steps 1] [--width 1.0]

The fast side is `training`'s loop under Fabric, set up as `attnmel train` does, checks and loader included. The slow
side takes the same batches from the same loader and does the same step in float32, channels first. They share a
process, and so the memory that the program keeps; `plain_script.py` runs a plain script as it would run alone. The two
take turns, so that a machine whose speed drifts drifts for both; medians, and the ratio round by round. Wanted: 2.3 by
default.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

from attnmel.compute import runtime
from attnmel.data.batches.loader import TrainingBatches
from attnmel.models.classifiers import build_network
from random_cache import random_batches, random_cache
from training_loop import LOSS, RATE, training_loop

WANTED = 2.3


def plain_epoch(batches: TrainingBatches, *, width: float) -> Callable[[], None]:
    """Return an epoch of whole steps in float32, contiguous layout: forward, loss, backward, optimiser."""
    torch.manual_seed(0)
    network = build_network("attnmel-cnn", width=width, classes=2).train()
    optimizer = torch.optim.SGD(network.parameters(), lr=RATE, momentum=0.9, nesterov=True, weight_decay=1e-4)

    def epoch() -> None:
        for batch in batches.epoch(0):
            optimizer.zero_grad(set_to_none=True)
            output = network(batch.images.contiguous())
            LOSS(output, batch.labels, batch.priors, batch.has_prior).backward()
            optimizer.step()

    return epoch


def seconds(work: Callable[[], object]) -> float:
    """Return how long a call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def measure(chosen: argparse.Namespace, folder: Path) -> list[tuple[float, float]]:
    """Return the seconds of an epoch, plain and fast, for each round after one that warms up."""
    cache = random_cache(folder, images=chosen.batch * chosen.steps, side=round(chosen.size * 8 / 7))
    batches = random_batches(cache, size=chosen.size, batch=chosen.batch)
    plain = plain_epoch(batches, width=chosen.width)
    fast = training_loop(cache, batches, width=chosen.width, precision="bf16", epochs=chosen.rounds + 1)
    pairs = [(seconds(plain), seconds(lambda: next(fast))) for _ in range(chosen.rounds + 1)]
    return pairs[1:]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=1, help="steps a round")
    parser.add_argument("--width", type=float, default=1.0)
    chosen = parser.parse_args()
    print(f"{runtime.device_name(torch.device('cpu'))}, torch {torch.__version__}")
    print(f"size {chosen.size}, batch {chosen.batch}, width {chosen.width}; {chosen.rounds} interleaved rounds")
    with tempfile.TemporaryDirectory() as folder:
        pairs = measure(chosen, Path(folder))
    images = chosen.batch * chosen.steps
    for column, name in enumerate(("plain step, float32, contiguous", "attnmel's loop, bf16")):
        rates = [images / pair[column] for pair in pairs]
        print(f"{name:32} {statistics.median(rates):6.2f} images/s ({min(rates):.2f} to {max(rates):.2f})")
    for number, (slow, quick) in enumerate(pairs, 1):
        print(f"round {number}: {slow:.1f} s and {quick:.1f} s, ratio {slow / quick:.2f}")
    ratios = [slow / quick for slow, quick in pairs]
    print(f"{'ratio':32} {statistics.median(ratios):6.2f} ({min(ratios):.2f} to {max(ratios):.2f}); wanted: {WANTED}")


if __name__ == "__main__":
    main()
