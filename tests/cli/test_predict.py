"""Probabilities are calibrated unless told otherwise, and the table says which."""

import json
from typing import TYPE_CHECKING

from attnmel.folders import RunFolder
from attnmel.models.checkpoints import read_checkpoint
from attnmel.records import Predictions

if TYPE_CHECKING:
    from tests.cli.conftest import Attnmel
    from tests.conftest import Phantoms


def test_uncalibrated_probabilities_are_those_of_evaluate(
    attnmel: "Attnmel", trained: RunFolder, phantoms: "Phantoms"
) -> None:
    image = next((phantoms.home / "data").rglob("*Test_v2_Data/*.jpg"))
    judged = Predictions.read(trained.predictions("test"))
    expected = judged.probability("melanoma")[judged.image_ids.index(image.stem)]
    plain = json.loads(attnmel("predict", trained.path, image, "--json", "--uncalibrated").out)
    assert abs(plain["images"][0]["probabilities"]["melanoma"] - expected) < 1e-6
    assert plain["temperature"] is None
    calibrated = json.loads(attnmel("predict", trained.path, image, "--json").out)
    assert calibrated["temperature"] == read_checkpoint(trained.best)[1].temperature
    assert calibrated["images"] != plain["images"]
    comment = attnmel("predict", trained.path, image, "--uncalibrated").out.splitlines()[2]
    assert comment == "# Not calibrated: as asked for."
