"""`attnmel fuse`: what is printed, written and refused, as a user meets it."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.cli.conftest import Attnmel
from tests.strangers.tables.make_fusion import make_predictions

from attnmel.files.folders import RunFolder
from attnmel.records import Predictions

if TYPE_CHECKING:
    from tests.conftest import Phantoms


def test_members_are_shown_next_to_their_plain_mean_and_the_fusion(
    attnmel: Attnmel, trained: RunFolder, fitted: RunFolder, tmp_path: Path
) -> None:
    out = tmp_path / "fused.csv"
    ran = attnmel("fuse", trained.path, fitted.path, "--by", "weighted", "--out", out)
    assert ran.code == 0, ran.err
    lines = ran.out.splitlines()
    assert lines[0] == "2 members fused by weighted, fitted on 10 validation images; classes rest, melanoma"
    assert lines[1].split() == ["test", "weight", "AUC", "melanoma", "AP", "melanoma"]
    assert [line.split()[0] for line in lines[2:6]] == [str(trained.path), str(fitted.path), "plain", "fused"]
    assert lines[-1] == str(out)
    ran = attnmel("fuse", trained.path, fitted.path, "--out", out)
    assert (ran.code, ran.err) == (
        1,
        f"error: {out} is there already; name a new file ending in .csv, or a new folder, by --out\n",
    )


def test_a_fusion_is_evaluated_and_refused_by_what_needs_a_network(
    attnmel: Attnmel, fused: RunFolder, phantoms: "Phantoms", tmp_path: Path
) -> None:
    ran = attnmel("evaluate", fused.path, "--out", tmp_path / "copy", "--home", phantoms.home)
    assert ran.code == 0, ran.err
    assert "fused by weighted from the stored predictions of 2 members" in ran.out
    for command in (
        ("export", fused.path, "--onnx"),
        ("train", fused.path),
        ("explain", fused.path, "example:ISIC_0012092"),
    ):
        ran = attnmel(*command)
        assert ran.code == 1
        assert (
            "a fusion of predictions, not a network; `predict`, `evaluate`, `compare` and `report` take it" in ran.err
        )


def test_files_are_fused_into_a_file(attnmel: Attnmel, tmp_path: Path) -> None:
    files = make_predictions(tmp_path)
    ran = attnmel("fuse", *files, "--dataset", "isic2017", "--out", tmp_path / "fused.csv", "--json")
    assert ran.code == 0, ran.err
    found = json.loads(ran.out)
    assert found["by"] == "mean"
    assert found["out"] == str(tmp_path / "fused.csv")
    assert len((tmp_path / "fused.csv").read_text().splitlines()) == 7


def test_a_member_that_is_called_like_a_row_of_the_table_has_a_row_of_its_own(
    attnmel: Attnmel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ids = tuple("abcd")
    shares = np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.4, 0.6]])
    for name in ("fused", "plain mean"):
        Predictions(ids, ("rest", "melanoma"), shares, np.array([0, 1, 0, 1]), ids).write(Path(name), None)
    ran = attnmel("fuse", "fused", "plain mean", "--out", "out.csv")
    assert ran.code == 0, ran.err
    names = [line.split("  ")[0] for line in ran.out.splitlines()[2:6]]
    assert names == ["./fused", "./plain mean", "plain mean", "fused"]
