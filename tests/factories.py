"""What tests of several folders build: progress that records, predictions, and commands in processes of their own."""

import atexit
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from torch import nn

from attnmel.models.weights.card import Card
from attnmel.models.weights.checkpoints import save_weights
from attnmel.progress import Silent
from attnmel.records import Predictions


class Recorder(Silent):
    """Progress that keeps its notes and bars, and interrupts a training after some batches, as Ctrl-C would."""

    def __init__(self, stop_after: int = 0) -> None:
        self.notes: list[str] = []
        self.totals: dict[str, int | None] = {}
        self.steps: dict[str, int] = {}
        self._left = stop_after

    @contextmanager
    def bar(
        self, label: str, total: int | None, unit: str = "", *, further: int = 0
    ) -> Iterator[Callable[[int], None]]:
        """Count steps by label."""
        self.totals[label], self.steps[label] = total, 0

        def advance(steps: int) -> None:
            self.steps[label] += steps
            if label.startswith("epoch"):
                self._left -= steps
                if self._left == 0:
                    raise KeyboardInterrupt

        yield advance

    def note(self, message: str) -> None:
        """Keep one sentence."""
        self.notes.append(message)


def two_class_predictions(
    labels: np.ndarray, melanoma: np.ndarray, *, groups: Sequence[str] = (), prefix: str = "ISIC_"
) -> Predictions:
    """Predictions of `rest` and `melanoma` from the probability of the latter; each image a lesion, or as grouped."""
    ids = tuple(f"{prefix}{number:07d}" for number in range(len(labels)))
    shares = np.stack([1 - melanoma, melanoma], axis=1)
    return Predictions(ids, ("rest", "melanoma"), shares, np.asarray(labels, dtype=np.int64), tuple(groups) or ids)


def informed_probabilities(
    chance: np.random.Generator, images: int, shares: Sequence[float], *, apart: float = 1.2
) -> tuple[np.ndarray, np.ndarray]:
    """Draw labels by the shares of the classes, and probabilities with a higher logit of the true class."""
    labels = chance.choice(len(shares), images, p=list(shares))
    logits = chance.normal(size=(images, len(shares)))
    logits[np.arange(images), labels] += apart
    return labels, np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


HEAVY = (
    "PIL", "captum", "highdicom", "jinja2", "lightning_fabric", "matplotlib", "monai", "numpy", "onnx", "onnxruntime",
    "openvino", "pandas", "platformdirs", "pydantic", "pydicom", "rich", "safetensors", "scipy", "sklearn",
    "tensorboard", "torch", "typer",
)  # fmt: skip


STARTER = """
import os, sys
child, work = 1, sys.stdin.readline()
while child and work:
    child = os.fork()
    if child:
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
        work = sys.stdin.readline()
if not child:
    code, folder, environment, ends = eval(work)
    for end, place in zip((os.devnull, *ends), (0, 1, 2)):
        os.dup2(os.open(end, os.O_RDWR), place)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    exec(code, {"__name__": "__main__"})
"""
"""A process that has loaded nothing, of which each piece of code that it is given gets a copy."""


@cache
def _starter() -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", STARTER]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    atexit.register(process.communicate)  # which closes its input, and so ends it
    return process


def fresh_end(code: str) -> tuple[int, str, str]:
    """Run Python code in an interpreter that has loaded nothing; return its exit code, output and errors."""
    if not hasattr(os, "fork"):
        ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        return ran.returncode, ran.stdout, ran.stderr
    process = _starter()
    assert process.stdin
    assert process.stdout
    with TemporaryDirectory() as folder:
        ends = [Path(folder, name) for name in ("out", "err")]
        for end in ends:
            end.touch()
        process.stdin.write(f"{(code, str(Path.cwd()), dict(os.environ), [str(end) for end in ends])!r}\n")
        process.stdin.flush()
        found = int(process.stdout.readline())
        printed, errors = (end.read_text(encoding="utf-8") for end in ends)
    return found, printed, errors


def run_fresh(code: str) -> str:
    """Run Python code in an interpreter that has loaded nothing, which must end well; return what it printed."""
    found, printed, errors = fresh_end(code)
    if found:
        pytest.fail(f"the code ended with {found}:\n{code}\n{errors}")
    return printed


CARD = Card(
    network="attnmel-cnn",
    trunk="vgg16_bn",
    width=0.05,
    attention="sigmoid",
    classes=("rest", "melanoma"),
    positives=("melanoma",),
    size=64,
    side=73,
    crop=0.8,
    mean=(0.1, 0.2, 1 / 3),
    std=(0.4, 0.5, 0.6),
    epoch=3,
    measures={"validation_auc": 0.1 + 0.2},
    recipe="isic2017/attnmel",
    data={"dataset": "phantoms", "labels": "ab12"},
    licence="CC-0 für alle",
    seed=5,
)
"""Of a narrow network."""


def save_checkpoint(path: Path, network: nn.Module, card: Card) -> None:
    """Write a network's weights with their card."""
    save_weights(path, network.state_dict(), card)
