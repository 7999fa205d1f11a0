"""A fusion's recipe trains its parts and fuses them; a row of a table is one of them."""

import dataclasses
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.factories import Recorder
from tests.pipeline.reproduce.test_run import COLOURS, run_here

from attnmel.api.recipes import open_recipe
from attnmel.config.fusion import FusionRecipe
from attnmel.config.load import load_run_recipe, recipe_names
from attnmel.config.system import SystemRecipe
from attnmel.errors import ConfigError
from attnmel.evaluation.thesis.tables import RANKING, TEST, TablePlan
from attnmel.features.card import SYSTEM
from attnmel.files.checksums import file_sha256
from attnmel.files.folders import RunFolder
from attnmel.models.weights.checkpoints import read_checkpoint, save_weights
from attnmel.models.weights.safetensors_io import read_metadata
from attnmel.pipeline.fuse.evaluate import stored_card
from attnmel.pipeline.fusion_training import run_fusion
from attnmel.pipeline.reproduce.commands import Commands
from attnmel.pipeline.reproduce.finished import is_finished
from attnmel.pipeline.reproduce.jobs import TableOptions, table_jobs
from attnmel.pipeline.reproduce.run import reproduce
from attnmel.pipeline.run.fusion_parts import part_notes, part_recipes
from attnmel.pipeline.run.run import Run

if TYPE_CHECKING:
    from tests.conftest import Phantoms

FUSION = """
name = "tiny/both"
title = "BOTH"
[data]
dataset = "phantoms"
classes = ["rest", "melanoma"]
positives = ["melanoma"]
size = 32
[fusion]
by = "{by}"
[[fusion.parts]]
recipe = "{part}"
set = ["name=tiny/coarse", "features.colour.bins=2"]
[[fusion.parts]]
recipe = "{part}"
set = ["name=tiny/fine"]
"""


def written(folder: Path, by: str = "mean", text: str = FUSION) -> str:
    (folder / "colours.toml").write_text(COLOURS)
    (folder / "both.toml").write_text(text.format(by=by, part=folder / "colours.toml"))
    return str(folder / "both.toml")


def recipe_of(folder: Path, **changes: str) -> FusionRecipe:
    found = load_run_recipe(written(folder, **changes))
    assert isinstance(found, FusionRecipe)
    return found


def test_test_settings_are_of_the_parts_and_refused_in_the_fusions_own_file(tmp_path: Path) -> None:
    text = FUSION.replace("[fusion]", '[test]\ntransforms = "dihedral"\n[fusion]')
    with pytest.raises(ConfigError, match=r"^\[test\] has no effect in the recipe of a fusion, .* or by --set, which"):
        load_run_recipe(written(tmp_path, text=text))
    given = ["test.transforms=dihedral"]
    opened = open_recipe(written(tmp_path), given)
    assert isinstance(opened.recipe, FusionRecipe)
    parts = part_recipes(opened.recipe, tmp_path, opened.changed)
    assert [one.test.transforms for one in parts if isinstance(one, SystemRecipe)] == ["dihedral"] * 2
    # A fusion that an earlier version stored has the table.
    stored = tmp_path / "stored.toml"
    members = 'by = "mean"\nmembers = ["/runs/a", "/runs/b"]'
    stored.write_text(text.partition("[fusion]")[0] + f"[fusion]\n{members}\n")
    assert load_run_recipe(str(stored)).name == "tiny/both"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("parts")


@pytest.fixture(scope="module")
def run(folder: Path, phantoms: "Phantoms") -> Run:
    return run_fusion(recipe_of(folder), folder / "runs", overrides=["svm.folds=2"], home=phantoms.home, resamples=50)


