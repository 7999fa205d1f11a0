"""Seeds, device, precision, threads, memory: the only code that touches global torch state."""

import ctypes
import importlib.util
import os
import platform
import random
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from attnmel import __version__
from attnmel.config.fields import ComputePrecision
from attnmel.errors import ConfigError
from attnmel.threads import threads_asked

# Of mallopt(3), with the values of glibc's malloc.h.
TRIM_THRESHOLD, MMAP_MAX = -1, -4


def seed_everything(seed: int, epoch: int = 0) -> None:
    """Seed every global generator from the run's seed and the epoch.

    Seeding anew at each epoch means that a resumed run needs no stored generator state: dropout of epoch 7 is the
    same whether or not epochs 0 to 6 ran in this process.
    """
    mixed = int(np.random.SeedSequence([seed, epoch]).generate_state(1)[0])
    random.seed(mixed)
    np.random.seed(mixed)  # noqa: NPY002 - libraries below may use numpy's global generator
    torch.manual_seed(mixed)


def choose_device(wanted: Literal["auto", "cpu", "cuda"] = "auto") -> torch.device:
    """Return the device to work on; "auto" is CUDA where there is one.

    Raises:
        ConfigError: CUDA is asked for and not available.
    """
    if wanted == "cuda" and not torch.cuda.is_available():
        raise ConfigError("device is 'cuda', but torch finds no CUDA device; use 'cpu' or 'auto'")
    if wanted == "cpu" or not torch.cuda.is_available():
        return torch.device("cpu")
    # By default cuDNN rounds the inputs of float32 convolutions to 10 bits (TF32): here float32 means float32.
    torch.backends.cudnn.conv.fp32_precision = "ieee"  # pyright: ignore[reportAttributeAccessIssue] - made at run time
    return torch.device("cuda")


def has_fast_bf16(device: torch.device) -> bool:
    """Whether the hardware multiplies bfloat16 itself, so that mixed precision pays."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


def choose_precision(wanted: Literal["auto", "float32", "bf16"], device: torch.device) -> ComputePrecision:
    """Return the precision of convolutions; "auto" is bf16 where the hardware has it."""
    if wanted == "auto":
        return "bf16" if has_fast_bf16(device) else "float32"
    return wanted


def autocast(device: torch.device, precision: ComputePrecision) -> AbstractContextManager[Any]:
    """Run convolutions and products in bf16, or everything in float32."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")


def use_threads(count: int | None = None) -> int:
    """Set and return the number of threads of one operation: as given, else $ATTNMEL_THREADS, else torch's choice.

    Raises:
        ConfigError: a number that is not a whole one above 0.
    """
    count = threads_asked(count)
    if count is not None:
        torch.set_num_threads(count)
    return torch.get_num_threads()


def keep_memory() -> bool:
    """Have this process keep the memory it frees for its next tensors; return whether the C library can do so (glibc).

    Otherwise every large tensor gets fresh pages, which the kernel clears one by one as they are first written: a tenth
    of a training step. The price: the process stays as large as it once was, and its peak grows by up to 40 % in bf16
    and 60 % in float32, since an aligned block needs a gap larger than itself. So float32 goes without.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return bool(mallopt(MMAP_MAX, 0) and mallopt(TRIM_THRESHOLD, -1))


def sent(values: Tensor, device: torch.device) -> Tensor:
    """Return the values on the device; to CUDA they travel beside its computation, and nobody waits."""
    if device.type == "cuda" and values.device.type == "cpu":
        # Only from pinned memory: from any other, CUDA first waits for the work queued before.
        return values.pin_memory().to(device, non_blocking=True)
    return values.to(device)


def read_later(values: Tensor) -> Callable[[], list[float]]:
    """Start to fetch values [n] from their device; what is returned waits for them, but for no work queued after."""
    if values.device.type != "cuda":
        return values.tolist
    # torch pins the target of such a copy itself.
    fetched = values.to("cpu", non_blocking=True)
    arrived = torch.cuda.Event()
    arrived.record()

    def read() -> list[float]:
        arrived.synchronize()
        return fetched.tolist()

    return read


def require_compiler(device: torch.device) -> None:
    """Refuse to compile networks where torch lacks what it compiles with.

    Raises:
        ConfigError: no C++ compiler; on CUDA, no triton.
    """
    if device.type == "cuda" and importlib.util.find_spec("triton") is None:
        raise ConfigError("training.compile needs triton on CUDA; install it, or set training.compile=false")
    if not any(map(shutil.which, (os.environ.get("CXX") or "g++", "clang++"))):
        raise ConfigError("training.compile needs a C++ compiler; install g++, or set training.compile=false")


def spare_memory(device: torch.device) -> int:
    """Return how many bytes of a CUDA device are free; 0 for the CPU, whose files are in its memory already."""
    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else 0


def device_name(device: torch.device) -> str:
    """Return what the device is called, with the number of threads where it is the CPU."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    name = torch.cpu.get_capabilities().get("cpu_name") or platform.processor() or platform.machine()
    return f"{name}, {torch.get_num_threads()} threads"


def versions() -> dict[str, str]:
    """Return the versions that decide a result."""
    return {
        "attnmel": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "system": platform.platform(),
    }
