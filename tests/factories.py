"""What tests of several folders build: progress that records, predictions, and commands in processes of their own."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
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
