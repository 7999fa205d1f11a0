"""Which commands fill a table, told from what is there already."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import tomli_w
from tests.conftest import TINY

from attnmel.config.load import load_recipe
from attnmel.data.datasets.read_dataset import read_dataset
from attnmel.errors import ConfigError
from attnmel.evaluation.thesis.tables import RANKING, TABLES, TEST, TablePlan
from attnmel.files.checksums import file_sha256
from attnmel.files.folders import predicted_masks
from attnmel.pipeline.reproduce.jobs import TableOptions, table_jobs
from attnmel.pipeline.segment.masks_table import MaskRow, write_masks_table

if TYPE_CHECKING:
    from tests.conftest import Phantoms


def test_masks_are_predicted_until_every_image_has_a_row(phantoms: "Phantoms", tmp_path: Path) -> None:
    home, row = tmp_path / "home", tmp_path / "starred.toml"
    home.mkdir()
    (home / "data").symlink_to(phantoms.home / "data")
    recipe = load_recipe("demo", (*TINY, "name=tiny/starred", "loss.masks=predicted"))
    row.write_bytes(tomli_w.dumps(recipe.model_dump(exclude_none=True)).encode())
    plan = TablePlan("tiny", "Tiny", (str(row),), RANKING, TEST)
    options = TableOptions(plan=plan, out=tmp_path / "out", home=home)
    masks = [MaskRow(one.image_id, 0.9, 0.2, 1, "") for one in read_dataset("phantoms", home).lesions]
    for drawn in ([], masks[:-1]):
        if drawn:
            write_masks_table(predicted_masks(home, "phantoms"), "0" * 64, drawn, "synthetic")
        assert [command[:2] for command in table_jobs(options).segmenter] == [
            ("segment", "train"),
            ("segment", "predict"),
        ]
    write_masks_table(predicted_masks(home, "phantoms"), "0" * 64, masks, "synthetic")
    assert table_jobs(options).segmenter == ()
    # A segmenter that is named is the one whose masks are taken.
    mine = tmp_path / "mine.safetensors"
    named = dataclasses.replace(options, segmenter=mine)
    with pytest.raises(ConfigError, match=r"of another segmenter \(000000000000; --segmenter: no checkpoint at .*mine"):
        table_jobs(named)
    mine.write_bytes(b"weights")
    with pytest.raises(ConfigError, match=r"of another segmenter .* `attnmel segment predict .* phantoms --replace`"):
        table_jobs(named)
    write_masks_table(predicted_masks(home, "phantoms"), file_sha256(mine), masks, "synthetic")
    assert table_jobs(named).segmenter == ()
    with pytest.raises(ConfigError, match="draws the predicted masks that rows take, and no chosen row of tiny does"):
        table_jobs(dataclasses.replace(named, plan=dataclasses.replace(plan, rows=("demo",))))


def test_no_row_at_all_is_refused_with_what_to_name(tmp_path: Path) -> None:
    options = TableOptions(plan=TABLES["isic2017"], out=tmp_path / "out", home=tmp_path, rows=("none",))
    with pytest.raises(ConfigError, match=r"^--rows none leaves rows of --row NAME=PATH alone, and there is none"):
        table_jobs(options)
