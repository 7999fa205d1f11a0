"""Seeds decide what is drawn; what the hardware lacks is told; freed memory is kept."""

import platform

import numpy as np
import pytest
import torch
from tests.factories import run_fresh

from attnmel.compute import runtime
from attnmel.compute.threads import THREADS_VARIABLE
from attnmel.errors import ConfigError

CPU = torch.device("cpu")


def draws(seed: int, epoch: int) -> tuple[float, float]:
    runtime.seed_everything(seed, epoch)
    return torch.rand(1).item(), float(np.random.rand())  # noqa: NPY002 - the global generator is what is seeded


def test_the_same_seed_and_epoch_draw_the_same_and_others_do_not() -> None:
    assert draws(3, 1) == draws(3, 1)
    assert len({draws(seed, epoch) for seed in range(4) for epoch in range(4)}) == 16


def test_cuda_where_there_is_none_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match="torch finds no CUDA device; use 'cpu' or 'auto'"):
        runtime.choose_device("cuda")
    assert runtime.choose_device("auto") == CPU


def test_precision_is_as_asked_and_auto_follows_the_hardware(monkeypatch: pytest.MonkeyPatch) -> None:
    assert runtime.choose_precision("float32", CPU) == "float32"
    assert runtime.choose_precision("bf16", CPU) == "bf16"
    for has, expected in ((True, "bf16"), (False, "float32")):
        monkeypatch.setattr(runtime, "has_fast_bf16", lambda device, has=has: has)
        assert runtime.choose_precision("auto", CPU) == expected


@pytest.mark.parametrize(("amx", "instructions", "speed", "fast"), [
    (True, True, 0.5, True), (False, True, 2.0, True), (False, True, 1.1, False), (False, False, 2.0, False),
])  # fmt: skip
def test_bf16_with_avx512_alone_has_to_be_faster_than_float32(
    monkeypatch: pytest.MonkeyPatch, amx: bool, instructions: bool, speed: float, fast: bool
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: instructions)
    monkeypatch.setattr(runtime, "bf16_speed", lambda: speed)
    assert runtime.has_fast_bf16(CPU) == fast


def test_speed_of_bf16_is_measured_by_the_time_of_products(monkeypatch: pytest.MonkeyPatch) -> None:
    spent = 0.0

    def product(one: torch.Tensor, other: torch.Tensor) -> None:
        nonlocal spent
        spent += 1.0 if one.dtype == torch.float32 else 0.25

    monkeypatch.setattr(torch, "mm", product)
    monkeypatch.setattr(runtime.time, "thread_time", lambda: spent)
    threads = torch.get_num_threads()
    runtime.bf16_speed.cache_clear()
    try:
        assert runtime.bf16_speed() == 4.0
    finally:
        runtime.bf16_speed.cache_clear()
    assert torch.get_num_threads() == threads


def test_autocast_runs_products_in_the_named_precision() -> None:
    layer, values = torch.nn.Linear(2, 2), torch.rand(1, 2)
    with runtime.autocast(CPU, "bf16"):
        assert layer(values).dtype == torch.bfloat16
    with runtime.autocast(CPU, "float32"):
        assert layer(values).dtype == torch.float32


@pytest.mark.parametrize("named", ["0", "two", "-1", "²", ""])
def test_threads_from_the_environment_are_checked(named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(THREADS_VARIABLE, named)
    if named:
        with pytest.raises(ConfigError, match=f"is '{named}', expected a whole number above 0"):
            runtime.use_threads()
    else:
        assert runtime.use_threads() == torch.get_num_threads()


FAULTS = """
import resource, torch
from attnmel.compute import runtime

def faults() -> int:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.ones(2**25)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

faults()
fresh = faults()
kept = runtime.keep_memory()
# An aligned block needs a little more than its own size, which is there after some rounds.
print(kept, fresh, next((again for again in (faults() for _ in range(30)) if again < fresh / 5), fresh))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have no such switch")
def test_kept_memory_is_used_again_without_fresh_pages() -> None:
    kept, fresh, again = run_fresh(FAULTS).split()
    assert kept == "True"
    assert int(fresh) > 10  # 128 MB in small or huge pages
    assert int(again) < int(fresh) / 5


def test_where_the_library_cannot_keep_memory_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    assert not runtime.keep_memory()


def test_numbers_read_later_are_those_of_the_device() -> None:
    assert runtime.read_later(torch.tensor([1.5, -2.0]))() == [1.5, -2.0]


@pytest.mark.parametrize("known", [True, False])
def test_the_cpu_has_a_name_where_torch_does_not_know_it(known: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if known:
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"cpu_name": "a CPU"}, raising=False)
    else:
        monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    name, _, threads = runtime.device_name(CPU).rpartition(", ")
    assert name == ("a CPU" if known else platform.processor() or platform.machine())
    assert threads in {"1 thread", f"{torch.get_num_threads()} threads"}
