"""`--json` of every command: nothing but JSON on standard output, in the shape that docs/reference/json.md states."""

import dataclasses
import json
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.cli.test_help import commands
from tests.copies import start_command
from tests.pipeline.study.small_study import write_folder, write_machine

from attnmel.evaluation.challenge.score import ChallengeReport
from attnmel.evaluation.fusion.card import FusionCard
from attnmel.evaluation.thesis.reproduced import ReproducedTable
from attnmel.files.folders import RunFolder

if TYPE_CHECKING:
    from tests.cli.conftest import Attnmel
    from tests.conftest import Phantoms

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "json.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `([a-z ]+)`([^|]*)\| (an object|objects, one [^|:]*): ([^|]*)\|$", re.MULTILINE)
SHAPES = {(name, case.strip()): (kind, re.findall(r"`([^`]+)`", keys)) for name, case, kind, keys in ROW.findall(PAGE)}
READINGS = Path(__file__).parents[2] / "evaluation" / "readers" / "input.imrmc"


def checked(name: str, out: str, case: str = "") -> Any:  # noqa: ANN401 - whatever JSON holds
    """Parse all that a command printed, and compare its keys with the page."""
    found = json.loads(out)
    kind, keys = SHAPES[name, case]
    assert isinstance(found, dict if kind == "an object" else list), name
    for one in [found] if isinstance(found, dict) else found:
        assert set(keys) == set(one), (name, case)
    return found


def test_every_command_has_json_and_its_shape_is_documented() -> None:
    documented = {name for name, _ in SHAPES}
    for words, command in commands():
        if hasattr(command, "commands"):
            continue
        name = " ".join(words)
        assert name in documented, name
        options = [text for one in command.params for text in one.opts]
        assert "--json" in options or name == "schema", "the schema is JSON in any case"
    assert documented == {" ".join(words) for words, command in commands() if not hasattr(command, "commands")}


def test_values_that_are_whole_records_have_the_keys_of_their_fields() -> None:
    keys = {name: set(SHAPES[name, ""][1]) for name in ("score", "reproduce", "fuse")}
    fields = {kind: {one.name for one in dataclasses.fields(kind)} for kind in (ChallengeReport, ReproducedTable)}
    assert keys["score"] == {"notice"} | fields[ChallengeReport]
    assert keys["reproduce"] == {"notice", "files"} | fields[ReproducedTable]
    assert keys["fuse"] == {"out", "measures", *FusionCard.model_fields}


def test_models_machine_and_schema(attnmel: "Attnmel", tmp_path: Path) -> None:
    checked("models", attnmel("models", "--json").out)
    checked("doctor", attnmel("doctor", "--home", tmp_path, "--json").out)
    checked("schema", attnmel("schema").out)
    assert attnmel("schema", "net").err == (
        "error: unknown kind of recipe 'net'; known: fusion, network, segmenter, system\n"
    )


def test_data_sets(attnmel: "Attnmel", phantoms: "Phantoms", tmp_path: Path) -> None:
    home = ("--home", phantoms.home, "--json")
    checked("fetch", attnmel("fetch", "phantoms", "--mirror", phantoms.mirror, "--home", tmp_path, "--json").out)
    checked("verify", attnmel("verify", "phantoms", *home).out)
    checked("audit", attnmel("audit", "phantoms:test", *home).out)
    checked("statistics", attnmel("statistics", "demo", "--set", "data.size=32", *home).out)


@pytest.mark.slow
def test_runs(attnmel: "Attnmel", trained: RunFolder, phantoms: "Phantoms", tmp_path: Path) -> None:
    run = Path(shutil.copytree(trained.path, tmp_path / "seed-0"))
    checked("evaluate", attnmel("evaluate", run, "--home", phantoms.home, "--json").out)
    found = checked("report", attnmel("report", run, "--home", phantoms.home, "--json").out)
    assert Path(found["report"]).is_file()
    other = shutil.copy(trained.predictions("test"), tmp_path / "other.csv")
    checked("compare", attnmel("compare", run, other, "--measure", "auc", "--json").out)


