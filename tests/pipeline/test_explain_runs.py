"""One run, or several side by side, as pages."""

import dataclasses
import json
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from attnmel.errors import ConfigError
from attnmel.evaluation.map_summary import MapSummary
from attnmel.folders import RunFolder
from attnmel.pipeline.explain_runs import explain_runs
from attnmel.pipeline.explain_split import explain_split
from attnmel.pipeline.shown_maps import require_same_images
from attnmel.records import Predictions
from attnmel.report.map_grid import CELL

if TYPE_CHECKING:
    from tests.conftest import Phantoms

METHODS = ("attention-pool3", "attention-pool4", "gaussian")


@pytest.fixture
def copied(trained: RunFolder, tmp_path: Path) -> RunFolder:
    return RunFolder(Path(shutil.copytree(trained.path, tmp_path / "run")))


def test_the_gallery_holds_every_image_and_asks_nobody(copied: RunFolder, phantoms: "Phantoms") -> None:
    folder = explain_runs([copied], split="test", methods=METHODS, home=phantoms.home)
    page = folder.gallery.read_text()
    predictions = Predictions.read(copied.predictions("test"))
    assert all(f"<b>{image_id}</b>" in page for image_id in predictions.image_ids)
    assert not re.findall(r"(?:src|href)=[\"'](?!data:|#)", page)
    assert "://" not in page
    embedded = re.search(r'id="figures"[^>]*>(.*?)</script>', page)
    assert embedded is not None
    figures = json.loads(embedded[1])
    assert [len(one["maps"]) for one in figures["images"]] == [len(METHODS)] * len(predictions.image_ids)
    shares = [one["probabilities"][0] for one in figures["images"]]
    np.testing.assert_allclose(shares, predictions.probability("melanoma"), atol=1e-6)
    with Image.open(folder.grid) as grid:
        assert grid.width > 4 * CELL


def test_runs_stand_side_by_side_on_the_same_images(
    trained: RunFolder, copied: RunFolder, phantoms: "Phantoms", tmp_path: Path
) -> None:
    other = RunFolder(Path(shutil.copytree(trained.path, tmp_path / "other")))
    out = tmp_path / "both"
    folder = explain_runs([copied, other], split="test", methods=METHODS, out=out, home=phantoms.home)
    assert copied.split_maps("test").table.read_text() == other.split_maps("test").table.read_text()
    summary = MapSummary.read(folder.summary)
    assert summary is not None
    assert summary.methods[0] == "demo, seed 0 (1): attention-pool3"
    # The same network twice: each method against itself, never against another.
    assert {one.interval.value for one in summary.differences} == {0}
    assert folder.gallery.read_text().count("demo, seed 0 (2): ") == len(METHODS)


def test_maps_that_do_not_lie_side_by_side_are_refused(copied: RunFolder, phantoms: "Phantoms") -> None:
    one = explain_split(copied, split="test", methods=["gaussian"], home=phantoms.home)
    narrow = one.asked.data.model_copy(update={"crop": 0.5})
    with pytest.raises(ConfigError, match="sees another square of each image than demo, seed 0"):
        require_same_images([one, dataclasses.replace(one, asked=dataclasses.replace(one.asked, data=narrow))])
    validation = explain_split(copied, split="validation", methods=["gaussian"], home=phantoms.home)
    with pytest.raises(ConfigError, match="are of other images; explain runs of one data set and split"):
        require_same_images([one, validation])
