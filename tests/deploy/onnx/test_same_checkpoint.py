"""A run's exported file is of the checkpoint that the run has now, or is refused."""

import dataclasses
from pathlib import Path

import onnx
import pytest
import torch
from tests.factories import CARD

from attnmel.cli.commands.start.serve import _named
from attnmel.deploy.onnx.export_facts import ExportFacts, append_texts
from attnmel.deploy.onnx.same_checkpoint import require_same_checkpoint
from attnmel.errors import CheckpointError
from attnmel.files.folders import RunFolder
from attnmel.models.weights.checkpoints import save_weights


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """A run with a checkpoint, and an exported file of its card without a network."""
    found = RunFolder(tmp_path)
    save_weights(found.best, {"a": torch.zeros(1)}, CARD)
    one, other = (onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1]) for name in "xy")
    graph = onnx.helper.make_graph([onnx.helper.make_node("Relu", ["x"], ["y"])], "graph", [one], [other])
    onnx.save(onnx.helper.make_model(graph), found.onnx)
    append_texts(found.onnx, CARD, ExportFacts(precision="float32", versions={}, checked_on="no image"))
    found.recipe.touch()
    found.provenance.touch()
    return found


def test_that_of_the_checkpoint_is_taken_also_where_that_is_not_there_or_damaged(run: RunFolder) -> None:
    require_same_checkpoint(run)
    assert [*_named([str(run.path)])[0].values()] == [run.onnx]
    run.best.write_bytes(run.best.read_bytes()[:50])
    require_same_checkpoint(run)
    run.best.unlink()
    require_same_checkpoint(run)


@pytest.mark.parametrize(
    ("change", "told"), [({"epoch": 9}, "epoch 3, now 9"), ({"temperature": 2.0}, "temperature None, now 2.0")]
)
def test_that_of_another_epoch_or_temperature_is_refused_also_by_the_page(
    change: dict[str, float], told: str, run: RunFolder
) -> None:
    save_weights(run.best, {"a": torch.ones(1)}, dataclasses.replace(CARD, **change))
    for refused in (lambda: require_same_checkpoint(run), lambda: _named([str(run.path)])):
        with pytest.raises(CheckpointError, match=rf"exported of another .* \({told}\); export it again: attnmel exp"):
            refused()
