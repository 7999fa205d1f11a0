"""`attnmel.export`, `write_report` and `reproduce`: what the commands write, and what is refused."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.factories import Recorder

import attnmel
from attnmel.api.maps import ExplainedSplit
from attnmel.errors import AttnmelError, ConfigError
from attnmel.files.folders import MapsFolder, RunFolder
from attnmel.pretrained.examples import FOLDER

if TYPE_CHECKING:
    from tests.conftest import Phantoms

EXAMPLE = sorted(FOLDER.glob("*.jpg"))[0]


def test_a_pretrained_model_is_copied(tmp_path: Path) -> None:
    recorder = Recorder()
    found = attnmel.export("pretrained", tmp_path / "model.onnx", progress=recorder)
    (said,) = recorder.notes
    assert said.startswith("for programs that run the file without attnmel: each output is of one square as it is, but")
    assert found.to_dict() == {"path": str(tmp_path / "model.onnx")}
    assert attnmel.Predictor(found.path).card.classes == ("rest", "melanoma")


def test_options_of_the_check_have_no_effect_on_a_copy_which_is_said(tmp_path: Path) -> None:
    recorder = Recorder()
    attnmel.export("pretrained", tmp_path / "model.onnx", split="train", limit=5, progress=recorder)
    assert recorder.notes[0] == "without effect: --split, --limit; the file of attnmel-lite0-isic2017 is copied"


def test_an_exported_file_has_the_ending_that_it_is_known_by(tmp_path: Path) -> None:
    for name in ("model", "model.txt", "model.v1"):
        with pytest.raises(ConfigError, match=rf"does not end in \.onnx, .* call it {name}\.onnx$"):
            attnmel.export("pretrained", tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_run_is_exported_with_the_results_of_its_check(
    trained: RunFolder, phantoms: "Phantoms", tmp_path: Path
) -> None:
    run = attnmel.Run(Path(shutil.copytree(trained.path, tmp_path / "seed-0")), phantoms.home)
    found = attnmel.export(run, home=phantoms.home)
    assert found.path == run.folder.onnx
    assert found.facts is not None
    assert found.to_dict()["parity"]


@pytest.mark.slow
def test_a_report_takes_runs_and_paths(trained: RunFolder, phantoms: "Phantoms", tmp_path: Path) -> None:
    copy = shutil.copytree(trained.path, tmp_path / "seed-0")
    page = attnmel.write_report([attnmel.Run(Path(copy), phantoms.home)], tmp_path / "report.html", home=phantoms.home)
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_answers_show_themselves_in_a_line(trained: RunFolder) -> None:
    assert repr(ExplainedSplit(MapsFolder(Path("maps")), None, ())) == (
        "ExplainedSplit('maps'; see .summary and .to_dict())"
    )
    run = attnmel.Run(trained)
    images = len(run.predictions("test").image_ids)
    assert repr(run.predictions("test")) == f"Predictions({images} images, rest, melanoma; see .to_frame())"
    assert len(repr(run.results["test"])) < 600


def test_an_empty_list_of_rows_trains_none_and_no_list_all(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, ...]] = []
    monkeypatch.setattr("attnmel.api.tables.run_table", lambda options, *_: seen.append(options.rows))
    for rows in (None, [], ["mel-cnn"]):
        attnmel.reproduce("isic2017", rows=rows)
    assert seen == [(), ("none",), ("mel-cnn",)]


def test_what_cannot_be_written_is_refused_in_one_sentence(tmp_path: Path) -> None:
    onnx = tmp_path / "m.onnx"
    onnx.write_bytes(b"")
    for call, sentence in (
        (lambda: attnmel.export(tmp_path / "none"), f"no checkpoint at {tmp_path}/none; expected a run folder"),
        (lambda: attnmel.export(onnx), f"{onnx} is an exported file, which this command cannot look into"),
        (lambda: attnmel.export("pretrained", int8=True), "attnmel-lite0-isic2017 is available in float32 only: "),
        (lambda: attnmel.write_report([tmp_path / "none"]), f"{tmp_path}/none is not a run folder"),
        (lambda: attnmel.reproduce("isic2071"), "unknown table 'isic2071' (did you mean 'isic2017'?)"),
        (lambda: attnmel.reproduce("isic2016", cpus=2), "--cpus is for a Ray cluster; add --engine ray, or leave it"),
        (
            lambda: attnmel.reproduce("isic2016", engine="ray", address="here"),
            "the address of the Ray cluster is 'here'",
        ),
        (lambda: attnmel.push("pretrained", "no name"), "'hf:no name' is no model of a hub; write hf:OWNER/NAME"),
        (lambda: attnmel.pull("hf:tiny"), "'hf:tiny' is no model of a hub; write hf:OWNER/NAME"),
        (lambda: attnmel.datasets.audit("phantoms", embedding=str(tmp_path / "x")), f"no checkpoint at {tmp_path}/x"),
        (lambda: attnmel.datasets.verify("isic2071"), "unknown data set 'isic2071'"),
        (lambda: attnmel.datasets.colour_statistics("isic2071/x"), "unknown recipe 'isic2071/x'"),
    ):
        with pytest.raises(AttnmelError) as error:
            call()
        assert str(error.value).startswith(sentence)
    assert list(tmp_path.iterdir()) == [onnx]


def test_a_file_of_others_is_not_replaced(tmp_path: Path) -> None:
    theirs, folder = tmp_path / "theirs.html", attnmel.datasets.make_folder(tmp_path / "clinic", [EXAMPLE], ["rest"])
    theirs.write_text("of others")
    for call in (
        lambda out: attnmel.export("pretrained", out),
        lambda out: attnmel.write_report(["no run"], out),
        lambda out: attnmel.datasets.verify(folder, html=out),
        lambda out: attnmel.datasets.verify(folder, png=out),
        lambda out: attnmel.datasets.audit(folder, page=out, home=tmp_path),
        lambda out: attnmel.datasets.audit(folder, exclusions=out, home=tmp_path),
    ):
        with pytest.raises(ConfigError, match=r"theirs\.html was not written by attnmel, so it is not replaced"):
            call(theirs)
        with pytest.raises(ConfigError, match=r"clinic is a folder; name the file to write"):
            call(folder)
    for call in (
        lambda out: attnmel.predict("pretrained", EXAMPLE, maps=out),
        lambda out: attnmel.explain("pretrained", [EXAMPLE], out=out),
        lambda out: attnmel.pull("owner/name", out),
        lambda out: attnmel.study.export("no study", out),
        lambda out: attnmel.segment.predict("no model", EXAMPLE, out),
    ):
        with pytest.raises(ConfigError, match=r"theirs\.html is a file; name a folder to write into"):
            call(theirs)
    assert theirs.read_text() == "of others"
