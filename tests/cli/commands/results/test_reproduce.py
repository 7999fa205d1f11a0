"""`attnmel reproduce` as a user meets it: lists for schedulers, and sentences for mistakes."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from attnmel.config.load import load_run_recipe
from attnmel.evaluation.thesis.tables import TABLES

if TYPE_CHECKING:
    from tests.cli.conftest import Attnmel


def commands(text: str) -> list[list[str]]:
    return [shlex.split(line) for line in text.splitlines() if not line.startswith("#")]


@pytest.mark.parametrize("table", TABLES)
def test_every_row_is_printed_as_a_train_command_of_a_shipped_recipe(
    table: str, attnmel: "Attnmel", tmp_path: Path
) -> None:
    ran = attnmel("reproduce", table, "--print-commands", "--home", tmp_path, "--seeds", 2, "--size", 64)
    assert ran.code == 0
    trained = [line for line in commands(ran.out) if line[1] == "train"]
    recipes = [
        load_run_recipe(line[2], [line[place + 1] for place, part in enumerate(line) if part == "--set"])
        for line in trained
    ]
    rows = [one.name for one in recipes if one.name in TABLES[table].every_row and not one.data.fold]
    assert sorted(rows) == sorted([*TABLES[table].every_row] * 2), "each once a seed, besides parts of fusions"
    assert {one.data.size for one in recipes} == {64}
    assert f"run `attnmel fetch {table}`" in ran.out  # said, though a list may be printed where the data are not
    assert not list(tmp_path.iterdir())


def test_the_segmenter_comes_first_where_a_row_needs_its_masks(attnmel: "Attnmel", tmp_path: Path) -> None:
    ask = ("reproduce", "isic2018", "--print-commands", "--home", tmp_path, "--out", tmp_path / "out")
    found = commands(attnmel(*ask).out)
    assert [line[1:3] for line in found[:2]] == [["segment", "train"], ["segment", "predict"]]
    assert found[1][3:5] == [str(tmp_path / "out/segmenter"), "isic2018"]
    own = commands(attnmel(*ask, "--segmenter", "mine").out)
    assert [line[1:4] for line in own if line[1] == "segment"] == [["segment", "predict", "mine"]]
    assert all(line[1] == "train" for line in commands(attnmel(*ask, "--rows", "attnmel,mel-cnn").out))


def test_options_that_would_have_no_effect_are_refused(attnmel: "Attnmel", tmp_path: Path) -> None:
    ask = ("reproduce", "isic2017", "--home", tmp_path, "--out", tmp_path / "out", "--print-commands")
    assert attnmel(*ask, "--engine", "ray").err.startswith("error: --print-commands runs nothing, so that --engine and")
    assert attnmel(*ask, "--cpus", 2).err.startswith("error: --print-commands runs nothing, so that --engine and its")
    assert attnmel(*ask, "--rows", "").err == (
        "error: --rows names no row; leave it out for all rows, or write --rows none for none\n"
    )
    assert attnmel(*ask, "--segmenter", "mine").err == (
        "error: --segmenter draws the predicted masks that rows take, and no chosen row of isic2017 does\n"
    )


@pytest.mark.parametrize("trunk", ["mobilenet_v2", "efficientnet_lite0"])
def test_a_light_trunk_has_one_row_fewer(trunk: str, attnmel: "Attnmel") -> None:
    ran = attnmel("reproduce", "isic2017", "--print-commands", "--set", f"model.trunk={trunk}")
    assert f"# isic2017/vgg16 is left out: the trunk {trunk} has no dense layers" in ran.out
    left = {"isic2017/vgg16"}
    if trunk == "mobilenet_v2":
        assert "# left out: isic2017/harangi, seed 0: data.normalise_by = 'weights' is one scale" in ran.out
        left.add("isic2017/harangi")
    rows = [line[2] for line in commands(ran.out)]
    assert set(TABLES["isic2017"].every_row) - set(rows) == left
    # The trunks of a fusion's parts are its own: two equal networks would be no fusion.
    assert "# isic2017/menegola: model.trunk of 2 of its 3 parts stays as the recipe has it" in ran.out
    assert any(
        "model.trunk=mobilenet_v2" in line for line in commands(ran.out) if "name=isic2017/gap-mobilenet" in line
    )


def test_parts_of_fusions_are_lines_of_their_own_in_steps_and_once_each(attnmel: "Attnmel") -> None:
    ran = attnmel("reproduce", "isic2017", "--print-commands", "--rows", "harangi-weighted,menegola", "--out", "/t")
    steps: list[list[str]] = []
    for line in ran.out.splitlines():
        if line.startswith("# Step"):
            steps.append([])
        elif line.startswith("attnmel"):
            parts = shlex.split(line)
            steps[-1].append(
                load_run_recipe(parts[2], [parts[n + 1] for n, one in enumerate(parts) if one == "--set"]).name
            )
    assert [sorted(one.removeprefix("isic2017/") for one in step) for step in steps] == [
        ["gap-lite0", "gap-mobilenet"],
        ["harangi-weighted", "menegola-svm"],
        ["menegola"],
    ]
    assert "# Step 2 of 3, when those before have ended: these in any order" in ran.out
    assert "features.network.weights=/t/isic2017/gap-lite0/seed-0" in ran.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("isic2019",), "unknown table 'isic2019' (did you mean 'isic2018'?); known: isic2016, isic2017, isic2018"),
        (("isic2016", "--rows", "attnmel,bkg"), "unknown row of isic2016 'bkg'; known: attnmel"),
        (("isic2016", "--set", "data.sise=64"), "unknown key 'data.sise'"),
        (("isic2016", "--gpus", "1"), "--gpus is for a Ray cluster; add --engine ray, or leave it out"),
        (("isic2016", "--engine", "ray", "--address", "cluster"), "the Ray cluster is 'cluster', expected HOST:PORT"),
        (("isic2016",), "ISBI2016_ISIC_Part3_Training_Data.zip: 631.2 MB, https://"),
    ],
)
def test_a_mistake_is_told_in_a_sentence_and_nothing_is_written(
    arguments: tuple[str, ...], message: str, attnmel: "Attnmel", tmp_path: Path
) -> None:
    ran = attnmel("reproduce", *arguments, "--home", tmp_path / "home", "--out", tmp_path / "out")
    assert ran.code == 1
    assert message in ran.err
    assert not list(tmp_path.iterdir())
