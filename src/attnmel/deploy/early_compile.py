"""Compile the network of the first prediction while the program still loads its modules. No torch, no pydantic.

OpenVINO reads and compiles outside Python's global lock, so that another core does it meanwhile. What goes wrong ahead
is not reported here: the network is then opened in turn, after its card was checked, and that reports it.
"""

import os
import threading
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from attnmel.deploy.onnx.content import check_content
from attnmel.deploy.onnx.texts import CONTENT, read_texts
from attnmel.deploy.openvino import OnnxNetwork, load_engine
from attnmel.errors import AttnmelError

if TYPE_CHECKING:
    from attnmel.config.fields import ComputePrecision


class Begun(NamedTuple):
    """What a network is begun for; `inode`, `changed` and `size` tell a file from another one that took its name."""

    path: Path
    inode: int
    changed: int
    size: int
    precision: "ComputePrecision"
    threads: int | None

    @staticmethod
    def of(path: Path, precision: "ComputePrecision", threads: int | None) -> "Begun":
        """Look at the file of that name.

        Raises:
            OSError: there is none.
        """
        found = path.stat()
        return Begun(path, found.st_ino, found.st_mtime_ns, found.st_size, precision, threads)


_begun: "dict[Begun, Future[OnnxNetwork | None]]" = {}
_lock = threading.Lock()


def _forked_child() -> None:
    """Forget what the parent has begun: its threads, which would finish it, are not in a forked process."""
    global _lock
    _lock = threading.Lock()
    _begun.clear()


if hasattr(os, "register_at_fork"):  # Windows has no forks
    os.register_at_fork(after_in_child=_forked_child)


def compile_ahead(
    path: Path, precision: "ComputePrecision" = "float32", threads: int | None = None, *, many: bool = False
) -> None:
    """Start to read and compile the network of an ONNX file, in a thread that Python's end waits for.

    `threads` and `many` as of `OnnxNetwork`. What was begun already goes on, whatever `many` it was begun for.
    """
    if not path.is_file():
        return
    try:
        key = Begun.of(path, precision, threads)
        load_engine()
    except (AttnmelError, OSError):
        return
    with _lock:
        if key in _begun:
            return
        for former in [one for one in _begun if one.path == path and one.inode != key.inode]:
            del _begun[former]
        _begun[key] = future = Future()
    threading.Thread(target=_compile, args=(future, key, many), name="attnmel compiling ahead").start()


def opened_network(path: Path, *, precision: "ComputePrecision", threads: int | None) -> OnnxNetwork:
    """Return the network that was begun ahead, once, or else open it; also where the file has changed since.

    Raises:
        CheckpointError: the engine cannot read it.
        ConfigError: the precision is not available on this processor, or openvino is not installed.
    """
    begun = None
    with _lock, suppress(OSError):
        begun = _begun.pop(Begun.of(path, precision, threads), None)
    ahead = None if begun is None else begun.result()
    return ahead or OnnxNetwork(path, precision=precision, threads=threads)


def _compile(future: "Future[OnnxNetwork | None]", key: Begun, many: bool) -> None:
    network = None
    try:
        # The engine prints lines of its own about a damaged file, and reads the files that weights may name.
        check_content(key.path, read_texts(key.path).get(CONTENT))
        network = OnnxNetwork(key.path, precision=key.precision, threads=key.threads)
    except (AttnmelError, OSError):
        pass
    finally:
        future.set_result(network)  # whatever went wrong: who opens the network waits for it
    if network is None:
        return
    try:
        network.compiled(many=many)
    except AttnmelError:
        return  # the first prediction compiles it again, and says why it cannot