def test_the_parts_are_trained_with_their_changes_and_fused(run: Run, folder: Path, phantoms: "Phantoms") -> None:
    parts = [Run(folder / "runs" / "tiny" / name / "seed-0", phantoms.home) for name in ("coarse", "fine")]
    assert [one.recipe.model_dump()["features"]["colour"]["bins"] for one in parts] == [2, 4]
    assert [one.recipe.model_dump()["svm"]["folds"] for one in parts] == [2, 2], "the command's own change"
    assert run.path == folder / "runs" / "tiny" / "both" / "seed-0"
    assert (run.recipe.name, run.recipe.title) == ("tiny/both", "BOTH")
    expected = np.mean([one.predictions("test").probabilities for one in parts], axis=0)
    temperature = run.card.temperature if run.card else None
    found = run.predictions("test").probabilities
    if temperature is not None:
        logits = np.log(expected) / temperature
        expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_finished_fusion_is_left_as_it_is_by_resume_and_refused_without(
    run: Run, folder: Path, phantoms: "Phantoms"
) -> None:
    before = {path: path.stat().st_mtime_ns for path in (folder / "runs").rglob("*") if path.is_file()}
    settings = ["svm.folds=2"]
    again = run_fusion(recipe_of(folder), folder / "runs", overrides=settings, home=phantoms.home, resume=True)
    assert again.results.keys() == run.results.keys()
    assert {path: path.stat().st_mtime_ns for path in (folder / "runs").rglob("*") if path.is_file()} == before
    with pytest.raises(ConfigError, match=r"both/seed-0 already holds a run; continue it with --resume"):
        run_fusion(recipe_of(folder), folder / "runs", home=phantoms.home)


def test_a_finished_fusion_of_other_settings_is_not_taken_for_the_wanted_one(
    run: Run, folder: Path, phantoms: "Phantoms"
) -> None:
    wanted, runs = recipe_of(folder), folder / "runs"
    with pytest.raises(ConfigError, match=r"part .*tiny/coarse/seed-0 has another svm\.folds than is wanted now"):
        run_fusion(wanted, runs, overrides=["svm.folds=3"], home=phantoms.home, resume=True)
    ranked = wanted.model_copy(update={"fusion": wanted.fusion.model_copy(update={"by": "rank"})})
    with pytest.raises(ConfigError, match=r"begun by another recipe: fusion\.by was 'mean', is 'rank'\. Use that"):
        run_fusion(ranked, runs, overrides=["svm.folds=2"], home=phantoms.home, resume=True)


def test_finished_parts_are_not_trained_again(run: Run, folder: Path, phantoms: "Phantoms") -> None:
    recipe = recipe_of(folder, by="weighted")
    recipe = recipe.model_copy(update={"name": "tiny/weighted"})
    parts = [folder / "runs" / "tiny" / name / "seed-0" / "best.safetensors" for name in ("coarse", "fine")]
    before = [path.read_bytes() for path in parts]
    found = run_fusion(
        recipe, folder / "runs", overrides=["svm.folds=2"], home=phantoms.home, resume=True, resamples=50
    )
    assert [path.read_bytes() for path in parts] == before
    assert found.results.keys() == run.results.keys()


def test_two_parts_in_one_folder_and_a_part_that_is_a_fusion_are_refused(tmp_path: Path) -> None:
    same = FUSION.replace('"name=tiny/coarse", ', "").replace('set = ["name=tiny/fine"]', "")
    with pytest.raises(ConfigError, match=r"two parts would share the run folder .*tiny/colours/seed-0; give one"):
        part_recipes(recipe_of(tmp_path, text=same), tmp_path)
    nested = FUSION + f'[[fusion.parts]]\nrecipe = "{tmp_path / "both.toml"}"\n'
    with pytest.raises(ConfigError, match=r"its part .*both\.toml is a fusion itself"):
        part_recipes(recipe_of(tmp_path, text=nested), tmp_path)
    with pytest.raises(ConfigError, match="a fusion has 2 or more parts"):
        recipe_of(tmp_path, text=FUSION[: FUSION.rindex("[[")])


