"""`attnmel export` as its users meet it."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from attnmel.deploy.onnx_file import read_onnx_card
from attnmel.folders import RunFolder
from attnmel.pipeline.export import check_images

if TYPE_CHECKING:
    from tests.cli.conftest import Attnmel
    from tests.conftest import Phantoms


@pytest.fixture(autouse=True)
def smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_images, "LARGE", (300, 200))


def test_it_says_what_was_checked_and_where_the_file_is(
    attnmel: "Attnmel", trained: RunFolder, phantoms: "Phantoms", tmp_path: Path
) -> None:
    out = tmp_path / "model.onnx"
    ran = attnmel("export", trained.path, "--onnx", "--out", out, "--home", phantoms.home, "--limit", "4")
    assert ran.code == 0
    assert ran.out.startswith("checked on 4 images of ")
    assert ran.out.endswith(f"\n{out}\n")
    assert read_onnx_card(out)[1].parity[0].images == 4


def test_json_holds_the_facts_of_the_file(attnmel: "Attnmel", trained: RunFolder, tmp_path: Path) -> None:
    out = tmp_path / "model.onnx"
    ran = attnmel("export", trained.path, "--onnx", "--out", out, "--home", tmp_path / "home", "--json")
    told = json.loads(ran.out)
    assert told["path"] == str(out)
    assert told["checked_on"] == "2 large phantoms"
    assert "checked on large phantoms alone" in ran.err


def test_without_a_format_it_asks_for_one(attnmel: "Attnmel", trained: RunFolder) -> None:
    ran = attnmel("export", trained.path)
    assert ran.code == 2
    assert "name a format: --onnx" in ran.err


def test_a_missing_package_is_answered_with_the_line_to_type(
    attnmel: "Attnmel", trained: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    ran = attnmel("export", trained.path, "--onnx")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == (
        "error: an ONNX file needs the package openvino, which is not installed; type: pip install 'attnmel[export]'\n"
    )


def test_a_model_that_is_none_is_told(attnmel: "Attnmel", tmp_path: Path) -> None:
    ran = attnmel("export", tmp_path / "nothing", "--onnx")
    assert ran.code == 1
    assert ran.err == f"error: no checkpoint at {tmp_path / 'nothing'}; expected a run folder or a .safetensors file\n"
