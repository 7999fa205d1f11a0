"""A network whose recipe averages transforms of each image, or counts on age and sex, is exported as any other."""

import dataclasses
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from attnmel.files.folders import RunFolder
from attnmel.models.weights.age_sex_prior import AgeSexPrior
from attnmel.models.weights.checkpoints import load_checkpoint, save_weights
from attnmel.pipeline.evaluate.evaluate import evaluate_run
from attnmel.pipeline.export.export import export_onnx
from attnmel.pipeline.predict.predict import predict_images
from attnmel.pipeline.run.run import Run

if TYPE_CHECKING:
    from tests.conftest import Phantoms

pytestmark = pytest.mark.usefixtures("small_photograph")

BANDS = ("0-29", "30-39", "40-49", "50-59", "60-69", "70+")
PRIOR = AgeSexPrior(
    counts={name: {f"{band} {sex}": 1000 for band in BANDS} for name, sex in (("rest", "female"), ("melanoma", "male"))}
)
"""So strong that it decides."""


def test_transforms_are_averaged_by_every_engine_as_by_the_network(
    calibrated: RunFolder, phantoms: "Phantoms", tmp_path: Path
) -> None:
    network, card = load_checkpoint(calibrated.path)
    checkpoint = tmp_path / "best.safetensors"
    save_weights(checkpoint, network.state_dict(), dataclasses.replace(card, transforms="dihedral"))
    found = export_onnx(checkpoint, home=tmp_path)
    assert len(found.facts.parity) == 3
    assert max(one.probability for one in found.facts.parity) < 1e-4
    images = sorted((phantoms.home / "data").rglob("*Test_v2_Data/*.jpg"))[:3]
    by_network, by_file, plain = (
        np.array([one.probabilities for one in predict_images(model, images)])
        for model in (checkpoint, found.path, calibrated.path)
    )
    np.testing.assert_allclose(by_file, by_network, atol=1e-5)
    assert np.abs(by_network - plain).max() > 1e-4


def test_a_prior_of_age_and_sex_is_in_what_evaluate_found_and_so_in_the_check_against_it(
    calibrated: RunFolder, phantoms: "Phantoms", tmp_path: Path
) -> None:
    run = RunFolder(Path(shutil.copytree(calibrated.path, tmp_path / "seed-0")))
    network, card = load_checkpoint(run.path)
    save_weights(run.best, network.state_dict(), dataclasses.replace(card, age_sex_prior=PRIOR))
    recipe = run.recipe.read_text()
    assert 'prior = "none"' in recipe
    run.recipe.write_text(recipe.replace('prior = "none"', 'prior = "age-sex"'))
    evaluate_run(Run(run, phantoms.home), split="test", resamples=20)
    found = export_onnx(run.path, home=phantoms.home)
    assert found.card.age_sex_prior == PRIOR
    assert [one.judged_auc for one in found.facts.parity] == [None, 0.0, 0.0]
