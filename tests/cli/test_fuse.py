"""`attnmel fuse`: what is printed, written and refused, as a user meets it."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from tests.cli.conftest import Attnmel
from tests.strangers.make_fusion import make_predictions

from attnmel.folders import RunFolder

if TYPE_CHECKING:
    from tests.conftest import Phantoms


def test_runs_are_fused_into_a_run_of_which_networks_commands_say_that_it_is_none(
    attnmel: Attnmel, trained: RunFolder, fitted: RunFolder, phantoms: "Phantoms", tmp_path: Path
) -> None:
    out, home = tmp_path / "fused", ("--home", phantoms.home)
    ran = attnmel("fuse", trained.path, fitted.path, "--by", "weighted", "--out", out, *home)
    assert ran.code == 0, ran.err
    lines = ran.out.splitlines()
    assert lines[0] == "2 members fused by weighted, fitted on 10 validation images; classes rest, melanoma"
    assert lines[1].split() == ["test", "weight", "AUC", "melanoma", "AP", "melanoma"]
    assert [line.split()[0] for line in lines[2:6]] == [str(trained.path), str(fitted.path), "plain", "fused"]
    assert lines[-1] == str(out)
    ran = attnmel("evaluate", out, *home)
    assert ran.code == 0, ran.err
    assert "fused by weighted from the stored predictions of 2 members" in ran.out
    for command in (("export", out, "--onnx"), ("train", out), ("explain", out, "example:ISIC_0012092")):
        ran = attnmel(*command)
        assert ran.code == 1
        assert (
            "a fusion of predictions, not a network; `predict`, `evaluate`, `compare` and `report` take it" in ran.err
        )
    ran = attnmel("fuse", trained.path, fitted.path, "--out", out, *home)
    assert (ran.code, ran.err) == (
        1,
        f"error: {out} is there already; name a new file ending in .csv, or a new folder, by --out\n",
    )


def test_files_are_fused_into_a_file(attnmel: Attnmel, tmp_path: Path) -> None:
    files = make_predictions(tmp_path)
    ran = attnmel("fuse", *files, "--dataset", "isic2017", "--out", tmp_path / "fused.csv", "--json")
    assert ran.code == 0, ran.err
    found = json.loads(ran.out)
    assert found["by"] == "mean"
    assert found["out"] == str(tmp_path / "fused.csv")
    assert len((tmp_path / "fused.csv").read_text().splitlines()) == 7
