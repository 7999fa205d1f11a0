"""A network that is compiled ahead is the one that is used, once, and what goes wrong ahead is reported in its turn."""

from pathlib import Path

import numpy as np
import pytest

from attnmel.deploy import early_compile
from attnmel.deploy.openvino import OnnxNetwork
from attnmel.errors import CheckpointError


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
