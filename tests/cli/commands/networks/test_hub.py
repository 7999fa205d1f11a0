"""`push`, `pull` and models named hf:OWNER/NAME, against a server that speaks the hub's API."""

import dataclasses
import hashlib
import json
import re
import shutil
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
from tests.cli.test_help import commands
from tests.hub_server import TOKEN, Files, Hub, Repository, card_problems, serving
from tests.other_place import make_other_place
from tests.pipeline.study.small_study import write_folder

from attnmel import Predictor, study
from attnmel.cli.commands.start.serve import _named
from attnmel.config.system import SystemRecipe
from attnmel.data.datasets.own.folder import read_folder
from attnmel.deploy.onnx.export_facts import read_onnx_card, with_card
from attnmel.errors import CheckpointError, ConfigError
from attnmel.evaluation.thesis.tables import RANKING, TEST, TablePlan
from attnmel.features.trunk_network import open_trunk
from attnmel.files.folders import RunFolder
from attnmel.files.hub import repository_name
from attnmel.models.weights.checkpoints import checkpoint_card, set_temperature
from attnmel.models.weights.start_weights import stored_source
from attnmel.pipeline.hub.push import staged
from attnmel.pipeline.run.images.seen_images import Known, write_images
from attnmel.pipeline.run.results.results import add_measures, read_measures
from attnmel.pipeline.study.study_file import StudyFolder, open_frozen

pytest.importorskip("huggingface_hub", reason="needs the extra hub")

from huggingface_hub import ModelCard, constants

# huggingface_hub 2.4 uploads large files in a way that httpx2 2.16 calls outdated.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=<...>':DeprecationWarning")

