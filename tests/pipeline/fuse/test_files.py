"""Files of predictions and submissions alone are fused: labels come from the data set, and files may move."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from attnmel.evaluation.challenge.submission import write_submission
from attnmel.pipeline.evaluate.score import score
from attnmel.pipeline.evaluate.submissions import fetched_truth
from attnmel.pipeline.fuse.evaluate import evaluate_fusion
from attnmel.pipeline.fuse.fuse import fuse
from attnmel.pipeline.run.run import Run
from attnmel.records import Predictions

if TYPE_CHECKING:
    from tests.conftest import Phantoms


def test_a_file_gets_labels_and_measures_of_both_tasks_from_the_data_set(phantoms: "Phantoms", tmp_path: Path) -> None:
    """Two submissions alone, with validation files, into a folder and into a submission."""
    chance = np.random.default_rng(0)
    names = {}
    for split, count in (("test", 12), ("validation", 10)):
        ids = [
            line.partition(",")[0] for line in fetched_truth("phantoms", phantoms.home, split).read_text().split()[1:]
        ]
        assert len(ids) == count
        for member in "ab":
            rows = chance.dirichlet((1, 1, 1), count)
            classes = ("melanoma", "seborrheic_keratosis", "rest")
            found = Predictions(tuple(ids), classes, rows, np.full(count, -1), tuple(ids))
            write_submission(found, tmp_path / f"{member}-{split}.csv", "phantoms")
        names[split] = [str(tmp_path / f"{member}-{split}.csv") for member in "ab"]
    given = [f"phantoms:{test}@{held}" for test, held in zip(names["test"], names["validation"], strict=True)]
    fused = fuse(given, tmp_path / "folder", by="confidence", home=phantoms.home, resamples=20)
    assert fused.card.fitted_on == "10 validation images"
    assert set(fused.measures["fused"]) == {"melanoma", "seborrheic_keratosis"}
    run = Run(tmp_path / "folder", phantoms.home)
    assert list(run.results) == ["validation", "test"]
    together = Path(shutil.copytree(tmp_path, tmp_path.with_name("moved"))) / "folder"
    for one in tmp_path.glob("*.csv"):
        one.rename(one.with_suffix(".before"))
    again = evaluate_fusion(Run(together, phantoms.home), split="validation", resamples=20)
    assert again.judgement.images == 10
    for one in tmp_path.glob("*.before"):
        one.rename(one.with_suffix(".csv"))
    scored = score("phantoms", run.folder.submission("test"), home=phantoms.home, resamples=20)
    assert scored.row("mean", "auc").value == pytest.approx(
        np.mean([scored.row(name, "auc").value for name in fused.card.positives])
    )
    fuse(given, tmp_path / "same.csv", by="confidence", home=phantoms.home)
    again = score("phantoms", tmp_path / "same.csv", home=phantoms.home, resamples=20)
    assert again.row("melanoma", "auc").value == pytest.approx(fused.measures["fused"]["melanoma"][0])


def test_the_labels_are_of_any_submission_where_the_first_file_has_none(phantoms: "Phantoms", tmp_path: Path) -> None:
    text = fetched_truth("phantoms", phantoms.home, "test").read_text().split()[1:]
    ids = tuple(line.partition(",")[0] for line in text)
    classes = ("melanoma", "seborrheic_keratosis", "rest")
    rows = np.random.default_rng(0).dirichlet((1, 1, 1), len(ids))
    found = Predictions(ids, classes, rows, np.full(len(ids), -1), ids)
    found.write(tmp_path / "a.csv", None)
    write_submission(found, tmp_path / "b.csv", "phantoms")
    given = [str(tmp_path / "a.csv"), f"phantoms:{tmp_path / 'b.csv'}"]
    fused = fuse(given, tmp_path / "folder", home=phantoms.home, resamples=20)
    assert set(fused.measures) == {*given, "plain mean", "fused"}
