"""How near training is to the machine's limit: a step's operations and bytes a second against the machine's own.

    python benchmarks/training/training_rate.py [--trunks vgg16 vgg16_bn] [--batch 32] [--size 224] [--rounds 5]
                                                [--shared] [--fresh-pages] [--compile]

The step is the whole of `training.train` in bf16, set up as `attnmel train` does: loader, losses, gradient, check for
finite numbers, optimiser. Its operations are those of torch's own counter (two for each multiplication and addition of
a convolution or product), its bytes those of every tensor that an operation reads or writes, once each. The machine's
matrix rate is the best bf16 product of several sizes, among them a convolution's as a product; its bandwidth is that of
a copy too large for the caches. All take turns, and a fraction is of one round; the tables show medians. `--shared` is
for a core shared with other programs: one thread, whose processor time is counted in place of the clock's.
`--fresh-pages` measures without `runtime.keep_memory`, `--compile` with `training.compile`, which takes minutes first.
"""

import argparse
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch.profiler import ProfilerActivity, profile, record_function
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from attnmel.compute import runtime
from attnmel.data.batches.loader import Batch, TrainingBatches
from random_cache import random_batches, random_cache
from training_loop import training_loop

WANTED = {"vgg16": 0.8, "vgg16_bn": 0.7}

PRODUCTS = ((1024, 1024, 1024), (2048, 2048, 2048), (4096, 2304, 256), (3136, 4608, 512))
"""Rows, inner length and columns; the last two are convolutions of 256 and 512 channels as products."""
COPIED = 2**26
"""Numbers of four bytes."""

KINDS: Mapping[str, tuple[str, ...]] = {
    "loader": ("loader",),
    "optimiser": ("Optimizer.step",),
    "convolutions, backward": ("aten::convolution_backward",),
    "convolutions, forward": ("aten::conv2d", "aten::convolution"),
    "batch-norm": ("aten::batch_norm", "aten::native_batch_norm"),
    "ReLU": ("aten::relu", "aten::threshold_backward"),
    "max-pooling": ("aten::max_pool2d",),
    "casts": ("aten::to", "aten::_to_copy", "autograd::engine::evaluate_function: ToCopyBackward"),
    "norm of the gradient (check for finite numbers)": ("aten::linalg_vector_norm",),
}
"""What an event of the profiler, or one that it happened in, is called; the first that fits counts."""
REST = "the rest: gates, losses, sums of gradients"


class Round(NamedTuple):
    """What one round measured, per second."""

    products: float
    """Operations of the best product."""
    bandwidth: float
    """Bytes read and written."""
    steps: dict[str, float]
    """Steps, by trunk."""


class LabelledBatches(TrainingBatches):
    """The program's own loader, known to the profiler."""

    def epoch(self, number: int, *, rank: int = 0, world: int = 1) -> Iterator[Batch]:
        """Give the same batches."""
        batches = super().epoch(number, rank=rank, world=world)
        while True:
            with record_function("loader"):
                batch = next(batches, None)
            if batch is None:
                return
            yield batch


class Bytes(TorchDispatchMode):
    """Adds up the bytes of what operations read and write; views move nothing."""

    total = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # noqa: ANN401 - torch's signature
        result = func(*args, **(kwargs or {}))
        if not func.is_view:
            tensors = [leaf for leaf in tree_leaves((args, kwargs, result)) if isinstance(leaf, torch.Tensor)]
            self.total += sum(tensor.numel() * tensor.element_size() for tensor in tensors)
        return result


def product_rate(clock: Callable[[], float]) -> float:
    """Return the operations a second of the best product in bf16."""
    return max(_product_rate(*shape, clock) for shape in PRODUCTS)


def _product_rate(rows: int, inner: int, columns: int, clock: Callable[[], float]) -> float:
    # The right factor transposed, as weights are stored: the faster of the two orders.
    left, right = torch.randn(rows, inner).bfloat16(), torch.randn(columns, inner).bfloat16().T
    result = torch.empty(rows, columns, dtype=torch.bfloat16)
    return 2 * rows * inner * columns / min(seconds(lambda: torch.mm(left, right, out=result), clock) for _ in range(4))


def copy_rate(clock: Callable[[], float]) -> float:
    """Return the bytes a second, read and written, of a large copy."""
    source, target = torch.zeros(COPIED), torch.zeros(COPIED)
    return 8 * COPIED / min(seconds(lambda: target.copy_(source), clock) for _ in range(3))


def seconds(work: Callable[[], object], clock: Callable[[], float]) -> float:
    """Return how long a call takes."""
    start = clock()
    work()
    return clock() - start


