"""A run goes on after its images were moved, with or without it, and with more epochs; nothing else may change."""

import json
import shutil
from pathlib import Path

import pytest
import tomli_w

from attnmel.config.load import load_recipe, load_segmenter_recipe
from attnmel.errors import ConfigError
from attnmel.files.folders import RunFolder
from attnmel.pipeline.run.provenance import read_provenance, refuse_other_settings
from attnmel.pipeline.run.run_location import DATASET_FROM_RUN, adapted, moved_to, path_from_run, read_recipe


def project(folder: Path) -> RunFolder:
    """A folder with images and a run of them, as far as their places go."""
    (folder / "clinic").mkdir(parents=True)
    (folder / "clinic" / "labels.csv").write_text("image,label\n")
    run = RunFolder(folder / "runs" / "seed-0")
    run.path.mkdir(parents=True)
    dataset = str(folder / "clinic")
    run.recipe.write_text(
        f'name = "clinic/x"\ntitle = "x"\n[data]\ndataset = "{dataset}"\nclasses = ["rest", "melanoma"]\n'
        f'positives = ["melanoma"]\n[data.statistics]\nof = "{dataset}"\nmean = [0.5, 0.5, 0.5]\n'
        "std = [0.1, 0.1, 0.1]\n"
        'source = "computed"\n[model]\nnetwork = "mel-cnn"\n'
    )
    facts = {"licence": "CC-0", "data": {}, "start": "random", DATASET_FROM_RUN: path_from_run(run, dataset)}
    run.provenance.write_text(json.dumps(facts))
    return run


def test_images_that_were_moved_together_with_the_run_are_found_beside_it(tmp_path: Path) -> None:
    project(tmp_path / "before")
    shutil.move(tmp_path / "before", tmp_path / "after")
    recipe = read_recipe(RunFolder(tmp_path / "after" / "runs" / "seed-0"))
    assert recipe.data.dataset == str(tmp_path / "after" / "clinic")
    assert recipe.data.statistics is not None
    assert recipe.data.statistics.of == recipe.data.dataset, "or they would be computed again"


def test_images_that_stayed_are_found_where_they_were(tmp_path: Path) -> None:
    run = project(tmp_path / "before")
    shutil.move(run.path, tmp_path / "deeper" / "down" / "seed-0")
    recipe = read_recipe(RunFolder(tmp_path / "deeper" / "down" / "seed-0"))
    assert recipe.data.dataset == str(tmp_path / "before" / "clinic")


def test_another_folder_and_more_epochs_are_the_same_run_and_nothing_else_is(tmp_path: Path) -> None:
    run = project(tmp_path / "before")
    begun = read_recipe(run)
    shutil.move(tmp_path / "before" / "clinic", tmp_path / "new")
    wanted = moved_to(begun, str(tmp_path / "new"))
    longer = wanted.model_copy(update={"training": wanted.training.model_copy(update={"epochs": 60, "threads": 3})})
    refuse_other_settings(run, adapted(begun, longer), longer)
    other = longer.model_copy(update={"training": longer.training.model_copy(update={"batch": 16})})
    with pytest.raises(ConfigError, match=r"was begun by another recipe: training\.batch was 32, is 16"):
        refuse_other_settings(run, adapted(begun, other), other)


def test_a_known_data_set_is_not_taken_for_one_that_was_moved(tmp_path: Path) -> None:
    begun = read_recipe(project(tmp_path / "before"))
    wanted = moved_to(begun, "isic2017")
    with pytest.raises(ConfigError, match=r"data\.dataset was '.*clinic', is 'isic2017'"):
        refuse_other_settings(RunFolder(tmp_path), adapted(begun, wanted), wanted)


def test_a_cosine_cannot_be_made_longer(tmp_path: Path) -> None:
    begun, wanted = (
        load_recipe("demo", ["training.schedule=cosine", f"training.epochs={epochs}"]) for epochs in (3, 5)
    )
    with pytest.raises(ConfigError, match=r"epochs was 3, is 5 \(a cosine falls to 0 at the last epoch, so that other"):
        refuse_other_settings(RunFolder(tmp_path), adapted(begun, wanted), wanted)


@pytest.mark.parametrize(
    "plain",
    [[], 1.5, {"licence": "x"}, {"licence": "x", "data": [], "start": ""}, {"licence": "x", "data": {}, "start": None}],
)
def test_a_damaged_provenance_is_one_sentence(plain: object, tmp_path: Path) -> None:
    run = project(tmp_path)
    run.provenance.write_text(json.dumps(plain))
    with pytest.raises(ConfigError, match=r"provenance\.json is damaged; put back the file that the training wrote"):
        read_recipe(run)


@pytest.mark.parametrize("place", ["a\0b", "", 1, ["a"]])
def test_a_damaged_place_of_the_images_is_one_sentence(place: object, tmp_path: Path) -> None:
    run = project(tmp_path)
    run.provenance.write_text(json.dumps({**json.loads(run.provenance.read_text()), DATASET_FROM_RUN: place}))
    with pytest.raises(ConfigError, match=r"provenance\.json is damaged"):
        read_recipe(run)


def test_a_segmenter_is_named_as_one(tmp_path: Path) -> None:
    run = project(tmp_path)
    run.recipe.write_bytes(tomli_w.dumps(load_segmenter_recipe().model_dump(exclude_none=True)).encode())
    with pytest.raises(ConfigError, match=r"seed-0 is a segmenter, not a run of `attnmel train`; `attnmel segment pre"):
        read_recipe(run)


def test_a_recipe_that_cannot_be_read_is_named_with_its_file_and_a_wrong_setting_without(tmp_path: Path) -> None:
    run = project(tmp_path / "before")
    with pytest.raises(ConfigError, match=r"^unknown key 'training\.epoch'"):
        read_recipe(run, ["training.epoch=3"])
    run.recipe.write_text(run.recipe.read_text() + "newer = 3\n")
    told = rf"^{run.recipe} was changed, or written by another version of attnmel than .*: unknown key 'model\.newer'"
    with pytest.raises(ConfigError, match=told):
        read_recipe(run)
    run.provenance.unlink()
    with pytest.raises(ConfigError, match=r"seed-0 lacks provenance\.json; copy the whole folder of the run"):
        read_provenance(run)
