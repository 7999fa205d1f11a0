"""An ONNX file run on image files, by `Predictor` or by onnxruntime. No torch."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float32, UInt8

from attnmel.compute.threads import requested_threads
from attnmel.deploy.onnx.texts import ATTENTION, LOGITS, PROBABILITIES, SQUARE
from attnmel.deploy.openvino import engine_version
from attnmel.deploy.packages import package
from attnmel.deploy.predictor import MaskOf, PredictedFile, Prediction, Predictor, no_mask, prepared_input
from attnmel.errors import ImageError
from attnmel.models.averaging import averaged, softmax
from attnmel.models.weights.card import Card
from attnmel.records import Predictions


@dataclasses.dataclass(frozen=True)
class EngineOutput:
    """Outputs of a network for some images, computed by torch or by an engine that runs its file."""

    probabilities: Float[np.ndarray, "N K"]
    attention: tuple[Float32[np.ndarray, "N _ _"], ...] = ()
    """Maps on pool-3, then on the smaller pool-4; empty for a network without gates."""

    @staticmethod
    def joined(parts: "Sequence[EngineOutput]", images: int | None = None) -> "EngineOutput":
        """Concatenate the outputs for successive images, and keep the first `images` of them, or all."""
        probabilities = np.concatenate([one.probabilities for one in parts])[:images]
        maps = zip(*(one.attention for one in parts), strict=True)
        return EngineOutput(probabilities, tuple(np.concatenate(one)[:images] for one in maps))

    def predictions(self, truth: Predictions) -> Predictions:
        """Return the probabilities as predictions of the images of `truth`, which are the same in the same order."""
        return dataclasses.replace(truth, probabilities=self.probabilities.astype(np.float64))


@dataclasses.dataclass(frozen=True)
class Engine:
    """An ONNX file, loaded by one engine."""

    name: str
    """With its version."""
    run: Callable[[Sequence[Path]], EngineOutput]
    """Give the outputs for image files, in their order.

    Raises:
        ImageError: a file cannot be used.
        CheckpointError: a probability is not a number.
    """


def predictor_engine(predictor: Predictor, *, many: bool = True, masks: MaskOf = no_mask) -> Engine:
    """Run a file as `attnmel predict` does: several images at a time, or without `many` one by one with all threads."""

    def run(paths: Sequence[Path]) -> EngineOutput:
        one_by_one = (predictor.predict_file(path, masks) for path in paths)
        predicted = predictor.predict_many(paths, masks=masks) if many else one_by_one
        found = [_usable(one) for one in predicted]
        probabilities = np.array([list(one.probabilities.values()) for one in found], dtype=np.float32)
        maps = zip(*(one.attention.values() for one in found), strict=True)
        return EngineOutput(probabilities, tuple(np.stack(one) for one in maps))

    version = engine_version().split("-")[0]
    return Engine(version if many else f"{version}, one image at a time", run)


def onnxruntime_engine(path: Path, card: Card, masks: MaskOf = no_mask) -> Engine:
    """Load a file into onnxruntime, on the CPU, with the number of threads that `Predictor` uses."""
    outputs_of = onnxruntime_outputs(path, threads=requested_threads())

    def run(paths: Sequence[Path]) -> EngineOutput:
        found = [prepared_input(one, masks(one), card).prepared for one in paths]
        outputs = outputs_of(np.stack([square for squares in found for square in squares]))
        probabilities, squares = outputs[PROBABILITIES], len(found[0])  # one for each crop and transform
        if squares > 1:
            shares = softmax(outputs[LOGITS]).reshape(len(paths), squares, -1)
            probabilities = averaged(shares, card.temperature).astype(np.float32)
        maps = tuple(outputs[name][::squares] for name in ATTENTION if name in outputs)
        return EngineOutput(probabilities, maps)

    return Engine(f"onnxruntime {package('onnxruntime').__version__}", run)


def onnxruntime_outputs(
    path: Path, *, threads: int | None = None
) -> Callable[[UInt8[np.ndarray, "N S S 3"]], dict[str, np.ndarray]]:
    """Return a function from prepared squares to the outputs of a file, by name."""
    onnxruntime = package("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # only errors
    if threads is not None:
        options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda squares: dict(zip(names, session.run(names, {SQUARE: squares}), strict=True))


def _usable(one: PredictedFile) -> Prediction:
    if one.prediction is None:
        raise ImageError(one.error)
    return one.prediction