def counted(loop: Iterator[object]) -> tuple[float, float]:
    """Return the operations and the bytes of a step."""
    eager = torch.compiler.set_stance("force_eager")
    with eager, FlopCounterMode(display=False) as operations, Bytes() as moved:
        next(loop)
    return float(operations.get_total_flops()), float(moved.total)


def shares(loop: Iterator[object]) -> dict[str, float]:
    """Return which share of a step's time goes to which kind of operation."""
    with profile(activities=[ProfilerActivity.CPU]) as profiled:
        next(loop)
    times: dict[str, float] = defaultdict(float)
    for event in profiled.events() or ():
        times[_kind(event)] += event.self_cpu_time_total
    return {kind: times[kind] / sum(times.values()) for kind in (*KINDS, REST)}


def _kind(event: Any) -> str:  # noqa: ANN401 - torch's events have no public type
    within = []
    while event is not None:
        within.append(event.name)
        event = event.cpu_parent
    return next((kind for kind, names in KINDS.items() if any(name.startswith(names) for name in within)), REST)


def measured(loops: Mapping[str, Iterator[object]], rounds: int, clock: Callable[[], float]) -> list[Round]:
    """Measure machine and trunks in turns."""
    return [
        Round(
            product_rate(clock),
            copy_rate(clock),
            {trunk: 1 / seconds(lambda loop=loop: next(loop), clock) for trunk, loop in loops.items()},
        )
        for _ in range(rounds)
    ]


def show(rounds: list[Round], costs: Mapping[str, tuple[float, float]], batch: int) -> None:
    """Print the machine and each trunk's fractions of it, as Markdown."""
    products, bandwidth = (statistics.median(values) for values in zip(*(one[:2] for one in rounds), strict=True))
    print(f"\nbf16 products: {products / 1e9:.0f} GFLOP/s; copy: {bandwidth / 1e9:.1f} GB/s\n")
    print("| trunk | GFLOP an image | GB an image | images a second | GFLOP/s | of the matrix rate | wanted | GB/s |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for trunk, (operations, moved) in costs.items():
        rate = statistics.median(one.steps[trunk] for one in rounds)
        fractions = [one.steps[trunk] * operations / one.products for one in rounds]
        fraction = f"{statistics.median(fractions):.0%} ({min(fractions):.0%} to {max(fractions):.0%})"
        wanted = WANTED.get(trunk)
        verdict = (
            ""
            if wanted is None
            else f"{wanted:.0%}: {'met' if statistics.median(fractions) >= wanted else '**missed**'}"
        )
        print(
            f"| {trunk} | {operations / batch / 1e9:.1f} | {moved / batch / 1e9:.2f} | {rate * batch:.2f} "
            f"| {rate * operations / 1e9:.0f} | {fraction} | {verdict} | {rate * moved / 1e9:.1f} |"
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trunks", nargs="+", default=list(WANTED))
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--shared", action="store_true", help="one thread, processor time")
    parser.add_argument("--fresh-pages", action="store_true", help="leave the C library's memory as it is")
    parser.add_argument("--compile", action="store_true", help="the network compiled by torch")
    chosen = parser.parse_args()
    clock = time.process_time if chosen.shared else time.perf_counter
    runtime.use_threads(1 if chosen.shared else None)
    if chosen.fresh_pages:
        runtime.keep_memory = lambda: False
    print(f"{runtime.device_name(torch.device('cpu'))}, torch {torch.__version__}; size {chosen.size}, ", end="")
    print(f"batch {chosen.batch}; {chosen.rounds} interleaved rounds")
    with tempfile.TemporaryDirectory() as folder:
        cache = random_cache(Path(folder), images=chosen.batch, side=round(chosen.size * 8 / 7))
        batches = random_batches(cache, size=chosen.size, batch=chosen.batch, kind=LabelledBatches)
        loops = {
            trunk: training_loop(
                cache,
                batches,
                width=1.0,
                precision="bf16",
                epochs=chosen.rounds + 3,
                trunk=trunk,
                compiled=chosen.compile,
            )
            for trunk in chosen.trunks
        }
        costs = {trunk: counted(loop) for trunk, loop in loops.items()}
        for loop in loops.values():
            next(loop)  # warms up, compiles
        rounds = measured(loops, chosen.rounds, clock)
        profiles = {trunk: shares(loop) for trunk, loop in loops.items()}
    show(rounds, costs, chosen.batch)
    print(f"\n| share of a step's time | {' | '.join(profiles)} |\n| --- |{' --- |' * len(profiles)}")
    for kind in (*KINDS, REST):
        print(f"| {kind} | {' | '.join(f'{one[kind]:.1%}' for one in profiles.values())} |")


if __name__ == "__main__":
    main()
