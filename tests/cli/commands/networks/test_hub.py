"""`push`, `pull` and models named hf:OWNER/NAME, against a server that speaks the hub's API."""

import json
import shutil
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.hub_server import TOKEN, Hub, Repository, serving

from attnmel.files.folders import RunFolder

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


@pytest.fixture
def run(trained: RunFolder, exported: Path, tmp_path: Path) -> RunFolder:
    run = RunFolder(Path(shutil.copytree(trained.path, tmp_path / "clinic" / "seed-0")))
    shutil.copyfile(exported, run.onnx)
    return run


@pytest.fixture
def shared(hub: Hub, run: RunFolder, attnmel: "Attnmel") -> str:
    """The run on the hub, as hf:OWNER/NAME@COMMIT."""
    ran = attnmel("push", run.path, "ana/tiny")
    assert ran.code == 0, ran.err
    hub.asked.clear()
    return ran.out.splitlines()[-1]


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
