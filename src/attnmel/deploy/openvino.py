"""Running the ONNX file on the CPU by OpenVINO, one image at a time. No torch.

OpenVINO is the engine for every precision, by measurement (AttnMel-CNN on vgg16_bn at 224 pixels, images a second of
one core of an EPYC with AVX-512 VNNI and BF16): float32 3.6 as onnxruntime; int8 12.7, onnxruntime 12.7 with unsigned
and 9.5 with signed activations; bf16 7.3, which onnxruntime lacks for convolutions. onnxruntime starts 0.2 s sooner;
both are within a second. The table is in docs/prediction/predict.md.

A batch of eight is no faster than eight single images (within 3 %), so each image has a forward pass of its own: its
prediction does not depend on its neighbours, and a folder is predicted by several passes at once, one for each core.
"""

import ctypes
import os
import queue
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from attnmel.compute.threads import threads_of_quota
from attnmel.deploy.onnx.texts import SQUARE
from attnmel.deploy.packages import package
from attnmel.errors import CheckpointError, ConfigError
from attnmel.shapes import UInt8

if TYPE_CHECKING:
    from openvino import Core, InferRequest, Model

    from attnmel.config.fields import ComputePrecision

CPU = "CPU"

ENGINE_PRECISION: "dict[ComputePrecision, str]" = {"float32": "f32", "bf16": "bf16"}
"""OpenVINO's names; by default it would use bf16 where the hardware has it."""


_ONE_BY_ONE = threading.RLock()
"""Held during calls of OpenVINO that may be its first in this process.

The first `Tensor.data` imports numpy's interface inside the initialisation of a C++ static, which releases Python's
global lock. A second thread that gets there then waits for the static while it holds the global lock, which the first
needs to finish: a deadlock of the whole process. A fork waits for it, too.
"""

LONGEST_COMPILING = 30.0
"""Seconds that a fork waits at most for a network that is being compiled."""


def load_engine() -> None:
    """Import the engine.

    Raises:
        ConfigError: it is not installed.
    """
    package("openvino")


