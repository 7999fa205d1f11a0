"""How many times faster the light trunks train than with plain torch modules, and than a plain script trains them.

    python benchmarks/training/light_training.py [--trunks mobilenet_v2 efficientnet_lite0] [--batch 32] [--rounds 5]
                                                 [--shared]

Each comparison is of two processes, one batch each in turns, after one that warms up. First the program's own loop, set
up as `attnmel train` does, against the same loop as it was: torch's own convolutions, and in float32 memory given back
(without `runtime.keep_memory`). Then the program, in bf16 where the processor has it, against a plain script: that of
`plain_script` with the network of `plain_light` (float32, contiguous, JPEG files by Pillow). `--shared` is for cores
shared with other programs: one thread, no workers, and the processor's time counted.
"""

import argparse
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch

from attnmel.compute import runtime
from attnmel.models.trunks.depthwise import Depthwise
from plain_light import STAGES, PlainLight
from plain_network import plain_training
from plain_script import Files, Side, measured, plain_batches, program, write_files
from training_loop import RATE

WANTED = 1.5
WANTED_OF_PLAIN = {"efficientnet_lite0": 2.5}


def float32(files: Files, chosen: argparse.Namespace) -> Iterator[object]:
    """Train by the program in float32."""
    return program(files, chosen, "float32")


def bf16(files: Files, chosen: argparse.Namespace) -> Iterator[object]:
    """Train by the program in bf16."""
    return program(files, chosen, "bf16")


def float32_before(files: Files, chosen: argparse.Namespace) -> Iterator[object]:
    """Train in float32 as before."""
    runtime.keep_memory = lambda: False
    _use_torchs_convolutions()
    return float32(files, chosen)


def bf16_before(files: Files, chosen: argparse.Namespace) -> Iterator[object]:
    """Train in bf16 as before."""
    _use_torchs_convolutions()
    return bf16(files, chosen)


def plain(files: Files, chosen: argparse.Namespace) -> Iterator[object]:
    """Train by the plain script."""
    torch.manual_seed(0)
    return plain_training(PlainLight(chosen.trunk), plain_batches(files, chosen), RATE)


def _use_torchs_convolutions() -> None:
    Depthwise._has_own_gradient = lambda self, input: False


def compare(chosen: argparse.Namespace, files: Files, slow: Side, quick: Side, wanted: float | None) -> None:
    """Measure one pair and print its line."""
    pairs = measured(chosen, files, (slow, quick))
    before, now = (statistics.median(chosen.batch / seconds for seconds in side) for side in zip(*pairs, strict=True))
    ratios = [one[0] / one[1] for one in pairs]
    ratio = statistics.median(ratios)
    verdict = "" if wanted is None else f"{wanted}: {'met' if ratio >= wanted else '**missed**'}"
    names = f"{chosen.trunk} | {slow.__name__.replace('_', ', ')} | {quick.__name__}"
    spread = f"{ratio:.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
    print(f"| {names} | {before:.2f} | {now:.2f} | {spread} | {verdict} |", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trunks", nargs="+", choices=list(STAGES), default=list(STAGES))
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2, help="processes of the plain script's DataLoader")
    parser.add_argument("--shared", action="store_true", help="one thread, no workers, processor time")
    chosen = parser.parse_args()
    if chosen.shared:
        chosen.workers = 0
    threads = 1 if chosen.shared else torch.get_num_threads()
    print(f"torch {torch.__version__}, {threads} threads; 224 pixels, batch {chosen.batch}, interleaved\n")
    print("| trunk | slow side | quick side | images a second | images a second | ratio | wanted |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    has_bf16 = runtime.has_fast_bf16(torch.device("cpu"))
    with tempfile.TemporaryDirectory() as folder:
        files = write_files(Path(folder), chosen.batch)
        for trunk in chosen.trunks:
            chosen.trunk = trunk
            compare(chosen, files, float32_before, float32, WANTED)
            if has_bf16:
                compare(chosen, files, bf16_before, bf16, WANTED)
            compare(chosen, files, plain, bf16 if has_bf16 else float32, WANTED_OF_PLAIN.get(chosen.trunk))


if __name__ == "__main__":
    main()
