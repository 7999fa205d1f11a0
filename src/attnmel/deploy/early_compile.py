"""Compile the network of the first prediction while the program still loads its modules. No torch, no pydantic.

OpenVINO reads and compiles outside Python's global lock, so that another core does it meanwhile. What goes wrong ahead
is not reported here: the network is then opened in turn, after its card was checked, and that reports it.
"""

import threading
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING

from attnmel.deploy.onnx.content import check_content
from attnmel.deploy.onnx.texts import CONTENT, read_texts
from attnmel.deploy.openvino import OnnxNetwork, load_engine
from attnmel.errors import AttnmelError

if TYPE_CHECKING:
    from attnmel.config.fields import ComputePrecision

_begun: "dict[tuple[Path, ComputePrecision, int | None], Future[OnnxNetwork | None]]" = {}
_lock = threading.Lock()


def compile_ahead(
    path: Path, precision: "ComputePrecision" = "float32", threads: int | None = None, *, many: bool = False
) -> None:
    """Start to read and compile the network of an ONNX file, in a thread that Python's end waits for.

    `threads` and `many` as of `OnnxNetwork`. What was begun already goes on, whatever `many` it was begun for.
    """
    if not path.is_file():
        return
    key = path, precision, threads
    try:
        load_engine()
    except AttnmelError:
        return
    with _lock:
        if key in _begun:
            return
        _begun[key] = future = Future()
    threading.Thread(target=_compile, args=(future, *key, many), name="attnmel compiling ahead").start()


def opened_network(path: Path, *, precision: "ComputePrecision", threads: int | None) -> OnnxNetwork:
    """Return the network that was begun ahead, once, or else open it.

    Raises:
        CheckpointError: the engine cannot read it.
        ConfigError: the precision is not available on this processor, or openvino is not installed.
    """
    with _lock:
        begun = _begun.pop((path, precision, threads), None)
    ahead = None if begun is None else begun.result()
    return ahead or OnnxNetwork(path, precision=precision, threads=threads)


def _compile(
    future: "Future[OnnxNetwork | None]", path: Path, precision: "ComputePrecision", threads: int | None, many: bool
) -> None:
    try:
        # The engine prints lines of its own about a damaged file, and reads the files that weights may name.
        check_content(path, read_texts(path).get(CONTENT))
        network = OnnxNetwork(path, precision=precision, threads=threads)
    except (AttnmelError, OSError):
        future.set_result(None)
        return
    future.set_result(network)
    try:
        network.compiled(many=many)
    except AttnmelError:
        return  # the first prediction compiles it again, and says why it cannot
