"""Files of predictions and submissions alone are fused: labels come from the data set, and files may move."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from attnmel.errors import ConfigError, PredictionsError
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


def noisy(path: Path, start: int, seed: int) -> Path:
    """Write predictions of 60 images, a third of them melanomas, that are a little better than chance."""
    chance = np.random.default_rng(seed)
    labels = (np.arange(60) % 3 == 0).astype(np.int64)
    shares = np.clip(0.5 + 0.05 * (2 * labels - 1) + 0.25 * chance.standard_normal(60), 0.01, 0.99)
    ids = tuple(f"I{start + number}" for number in range(60))
    Predictions(ids, ("rest", "melanoma"), np.stack([1 - shares, shares], axis=1), labels, ids).write(path, None)
    return path


def test_a_stack_on_validation_images_predicts_each_by_models_without_its_lesion(tmp_path: Path) -> None:
    pytest.importorskip("sklearn", reason="needs the extra features")
    tests = [noisy(tmp_path / f"{seed}.csv", 1000, seed) for seed in range(3)]
    held = [noisy(tmp_path / f"{seed}-validation.csv", 0, 10 + seed) for seed in range(3)]
    both = [f"{test}@{one}" for test, one in zip(tests, held, strict=True)]
    fuse(both, tmp_path / "test", by="stack", dataset="phantoms", home=tmp_path, resamples=20)
    expected = Run(tmp_path / "test").uncalibrated("validation").probabilities
    # A file alone is of the split that is named.
    for name, given in {"both": both, "alone": list(map(str, held))}.items():
        out = tmp_path / name
        fused = fuse(given, out, by="stack", dataset="phantoms", split="validation", home=tmp_path, resamples=20)
        run = Run(out)
        np.testing.assert_array_equal(run.uncalibrated("validation").probabilities, expected)
        assert run.results["validation"].judgement.row("melanoma", "auc").value == pytest.approx(
            fused.measures["fused"]["melanoma"][0]
        )
    fuse(both, tmp_path / "fused.csv", by="stack", split="validation", home=tmp_path)
    np.testing.assert_array_equal(Predictions.read(tmp_path / "fused.csv").probabilities, expected)


def test_files_alone_into_a_folder(tmp_path: Path) -> None:
    given = [str(noisy(tmp_path / f"{seed}.csv", 0, seed)) for seed in range(2)]
    with pytest.raises(
        ConfigError, match="a folder is a run of a data set, and these files do not say of which; name a"
    ):
        fuse(given, tmp_path / "out", home=tmp_path)
    (tmp_path / "clinic").mkdir()
    clinic = str(tmp_path / "clinic")
    twice = ["melanoma", "melanoma"]
    fused = fuse(given, tmp_path / "out", positives=twice, dataset=clinic, home=tmp_path, resamples=20)
    assert fused.card.positives == ("melanoma",)
    run = Run(tmp_path / "out")
    assert run.recipe.name == "clinic/fused-mean"
    assert evaluate_fusion(run, resamples=20).judgement.images == 60
    (tmp_path / "other").mkdir()
    said = "is a file of predictions of 'test', which has none of"
    with pytest.raises(PredictionsError, match=f"{said} 'internal'; fuse files of these images"):
        evaluate_fusion(run, split="internal")
    with pytest.raises(PredictionsError, match=f"{said} 'other-test'"):
        evaluate_fusion(run, on=str(tmp_path / "other"), split="test")
    assert list(run.results) == ["test"]
    with pytest.raises(ConfigError, match=r"unknown data set 'isci2017' \(did you mean 'isic2017'\?\); known: "):
        fuse(given, tmp_path / "out.csv", dataset="isci2017", home=tmp_path)
