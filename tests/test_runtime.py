"""Seeds decide what is drawn; what the hardware lacks is told."""

import numpy as np
import pytest
import torch

from attnmel import runtime
from attnmel.errors import ConfigError
from attnmel.threads import THREADS_VARIABLE

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


def test_autocast_runs_products_in_the_named_precision() -> None:
    layer, values = torch.nn.Linear(2, 2), torch.rand(1, 2)
    with runtime.autocast(CPU, "bf16"):
        assert layer(values).dtype == torch.bfloat16
    with runtime.autocast(CPU, "float32"):
        assert layer(values).dtype == torch.float32


@pytest.mark.parametrize("named", ["0", "two", "-1", ""])
def test_threads_from_the_environment_are_checked(named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(THREADS_VARIABLE, named)
    if named:
        with pytest.raises(ConfigError, match=f"is '{named}', expected a whole number above 0"):
            runtime.use_threads()
    else:
        assert runtime.use_threads() == torch.get_num_threads()
