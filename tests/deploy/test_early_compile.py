"""A network that is compiled ahead is the one that is used, once, and what goes wrong ahead is reported in its turn."""

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from attnmel.deploy import early_compile
from attnmel.deploy.openvino import OnnxNetwork
from attnmel.deploy.predictor import Predictor
from attnmel.errors import CheckpointError, ConfigError


def test_what_was_begun_is_used_once_and_answers_as_one_opened_in_turn(
    exported: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Path] = []

    class Counted(OnnxNetwork):
        def __init__(self, path: Path, *, precision: str, threads: int | None) -> None:
            opened.append(path)
            super().__init__(path, precision="float32", threads=threads)

    monkeypatch.setattr(early_compile, "OnnxNetwork", Counted)
    early_compile.compile_ahead(exported)
    early_compile.compile_ahead(exported)
    begun, fresh = (early_compile.opened_network(exported, precision="float32", threads=None) for _ in range(2))
    assert len(opened) == 2
    assert begun is not fresh
    side = begun.inputs["square"][1]
    square = np.arange(side * side * 3, dtype=np.uint32).astype(np.uint8).reshape(side, side, 3)
    one, other = (network.compiled(many=False).run(square) for network in (begun, fresh))
    assert all(np.array_equal(one[name], other[name]) for name in one)


def test_damage_is_not_reported_ahead_but_in_turn(exported: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "model.onnx"
    damaged.write_bytes(exported.read_bytes()[:1000])
    early_compile.compile_ahead(damaged)
    early_compile.compile_ahead(tmp_path / "missing.onnx")
    with pytest.raises(CheckpointError, match="cannot be run"):
        early_compile.opened_network(damaged, precision="float32", threads=None)
    with pytest.raises(CheckpointError, match="cannot be run"):
        early_compile.opened_network(tmp_path / "missing.onnx", precision="float32", threads=None)


def test_a_file_that_was_replaced_since_is_opened_anew(
    exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[bytes] = []

    class Read(OnnxNetwork):
        def __init__(self, path: Path, *, precision: str, threads: int | None) -> None:
            opened.append(path.read_bytes()[-8:])
            super().__init__(path, precision="float32", threads=threads)

    monkeypatch.setattr(early_compile, "OnnxNetwork", Read)
    path, other = tmp_path / "model.onnx", tmp_path / "other.onnx"
    shutil.copy(exported, path)
    with pytest.raises(ConfigError, match="dihedrall"):
        Predictor(path, transforms="dihedrall")  # the network is begun, and not used
    for thread in threading.enumerate():
        if thread.name == "attnmel compiling ahead":
            thread.join()
    other.write_bytes(path.read_bytes()[:-1] + b" ")  # the last letter of a text, so that the same network is in it
    other.replace(path)
    early_compile.opened_network(path, precision="float32", threads=None)
    assert opened == [exported.read_bytes()[-8:], exported.read_bytes()[-8:-1] + b" "]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_who_opens_a_network_does_not_wait_for_ever_if_what_was_begun_fails_in_an_unknown_way(
    exported: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(path: Path, expected: str | None) -> None:
        raise RecursionError

    monkeypatch.setattr(early_compile, "check_content", fails)
    early_compile.compile_ahead(exported)
    with ThreadPoolExecutor(1) as pool:
        waited = pool.submit(early_compile.opened_network, exported, precision="float32", threads=None)
        assert "square" in waited.result(timeout=20).inputs
