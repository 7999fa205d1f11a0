"""Seeds, device, precision, threads, memory: the only code that changes global state of torch."""

import ctypes
import importlib.util
import os
import platform
import random
import shutil
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cache
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from attnmel import __version__
from attnmel.compute.threads import (
    OTHERS_CHOICES,
    available_processors,
    busy_processors,
    fair_threads,
    requested_threads,
)
from attnmel.config.fields import ComputePrecision
from attnmel.errors import ConfigError, counted
from attnmel.number_formats import fixed

# Of mallopt(3), with the values of glibc's malloc.h.
TRIM_THRESHOLD, MMAP_MAX = -1, -4

LEAST_BF16_SPEED = 1.2
"""Speed of bf16 products, float32 being 1, from which mixed precision is chosen; far from both kinds of processors."""


def seed_everything(seed: int, epoch: int = 0) -> None:
    """Seed every global generator from the run's seed and the epoch.

    Since each epoch has its own seed, a resumed run needs no stored generator state: dropout of epoch 7 is the same
    whether or not epochs 0 to 6 ran in this process.
    """
    mixed = int(np.random.SeedSequence([seed, epoch]).generate_state(1)[0])
    random.seed(mixed)
    np.random.seed(mixed)  # noqa: NPY002 - libraries below may use numpy's global generator
    torch.manual_seed(mixed)


def choose_device(wanted: Literal["auto", "cpu", "cuda"] = "auto") -> torch.device:
    """Return the device; "auto" is CUDA if it is available.

    Raises:
        ConfigError: CUDA is requested and not available.
    """
    if wanted == "cuda" and not torch.cuda.is_available():
        raise ConfigError("device is 'cuda', but torch finds no CUDA device; use 'cpu' or 'auto'")
    if wanted == "cpu" or not torch.cuda.is_available():
        return torch.device("cpu")
    # By default cuDNN rounds the inputs of float32 convolutions to 10 bits (TF32): here float32 means float32.
    torch.backends.cudnn.conv.fp32_precision = "ieee"  # pyright: ignore[reportAttributeAccessIssue] - made at run time
    return torch.device("cuda")


def has_fast_bf16(device: torch.device) -> bool:
    """Return whether the hardware multiplies bfloat16 and does so faster than float32.

    On a CPU with AVX-512's instructions alone it is measured: some processors need half the time of float32 for it,
    others, made for AMX where a virtual machine hides that, twice the time. The answer stays the same in a process.
    """
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if torch.cpu._is_amx_tile_supported():
        return True
    return torch.cpu._is_avx512_bf16_supported() and bf16_speed() >= LEAST_BF16_SPEED


@cache
def bf16_speed() -> float:
    """Return how many times as fast as in float32 this CPU multiplies matrices in bf16; takes 50 milliseconds."""
    squares = {kind: torch.ones(512, 512, dtype=kind) for kind in (torch.float32, torch.bfloat16)}
    fastest = dict.fromkeys(squares, float("inf"))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # one that waits for another would count its waiting
    # In turn and in this thread's own time, so that other work weighs on neither; the first of each makes its kernel.
    for _ in range(6):
        for kind, square in squares.items():
            start = time.thread_time()
            torch.mm(square, square)
            fastest[kind] = min(fastest[kind], time.thread_time() - start)
    torch.set_num_threads(threads)
    return fastest[torch.float32] / fastest[torch.bfloat16]


def choose_precision(wanted: Literal["auto", "float32", "bf16"], device: torch.device) -> ComputePrecision:
    """Return the precision of convolutions; "auto" is bf16 where that is faster, by `has_fast_bf16`."""
    if wanted == "auto":
        return "bf16" if has_fast_bf16(device) else "float32"
    return wanted


def autocast(device: torch.device, precision: ComputePrecision) -> AbstractContextManager[Any]:
    """Run convolutions and matrix products in bf16, or everything in float32."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")


def use_threads(count: int | None = None, *, processes: int = 1, note: Callable[[str], None] | None = None) -> int:
    """Set and return the number of threads of one operation: `count`, else $ATTNMEL_THREADS, else what is free.

    Without either, and without a variable that torch follows, it is torch's choice (one for each core), at most this
    process's share of the processors that its affinity and its container allow, by `fair_threads`, among so many
    `processes` of this program. `note` is called with one sentence about the number.

    Raises:
        ConfigError: it is not a whole number above 0.
    """
    count, reason = requested_threads(count), ""
    if count is None and not any(map(os.environ.get, OTHERS_CHOICES)):
        own, busy, total = available_processors(), busy_processors(), os.cpu_count() or 1
        count = max(1, min(torch.get_num_threads(), fair_threads(own, busy, total)) // processes)
        reason = f" ({fixed(busy, 1)} of {total} processors are in use, {own} allowed; --threads sets another number)"
    if count is not None:
        torch.set_num_threads(count)
    if note is not None:
        note(f"{counted(torch.get_num_threads(), 'thread')} for each operation{reason}")
    return torch.get_num_threads()


def keep_memory() -> bool:
    """Keep freed memory in the process for its next tensors; return whether the C library can do so (glibc).

    Otherwise every large tensor gets new pages, which the kernel clears at the first write: a tenth of a training step.
    The cost: the process never shrinks, and its peak grows by up to 40 % in bf16 and 60 % in float32, since an aligned
    block needs a gap larger than itself. So it is not used with float32.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return bool(mallopt(MMAP_MAX, 0) and mallopt(TRIM_THRESHOLD, -1))


def sent(values: Tensor, device: torch.device) -> Tensor:
    """Return the values on the device; to CUDA they are copied during its computation, without waiting."""
    if device.type == "cuda" and values.device.type == "cpu":
        # Only with pinned memory; otherwise CUDA first waits for the work queued before.
        return values.pin_memory().to(device, non_blocking=True)
    return values.to(device)


def read_later(values: Tensor) -> Callable[[], list[float]]:
    """Start to copy values [n] from their device; the returned function waits for them, but not for later work."""
    if values.device.type != "cuda":
        return values.tolist
    # torch pins the target of such a copy.
    copied = values.to("cpu", non_blocking=True)
    arrived = torch.cuda.Event()
    arrived.record()

    def read() -> list[float]:
        arrived.synchronize()
        return copied.tolist()

    return read


def require_compiler(device: torch.device) -> None:
    """Refuse to compile networks if torch lacks a compiler.

    Raises:
        ConfigError: there is no C++ compiler, or on CUDA no triton.
    """
    if device.type == "cuda" and importlib.util.find_spec("triton") is None:
        raise ConfigError("training.compile needs triton on CUDA; install it, or set training.compile=false")
    if not any(map(shutil.which, (os.environ.get("CXX") or "g++", "clang++"))):
        raise ConfigError("training.compile needs a C++ compiler; install g++, or set training.compile=false")


def spare_memory(device: torch.device) -> int:
    """Return the free bytes of a CUDA device; 0 for the CPU, which has the files in its memory already."""
    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else 0


def device_name(device: torch.device) -> str:
    """Return the name of the device, for the CPU with the number of threads."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    known = getattr(torch.cpu, "get_capabilities", dict)()  # torch 2.10 does not have it
    name = known.get("cpu_name") or platform.processor() or platform.machine()
    return f"{name}, {counted(torch.get_num_threads(), 'thread')}"


def versions() -> dict[str, str]:
    """Return the versions that a result depends on."""
    return {
        "attnmel": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "system": platform.platform(),
    }
