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

from attnmel.config.settings.tta import DIHEDRAL
from attnmel.errors import ConfigError
from attnmel.evaluation.calibration.temperature import at_temperature
from attnmel.evaluation.maps.summary import MapSummary
from attnmel.evaluation.maps.table import MapColumn, MapTable
from attnmel.files.folders import MapsFolder, RunFolder
from attnmel.models.weights.checkpoints import read_checkpoint, save_weights
from attnmel.pipeline.explain.runs import explain_each, explain_runs
from attnmel.pipeline.explain.side_by_side import require_same_images
from attnmel.pipeline.predict.cached_rows import predict_rows
from attnmel.pipeline.run.open_split import open_split
from attnmel.pipeline.run.run import Run
from attnmel.records import Predictions
from attnmel.report.galleries.map_grid import CELL

if TYPE_CHECKING:
    from tests.conftest import Phantoms

METHODS = ("attention-pool3", "attention-pool4", "gaussian")


@pytest.fixture
def copied(trained: RunFolder, tmp_path: Path) -> RunFolder:
    return RunFolder(Path(shutil.copytree(trained.path, tmp_path / "run")))


def test_the_gallery_holds_every_image_and_asks_nobody(copied: RunFolder, phantoms: "Phantoms") -> None:
    folder = explain_runs([Run(copied, phantoms.home)], split="test", methods=METHODS)
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
    folder = explain_runs(
        [Run(copied, phantoms.home), Run(other, phantoms.home)], split="test", methods=METHODS, out=out
    )
    assert copied.split_maps("test").table.read_text() == other.split_maps("test").table.read_text()
    summary = MapSummary.read(folder.summary)
    assert summary is not None
    # The same map of both runs, one below the other.
    assert summary.methods[:2] == ("demo, seed 0 (1): attention-pool3", "demo, seed 0 (2): attention-pool3")
    # The same network twice: each method against itself, never against another.
    assert {one.interval.value for one in summary.differences} == {0}
    # A control is the same for any network: shown once, compared with nothing.
    assert summary.methods[-1] == "gaussian"
    assert not any("gaussian" in one.first.map for one in summary.differences)
    assert folder.gallery.read_text().count("demo, seed 0 (2): ") == len(METHODS)


def test_each_run_gives_the_named_maps_that_it_has(
    copied: RunFolder, without_attention: RunFolder, phantoms: "Phantoms", tmp_path: Path
) -> None:
    other, out = RunFolder(Path(shutil.copytree(without_attention.path, tmp_path / "gap"))), tmp_path / "both"
    methods, measures = ["attention-pool3", "cam"], ["overlap", "authors-cam"]
    explain_runs(
        [Run(copied, phantoms.home), Run(other, phantoms.home)],
        split="test",
        methods=methods,
        measures=measures,
        out=out,
    )
    summary = MapSummary.read(MapsFolder(out).summary)
    assert summary is not None
    assert [name.split(": ")[1] for name in summary.methods] == ["attention-pool3", "cam", "cam"]
    table = MapTable.read(other.split_maps("test").table)
    # At 32 pixels pool-5 is one cell: its map is the same everywhere and marks nothing.
    authors = table.column(MapColumn("cam", "jaccard of authors", "lesion"))
    np.testing.assert_array_equal(authors, table.column(MapColumn("cam", "jaccard", "lesion")))
    assert not any("authors" in column.measure for column in MapTable.read(copied.split_maps("test").table).values)


def test_maps_that_do_not_lie_side_by_side_are_refused_before_any_is_made(
    copied: RunFolder, phantoms: "Phantoms", tmp_path: Path
) -> None:
    narrow = RunFolder(Path(shutil.copytree(copied.path, tmp_path / "narrow")))
    narrow.recipe.write_text(narrow.recipe.read_text().replace("crop = 0.8", "crop = 0.5"))
    with pytest.raises(ConfigError, match=r"narrow sees another square of each image than .*run, so their maps"):
        explain_runs([Run(copied, phantoms.home), Run(narrow, phantoms.home)], split="test", out=tmp_path / "out")
    assert not copied.split_maps("test").path.exists()
    with pytest.raises(
        ConfigError, match="'authors-cam' is of the map 'cam' of a vgg16-gap; here are maps of attnmel-c"
    ):
        explain_runs([Run(copied, phantoms.home)], split="test", measures=["authors-cam"])
    models = {split: open_split(Run(copied, phantoms.home), split) for split in ("test", "validation")}
    with pytest.raises(ConfigError, match="are of other images; explain runs of one data set and split"):
        require_same_images({split: one.predictions.image_ids for split, one in models.items()})


def test_the_explained_class_is_that_of_evaluate_where_transforms_are_averaged(
    copied: RunFolder, phantoms: "Phantoms"
) -> None:
    tensors, card = read_checkpoint(copied.path)
    save_weights(copied.best, tensors, dataclasses.replace(card, transforms="dihedral", temperature=0.5))
    recipe = copied.recipe.read_text()
    assert 'transforms = "none"' in recipe
    copied.recipe.write_text(recipe.replace('transforms = "none"', 'transforms = "dihedral"'))
    run, passes = Run(copied, phantoms.home), []
    hook = run.checkpoint[0].register_forward_hook(lambda _, images, __: passes.append(len(images[0])))
    (one,) = explain_each([run], split="test", methods=["attention-pool3"])
    hook.remove()
    # The eight transforms of which the image as it is is one, its map, and what finds out whether there is one.
    assert sum(passes) == len(one.rows) * (8 + 1) + 1
    expected = at_temperature(predict_rows(run, run.dataset, one.rows, DIHEDRAL).predictions, 0.5)
    np.testing.assert_array_equal(one.predictions.probabilities, expected.probabilities)
    alone = open_split(run, "test").predictions
    assert not np.allclose(expected.probabilities, alone.probabilities)
    assert one.table.called == MapTable.of(expected, {}).called
