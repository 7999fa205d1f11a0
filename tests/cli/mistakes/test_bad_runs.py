"""A wrong checkpoint or run folder, and unusual files among the images, give one clear sentence."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
from safetensors.torch import load_file, save_file

from attnmel.files.folders import RunFolder
from attnmel.models.weights.card import CARD, CONTENT
from attnmel.models.weights.safetensors_io import load_state

if TYPE_CHECKING:
    from tests.cli.conftest import Attnmel
    from tests.conftest import Phantoms

Settings = Callable[..., list[str]]


@pytest.fixture
def spoilt(trained: RunFolder, tmp_path: Path) -> RunFolder:
    return RunFolder(Path(shutil.copytree(trained.path, tmp_path / "spoilt")))


def test_a_checkpoint_that_is_not_the_run_s_is_refused_everywhere(
    attnmel: "Attnmel", spoilt: RunFolder, phantoms: "Phantoms", tmp_path: Path, settings: Settings
) -> None:
    image = next((phantoms.home / "data").rglob("*Test*Data/*.jpg"))
    tensors, (_, metadata) = load_file(spoilt.best), load_state(spoilt.best)
    card = json.loads(metadata[CARD])
    del card[CONTENT]  # else the hash of the weights refuses them first
    metadata[CARD] = json.dumps(card)
    head = tensors["head.weight"]

    def answers() -> list[str]:
        start = settings(f"model.weights={spoilt.best}")
        commands = (
            ("predict", spoilt.best, image),
            ("evaluate", spoilt.path, "--home", phantoms.home),
            ("train", "demo", *start, "--home", phantoms.home, "--out", tmp_path / "runs"),
        )
        ran = [attnmel(*command) for command in commands]
        assert [one.code for one in ran] == [1, 1, 1]
        return [one.err for one in ran]

    save_file({**tensors, "head.weight": torch.full_like(head, torch.nan)}, spoilt.best, metadata=metadata)
    assert all("1 of 101 tensors hold values that are not finite" in err for err in answers())
    save_file({**tensors, "head.weight": head.repeat(2, 1)}, spoilt.best, metadata=metadata)
    assert all("tensor 'head.weight' is 4x65, expected 2x65" in err for err in answers())
    torch.save(tensors, spoilt.best)
    assert all("is a pickle (as torch.save writes), which could run code" in err for err in answers())
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("key", "old", "new", "message"),
    [
        ("classes", '"rest"', '"benign"', "classes benign, melanoma, not rest, melanoma"),
        ("attention", "sigmoid", "softmax", "attention softmax, not sigmoid"),
    ],
)
def test_a_checkpoint_of_another_recipe_does_not_judge_a_run(
    key: str, old: str, new: str, message: str, attnmel: "Attnmel", spoilt: RunFolder, phantoms: "Phantoms"
) -> None:
    tensors, metadata = load_state(spoilt.best)
    metadata = {name: text.replace(old, new) for name, text in metadata.items()}
    assert f'"{key}"' in metadata["attnmel"]
    save_file(tensors, spoilt.best, metadata=metadata)
    ran = attnmel("evaluate", spoilt.path, "--home", phantoms.home)
    assert ran.code == 1
    assert f"is not of this run's recipe: {message}" in ran.err


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("provenance.json", "provenance.json is damaged"),
        ("measures.json", "measures.json is damaged or of another version; delete it and run `attnmel evaluate` again"),
        ("history.csv", "history.csv is damaged"),
        ("predictions/test-attention.npz", "test-attention.npz is damaged"),
        ("predictions/test.csv", "test.csv holds no row"),
    ],
)
def test_a_damaged_run_folder_gives_no_report(
    name: str, message: str, attnmel: "Attnmel", spoilt: RunFolder, phantoms: "Phantoms"
) -> None:
    (spoilt.path / name).write_text("image\n1\n" if name.startswith("history") else "{")
    ran = attnmel("report", spoilt.path, "--home", phantoms.home)
    assert ran.code == 1
    assert message in ran.err
    assert not spoilt.report.exists()


def test_runs_of_one_recipe_and_seed_are_told_apart_by_their_folders(
    attnmel: "Attnmel", trained: RunFolder, spoilt: RunFolder, phantoms: "Phantoms", tmp_path: Path
) -> None:
    page = tmp_path / "two.html"
    ran = attnmel("report", trained.path, spoilt.path, "--home", phantoms.home, "--out", page)
    assert ran.code == 0, ran.err
    assert f"demo, seed 0, {spoilt.path}" in page.read_text()
    ran = attnmel("report", trained.path, trained.path, "--home", phantoms.home, "--out", page)
    assert ran.code == 1
    assert "name each run once" in ran.err


def test_odd_files_of_a_folder_do_not_stop_the_good_ones(
    attnmel: "Attnmel", trained: RunFolder, phantoms: "Phantoms", tmp_path: Path
) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    shutil.copy(next((phantoms.home / "data").rglob("*Test*Data/*.jpg")), folder / "good.jpg")
    (folder / "a.png").write_text("no")
    (folder / "._good.jpg").write_text("of another system")
    (folder / "folder.jpg").mkdir()
    (folder / "notes.txt").touch()
    predicted = attnmel("predict", trained.path, folder, "--json")
    assert [Path(one["image"]).name for one in json.loads(predicted.out)["images"]] == ["a.png", "good.jpg"]
    explained = attnmel("explain", trained.path, folder, "--out", tmp_path / "maps")
    assert (tmp_path / "maps" / "good.npz").is_file()
    for ran in (predicted, explained):
        assert ran.code == 1
        assert "1 of 2 images could not be used; the others are done:\n  a.png is no picture" in ran.err
