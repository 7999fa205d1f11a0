"""An ONNX file -> a function from prepared squares to answers, in each of the engines that run one. No torch."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
from jaxtyping import Float32, UInt8

from attnmel.errors import ConfigError
from attnmel.serve.onnx_file import ATTENTION, LOGITS, PROBABILITIES, SQUARE, Precision
from attnmel.serve.packages import package


@dataclasses.dataclass(frozen=True)
class Answers:
    """What a model says of some squares."""

    probabilities: Float32[np.ndarray, "N K"]
    logits: Float32[np.ndarray, "N K"]
    attention: tuple[Float32[np.ndarray, "N _ _"], ...] = ()
    """Maps on pool-3, then on the smaller pool-4; empty for a network without gates."""


@dataclasses.dataclass(frozen=True)
class Engine:
    """One file, loaded by one engine."""

    name: str
    """With its version."""
    run: Callable[[UInt8[np.ndarray, "N S S 3"]], Answers]


def onnxruntime_engine(path: Path, *, threads: int | None = None) -> Engine:
    """Load a file into onnxruntime, on the CPU.

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

    def run(squares: UInt8[np.ndarray, "N S S 3"]) -> Answers:
        return _answers(dict(zip(names, session.run(names, {SQUARE: squares}), strict=True)))

    return Engine(f"onnxruntime {onnxruntime.__version__}", run)


def openvino_engine(path: Path, *, threads: int | None = None, precision: Precision = "float32") -> Engine:
    """Load a file into OpenVINO, on the CPU; what the file holds in float32 is computed in float32 or bf16.

    Raises:
        ConfigError: OpenVINO is not installed, or this CPU does not multiply bf16 itself.
    """
    openvino = package("openvino")
    core = openvino.Core()
    if precision == "bf16":
        require_bf16()
    wanted: dict[str, str | int] = {
        "INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" else "f32",
        "PERFORMANCE_HINT": "LATENCY",
    }
    if threads is not None:
        wanted["INFERENCE_NUM_THREADS"] = threads
    compiled = core.compile_model(path, "CPU", wanted)
    names = [output.any_name for output in compiled.outputs]

    def run(squares: UInt8[np.ndarray, "N S S 3"]) -> Answers:
        # Copied, for OpenVINO keeps the memory of an answer for the next one.
        return _answers({name: np.array(value) for name, value in zip(names, compiled(squares).values(), strict=True)})

    return Engine(f"OpenVINO {openvino.__version__.split('-')[0]}", run)


def has_bf16() -> bool:
    """Whether this CPU multiplies bf16 itself, so that it saves time.

    Raises:
        ConfigError: OpenVINO is not installed.
    """
    return "BF16" in package("openvino").Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def require_bf16() -> None:
    """Refuse bf16 where it would save no time.

    Raises:
        ConfigError: this CPU does not multiply bf16 itself, or OpenVINO is not installed.
    """
    if not has_bf16():
        raise ConfigError("this CPU does not multiply bf16 itself, so that it would save no time; use float32 or int8")


def _answers(outputs: dict[str, np.ndarray]) -> Answers:
    attention = tuple(outputs[name] for name in ATTENTION if name in outputs)
    return Answers(outputs[PROBABILITIES], outputs[LOGITS], attention)
