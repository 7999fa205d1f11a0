"""`attnmel compare` as a user meets it."""

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from attnmel.folders import RunFolder
from attnmel.records import Predictions

if TYPE_CHECKING:
    from tests.cli.conftest import Attnmel


@pytest.fixture
def other(trained: RunFolder, tmp_path: Path) -> RunFolder:
    run = RunFolder(Path(shutil.copytree(trained.path, tmp_path / "seed-1")))
    run.recipe.write_text(run.recipe.read_text().replace('name = "demo"', 'name = "plain"'))
    held = Predictions.read(run.predictions("test"))
    turned = Predictions(held.image_ids, held.classes, held.probabilities[:, ::-1].copy(), held.labels, held.groups)
    turned.write(run.predictions("test"), "synthetic")
    return run


def test_tables_and_a_sentence_a_row_are_printed(attnmel: "Attnmel", trained: RunFolder, other: RunFolder) -> None:
    ran = attnmel("compare", trained.path, other.path)
    assert ran.code == 0, ran.err
    assert "test: 12 images (5 melanoma), at threshold 0.5" in ran.out
    assert "First: demo. Second: plain." in ran.out
    assert ran.out.count("plain against demo, melanoma: ") == 5
    assert "note: p" not in ran.out
    assert "p is corrected by Holm over 5 rows" in ran.out


def test_programs_get_json_with_the_same_sentences(attnmel: "Attnmel", trained: RunFolder, other: RunFolder) -> None:
    ran = attnmel("compare", trained.path, other.path, "--json", "--measure", "auc", "--operating-point", "0.8")
    found = json.loads(ran.out)
    rows = found["comparison"]["differences"]
    assert [row["measure"] for row in rows] == ["auc"]
    assert found["operating_point"] == 0.8
    held = Predictions.read(trained.predictions("test"))
    assert np.isclose(rows[0]["first_value"] + rows[0]["second_value"], 1), "turned scores turn the AUC"
    assert len(found["sentences"]) == 1
    assert found["comparison"]["images"] == len(held.image_ids)


def test_what_cannot_be_compared_ends_in_one_sentence(attnmel: "Attnmel", trained: RunFolder, tmp_path: Path) -> None:
    for arguments, message in [
        ((trained.path,), "a comparison needs two runs or more; name another run, or a folder of several seeds"),
        ((trained.path, trained.path), "is named twice; name each run once"),
        ((trained.path, tmp_path), "expected a run folder, a folder of seed-* runs, or a predictions file"),
    ]:
        ran = attnmel("compare", *arguments)
        assert (ran.code, ran.out) == (1, "")
        assert ran.err.startswith("error: ")
        assert message in ran.err
        assert ran.err.count("\n") == 1
