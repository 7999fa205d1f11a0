"""Speed has changed no number: the loop's losses are those of a plain script that shares no code with it."""

import importlib
from pathlib import Path
from types import ModuleType

import pytest
import torch

STEPS, FEW = 200, 10


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks" / "training"))
    return importlib.import_module("training_curve")


# In float32 rounding grows from step to step: at a higher rate, or with batch-norm, the plain script itself strays
# farther than this once its tensors lie in another order. In float64 what is left would be an error of the formulas.
CASES = [("float32", "vgg16", 1e-4), ("float64", "vgg16", 1e-2), ("float64", "vgg16_bn", 1e-3)]


@pytest.mark.parametrize(
    ("precision", "trunk", "rate", "steps"),
    [
        ("float64", "vgg16_bn", 1e-3, FEW),
        *(pytest.param(*case, STEPS, marks=pytest.mark.slow) for case in CASES),
    ],
)
def test_losses_are_those_of_a_plain_script(
    benchmark: ModuleType, precision: str, trunk: str, rate: float, steps: int
) -> None:
    task = benchmark.Task(steps, trunk, rate, width=0.125, size=32, batch=8)
    with benchmark.noise(task) as (cache, batches):
        program = benchmark.program_curve(task, cache, batches, precision)
        plain = benchmark.plain_curve(task, batches, dtype=getattr(torch, precision))
        faster = benchmark.plain_curve(task._replace(rate=1.02 * rate), batches, dtype=getattr(torch, precision))
    assert len(program) == len(plain) == steps
    assert benchmark.farthest(program, plain) < benchmark.WANTED
    assert benchmark.farthest(faster, plain) > benchmark.WANTED, "a slip of 2 % in the rate would go unseen"
