"""How fast AttnMel-CNN trains on a GPU, against its bf16 peak and a plain script (docs/results/performance.md).

    python benchmarks/gpu/gpu_rate.py --out FOLDER [--budget 300] [--toy]

Each row of the table is a line of JSON in FOLDER/rate.jsonl as soon as it is measured, and FOLDER/rate.md the table so
far. Groups of rows run one after another, in order of worth, each in a process of its own; none starts after the
budget's seconds, and one that runs beyond them, or longer than `LONGEST`, is stopped. A row whose line is there
already is not measured again. The program's side is `training.train` as `attnmel train` sets it up, on its own loader;
the plain side is `plain_network` over the JPEG files and the DataLoader of `plain_script`, moved to the GPU. Operations
are torch's own count. `--toy` rehearses the same on a CPU, small, without what only CUDA has.
"""

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torch.utils.flop_counter import FlopCounterMode

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))

from attnmel.compute import runtime
from gpu_cases import AS_IT_IS, CUDA_ALONE, FILES, FULL, GROUPS, MACHINE, TOY, Case, Scale, sheet_peak
from gpu_summary import rate_table
from plain_network import PlainAttnMel, PlainBatch, plain_training
from plain_script import JpegFiles, write_files
from random_cache import random_batches, random_cache
from training_loop import RATE, training_loop

PLAIN_SIZE = 224
"""Pixels of the plain script's crops, also in the rehearsal."""
KEPT_BATCHES = 4
"""Batches that the plain network takes in turns where its images are on the device already."""
LONGEST = 150.0
"""Seconds of a group."""

Seconds = tuple[float, list[float]]
"""Of the first round, with all that happens once, and of the others."""


def cuda() -> bool:
    """Whether there is a GPU."""
    return torch.cuda.is_available()


def finish() -> None:
    """Wait for what is queued on the GPU."""
    if cuda():
        torch.cuda.synchronize()


def seconds(work: Callable[[], object]) -> float:
    """Return how long a call takes, with what it queues."""
    finish()
    start = time.perf_counter()
    work()
    finish()
    return time.perf_counter() - start


def machine(scale: Scale) -> dict[str, Any]:
    """Measure the device: the best bf16 product of random matrices, and a copy, read and written."""
    device = "cuda" if cuda() else "cpu"
    left, right = (torch.randn(scale.product, scale.product, device=device, dtype=torch.bfloat16) for _ in range(2))
    result = torch.empty_like(left)
    source = torch.zeros(scale.product**2 * 8, device=device)
    target = torch.empty_like(source)

    def products() -> None:
        for _ in range(10):
            torch.mm(left, right, out=result)

    products()
    best = min(seconds(products) for _ in range(5)) / 10
    copied = min(seconds(lambda: target.copy_(source)) for _ in range(5))
    name = runtime.device_name(torch.device(device))
    return {
        "device": name,
        "torch": torch.__version__,
        "product": scale.product,
        "peak": 2 * scale.product**3 / best,
        "sheet": sheet_peak(name),
        "bandwidth": 2 * source.numel() * source.element_size() / copied,
    }


def operations(size: int, width: float) -> float:
    """Return the operations an image of a training step, two for each multiplication and addition."""
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        scores, _ = PlainAttnMel(batch_norm=True, width=width)(torch.empty(1, 3, size, size))
        scores.sum().backward()
    return float(counter.get_total_flops())


def compiled(network: nn.Module, case: Case, size: int) -> None:
    """Compile as `training.compile` does; on the CPU, where that takes minutes, only trace."""
    network.compile(backend="inductor" if cuda() else "aot_eager")


def compiled_graphs(network: nn.Module, case: Case, size: int) -> None:
    """Compile with CUDA graphs by torch's own mode."""
    network.compile(mode="reduce-overhead")


def graphed(network: nn.Module, case: Case, size: int) -> None:
    """Record the network's way there and back as CUDA graphs, not compiled."""
    network.to("cuda").train()
    dtype = torch.bfloat16 if case.precision == "bf16" else torch.float32
    images = torch.randn(case.batch, 3, size, size, device="cuda", dtype=dtype)
    images = images.contiguous(memory_format=torch.channels_last)
    with torch.autocast("cuda", torch.bfloat16, enabled=case.precision == "bf16", cache_enabled=False):
        torch.cuda.make_graphed_callables(network, (images,))


def tuned(network: nn.Module, case: Case, size: int) -> None:
    """Have cuDNN try its algorithms and keep the fastest."""
    torch.backends.cudnn.benchmark = True


CHANGES: dict[str, Callable[[nn.Module, Case, int], None]] = {
    AS_IT_IS: lambda network, case, size: None,
    "compiled": compiled,
    "compiled, CUDA graphs": compiled_graphs,
    "graphed": graphed,
    "cuDNN tuned": tuned,
}


