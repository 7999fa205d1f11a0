"""An ONNX file -> what an engine says of image files: as `Predictor` runs it, or by onnxruntime. No torch."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float32, UInt8

from attnmel.data.preprocess.images import prepared_image
from attnmel.deploy.onnx_file import ATTENTION, PROBABILITIES, SQUARE
from attnmel.deploy.openvino import engine_version
from attnmel.deploy.packages import package
from attnmel.deploy.predictor import PredictedFile, Prediction, Predictor
from attnmel.errors import ImageError
from attnmel.models.weights.card import Card
from attnmel.threads import threads_asked


@dataclasses.dataclass(frozen=True)
class EngineAnswers:
    """What a model says of some images."""

    probabilities: Float32[np.ndarray, "N K"]
    attention: tuple[Float32[np.ndarray, "N _ _"], ...] = ()
    """Maps on pool-3, then on the smaller pool-4; empty for a network without gates."""


@dataclasses.dataclass(frozen=True)
class Engine:
    """One file, loaded by one engine."""

    name: str
    """With its version."""
    answers: Callable[[Sequence[Path]], EngineAnswers]
    """Of image files, in their order.

    Raises:
        ImageError: a file cannot be used.
        CheckpointError: a probability is no number.
    """


def predictor_engine(predictor: Predictor, *, many: bool = True) -> Engine:
    """Answer as `attnmel predict` does: `many` files several at a time, else one after another with all threads."""

    def answers(paths: Sequence[Path]) -> EngineAnswers:
        said = predictor.predict_many(paths) if many else map(predictor.predict_file, paths)
        found = [_usable(one) for one in said]
        shares = np.array([list(one.probabilities.values()) for one in found], dtype=np.float32)
        maps = zip(*(one.attention.values() for one in found), strict=True)
        return EngineAnswers(shares, tuple(np.stack(one) for one in maps))

    version = engine_version().split("-")[0]
    return Engine(version if many else f"{version}, one image at a time", answers)


def onnxruntime_engine(path: Path, card: Card) -> Engine:
    """Load a file into onnxruntime, on the CPU, with as many threads as `Predictor` takes.

    Raises:
        ConfigError: onnxruntime is not installed.
    """
    outputs_of = onnxruntime_outputs(path, threads=threads_asked())

    def answers(paths: Sequence[Path]) -> EngineAnswers:
        outputs = outputs_of(np.stack([prepared_image(one, crop=card.crop, side=card.side) for one in paths]))
        return EngineAnswers(outputs[PROBABILITIES], tuple(outputs[name] for name in ATTENTION if name in outputs))

    return Engine(f"onnxruntime {package('onnxruntime').__version__}", answers)


def onnxruntime_outputs(
    path: Path, *, threads: int | None = None
) -> Callable[[UInt8[np.ndarray, "N S S 3"]], dict[str, np.ndarray]]:
    """Return what gives a file's outputs for prepared squares, by name.

    Raises:
        ConfigError: onnxruntime is not installed.
    """
    onnxruntime = package("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors alone
    if threads is not None:
        options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda squares: dict(zip(names, session.run(names, {SQUARE: squares}), strict=True))


def _usable(said: PredictedFile) -> Prediction:
    if said.prediction is None:
        raise ImageError(said.error)
    return said.prediction