def table_of(folder: Path, phantoms: "Phantoms", *rows: str) -> TableOptions:
    plan = TablePlan("tiny", "Tiny", (), RANKING, TEST, rows)
    return TableOptions(plan=plan, out=folder / "table", home=phantoms.home, overrides=("svm.folds=2",))


def test_a_fusion_is_a_row_of_a_table_and_its_parts_are_jobs_before_it(
    folder: Path, run: Run, phantoms: "Phantoms", monkeypatch: pytest.MonkeyPatch
) -> None:
    weighted = folder / "weighted.toml"
    weighted.write_text(Path(written(folder)).read_text().replace('"mean"', '"weighted"').replace("both", "weighted"))
    options = table_of(folder, phantoms, written(folder), str(weighted))
    started: list[str] = []

    def here(commands: Commands, arguments: Sequence[str]) -> str:
        started.append(Path(arguments[1]).stem)
        return run_here(commands, arguments)

    monkeypatch.setattr(Commands, "run", here)
    done = reproduce(options)
    row, _ = done.table.blocks[0].rows
    assert (row.title, row.status, row.seeds) == ("BOTH", "", 1)
    assert row.figures[1].value == pytest.approx(run.results["test"].judgement.row("melanoma", "auc").value)
    assert started == ["colours", "colours", "both", "weighted"], "each shared part once"
    lines = {line[0]: line[2] for line in done.table.runs}
    assert {name: lines[name] for name in ("tiny/coarse", "tiny/fine")} == dict.fromkeys(
        ("tiny/coarse", "tiny/fine"), "finished"
    )
    started.clear()
    assert reproduce(options).table.blocks == done.table.blocks
    assert started == [], "it is finished"
    with pytest.raises(ConfigError, match=r"unknown key 'svm\.fold'"):
        part_recipes(recipe_of(folder), folder, ["svm.fold=2"])


def test_a_finished_fusion_is_made_again_when_a_part_has_changed(
    run: Run, folder: Path, phantoms: "Phantoms", tmp_path: Path
) -> None:
    recipe, runs = recipe_of(folder), tmp_path / "runs"
    shutil.copytree(folder / "runs", runs)
    part, fusion = (RunFolder(runs / "tiny" / name / "seed-0") for name in ("coarse", "both"))
    assert is_finished(Run(fusion), recipe)
    (tensors, card), texts = read_checkpoint(part.path), read_metadata(part.best)
    save_weights(part.best, tensors, dataclasses.replace(card, measures={}), {SYSTEM: texts[SYSTEM]})
    assert not is_finished(Run(fusion), recipe)

    def again() -> tuple[str, list[str]]:
        """Return the hash of the part that was fused, and the notes of the command."""
        recorder = Recorder()
        run_fusion(
            recipe, runs, overrides=["svm.folds=2"], home=phantoms.home, resume=True, resamples=50, progress=recorder
        )
        return stored_card(fusion.path).members[0].sha256, recorder.notes

    notes = fusion.path / "notes.txt"
    notes.touch()
    with pytest.raises(ConfigError, match=r"both/seed-0 holds other files than a fusion \(notes\.txt\)"):
        again()
    notes.unlink()
    sha256, said = again()
    assert sha256 == file_sha256(part.best)
    assert said[0].startswith(f"{fusion.path} is fused again, as parts of it changed since: ")
    assert is_finished(Run(fusion), recipe)
    assert again() == (sha256, [])
    # A part that is gone is trained again by a table; what was fused stays until then.
    shutil.rmtree(part.path)
    assert not is_finished(Run(fusion), recipe)
    assert again() == (sha256, [])


