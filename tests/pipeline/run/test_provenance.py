"""A run that goes on is the run that was begun."""

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from attnmel.config.recipe import Recipe
from attnmel.errors import ConfigError, LabelError
from attnmel.files.folders import RunFolder
from attnmel.pipeline.run.images.dataset import prepare
from attnmel.pipeline.run.images.normalisation import with_statistics
from attnmel.pipeline.run.provenance import continued_recipe, read_provenance
from attnmel.pipeline.run.run_location import read_recipe
from attnmel.pipeline.train.priors import prepare_prior

if TYPE_CHECKING:
    from tests.conftest import Phantoms


def test_the_same_recipe_and_data_pass(tiny: Recipe, phantoms: "Phantoms", trained: RunFolder) -> None:
    prepared = prepare(tiny.data, home=phantoms.home)
    prior = prepare_prior(tiny, prepared, home=phantoms.home)
    continued_recipe(trained, with_statistics(tiny, prepared), prepared, prior.facts)


def test_every_differing_setting_is_named(tiny: Recipe, phantoms: "Phantoms", trained: RunFolder) -> None:
    prepared = prepare(tiny.data, home=phantoms.home)
    settings = with_statistics(tiny, prepared).model_dump()
    settings["loss"]["gamma"] = 1.0
    settings["training"]["seed"] = 4
    prior = prepare_prior(tiny, prepared, home=phantoms.home)
    with pytest.raises(ConfigError, match=r"loss\.gamma was 2\.0, is 1\.0; training\.seed was 0, is 4"):
        continued_recipe(trained, Recipe.model_validate(settings), prepared, prior.facts)


def test_a_long_exclusion_list_is_told_by_what_changed(tiny: Recipe, phantoms: "Phantoms", trained: RunFolder) -> None:
    prepared = prepare(tiny.data, home=phantoms.home)
    settings = with_statistics(tiny, prepared).model_dump()
    settings["data"]["exclude"] = [f"image{number:03d}" for number in range(300)]
    told = r"data\.exclude had 0 entries, has 300 \(new: image000, .*image004 and 295 more; gone: none\)"
    prior = prepare_prior(tiny, prepared, home=phantoms.home)
    with pytest.raises(ConfigError, match=told):
        continued_recipe(trained, Recipe.model_validate(settings), prepared, prior.facts)


def test_other_data_is_refused(tiny: Recipe, phantoms: "Phantoms", trained: RunFolder, tmp_path: Path) -> None:
    run = RunFolder(Path(shutil.copytree(trained.path, tmp_path / "run")))
    provenance = read_provenance(run)
    provenance["data"]["content"] = "0" * 64
    run.provenance.write_text(json.dumps(provenance))
    prepared = prepare(tiny.data, home=phantoms.home)
    prior = prepare_prior(tiny, prepared, home=phantoms.home)
    with pytest.raises(LabelError, match="the images or masks of phantoms are not those that"):
        continued_recipe(run, with_statistics(tiny, prepared), prepared, prior.facts)


@pytest.mark.parametrize("read", [read_recipe, read_provenance])
def test_a_folder_without_a_run_is_told(read: "type", tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"is not a run folder: no .* in it; train one first"):
        read(RunFolder(tmp_path))
