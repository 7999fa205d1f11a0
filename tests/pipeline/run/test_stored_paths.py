"""A stored recipe means the same from every folder."""

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from attnmel.config.recipe import Recipe
from attnmel.errors import ConfigError
from attnmel.files.folders import MasksFolder, RunFolder
from attnmel.pipeline.evaluate.evaluate import evaluate_run
from attnmel.pipeline.run.images.dataset import prepare
from attnmel.pipeline.run.images.seen_images import known_images, write_images
from attnmel.pipeline.run.provenance import read_provenance
from attnmel.pipeline.run.run import Run
from attnmel.pipeline.run.run_location import read_recipe
from attnmel.pipeline.run.stored_paths import stored_dataset, stored_masks
from attnmel.pipeline.train.train import train_run

if TYPE_CHECKING:
    from lightning_fabric import Fabric
    from tests.conftest import Phantoms


def test_folders_are_stored_in_full_and_names_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("clinic", "predicted", "isic2017"):
        Path(name).mkdir()
    assert stored_dataset("clinic") == stored_masks("clinic") == str(tmp_path / "clinic")
    assert [stored_masks(one) for one in ("", "predicted", "gone")] == ["", "predicted", "gone"]
    assert stored_dataset("isic2017") == "isic2017"


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are bytes on Linux alone")
def test_a_name_that_no_recipe_can_hold_is_refused(tmp_path: Path) -> None:
    folder = os.fsdecode(os.fsencode(tmp_path) + b"/\xff")
    Path(folder).mkdir()
    for stored in (stored_dataset, stored_masks):
        with pytest.raises(ConfigError, match="is no UTF-8, which the file of a recipe needs; rename the folder"):
            stored(folder)


def test_the_masks_that_a_crop_follows_are_found_from_another_folder(
    tiny: Recipe, phantoms: "Phantoms", fabric: "Fabric", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    masks = next((phantoms.home / "data").rglob("*Training_Part1_GroundTruth"))
    monkeypatch.chdir(masks.parent)
    recipe = tiny.changed({"data.crop": "lesion", "data.crop_masks": masks.name, "training.epochs": 1})
    run = RunFolder(tmp_path / "run")
    train_run(recipe, run, home=phantoms.home, fabric=fabric)
    assert read_recipe(run).data.crop_masks == str(masks)


def test_the_segmenter_of_the_masks_that_a_crop_follows_is_in_the_provenance_and_the_notes(
    tiny: Recipe, phantoms: "Phantoms", fabric: "Fabric", tmp_path: Path
) -> None:
    of = prepare(tiny.data, home=phantoms.home)
    folder = MasksFolder(tmp_path / "masks")
    folder.path.mkdir()
    for lesion in of.lesions[:-2]:
        if lesion.mask is not None:
            shutil.copy(lesion.mask, folder.mask(lesion.image_id))
    drawn = [one.image_id for one in of.lesions if folder.mask(one.image_id).is_file()]
    folder.table.write_text("image,flag,segmenter\n" + "".join(f"{one},,abc\n" for one in drawn))
    judged = [one for one in of.lesions if one.split == "test"][:3]
    write_images(folder, known_images(judged, phantoms.home), "CC-0")
    recipe = tiny.changed({"data.crop": "lesion", "data.crop_masks": str(folder.path), "training.epochs": 1})
    run = RunFolder(tmp_path / "run")
    train_run(recipe, run, home=phantoms.home, fabric=fabric)
    without = len(of.lesions) - len(drawn)
    expected = {"masks": str(folder.path), "with": len(drawn), "without": without, "segmenter": "abc"}
    assert read_provenance(run)["crop masks"] == expected
    note = "the segmenter whose masks the crop follows learnt from 3 of the"
    tests = evaluate_run(Run(run, phantoms.home), resamples=20)
    assert len([one for one in tests.judgement.notes if one.startswith(note)]) == 1
