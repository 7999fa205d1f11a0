"""What tests of several folders build: progress that records, predictions, and commands in processes of their own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

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


def run_fresh(code: str, *, cwd: Path | None = None) -> str:
    """Run Python code in a fresh interpreter, which must end well, and return what it printed."""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=cwd)
    if ran.returncode:
        pytest.fail(f"the code ended with {ran.returncode}:\n{code}\n{ran.stderr}")
    return ran.stdout


def attnmel_command(*arguments: object) -> list[str]:
    """Give the words that start a command of the program in a process of its own."""
    return [sys.executable, "-m", "attnmel", *map(str, arguments)]


# A test run started in the background of a shell ignores SIGINT, and its children would too.
listen_to_ctrl_c = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)


def start_command(*arguments: object) -> "subprocess.Popen[str]":
    """Start a command of the program, whose output is kept and which Ctrl-C reaches."""
    return subprocess.Popen(
        attnmel_command(*arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=listen_to_ctrl_c if os.name == "posix" else None,
    )


def wait_until(there: Callable[[], object], process: "subprocess.Popen[str]", *, seconds: float = 300) -> None:
    """Wait until something is there, while a process runs."""
    deadline = time.monotonic() + seconds
    while not there():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.005)


HOLDER = """
import sys
from pathlib import Path
from attnmel.files.locks import hold_file, hold_folder

for line in sys.stdin:
    kind, _, place = line.rstrip("\\n").partition(" ")
    with (hold_file if kind == "file" else hold_folder)(Path(place)):
        print("held", flush=True)
        sys.stdin.readline()
    print("free", flush=True)
"""


class Holder:
    """Another process that takes one lock after another, as a command that writes there would."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process

    @contextmanager
    def holds(self, kind: str, place: Path) -> Iterator[int]:
        """Hold the lock of a `file` or `folder` during the block; gives the process's number."""
        self._say(f"{kind} {place}", "held")
        try:
            yield self.process.pid
        finally:
            self._say("", "free")

    def _say(self, line: str, answer: str) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == f"{answer}\n"


@contextmanager
def another_process() -> Iterator[Holder]:
    """Start a process that takes locks."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Holder(process)
        assert process.stdin is not None
        process.stdin.close()


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
