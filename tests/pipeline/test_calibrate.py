"""The temperature of a run is that of its validation predictions, and lies in its best checkpoint alone."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from attnmel.evaluation.temperature import fit_temperature
from attnmel.folders import RunFolder
from attnmel.models.checkpoints import read_checkpoint, set_temperature
from attnmel.pipeline.calibrate import calibrate_run
from attnmel.pipeline.train import train_run
from attnmel.records import Predictions
from attnmel.settings import Recipe

if TYPE_CHECKING:
    from lightning_fabric import Fabric
    from tests.conftest import Phantoms


@pytest.fixture
def copied(trained: RunFolder, tmp_path: Path) -> RunFolder:
    return RunFolder(Path(shutil.copytree(trained.path, tmp_path / "copy")))


def test_the_best_checkpoint_holds_the_temperature_of_the_validation_predictions(trained: RunFolder) -> None:
    fitted = fit_temperature(Predictions.read(trained.predictions("validation")))
    assert read_checkpoint(trained.best)[1].temperature == fitted.value
    assert read_checkpoint(trained.last)[1].temperature is None


def test_resuming_a_finished_run_writes_the_same_bytes(
    copied: RunFolder, tiny: Recipe, phantoms: "Phantoms", fabric: "Fabric"
) -> None:
    files = (copied.best, copied.best.with_suffix(".json"))
    before = [path.read_bytes() for path in files]
    train_run(tiny, copied, home=phantoms.home, fabric=fabric, resume=True)
    assert [path.read_bytes() for path in files] == before


def test_resuming_a_finished_run_gives_an_old_checkpoint_its_temperature(
    copied: RunFolder, trained: RunFolder, tiny: Recipe, phantoms: "Phantoms", fabric: "Fabric"
) -> None:
    set_temperature(copied.best, None)
    train_run(tiny, copied, home=phantoms.home, fabric=fabric, resume=True)
    assert copied.best.read_bytes() == trained.best.read_bytes()


def test_a_validation_split_that_gives_no_temperature_takes_an_earlier_one_away(copied: RunFolder) -> None:
    path = copied.predictions("validation")
    path.write_text(path.read_text().replace(",melanoma,", ",rest,"))
    assert calibrate_run(copied) is None
    assert read_checkpoint(copied.best)[1].temperature is None