def test_a_fusion_whose_part_fails_is_not_started_and_says_so(
    tmp_path: Path, phantoms: "Phantoms", monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []

    def failing(commands: Commands, arguments: Sequence[str]) -> str:
        started.append(Path(arguments[1]).stem)
        return "no space left"

    monkeypatch.setattr(Commands, "run", failing)
    done = reproduce(table_of(tmp_path, phantoms, written(tmp_path)))
    assert started == ["colours", "colours"]
    assert dict(done.failures) == {
        "tiny/coarse, seed 0": "no space left",
        "tiny/fine, seed 0": "no space left",
        f"{tmp_path / 'both.toml'}, seed 0": "it needs tiny/coarse, seed 0, which failed",
    }


def test_a_row_that_is_a_part_too_is_one_job_and_comes_first(tmp_path: Path, phantoms: "Phantoms") -> None:
    text = FUSION.replace('set = ["name=tiny/fine"]', "")
    fusion = written(tmp_path, text=text)
    jobs = table_jobs(table_of(tmp_path, phantoms, fusion, str(tmp_path / "colours.toml"))).jobs
    assert [(job.recipe and job.recipe.name, job.is_part) for job in jobs] == [
        ("tiny/coarse", True),
        ("tiny/colours", False),
        ("tiny/both", False),
    ]
    other = tmp_path / "other.toml"
    other.write_text(COLOURS.replace("bins = 4", "bins = 3"))
    with pytest.raises(ConfigError, match=r"two rows of tiny would share the run folder .*tiny/colours/seed-0; rename"):
        table_jobs(table_of(tmp_path, phantoms, fusion, str(other)))


def test_a_setting_that_a_part_sets_itself_stays_and_is_noted(tmp_path: Path) -> None:
    recipe = recipe_of(tmp_path)
    parts = part_recipes(recipe, tmp_path, ["features.colour.bins=3"])
    assert [one.model_dump()["features"]["colour"]["bins"] for one in parts] == [2, 3]
    assert part_notes(recipe, ["features.colour.bins=3"]) == (
        "tiny/both: features.colour.bins of 1 of its 2 parts stays as the recipe has it",
    )


def test_a_part_finds_the_run_of_a_part_before_it_whatever_its_fold_and_data_are(tmp_path: Path) -> None:
    text = FUSION.replace('["name=tiny/fine"]', '["name=tiny/fine", "title={part-1}"]')
    recipe = recipe_of(tmp_path, text=text.replace("{part-1}", "{{part-1}}"))
    changes = (["data.fold=2/5"], [f"data.dataset={tmp_path}"])
    assert [part_recipes(recipe, Path("runs"), one)[1].title for one in changes] == [
        "runs/tiny/coarse/fold-2-of-5/seed-0",
        f"runs/{tmp_path.name}/tiny/coarse/seed-0",
    ]
    late = recipe_of(tmp_path, text=text.replace("{part-1}", "{{part-2}}"))
    with pytest.raises(ConfigError) as refused:
        part_recipes(late, tmp_path)
    assert str(refused.value) == (
        "tiny/both: title={part-2} of part 2 names {part-2}, which is no part before it (known: {part-1}); name one of "
        "these, or put that part first"
    )


def test_a_part_with_a_name_of_its_own_is_named_after_other_data(tmp_path: Path) -> None:
    recipe = load_run_recipe("isic2017/menegola")
    assert isinstance(recipe, FusionRecipe)
    names = [one.name for one in part_recipes(recipe, tmp_path, ["data.dataset=/data/clinic"])]
    assert names == ["clinic/gap-lite0", "clinic/gap-mobilenet", "clinic/menegola-svm"]
    weights = part_recipes(recipe, Path("runs"), ["data.dataset=/data/clinic"])[2].model_dump()["features"]["network"]
    assert weights["weights"] == "runs/clinic/gap-lite0/seed-0"


def test_every_shipped_fusion_has_parts_that_can_be_trained(tmp_path: Path) -> None:
    fusions = [one for one in map(load_run_recipe, recipe_names()) if isinstance(one, FusionRecipe)]
    assert fusions
    for one in fusions:
        parts = part_recipes(one, tmp_path, ["training.epochs=1", "data.size=64"])
        assert all(set(one.data.positives) <= set(part.data.classes) for part in parts)
        assert all(part.data.size == 64 for part in parts)