def program(case: Case, scale: Scale, folder: Path) -> Seconds:
    """Train by the program: epochs of a round's images each."""
    torch.backends.cudnn.benchmark = False
    device: Literal["cpu", "cuda"] = "cuda" if cuda() else "cpu"
    images = scale.images[case.precision]
    held = min(images, 640)
    cache = random_cache(folder, images=held, side=round(scale.size * 8 / 7))
    batches = random_batches(cache, size=scale.size, batch=case.batch, repeats=images // held, device=device)
    loop = training_loop(
        cache,
        batches,
        width=scale.width,
        precision=case.precision,
        epochs=scale.rounds + 1,
        device=device,
        changed=lambda network: CHANGES[case.way](network, case, scale.size),
    )
    rounds = [seconds(lambda: next(loop)) for _ in range(scale.rounds + 1)]
    return rounds[0], rounds[1:]


def plain(case: Case, scale: Scale, folder: Path) -> Seconds:
    """Train by the plain script, on the GPU where there is one, with torch's defaults."""
    images = scale.images["float32"]
    network = PlainAttnMel(batch_norm=True, width=scale.width)
    network = network.cuda() if cuda() else network
    batches = moved_files(case, scale, folder) if case.way == FILES else kept_images(case)
    steps = plain_training(network, batches, RATE)
    count = images // case.batch
    rounds = [seconds(lambda: [next(steps) for _ in range(count)]) for _ in range(scale.rounds + 1)]
    return rounds[0], rounds[1:]


def moved_files(case: Case, scale: Scale, folder: Path) -> Iterator[PlainBatch]:
    """Give the batches of a DataLoader over JPEG files, each moved to the GPU."""
    images, masks = write_files(folder, scale.files)
    repeats = -(-scale.images["float32"] * (scale.rounds + 2) // scale.files)
    loader = DataLoader(
        JpegFiles(images * repeats, masks * repeats),
        batch_size=case.batch,
        shuffle=True,
        num_workers=scale.workers or os.cpu_count() or 1,
        pin_memory=cuda(),
    )
    return ((moved(images), moved(labels), moved(masks)) for images, labels, masks in loader)


def kept_images(case: Case) -> Iterator[PlainBatch]:
    """Give the same few batches of noise again and again, which lie on the GPU."""
    drawn = [
        (
            moved(torch.randn(case.batch, 3, PLAIN_SIZE, PLAIN_SIZE)),
            moved(torch.arange(case.batch) % 2),
            moved(torch.rand(case.batch, 1, PLAIN_SIZE, PLAIN_SIZE).round()),
        )
        for _ in range(KEPT_BATCHES)
    ]
    return itertools.cycle(drawn)


def moved(values: Tensor) -> Tensor:
    """Return values on the GPU where there is one."""
    return values.cuda(non_blocking=True) if cuda() else values


def measured(case: Case, scale: Scale) -> dict[str, Any]:
    """Measure one row."""
    if cuda():
        torch.cuda.reset_peak_memory_stats()
    with tempfile.TemporaryDirectory() as name:
        first, rounds = (program if case.side == "program" else plain)(case, scale, Path(name))
    size, precision = (scale.size, case.precision) if case.side == "program" else (PLAIN_SIZE, "float32")
    images = scale.images[precision] // case.batch * case.batch
    rates = [images / one for one in rounds]
    return {
        **case._asdict(),
        "images_a_second": statistics.median(rates),
        "range": [min(rates), max(rates)],
        "once": first - statistics.median(rounds),
        "operations": operations(size, scale.width),
        "memory": torch.cuda.max_memory_allocated() if cuda() else None,
    }


def run_group(group: str, scale: Scale, lines: Path) -> None:
    """Measure the rows of one group that are not there yet, in this process, and add a line for each."""
    if group == MACHINE:
        add_line(lines, {"group": group, **machine(scale)})
    for case in missing(group, scale, read_lines(lines)):
        add_line(lines, {"group": group, **measured(case, scale)})


def missing(group: str, scale: Scale, lines: list[dict[str, Any]]) -> list[Case]:
    """Return the rows of a group that no line is of, with the batches of the scale."""
    there = [{name: line.get(name) for name in Case._fields} for line in lines]
    cases = [case._replace(batch=max(1, case.batch // scale.shrink)) for case in GROUPS[group]]
    return [case for case in cases if case._asdict() not in there]


def add_line(path: Path, line: dict[str, Any]) -> None:
    """Add one line, whole on the disk when this returns."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
        file.flush()
        os.fsync(file.fileno())


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Return all lines so far."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.is_file() else []


def is_done(group: str, lines: list[dict[str, Any]], *, toy: bool) -> bool:
    """Whether every row of a group is measured."""
    if group == MACHINE:
        return any("peak" in line for line in lines)
    return not missing(group, TOY if toy else FULL, lines)


def all_groups(out: Path, budget: float, *, toy: bool) -> None:
    """Run every group that is not there yet, and write the table after each."""
    end, lines = time.monotonic() + budget, out / "rate.jsonl"
    for group in GROUPS:
        left = min(end - time.monotonic(), LONGEST)
        if left <= 0 or is_done(group, read_lines(lines), toy=toy) or (toy and group in CUDA_ALONE):
            continue
        command = [sys.executable, __file__, "--out", str(out), "--group", group, *(["--toy"] if toy else [])]
        try:
            done = subprocess.run(command, timeout=left, stderr=subprocess.PIPE, text=True, check=False)
            error = done.stderr.strip()[-600:] if done.returncode else ""
        except subprocess.TimeoutExpired:
            error = f"stopped after {left:.0f} s"
        if error:
            add_line(lines, {"group": group, "error": error})
        (out / "rate.md").write_text("\n".join(rate_table(read_lines(lines), toy=toy)) + "\n", encoding="utf-8")
        print(f"{group}: {error or 'measured'}, {budget - end + time.monotonic():.0f} s of {budget:.0f}", flush=True)


def main() -> None:
    """Measure one group, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--budget", type=float, default=300, help="seconds after which nothing more starts")
    parser.add_argument("--toy", action="store_true")
    parser.add_argument("--group", choices=list(GROUPS), help="this one alone, in this process")
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    if chosen.group:
        run_group(chosen.group, TOY if chosen.toy else FULL, chosen.out / "rate.jsonl")
    else:
        all_groups(chosen.out, chosen.budget, toy=chosen.toy)


if __name__ == "__main__":
    main()