def test_images(attnmel: "Attnmel", trained: RunFolder, phantoms: "Phantoms", tmp_path: Path) -> None:
    image = next((phantoms.home / "data").rglob("*Test_v2_Data/*.jpg"))
    found = checked("explain", attnmel("explain", trained.path, image, "--out", tmp_path, "--json").out, "of images")
    assert all(Path(one).is_file() for one in found["files"])
    checked("predict", attnmel("predict", trained.path, image, "--json").out)
    out = tmp_path / "table.json"
    found = checked("predict", attnmel("predict", trained.path, image, "--json", "--out", out).out, "with `--out`")
    assert json.loads(out.read_text(encoding="utf-8"))["images"]
    assert found["out"] == str(out)


@pytest.mark.slow
def test_a_split_explained(attnmel: "Attnmel", trained: RunFolder, phantoms: "Phantoms", tmp_path: Path) -> None:
    options = ("--split", "validation", "--method", "attention-pool4", "--home", phantoms.home)
    found = checked("explain", attnmel("explain", trained.path, *options, "--out", tmp_path, "--json").out, "`--split`")
    assert Path(found["grid"]).is_file()
    assert found["summary"]["means"]


@pytest.mark.slow
def test_masks(attnmel: "Attnmel", segmenter: RunFolder, phantoms: "Phantoms", tmp_path: Path) -> None:
    home = ("--home", phantoms.home, "--json")
    found = checked(
        "segment predict", attnmel("segment", "predict", segmenter.path, "phantoms", "--out", tmp_path, *home).out
    )
    assert len(found["masks"]) == 46
    checked("segment score", attnmel("segment", "score", "phantoms", tmp_path, "--resamples", "5", *home).out)


def test_a_model_that_comes_along_is_exported(attnmel: "Attnmel", tmp_path: Path) -> None:
    out = tmp_path / "model.onnx"
    found = checked(
        "export", attnmel("export", "pretrained", "--onnx", "--out", out, "--json").out, "of a pretrained model"
    )
    assert found["path"] == str(out)


def test_commands_of_a_table_for_a_scheduler(attnmel: "Attnmel", tmp_path: Path) -> None:
    ran = attnmel("reproduce", "isic2017", "--rows", "mel-cnn", "--print-commands", "--out", tmp_path, "--json")
    (line,) = checked("reproduce", ran.out, "with `--print-commands`")["commands"]
    assert line.startswith("attnmel ")


def test_studies(attnmel: "Attnmel", tmp_path: Path) -> None:
    folder, machine = write_folder(tmp_path / "images"), write_machine(tmp_path / "net.csv")
    study, counts = tmp_path / "reading", ("--count", "melanoma=4", "--count", "nevus=4", "--reader", "ana")
    new = checked("study new", attnmel("study", "new", study, folder, *counts, "--machine", machine, "--json").out)
    link = checked("study link", attnmel("study", "link", study, "ana", "--json").out)
    assert new["links"].keys() == {"ana"}
    assert new["links"]["ana"] != link["link"]
    checked("study status", attnmel("study", "status", study, "--json").out)
    ran = attnmel("study", "export", study, "--out", tmp_path / "out", "--json")
    assert checked("study export", ran.out)["readings"] is None
    checked("study analyse", attnmel("study", "analyse", READINGS, "--json").out)
    checked("study power", attnmel("study", "power", "--readers", "5", "--cases", "60", "--json").out)


@pytest.mark.slow
def test_a_server_says_its_address_first() -> None:
    process = start_command("serve", "--port", "0", "--json")
    assert process.stdout is not None
    checked("serve", process.stdout.readline())
    process.kill()
    process.communicate()


@pytest.mark.slow
def test_the_demonstration(attnmel: "Attnmel", tmp_path: Path) -> None:
    checked("demo", attnmel("demo", "--out", tmp_path / "demo", "--json").out)
