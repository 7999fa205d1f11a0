"""Whether speed has changed the numbers: losses of the program beside those of a plain step, on the same batches.

    python benchmarks/training/training_curve.py [--steps 200] [--trunk vgg16] [--rate 1e-4] [--width 0.125] [--size 32]
                                                 [--batch 8]

The plain step is that of `plain_network`: contiguous, none of the program's code; it starts from the program's weights.
Wanted: float32 within 1e-5 at every step. bf16 is shown beside it, and the plain step once more with its tensors
channels last, the same formulas in another order of sums: how far rounding alone leads. Rounding grows with every step,
faster with a higher rate and with batch-norm, whose scale a few values decide in so small a network; in float64 it is
too small to matter, and program and plain step can be compared at the recipes' rate
(`tests/benchmarks/test_training_curve.py`).
"""

import argparse
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, NamedTuple

import torch

from attnmel.data.batches.loader import TrainingBatches
from attnmel.data.preprocess.cache import Cache
from attnmel.models.classifiers import build_network
from plain_network import PlainAttnMel, PlainBatch, plain_training
from random_cache import OneStep, random_batches, random_cache
from training_loop import training_loop

WANTED = 1e-5


class Task(NamedTuple):
    """What is trained, and how far."""

    steps: int
    trunk: str
    rate: float
    width: float
    size: int
    batch: int


class Curves(NamedTuple):
    """The loss of each step."""

    plain: list[float]
    channels_last: list[float]
    float32: list[float]
    bf16: list[float]


def curves(task: Task) -> Curves:
    """Train on the same batches from the same weights in each way."""
    with noise(task) as (cache, batches):
        float32, bf16 = (program_curve(task, cache, batches, precision) for precision in ("float32", "bf16"))
        channels_last = plain_curve(task, batches, memory_format=torch.channels_last)
        return Curves(plain_curve(task, batches), channels_last, float32, bf16)


@contextmanager
def noise(task: Task) -> Iterator[tuple[Cache, TrainingBatches]]:
    """Give images of noise and the program's own loader, an epoch of which is one batch."""
    with tempfile.TemporaryDirectory() as folder:
        cache = random_cache(Path(folder), images=16 * task.batch, side=round(task.size * 8 / 7))
        yield cache, random_batches(cache, size=task.size, batch=task.batch, kind=OneStep)


def program_curve(
    task: Task, cache: Cache, batches: TrainingBatches, precision: Literal["float32", "bf16", "float64"]
) -> list[float]:
    """Return the losses of the program's loop."""
    loop = training_loop(
        cache,
        batches,
        width=task.width,
        precision=precision,
        epochs=task.steps,
        trunk=task.trunk,
        rate=task.rate,
    )
    return [epoch.loss.total for epoch in loop]


def plain_curve(
    task: Task,
    batches: TrainingBatches,
    *,
    dtype: torch.dtype = torch.float32,
    memory_format: torch.memory_format = torch.contiguous_format,
) -> list[float]:
    """Return the losses of the plain step."""
    network = plain_network(task.trunk, task.width).to(dtype)
    network = network.to(memory_format=memory_format)  # pyright: ignore[reportCallIssue] - torch's types lack this overload
    given = (
        (images.to(dtype).contiguous(memory_format=memory_format), labels, priors.to(dtype))
        for images, labels, priors in plain_batches(batches, task.steps)
    )
    return list(plain_training(network, given, task.rate))


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
            yield batch.images, batch.labels, batch.priors


def farthest(one: list[float], other: list[float]) -> float:
    """Return the largest difference of any step."""
    return max(abs(a - b) for a, b in zip(one, other, strict=True))


def main() -> None:
    """Train and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--trunk", choices=["vgg16", "vgg16_bn"], default="vgg16")
    parser.add_argument("--rate", type=float, default=1e-4)
    parser.add_argument("--width", type=float, default=0.125)
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--batch", type=int, default=8)
    task = Task(**vars(parser.parse_args()))
    print(f"{task}, torch {torch.__version__}, {torch.get_num_threads()} threads\n")
    found = curves(task)
    print("| steps | plain | channels last, difference | attnmel, float32 | difference | bf16 | difference |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    span = max(1, task.steps // 4)
    for start in range(0, task.steps, span):
        plain, *others = (one[start : start + span] for one in found)
        means = [f"{statistics.mean(one):.5f}" for one in (plain, *others)]
        apart = [f"{farthest(one, plain):.1e}" for one in others]
        print(f"| {start + 1} to {start + len(plain)} | {means[0]} | {apart[0]} ", end="")
        print(f"| {means[2]} | {apart[1]} | {means[3]} | {apart[2]} |")
    print(f"\nfloat32: at most {farthest(found.float32, found.plain):.1e}; wanted: {WANTED:g}")


if __name__ == "__main__":
    main()
