"""`attnmel segment` as a user meets it."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from tests.conftest import TINY_UNET

from attnmel.files.folders import RunFolder

if TYPE_CHECKING:
    from tests.cli.conftest import Attnmel
    from tests.conftest import Phantoms


def test_train_predict_and_score_end_in_a_table(attnmel: "Attnmel", phantoms: "Phantoms", tmp_path: Path) -> None:
    options = [part for one in (*TINY_UNET, "training.epochs=1") for part in ("--set", one)]
    run, masks, home = tmp_path / "run", tmp_path / "masks", ("--home", phantoms.home)
    trained = attnmel("segment", "train", "--out", run, *options, *home)
    assert (trained.code, "best epoch 1, 6 held-out images" in trained.out) == (0, True)
    assert "threshold_jaccard" in trained.out
    assert attnmel("segment", "predict", run, "phantoms", "--out", masks, *home).code == 0
    scored = attnmel("segment", "score", "phantoms", masks, "--resamples", "50", *home)
    assert scored.code == 0, scored.err
    assert "| images of | images | threshold Jaccard | Jaccard | Dice | share below 0.65 |" in scored.out
    told = json.loads(attnmel("segment", "score", "phantoms", masks, "--resamples", "50", "--json", *home).out)
    assert told["images"] == 46
    assert told["parts"][0]["figures"]["jaccard"].keys() == {"value", "low", "high"}


def test_a_file_that_cannot_be_read_ends_with_one_after_the_others(
    attnmel: "Attnmel", segmenter: RunFolder, tmp_path: Path
) -> None:
    (tmp_path / "bad.jpg").write_text("text")
    ran = attnmel("segment", "predict", segmenter.path, tmp_path, "--out", tmp_path / "masks", "--home", tmp_path)
    assert ran.code == 1
    assert "bad.jpg is no picture" in ran.err


def test_a_slip_in_a_setting_is_told_with_the_known_keys(attnmel: "Attnmel") -> None:
    ran = attnmel("segment", "train", "--set", "data.sise=64")
    assert (ran.code, "unknown key 'data.sise' (did you mean 'size'?); known: dataset, held_out, size" in ran.err) == (
        1,
        True,
    )
