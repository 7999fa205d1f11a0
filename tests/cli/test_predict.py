"""Probabilities are calibrated unless told otherwise, and the table says which."""

import json
from typing import TYPE_CHECKING

from attnmel.folders import RunFolder
from attnmel.models.weights.checkpoints import read_checkpoint
from attnmel.records import Predictions

if TYPE_CHECKING:
    from tests.cli.conftest import Attnmel
    from tests.conftest import Phantoms


def test_uncalibrated_probabilities_are_those_of_evaluate(
    attnmel: "Attnmel", calibrated: RunFolder, phantoms: "Phantoms"
) -> None:
    image = next((phantoms.home / "data").rglob("*Test_v2_Data/*.jpg"))
    judged = Predictions.read(calibrated.predictions("test"))
    expected = judged.probability("melanoma")[judged.image_ids.index(image.stem)]
    plain = json.loads(attnmel("predict", calibrated.path, image, "--json", "--uncalibrated").out)
    assert abs(plain["images"][0]["probabilities"]["melanoma"] - expected) < 1e-6
    assert plain["temperature"] is None
    usual = json.loads(attnmel("predict", calibrated.path, image, "--json").out)
    assert usual["temperature"] == read_checkpoint(calibrated.best)[1].temperature
    assert usual["images"] != plain["images"]
    comment = attnmel("predict", calibrated.path, image, "--uncalibrated").out.splitlines()[2]
    assert comment == "# Not calibrated: as asked for."
