"""Whether speed has changed the numbers: losses of the program beside those of a plain step, on the same batches.

    python benchmarks/training_curve.py [--steps 200] [--trunk vgg16_bn] [--width 0.125] [--size 64] [--batch 8]

The plain step is that of `plain_network`: float32, contiguous, none of the program's code; it starts from the program's
weights. Wanted: float32 within 1e-5 at every step. bf16 is shown beside it.
"""

import argparse
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import torch

from attnmel import runtime
from attnmel.data.loader import TrainingBatches
from attnmel.models.classifiers import build_network
from plain_network import PlainAttnMel, PlainBatch, plain_training
from random_cache import OneStep, random_batches, random_cache
from training_loop import training_loop

WANTED = 1e-5
RATE = 0.01
"""That of the slides' recipes."""


class Curves(NamedTuple):
    """The loss of each step."""

    plain: list[float]
    float32: list[float]
    bf16: list[float]


def curves(steps: int, *, trunk: str, width: float, size: int, batch: int) -> Curves:
    """Train three times on the same batches from the same weights."""
    with tempfile.TemporaryDirectory() as folder:
        cache = random_cache(Path(folder), images=16 * batch, side=round(size * 8 / 7))
        batches = random_batches(cache, size=size, batch=batch, kind=OneStep)

        def program(precision: runtime.ComputePrecision) -> list[float]:
            loop = training_loop(cache, batches, width=width, precision=precision, epochs=steps, trunk=trunk, rate=RATE)
            return [epoch.loss.total for epoch in loop]

        plain = list(plain_training(plain_network(trunk, width), plain_batches(batches, steps), RATE))
        return Curves(plain, program("float32"), program("bf16"))


def plain_network(trunk: str, width: float) -> PlainAttnMel:
    """Return the plain network with the weights that the program's starts from."""
    torch.manual_seed(0)
    start = build_network("attnmel-cnn", trunk=trunk, width=width, classes=2)
    plain = PlainAttnMel(batch_norm=trunk == "vgg16_bn", width=width)
    with torch.no_grad():
        for own, given in zip(plain.parameters(), start.parameters(), strict=True):
            own.copy_(given)
    return plain


def plain_batches(batches: TrainingBatches, steps: int) -> Iterator[PlainBatch]:
    """Give the batches that the program trains on."""
    for number in range(steps):
        for batch in batches.epoch(number):
            yield batch.images.contiguous(), batch.labels, batch.priors


def farthest(one: list[float], other: list[float]) -> float:
    """Return the largest difference of any step."""
    return max(abs(a - b) for a, b in zip(one, other, strict=True))


def main() -> None:
    """Train and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--trunk", choices=["vgg16", "vgg16_bn"], default="vgg16_bn")
    parser.add_argument("--width", type=float, default=0.125)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--batch", type=int, default=8)
    chosen = parser.parse_args()
    found = curves(**vars(chosen))
    print(f"{chosen.trunk}, width {chosen.width}, size {chosen.size}, batch {chosen.batch}\n")
    print("| steps | plain | attnmel, float32 | largest difference | attnmel, bf16 | largest difference |")
    print("| --- | --- | --- | --- | --- | --- |")
    span = max(1, chosen.steps // 8)
    for start in range(0, chosen.steps, span):
        plain, exact, half = (one[start : start + span] for one in found)
        means = [f"{statistics.mean(one):.5f}" for one in (plain, exact, half)]
        apart = [f"{farthest(one, plain):.1e}" for one in (exact, half)]
        print(
            f"| {start + 1} to {start + len(plain)} | {means[0]} | {means[1]} | {apart[0]} | {means[2]} | {apart[1]} |"
        )
    print(f"\nfloat32: at most {farthest(found.float32, found.plain):.1e}; wanted: {WANTED:g}")


if __name__ == "__main__":
    main()
