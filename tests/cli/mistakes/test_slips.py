"""Slips of people who use a command for the first time: each error says what to type instead."""

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from attnmel.pretrained.examples import FOLDER

if TYPE_CHECKING:
    from tests.cli.conftest import Attnmel

EXAMPLE = sorted(FOLDER.glob("*.jpg"))[0]


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my photos").mkdir()
    shutil.copy(EXAMPLE, tmp_path / "my photos")
    return Path("my photos")


@pytest.mark.parametrize("command", ["predict", "explain", "segment predict"])
@pytest.mark.parametrize("model", ["pretrained", "runs/seed-0", "mine.onnx"])
def test_images_before_the_model_are_told_apart(attnmel: "Attnmel", photos: Path, command: str, model: str) -> None:
    Path("runs/seed-0").mkdir(parents=True)
    for path in ("runs/seed-0/recipe.toml", "mine.onnx"):
        Path(path).touch()
    for images in (photos, photos / EXAMPLE.name):
        ran = attnmel(*command.split(), images, model)
        said = f"{images} holds images and {model} is a model; name the model first: {model} {images}"
        assert (ran.code, ran.err) == (1, f"error: {said}\n")


@pytest.mark.parametrize(
    ("command", "hint"),
    [("evaluate", "name the images with --on"), ("train", "name the images with --set data.dataset=")],
)
def test_a_folder_too_many_names_the_option(attnmel: "Attnmel", command: str, hint: str) -> None:
    ran = attnmel(command, "demo", "folder")
    assert ran.code == 2
    assert f"Got unexpected extra argument (folder); {hint}\n" in ran.err.replace("argument(s)", "argument")
    assert "; name the" not in attnmel("predict", "a", "b", "--nonsense").err


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("--set", "training.epochs", "3"), "extra argument (3); write --set training.epochs=3\n"),
        (("--epochs", "3"), "No such option: --epochs; a setting is changed by --set training.epochs=VALUE\n"),
        (("--learning-rate=1",), "; a setting is changed by --set training.learning_rate=VALUE\n"),
        (("--data", "clinic"), "; name the images with --set data.dataset=\n"),
        (("--nonsense",), "No such option: --nonsense\n"),
    ],
)
def test_a_setting_that_is_written_as_an_option_is_answered_with_set(
    attnmel: "Attnmel", words: tuple[str, ...], hint: str
) -> None:
    ran = attnmel("train", "demo", *words)
    assert ran.code == 2
    assert hint in ran.err.replace("argument(s)", "argument")


@pytest.mark.parametrize("command", ["predict", "segment predict"])
def test_images_without_a_model_are_answered_with_the_order(attnmel: "Attnmel", photos: Path, command: str) -> None:
    for images in (photos, photos / EXAMPLE.name):
        ran = attnmel(*command.split(), images)
        assert ran.code == 2
        assert ran.err.endswith(f"Error: Missing argument 'images'; {images} holds images: name a model before it\n")
    assert attnmel(*command.split(), "pretrained").err.endswith("Error: Missing argument 'images'.\n")


def test_a_path_that_is_no_run_or_recipe_is_called_what_it_is(attnmel: "Attnmel", tmp_path: Path) -> None:
    images, seed = tmp_path / "my images", tmp_path / "runs" / "mine" / "seed-0"
    for file in (images / "labels.csv", seed / "recipe.toml", seed / "best.safetensors"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    for command in ("evaluate", "report"):
        assert attnmel(command, images).err == (
            f"error: {images} is not a run folder: it holds images and labels.csv; to evaluate a run on them: "
            f"`attnmel evaluate RUN --on '{images}'`\n"
        )
        file = seed / "best.safetensors"
        assert attnmel(command, file).err == f"error: {file} is a file, not a run folder; name its run, {seed}\n"
    said = attnmel("train", images).err
    assert (
        said
        == f"error: {images} is a folder, not a recipe; a folder of images is named by --set data.dataset='{images}'\n"
    )
    assert attnmel("train", seed.parent).err == (
        f"error: {seed.parent} is a folder, not a recipe; runs below it: {seed}\n"
    )
    assert "unknown recipe 'ph2'; those of that data set are ph2/attnmel-lite0\n" in attnmel("train", "ph2").err


def test_the_ending_of_a_file_says_its_format(attnmel: "Attnmel", exported: Path, photos: Path) -> None:
    assert attnmel("predict", exported, photos, "--out", "g.json").code == 0
    assert json.loads(Path("g.json").read_text())["images"]
    ran = attnmel("predict", exported, photos, "--out", "h.csv", "--json")
    assert "h.csv gets JSON, whatever its ending: leave out --json for CSV, or call it h.json" in ran.err
    ran = attnmel("predict", exported, photos, "--out", "i.xlsx")
    assert "i.xlsx gets CSV, which a spreadsheet opens by the ending .csv: call it i.csv" in ran.err
    ran = attnmel("predict", exported, photos, "--out", "k.csv")
    assert "gets" not in ran.err


@pytest.mark.parametrize(
    "command", ["predict pretrained", "explain pretrained", "score isic2017", "study analyse", "serve"]
)
def test_a_file_that_looks_like_an_option_is_named_with_its_folder(
    attnmel: "Attnmel", photos: Path, command: str
) -> None:
    shutil.copy(photos / EXAMPLE.name, "-dash 1.jpg")
    ran = attnmel(*command.split(), "-dash 1.jpg")
    assert ran.code == 2
    assert "No such option: -d; to name the file -dash 1.jpg, write './-dash 1.jpg'" in ran.err
    assert "to name the file" not in attnmel(*command.split(), "-nothing.jpg").err