if TYPE_CHECKING:
    from tests.cli.conftest import Attnmel
    from tests.conftest import Phantoms


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub where the user is logged in, an empty cache, and an empty folder to work in."""
    with serving() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)  # a protocol of its own, which this server lacks
        (tmp_path / "work").mkdir()
        monkeypatch.chdir(tmp_path / "work")
        yield hub


def with_export(run: RunFolder, exported: Path) -> RunFolder:
    """Return the run with its exported file: that of the same network at another temperature, brought to its own."""
    card, _ = read_onnx_card(exported)
    with_card(exported, run.onnx, dataclasses.replace(card, temperature=checkpoint_card(run.path).temperature))
    return run


@pytest.fixture
def run(trained: RunFolder, exported: Path, tmp_path: Path) -> RunFolder:
    return with_export(RunFolder(Path(shutil.copytree(trained.path, tmp_path / "clinic" / "seed-0"))), exported)


@pytest.fixture
def shared(hub: Hub, run: RunFolder, attnmel: "Attnmel") -> str:
    """The run on the hub, as hf:OWNER/NAME@COMMIT."""
    ran = attnmel("push", run.path, "ana/tiny")
    assert ran.code == 0, ran.err
    hub.asked.clear()
    return ran.out.splitlines()[-1]


@pytest.fixture(scope="module")
def files(trained: RunFolder, exported: Path, tmp_path_factory: pytest.TempPathFactory) -> Files:
    """What a push of the run sends, written once."""
    run = with_export(
        RunFolder(Path(shutil.copytree(trained.path, tmp_path_factory.mktemp("run") / "seed-0"))), exported
    )
    with staged(run, repository_name("ana/tiny")) as sent:
        return {one.name: one.read_bytes() for one in sent.folder.iterdir()}


@pytest.fixture
def stored(hub: Hub, files: Files) -> str:
    """The same on the hub, without a push."""
    hub.repositories["ana/tiny"] = Repository()
    return f"hf:ana/tiny@{hub.repositories['ana/tiny'].add(files)}"


def test_a_dry_run_shows_files_and_card_and_sends_nothing(attnmel: "Attnmel", hub: Hub, run: RunFolder) -> None:
    ran = attnmel("push", run.path, "ana/tiny", "--dry-run")
    assert (ran.code, hub.asked) == (0, [])
    assert ran.err == "nothing was sent; without --dry-run these files go to ana/tiny\n"
    listed = [line.split()[0] for line in ran.out.partition("\n\n")[0].splitlines()[1:]]
    assert listed == [
        "README.md", "best.safetensors", "model.onnx", "recipe.toml", "provenance.json", "measures.json", "images.csv"
    ]  # fmt: skip
    assert "model-index:" in ran.out


def test_what_is_sent_is_what_was_named_without_paths_and_token(
    hub: Hub, run: RunFolder, attnmel: "Attnmel", tmp_path: Path
) -> None:
    ran = attnmel("push", run.path, "ana/tiny", "--private", "--json")
    said = json.loads(ran.out)
    (commit, files), *more = hub.repositories["ana/tiny"].commits.items()
    assert not more
    assert said == {
        "repository": "ana/tiny",
        "model": f"hf:ana/tiny@{commit}",
        "files": {name: len(content) for name, content in files.items()},
    }
    assert hub.repositories["ana/tiny"].private
    assert TOKEN not in ran.out + ran.err
    assert not [agent for agent in hub.agents if "torch" in agent]
    for name, content in files.items():
        for secret in (TOKEN.encode(), str(tmp_path).encode(), b"file://", b"made-once"):
            assert secret not in content, name


def test_the_card_passes_the_library_and_has_the_measures_of_the_run(
    hub: Hub, run: RunFolder, shared: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", hub.address)  # that of the import; `validate` takes no other
    text = next(iter(hub.repositories["ana/tiny"].commits.values()))["README.md"].decode()
    card = ModelCard(text)
    card.validate()
    assert hub.asked == ["POST api/validate-yaml"]
    data: Any = card.data
    results: list[Any] = data.eval_results
    rows = json.loads(run.measures.read_text())["test"]["judgement"]["rows"]
    assert [(one.metric_args["task"], one.metric_value, one.metric_args.get("low")) for one in results] == [
        (one["task"], one["value"], one["low"]) for one in rows if one["value"] is not None
    ]
    assert {one.dataset_split for one in results} == {"test"}
    assert (data.license, data.license_name) == ("other", json.loads(run.provenance.read_text())["licence"])
    assert "## Limits" in card.text


def test_a_pulled_run_is_the_one_that_was_pushed(
    attnmel: "Attnmel", hub: Hub, shared: str, run: RunFolder, phantoms: "Phantoms"
) -> None:
    assert attnmel("pull", "ana/tiny").out == "runs/tiny\n"
    image = next((phantoms.home / "data").rglob("*Test*Data/*.jpg"))
    assert attnmel("predict", "runs/tiny", image).out == attnmel("predict", run.path, image).out
    assert attnmel("predict", shared, image).out == attnmel("predict", run.onnx, image).out
    evaluated = attnmel("evaluate", shared, "--home", phantoms.home, "--json")
    assert evaluated.code == 0, evaluated.err
    again = attnmel("evaluate", run.path, "--home", phantoms.home, "--json")
    (ours, theirs) = (json.loads(one.out)["judgement"]["rows"] for one in (again, evaluated))
    assert ours == theirs


def test_another_revision_with_the_same_weights_brings_its_card_and_measures(
    attnmel: "Attnmel", hub: Hub, stored: str, files: Files
) -> None:
    run = RunFolder(Path(attnmel("pull", stored).out.strip()))
    own = dataclasses.replace(read_measures(run)["test"], name="clinic-all", on="/data/clinic")
    add_measures(run, own)
    run.predictions(own.name).parent.mkdir()
    run.predictions(own.name).touch()
    measures = json.loads(files[run.measures.name])
    measures["internal"] = measures.pop("validation") | {"name": "internal"}
    newer = {"README.md": files["README.md"] + b"\n", run.measures.name: json.dumps(measures).encode()}
    hub.repositories["ana/tiny"].add(newer)
    assert attnmel("pull", "ana/tiny").out == f"{run.path}\n"
    assert (run.path / "README.md").read_bytes() == newer["README.md"]
    assert set(read_measures(run)) == {"test", "internal", "clinic-all"}
    before = {path: path.stat().st_mtime_ns for path in run.path.iterdir()}
    assert attnmel("pull", "ana/tiny").code == 0
    assert before == {path: path.stat().st_mtime_ns for path in run.path.iterdir()}


def test_a_commit_is_fetched_once_and_needs_no_network_then(
    attnmel: "Attnmel", hub: Hub, shared: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert attnmel("pull", shared, "--out", "one").code == 0
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert attnmel("pull", shared, "--out", "two").code == 0
    ran = attnmel("pull", "ana/tiny@main", "--out", "three")
    assert (ran.code, ran.err) == (
        1,
        "error: http://127.0.0.1:9 cannot be reached, and hf:ana/tiny@main is not on this disk; check the network (and "
        "HF_ENDPOINT, HF_HUB_OFFLINE). What was fetched before is found by its commit\n",
    )


def test_a_training_pins_commit_and_hash_of_its_start_weights(
    attnmel: "Attnmel", hub: Hub, shared: str, phantoms: "Phantoms", settings: Callable[..., list[str]]
) -> None:
    options = settings("model.weights=hf:ana/tiny")
    ran = attnmel("train", "demo", *options, "--home", phantoms.home)
    assert ran.code == 0, ran.err
    recipe = RunFolder(Path("runs/demo/seed-0")).recipe
    pinned = tomllib.loads(recipe.read_text())["model"]["weights"]
    assert pinned.startswith(f"{shared}#")
    assert f"start: weights of {pinned} (demo, epoch" in ran.err
    other = f"{pinned[:-64]}{'0' * 64}"
    ran = attnmel("train", "demo", *settings(f"model.weights={other}"), "--home", phantoms.home, "--out", "other")
    assert ran.err.splitlines(keepends=True)[-1] == (
        f"error: the weights of {shared} have SHA-256 {pinned[-64:][:12]}..., expected 000000000000...; name the "
        "revision that was used before, or take the new weights by leaving out '#' and what follows\n"
    )


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        ("hf:tiny", "'hf:tiny' is no model of a hub; write hf:OWNER/NAME or hf:OWNER/NAME@REVISION"),
        ("hf:ana/tiny@v2", "hf:ana/tiny@v2: no such branch, tag or commit in ana/tiny"),
        ("hf:ana/no", "no repository ana/no at ADDRESS, or it is private and you are not logged in with an account "
         "that may see it; check the name, or log in by `hf auth login`"),
        ("hf:ana/asked", "ana/asked is given on request only: ask for it at ADDRESS/ana/asked, then log in by `hf auth "
         "login`"),
        ("hf:ana/other", "hf:ana/other is no model of attnmel: it has no best.safetensors; expected a repository that "
         "`attnmel push` has filled"),
    ],
)  # fmt: skip
def test_each_bad_name_gets_one_sentence(
    attnmel: "Attnmel", hub: Hub, shared: str, model: str, sentence: str, phantoms: "Phantoms"
) -> None:
    hub.repositories["ana/asked"] = Repository(gated=True, commits={"a" * 40: {}})
    hub.repositories["ana/other"] = Repository(commits={"b" * 40: {"pytorch_model.bin": b"\x80\x02"}})
    image = next((phantoms.home / "data").rglob("*Test*Data/*.jpg"))
    ran = attnmel("predict", model, image)
    assert (ran.code, ran.err) == (1, f"error: {sentence.replace('ADDRESS', hub.address)}\n")
    assert not [one for one in hub.asked if "pytorch_model" in one], "no pickle is fetched"


def test_a_private_repository_needs_the_token(
    attnmel: "Attnmel", hub: Hub, shared: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.repositories["ana/tiny"].private = True
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", "nowhere")
    assert attnmel("pull", "ana/tiny").err.startswith(
        f"error: no repository ana/tiny at {hub.address}, or it is private"
    )
    ran = attnmel("push", "pretrained", "ana/tiny")
    assert ran.err.splitlines()[-1] == (
        f"error: {hub.address} refuses ana/tiny (401): log in by `hf auth login` with a token that may write"
    )


def test_bytes_that_are_not_those_of_the_list_are_removed(attnmel: "Attnmel", hub: Hub, shared: str) -> None:
    hub.spoil = "best.safetensors"
    ran = attnmel("pull", "ana/tiny")
    assert "best.safetensors of ana/tiny came with SHA-256 " in ran.err
    assert ran.err.endswith("it was removed: run the command again\n")
    hub.spoil = ""
    assert attnmel("pull", "ana/tiny").out == "runs/tiny\n"


def test_what_shall_be_private_is_not_sent_to_a_public_repository(
    attnmel: "Attnmel", hub: Hub, stored: str, run: RunFolder
) -> None:
    before = dict(hub.repositories["ana/tiny"].commits)
    ran = attnmel("push", run.path, "ana/tiny", "--private")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.splitlines()[-1] == (
        f"error: ana/tiny is public at {hub.address} already, so that nothing was sent; make it private there, name a "
        "new one, or leave out --private"
    )
    assert hub.repositories["ana/tiny"].commits == before
    hub.repositories["ana/tiny"].private = True
    assert attnmel("push", run.path, "ana/tiny", "--private").code == 0
    assert len(hub.repositories["ana/tiny"].commits) == 2


def test_a_file_that_does_not_arrive_leaves_the_repository_as_it_was(
    attnmel: "Attnmel", hub: Hub, run: RunFolder
) -> None:
    hub.full = True
    ran = attnmel("push", run.path, "ana/tiny")
    assert ran.code == 1
    assert ran.err.splitlines()[-1].endswith("to the Hub. ana/tiny is as it was before; push again")
    assert hub.repositories["ana/tiny"].commits == {}


def test_a_run_without_measures_has_no_card(attnmel: "Attnmel", hub: Hub, run: RunFolder) -> None:
    run.measures.unlink()
    ran = attnmel("push", run.path, "ana/tiny", "--dry-run")
    assert ran.err == f"error: {run.path} has no measures for its card; type: attnmel evaluate {run.path}\n"


def test_no_name_of_a_file_or_patient_is_sent_with_results_on_own_data(run: RunFolder, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "own")
    table = folder / "labels.csv"
    header, *rows = table.read_text().splitlines()
    (folder / "schmidt-1957.png").write_bytes((folder / rows[0].split(",")[0]).read_bytes())
    table.write_text("\n".join([f"{header},group", *(f"{row},Anna Schmidt" for row in rows), ""]))
    sentences = read_folder(folder).sentences
    assert all(any(name in one for one in sentences) for name in ("schmidt-1957", "Anna Schmidt"))
    known = read_measures(run)["test"]
    judgement = dataclasses.replace(known.judgement, notes=(*known.judgement.notes, *sentences))
    add_measures(run, dataclasses.replace(known, name="clinic-all", on=str(folder), judgement=judgement))
    with staged(run, repository_name("ana/tiny")) as sent:
        texts = {one.name: one.read_bytes().lower() for one in sent.folder.iterdir()}
        assert "notes on the table of one's own data, which may name files and patients, are left out" in sent.notes[0]
    assert not [name for name, text in texts.items() if b"schmidt" in text]
    assert all(note.encode().lower() in texts["README.md"] for note in known.judgement.notes)


def test_training_images_of_a_folder_are_not_sent_whatever_its_name(run: RunFolder, tmp_path: Path) -> None:
    text = run.recipe.read_text()
    run.recipe.write_text(text.replace('dataset = "phantoms"', f'dataset = "{(tmp_path / "phantoms").as_posix()}"'))
    with staged(run, repository_name("ana/tiny")) as sent:
        assert not (sent.folder / run.images.name).exists()
        assert 'dataset = "phantoms-folder"' in (sent.folder / run.recipe.name).read_text()


def test_images_of_a_recalibration_are_not_sent_and_that_is_said(run: RunFolder) -> None:
    write_images(run.recalibration, [Known("C001", "train", "schmidt", "0" * 64)], "CC-0")
    with staged(run, repository_name("ana/tiny")) as sent:
        note = "recalibration/images.csv, the images of the recalibration, is not sent: they are not refused there"
        assert note in sent.notes
        assert not any(b"schmidt" in one.read_bytes() for one in sent.folder.iterdir())


def test_what_chose_the_thresholds_is_not_in_the_index_whatever_its_split(run: RunFolder) -> None:
    results = read_measures(run)
    add_measures(run, dataclasses.replace(results["validation"], dataset="clinic", on="/data/clinic", split="all"))
    other = dataclasses.replace(results["test"], name="other-validation", dataset="other", on="/o", split="validation")
    add_measures(run, other)
    with staged(run, repository_name("ana/tiny")) as sent:
        data: Any = ModelCard((sent.folder / "README.md").read_text()).data
    assert {one.dataset_name for one in data.eval_results} == {"phantoms", "other"}


def test_results_of_another_epoch_are_not_those_of_the_model(run: RunFolder) -> None:
    results = read_measures(run)
    add_measures(run, dataclasses.replace(results["test"], epoch=1))
    with staged(run, repository_name("ana/tiny")) as sent:
        assert sent.notes[0] == "the results of test are of epoch 1, not of the checkpoint's, and are left out"
        assert "phantoms, test" not in (sent.folder / "README.md").read_text()
    add_measures(run, dataclasses.replace(results["validation"], epoch=1))
    with pytest.raises(ConfigError, match="has no measures of its checkpoint's epoch for its card; type: attnmel eval"):
        staged(run, repository_name("ana/tiny")).__enter__()


def test_an_exported_file_of_another_checkpoint_is_refused(run: RunFolder) -> None:
    set_temperature(run.best, 3.5)
    with pytest.raises(CheckpointError, match=r"onnx was exported of another .* \(temperature .*, now 3.5\); exp"):
        staged(run, repository_name("ana/tiny")).__enter__()


def without_file(hub: Hub) -> str:
    """Add a model without an exported file to the hub."""
    files = dict(next(iter(hub.repositories["ana/tiny"].commits.values())))
    del files["model.onnx"]
    hub.repositories["ana/plain"] = Repository()
    return f"hf:ana/plain@{hub.repositories['ana/plain'].add(files)}"


def test_a_predictor_and_the_page_take_a_model_of_the_hub(
    hub: Hub, shared: str, run: RunFolder, phantoms: "Phantoms"
) -> None:
    image = next((phantoms.home / "data").rglob("*Test*Data/*.jpg"))
    assert Predictor(shared).predict(image).probabilities == Predictor(run.onnx).predict(image).probabilities
    ((name, file),) = _named([shared])[0].items()
    assert (name, file.name, file.parent.name) == (shared, "model.onnx", shared.partition("@")[2])
    plain = without_file(hub)
    with pytest.raises(CheckpointError) as error:
        Predictor(plain)
    assert str(error.value) == f"{plain} is no exported file; write one first: attnmel export {plain} --onnx"


def test_a_study_freezes_commit_and_hash_of_its_machine(hub: Hub, shared: str, tmp_path: Path) -> None:
    images = write_folder(tmp_path / "images")
    frozen = study.new(
        "reading", images, {"melanoma": 2, "nevus": 2}, ["ana"], machines={"net": "hf:ana/tiny"}, repeats=1
    )
    (machine,) = open_frozen(StudyFolder(frozen.file.parent))[0].machines
    weights = next(iter(hub.repositories["ana/tiny"].commits.values()))["best.safetensors"]
    assert machine.source == f"{shared}#{hashlib.sha256(weights).hexdigest()}"
    assert all(0 < one < 1 for one in machine.probabilities.values())


def test_a_fusion_and_a_comparison_take_the_results_of_a_copy(
    attnmel: "Attnmel", shared: str, fitted: RunFolder, phantoms: "Phantoms"
) -> None:
    home = ("--home", phantoms.home)
    ran = attnmel("fuse", shared, fitted.path, "--out", "fused.csv", *home)
    assert ran.err == ("error: runs/tiny has no test predictions; evaluate it first: `attnmel evaluate runs/tiny`\n")
    assert attnmel("evaluate", shared, *home).code == 0
    ran = attnmel("fuse", shared, fitted.path, "--by", "mean", "--out", "fused.csv", *home, "--json")
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["members"][0]["path"] == str(Path("runs/tiny").resolve())
    ran = attnmel("compare", shared, fitted.path, "--measure", "auc", "--json")
    assert ran.code == 0, ran.err


WITH_A_MODEL = {
    "predict": "MODEL IMAGE",
    "evaluate": "MODEL HOME",
    "explain": "MODEL IMAGE --out maps",
    "explain --split test": "MODEL --limit 2 --method attention-pool4 --out maps HOME",
    "export": "MODEL --onnx --limit 2 HOME",
    "push": "MODEL ana/again --dry-run",
    "audit": "phantoms:test --embedding MODEL HOME",
    "report": "MODEL --out report.html HOME",
    "compare": "MODEL team.csv",
    "fuse": "MODEL team.csv --by mean --out fused.csv HOME",
    "reproduce": "tiny --rows none --row theirs=MODEL --out table HOME",
    "train": "demo --set model.weights=MODEL HOME",
    "study new": "study phantoms --split test --machine net=MODEL --count melanoma=1 --count nevus=1 --reader ana "
    "--repeats 0 --training 0 HOME",
}
"""Every command that takes a model. `serve`, `recalibrate` and `Predictor` have tests of their own below."""

NEEDS_RESULTS = ("report", "compare", "fuse", "reproduce")
LONG = ("evaluate", "explain --split test", "export", "train")


@pytest.mark.usefixtures("small_photograph")
@pytest.mark.parametrize(
    "command", [pytest.param(one, marks=pytest.mark.slow) if one in LONG else one for one in WITH_A_MODEL]
)
def test_every_command_that_takes_a_model_takes_one_of_the_hub(
    attnmel: "Attnmel",
    stored: str,
    command: str,
    trained: RunFolder,
    phantoms: "Phantoms",
    settings: Callable[..., list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tiny = TablePlan("tiny", "Tiny", ("demo",), RANKING, TEST)
    monkeypatch.setattr("attnmel.evaluation.thesis.tables.TABLES", {"tiny": tiny})
    monkeypatch.setenv("ATTNMEL_HOME", str(phantoms.home))
    shutil.copyfile(trained.predictions("test"), "team.csv")
    if command in NEEDS_RESULTS:
        pulled = RunFolder(Path(attnmel("pull", stored).out.strip()))
        pulled.predictions("test").parent.mkdir()
        shutil.copyfile(trained.predictions("test"), pulled.predictions("test"))
    image = next((phantoms.home / "data").rglob("*Test*Data/*.jpg"))
    words = f"{command} {WITH_A_MODEL[command]}".replace("MODEL", stored).replace("IMAGE", str(image))
    ran = attnmel(
        *words.replace("HOME", f"--home {phantoms.home}").split(), *(settings() if command == "train" else ())
    )
    assert ran.code == 0, ran.err


def test_no_command_that_takes_a_model_is_missing() -> None:
    """A model of a hub is named in the help of exactly these commands."""
    found = {
        " ".join(words)
        for words, command in commands()
        for one in getattr(command, "params", ())
        if re.search(r"hf:OWNER|model by its name", getattr(one, "help", None) or "")
    }
    assert found == {one.partition(" --")[0] for one in WITH_A_MODEL} - {"train"} | {"serve", "recalibrate"}


@pytest.mark.usefixtures("hub")
def test_a_model_of_the_hub_is_recalibrated(attnmel: "Attnmel", trained: RunFolder, tmp_path: Path) -> None:
    place = make_other_place(trained, tmp_path)
    assert attnmel("push", place.run.path, "ana/spread").code == 0
    ran = attnmel("recalibrate", "hf:ana/spread", "--on", place.clinic, "--out", "copy", "--home", tmp_path / "home")
    assert ran.code == 0, ran.err
    assert json.loads(Path("copy/best.json").read_text())["recalibrated_on"] == "images of clinic"


def test_a_fitted_system_pins_the_network_of_the_hub_that_it_takes_features_of(
    hub: Hub, shared: str, tiny_system: SystemRecipe
) -> None:
    taps: Any = tiny_system.features["deep"].model_copy(update={"weights": "hf:ana/tiny"})
    settled = stored_source("hf:ana/tiny")
    assert settled.startswith(f"{shared}#")
    assert open_trunk(taps, home=Path("home"), device=torch.device("cpu")).facts.classes == 2


def test_the_model_that_comes_along_goes_to_the_hub_and_back(attnmel: "Attnmel", hub: Hub, tmp_path: Path) -> None:
    """The shipped network itself, with its card checked as the hub checks it and by the library."""
    ran = attnmel("push", "pretrained", "ana/shipped")
    assert ran.code == 0, ran.err
    sent = ran.out.splitlines()[-1]
    readme = hub.repositories["ana/shipped"].commits[sent.partition("@")[2]]["README.md"].decode()
    assert not list(card_problems(readme))
    chosen = "Temperature and thresholds were chosen for the mean over 8 transforms (dihedral) of each image."
    assert chosen in readme.splitlines()
    data: Any = ModelCard(readme).data
    results = data.eval_results
    assert {one.dataset_name for one in results} == {"isic2017"}
    assert all({"low", "high"} <= one.metric_args.keys() for one in results if one.metric_type == "roc_auc")
    assert attnmel("pull", sent, "--out", "back").code == 0
    theirs, ours = (json.loads(attnmel("predict", one, "example:ISIC_0012395", "--json").out) for one in ("back", sent))
    assert ours["images"][0]["probabilities"].keys() == {"rest", "melanoma"}
    for name, value in ours["images"][0]["probabilities"].items():
        assert value == pytest.approx(theirs["images"][0]["probabilities"][name], abs=2e-3)