class OnnxNetwork:
    """The network of an ONNX file, read once and compiled for single images or for many."""

    def __init__(self, path: Path, *, precision: "ComputePrecision", threads: int | None) -> None:
        self._path, self._threads = path.absolute(), threads
        self._precision: ComputePrecision = precision
        with _ONE_BY_ONE:
            self._core: Core = package("openvino").Core()
            if precision == "bf16" and not has_bf16():
                raise ConfigError(
                    "this CPU has no bf16 multiplication, so bf16 would save no time; use float32 or int8"
                )
        self._settings: dict[str, Any] = {
            "INFERENCE_PRECISION_HINT": ENGINE_PRECISION[precision],
            # Decoding threads share the cores with the network's: the system schedules both better than fixed cores.
            "ENABLE_CPU_PINNING": False,
        }
        limited = threads_of_quota() if threads is None else threads  # OpenVINO does not look at a container's quota
        if limited is not None:
            self._settings["INFERENCE_NUM_THREADS"] = limited
        with _ONE_BY_ONE, self._explained_errors():
            self._model: Model = self._core.read_model(path)
        self._begin_compiling()
        _NETWORKS.add(self)

    def __reduce__(self) -> "tuple[Callable[..., OnnxNetwork], tuple[Path, ComputePrecision, int | None]]":
        """Be copied, and sent to another process, by the file's path: the network is read and compiled there."""
        return _read_again, (self._path, self._precision, self._threads)

    @property
    def inputs(self) -> dict[str, tuple[int, ...]]:
        """Shape of each input by name, -1 for a free size."""
        return _shapes(self._model.inputs)

    @property
    def outputs(self) -> dict[str, tuple[int, ...]]:
        """Shape of each output by name, -1 for a free size."""
        return _shapes(self._model.outputs)

    def _begin_compiling(self) -> None:
        self._compiled: dict[bool, Compiled] = {}
        self._compiling = threading.Lock()

    def begin_in_fork(self) -> None:
        """Compile anew in a forked process, which has none of the threads that the compiled network waits for.

        The parent's stays in memory beyond the end of Python: to free it is to wait for its threads.
        """
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._compiled))
        self._begin_compiling()

    def compiled(self, *, many: bool) -> "Compiled":
        """Return the network ready to run: all threads for one image, or several images at once."""
        with self._compiling:
            if many not in self._compiled:
                self._compiled[many] = self._newly_compiled(many=many)
            return self._compiled[many]

    def _newly_compiled(self, *, many: bool) -> "Compiled":
        with _ONE_BY_ONE, self._explained_errors():
            hint = {"PERFORMANCE_HINT": "THROUGHPUT" if many else "LATENCY"}
            network = self._core.compile_model(self._model, CPU, self._settings | hint)
            at_once = int(network.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS")) if many else 1
            return Compiled([network.create_infer_request() for _ in range(at_once)], tuple(self.outputs))

    @contextmanager
    def _explained_errors(self) -> Iterator[None]:
        try:
            yield
        except RuntimeError as error:  # OpenVINO's only error, of many lines
            reason = str(error).strip().splitlines()[-1]
            raise CheckpointError(
                f"the network in {self._path} cannot be run ({reason}); expected one that `attnmel export RUN --onnx` "
                "wrote: copy the file again, or export again"
            ) from error


_NETWORKS: "weakref.WeakSet[OnnxNetwork]" = weakref.WeakSet()


def _before_fork() -> None:
    """Wait until no network is being compiled: the forked process would find the engine's own locks taken for ever."""
    global _waited
    _waited = _ONE_BY_ONE.acquire(timeout=LONGEST_COMPILING)


def _forked_parent() -> None:
    if _waited:
        _ONE_BY_ONE.release()


def _forked_child() -> None:
    global _ONE_BY_ONE
    _ONE_BY_ONE = threading.RLock()
    for network in _NETWORKS:
        network.begin_in_fork()


_waited = False
if hasattr(os, "register_at_fork"):  # Windows has no forks
    os.register_at_fork(before=_before_fork, after_in_parent=_forked_parent, after_in_child=_forked_child)


class Compiled:
    """A network ready to run, from any number of threads."""

    _has_run = False
    """Whether any network has finished a forward pass; before that, passes run one by one."""

    def __init__(self, requests: "list[InferRequest]", outputs: tuple[str, ...]) -> None:
        self.at_once = len(requests)
        """Number of images that are computed at the same time; further ones wait."""
        self._outputs = outputs
        self._idle: queue.LifoQueue[InferRequest] = queue.LifoQueue()
        for request in requests:
            self._idle.put(request)

    def run(self, square: UInt8[np.ndarray, "S S 3"]) -> dict[str, np.ndarray]:
        """Return the outputs for one prepared square by name, without the batch axis."""
        if not Compiled._has_run:
            with _ONE_BY_ONE:
                if not Compiled._has_run:
                    outputs = self._run(square)
                    Compiled._has_run = True
                    return outputs
        return self._run(square)

    def _run(self, square: UInt8[np.ndarray, "S S 3"]) -> dict[str, np.ndarray]:
        request = self._idle.get()
        try:
            request.infer({SQUARE: square[None]})
            return {name: request.get_tensor(name).data[0].copy() for name in self._outputs}
        finally:
            self._idle.put(request)


def _read_again(path: Path, precision: "ComputePrecision", threads: int | None) -> OnnxNetwork:
    return OnnxNetwork(path, precision=precision, threads=threads)


def engine_version() -> str:
    """Return the name and version of the engine."""
    return f"OpenVINO {package('openvino').__version__}"


def has_bf16() -> bool:
    """Return whether this CPU multiplies bf16 in hardware, so that bf16 saves time."""
    with _ONE_BY_ONE:
        return "BF16" in package("openvino").Core().get_property(CPU, "OPTIMIZATION_CAPABILITIES")


def _shapes(ports: list[Any]) -> dict[str, tuple[int, ...]]:
    return {
        port.any_name: tuple(size.get_length() if size.is_static else -1 for size in port.partial_shape)
        for port in ports
    }
