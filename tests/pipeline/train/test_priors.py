"""The prior of a run: counted, told, recorded, refused where there is none, and what its segmenter has seen."""

import dataclasses
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from lightning_fabric import Fabric
from tests.conftest import TINY
from tests.factories import Recorder

from attnmel.config.load import load_recipe
from attnmel.config.recipe import Recipe
from attnmel.errors import LabelError
from attnmel.files.folders import MasksFolder, RunFolder
from attnmel.pipeline.experiment import run_recipe
from attnmel.pipeline.run.images.dataset import Prepared, prepare
from attnmel.pipeline.run.images.seen_images import judged_images, write_images
from attnmel.pipeline.run.provenance import read_provenance
from attnmel.pipeline.run.results.results import read_measures
from attnmel.pipeline.train.priors import prepare_prior
from attnmel.pipeline.train.train import train_run

if TYPE_CHECKING:
    from tests.conftest import Phantoms


@pytest.fixture
def prepared(phantoms: "Phantoms", tiny: Recipe) -> Prepared:
    return prepare(tiny.data, home=phantoms.home)


@pytest.fixture
def drawn(prepared: Prepared, tmp_path: Path) -> MasksFolder:
    """Masks of all training images but four, two of them odd, by a segmenter that knows three test images."""
    folder = MasksFolder(tmp_path / "drawn")
    folder.path.mkdir()
    lesions = [prepared.lesions[row] for row in prepared.rows("train")]
    for lesion in lesions[4:]:
        assert lesion.mask is not None
        shutil.copy(lesion.mask, folder.mask(lesion.image_id))
    rows = ["image,confidence,area,pieces,flag,error"]
    rows += [f"{lesion.image_id},0.8,0.2,2,{'fragmented' if n in (5, 6) else ''}," for n, lesion in enumerate(lesions)]
    folder.table.write_text("\n".join([*rows, ""]))
    write_images(folder, judged_images(prepared, prepared.rows("test")[:3], tmp_path / "home"), "CC-0")
    return folder


def lossy(recipe: Recipe, **changed: str) -> Recipe:
    return recipe.model_copy(update={"loss": recipe.loss.model_copy(update=changed)})


def test_the_own_lesion_masks_need_no_planes(prepared: Prepared, phantoms: "Phantoms", tiny: Recipe) -> None:
    for prior in ("lesion", "background"):
        found = prepare_prior(lossy(tiny, prior=prior), prepared, home=phantoms.home)
        assert found.planes is None
        assert found.facts["with"] == 24
    nothing = prepare_prior(lossy(tiny, prior="none"), prepared, home=phantoms.home)
    assert nothing.planes is None
    assert nothing.facts == {}


def test_images_without_a_prior_are_counted_and_told(
    prepared: Prepared, phantoms: "Phantoms", tiny: Recipe, drawn: MasksFolder
) -> None:
    notes = Recorder()
    recipe = lossy(tiny, prior="lesion", masks=str(drawn.path))
    found = prepare_prior(recipe, prepared, home=phantoms.home, progress=notes)
    assert found.planes is not None
    assert found.planes.has_prior.sum() == 20
    told = f"20 have masks in {drawn.path}; 4 have none and do not enter its loss"
    assert notes.notes[0] == f"prior lesion: of 24 training images {told}"
    assert "of these masks the segmenter itself finds odd: 2 fragmented" in notes.notes
    assert any("learnt from 3 of the 12 images of 'test'" in one for one in notes.notes)
    assert not any("'validation'" in one for one in notes.notes)
    assert (found.facts["with"], found.facts["without"], found.facts["flags"]) == (20, 4, {"fragmented": 2})


def test_a_data_set_without_any_mask_is_refused(prepared: Prepared, phantoms: "Phantoms", tiny: Recipe) -> None:
    bare = dataclasses.replace(prepared, lesions=tuple(dataclasses.replace(one, mask=None) for one in prepared.lesions))
    with pytest.raises(LabelError, match=r"none of the 24 training images has a mask of phantoms: ISIC_.*prior=none"):
        prepare_prior(lossy(tiny, prior="lesion"), bare, home=phantoms.home)


def test_a_run_trains_on_its_prior_and_tells_what_the_segmenter_knew(
    phantoms: "Phantoms", fabric: Fabric, drawn: MasksFolder, tmp_path: Path
) -> None:
    settings = [*TINY, "training.epochs=1", "loss.dice=image", "loss.spoil=dilated", f"loss.masks={drawn.path}"]
    recipe, run = load_recipe("demo", settings), RunFolder(tmp_path / "run")
    run_recipe(recipe, run, home=phantoms.home, fabric=fabric, resamples=20)
    told = read_provenance(run)["prior"]
    assert (told["with"], told["without"], told["spoil"], told["masks"]) == (20, 4, "dilated", str(drawn.path))
    measures = read_measures(run)
    assert any("learnt from 3 of the 12 images of 'test'" in one for one in measures["test"].judgement.notes)
    assert not any("segmenter" in one for one in measures["validation"].judgement.notes)
    mask = next(drawn.path.glob("*_segmentation.png"))
    mask.write_bytes(mask.read_bytes() + b" ")
    with pytest.raises(LabelError, match=r"the masks that the prior of .* is made of are not those that it was begun"):
        train_run(recipe, run, home=phantoms.home, fabric=fabric, resume=True)


def test_phantoms_train_toward_dermoscopic_features(phantoms: "Phantoms", fabric: Fabric, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    recipe = load_recipe("demo", [*TINY, "training.epochs=1", "loss.prior=dermoscopic"])
    row = train_run(recipe, run, home=phantoms.home, fabric=fabric).best
    assert 0 < row.dice_pool3 < 1
    told = json.loads(run.provenance.read_text())["prior"]
    assert told["sources"] == {"superpixels with features (ISIC 2017 part 2)": 24}
