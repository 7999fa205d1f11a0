"""`evaluate` says how much of its images the network saw, and recipes choose the squares that it sees."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from attnmel.config.recipe import Recipe
from attnmel.data.preprocess.coverage import Covered
from attnmel.data.preprocess.framing import framing_of
from attnmel.data.preprocess.images import central_crop
from attnmel.data.preprocess.network_input import mask_of, network_input
from attnmel.errors import LabelError
from attnmel.files.folders import RunFolder
from attnmel.files.table_files import read_table
from attnmel.models.weights.checkpoints import read_checkpoint
from attnmel.pipeline.evaluate.evaluate import evaluate_run
from attnmel.pipeline.evaluate.seen import seen_notes
from attnmel.pipeline.experiment import run_recipe
from attnmel.pipeline.predict.predict import predict_images
from attnmel.pipeline.predict.table import texts_of
from attnmel.pipeline.run.images.dataset import prepare
from attnmel.pipeline.run.run import Run

if TYPE_CHECKING:
    from lightning_fabric import Fabric
    from tests.conftest import Phantoms

from tests.factories import Recorder


def changed(recipe: Recipe, **data: object) -> Recipe:
    return Recipe.model_validate({**recipe.model_dump(), "data": {**recipe.data.model_dump(), **data}})


def test_the_table_of_a_split_is_that_of_predict(trained: RunFolder, phantoms: "Phantoms", tmp_path: Path) -> None:
    folder = RunFolder(Path(shutil.copytree(trained.path, tmp_path / "run")))
    run = Run(folder, phantoms.home)
    notes = evaluate_run(run, split="test", resamples=20).judgement.notes
    table = read_table(folder.seen("test"), ("image", "share_of_image", "share_of_lesion", "warnings"))
    masks = next((phantoms.home / "data").rglob("*Test_v2_Part1_GroundTruth"))
    files = [lesion.image for lesion in run.dataset.lesions if lesion.split == "test"]
    predicted = {Path(one.image).stem: one.added for one in predict_images(trained.path, files, masks=masks)}
    for row in table:
        expected = predicted[row["image"]]
        assert round(float(row["share_of_image"]), 4) == expected["share_of_image"]
        assert round(float(row["share_of_lesion"]), 4) == expected["share_of_lesion"]
        # Drawn phantoms are smooth, which `evaluate` knows of its data set, and `predict` not of a file.
        assert row["warnings"].split("; ") == (
            [name for name in texts_of(expected, "warnings") if name != "blurred"] or [""]
        )
    assert any(note.startswith("the network saw 36 % of an image's area on average and ") for note in notes)
    assert any(note.startswith("'blurred' is not checked: its bound is of photographs") for note in notes)


def test_the_notes_count_lesions_and_warnings() -> None:
    found = [Covered(8, 6, 4, 0.4, share, None if share is None else True) for share in (0.5, 1.0, None)]
    assert seen_notes(found, [("blurred",), (), ("blurred", "strip")]) == (
        "the network saw 40 % of an image's area on average and 75 % of the lesion's; 1 of 2 lesions with less "
        "than 75 %",
        "warnings on 3 images: 2 'blurred', 1 'strip'",
    )
    assert seen_notes([found[2]], [()]) == ("the network saw 40 % of an image's area on average",)


def test_a_crop_around_the_lesion_is_prepared_by_the_masks_and_else_the_largest_square(
    tiny: Recipe, phantoms: "Phantoms"
) -> None:
    data, progress = changed(tiny, crop="lesion", crop_margin=0.1).data, Recorder()
    prepared = prepare(data, home=phantoms.home, progress=progress)
    for row in (0, 5, 20):
        lesion = prepared.lesions[row]
        expected = network_input(lesion.image, framing_of(data), mask=mask_of(lesion.mask, lesion.image))
        np.testing.assert_array_equal(prepared.cache.images[row], expected.prepared[0])
        assert expected.seen.share_of_lesion == pytest.approx(1)
        # The mask moves with its image: it is whole in what the network sees, with skin around.
        seen = central_crop(prepared.cache.masks[row][None], data.size)[0]
        assert seen.any()
        assert not np.concatenate([seen[0], seen[-1], seen[:, 0], seen[:, -1]]).all()
    without = [lesion.image_id for lesion in prepared.lesions if lesion.mask is None]
    assert prepared.cache.without_lesion == set(without)
    if without:
        assert f"{len(without)} of {len(prepared.lesions)} images have no lesion mask" in " ".join(progress.notes)
    plain = prepare(tiny.data, home=phantoms.home)
    assert plain.cache.key != prepared.cache.key
    assert not plain.cache.without_lesion


def test_masks_of_a_folder_that_has_none_of_the_images_are_refused(
    tiny: Recipe, phantoms: "Phantoms", tmp_path: Path
) -> None:
    data = changed(tiny, crop="lesion", crop_masks=str(tmp_path)).data
    with pytest.raises(LabelError, match=r"data.crop = 'lesion', but none of the \d+ images of phantoms has a mask"):
        prepare(data, home=phantoms.home)
    with pytest.raises(LabelError, match=r"data.crop_masks = '.*gone' is no folder"):
        prepare(changed(tiny, crop="lesion", crop_masks=str(tmp_path / "gone")).data, home=phantoms.home)


@pytest.mark.parametrize(
    "settings",
    [pytest.param({"crop": "lesion"}, id="lesion"), pytest.param({"crops": 5}, id="five", marks=pytest.mark.slow)],
)
def test_predict_gives_what_evaluate_gives_whatever_the_squares(
    settings: dict[str, object], tiny: Recipe, phantoms: "Phantoms", fabric: "Fabric", tmp_path: Path
) -> None:
    recipe = changed(tiny, **settings)
    recipe = recipe.model_copy(update={"training": recipe.training.model_copy(update={"epochs": 1})})
    folder = RunFolder(tmp_path / "run")
    run_recipe(recipe, folder, home=phantoms.home, fabric=fabric, resamples=20)
    card = read_checkpoint(folder.path)[1]
    assert (card.crop, card.crops) == (recipe.data.crop, recipe.data.crops)
    run = Run(folder, phantoms.home)
    evaluated = run.predictions("test")
    files = {one.image_id: one.image for one in run.dataset.lesions}
    masks = next((phantoms.home / "data").rglob("*Test_v2_Part1_GroundTruth"))
    found = predict_images(folder.path, [files[image_id] for image_id in evaluated.image_ids], masks=masks)
    np.testing.assert_allclose([one.probabilities for one in found], evaluated.probabilities, atol=1e-5)
