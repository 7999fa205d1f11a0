"""Runs are fused into a folder that is a run: fitted on validation alone, evaluated, compared and used as one."""

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.factories import Recorder

from attnmel.config.fusion import Rule
from attnmel.errors import CheckpointError, ConfigError, LabelError, PredictionsError
from attnmel.evaluation.calibration.temperature import fit_temperature
from attnmel.evaluation.challenge.submission import write_submission
from attnmel.evaluation.fusion.rules import accuracies
from attnmel.evaluation.statistics.bootstrap import ResamplingConfig
from attnmel.folders import RunFolder
from attnmel.pipeline.evaluate.compare import compare_runs
from attnmel.pipeline.evaluate.score import score
from attnmel.pipeline.evaluate.truth import fetched_truth
from attnmel.pipeline.fuse.evaluate import evaluate_fusion
from attnmel.pipeline.fuse.fuse import fuse
from attnmel.pipeline.predict.predict import predict_images
from attnmel.pipeline.report.report import report_runs
from attnmel.pipeline.run.run import Run
from attnmel.records import Predictions

if TYPE_CHECKING:
    from tests.conftest import Phantoms

Fuse = Callable[..., RunFolder]
SAME_CLASS = (0, 1, 1, 0, 1)


@pytest.fixture
def members(calibrated: RunFolder, fitted: RunFolder, tmp_path: Path) -> list[Path]:
    """A network at a temperature and a fitted system, copied."""
    return [
        Path(shutil.copytree(one.path, tmp_path / name / "seed-0"))
        for name, one in (("network", calibrated), ("system", fitted))
    ]


@pytest.fixture
def make(members: list[Path], phantoms: "Phantoms", tmp_path: Path) -> Fuse:
    def made(by: Rule = "mean", *more: str, name: str = "fused", **settings: object) -> RunFolder:
        given = [*map(str, members), *more]
        fuse(given, tmp_path / name, by=by, home=phantoms.home, resamples=20, command="attnmel fuse", **settings)  # pyright: ignore[reportArgumentType]
        return RunFolder(tmp_path / name)

    return made


def stored(members: list[Path], split: str) -> list[Predictions]:
    return [Run(one).predictions(split) for one in members]


def test_the_mean_of_runs_is_a_run_with_all_that_they_were_evaluated_on(make: Fuse, members: list[Path]) -> None:
    run = Run(make())
    for split in ("validation", "test"):
        expected = np.mean([one.probabilities for one in stored(members, split)], axis=0)
        np.testing.assert_allclose(run.uncalibrated(split).probabilities, expected, atol=1e-15)
        assert run.predictions(split).labels.tolist() == stored(members, split)[0].labels.tolist()
    fit = fit_temperature(run.uncalibrated("validation"))
    assert run.card is not None
    assert run.card.temperature == (None if fit.reason else fit.value)
    assert {one.task for one in run.card.thresholds} == {"melanoma"}
    assert run.recipe.name == "phantoms/fused-mean"
    assert run.results["test"].judgement.images == 12
    assert {one.split for one in run.learnt_images} == {"train", "validation"}
    assert run.provenance["command"] == "attnmel fuse"
    card = json.loads(run.folder.fusion.read_text())
    assert [one["path"] for one in card["members"]] == [str(one.resolve()) for one in members]
    assert card["fitted_on"] == "nothing"


def test_weights_are_validation_accuracies_whatever_the_test_predictions_and_labels_are(
    make: Fuse, members: list[Path]
) -> None:
    before = json.loads(make("weighted").fusion.read_text())
    found = stored(members, "validation")
    expected = accuracies(np.stack([one.probabilities for one in found]), found[0].labels)
    assert [one["weight"] for one in before["members"]] == pytest.approx(expected)
    assert before["fitted_on"] == "10 validation images"
    for one in members:
        test = Predictions.read(RunFolder(one).predictions("test"))
        other = dataclasses.replace(test, probabilities=test.probabilities[:, ::-1], labels=test.labels[::-1].copy())
        other.write(RunFolder(one).predictions("test"), "x")
    after = json.loads(make("weighted", name="again").fusion.read_text())
    assert [one["weight"] for one in after["members"]] == [one["weight"] for one in before["members"]]


@pytest.mark.parametrize("by", ["mean", "confidence"])
def test_predicting_images_gives_what_is_stored_of_them(by: Rule, make: Fuse, phantoms: "Phantoms") -> None:
    run = Run(make(by))
    predictions = run.predictions("test")
    images = sorted((phantoms.home / "data").rglob("*Test_v2_Data/*.jpg"))[:3]
    results = predict_images(run.path, images)
    for path, one in zip(images, results, strict=True):
        row = predictions.image_ids.index(path.stem)
        np.testing.assert_allclose(one.probabilities, predictions.probabilities[row], atol=2e-5)
    assert results.model.thresholds == (run.card.thresholds if run.card else ())


def test_images_cannot_be_predicted_by_ranks_and_files(make: Fuse, phantoms: "Phantoms", tmp_path: Path) -> None:
    image = [next((phantoms.home / "data").rglob("*Test_v2_Data/*.jpg"))]
    with pytest.raises(CheckpointError) as refused:
        predict_images(make("rank").path, image)
    assert str(refused.value) == (
        f"{tmp_path}/fused is fused by rank, and an image alone has none; fuse the runs by another rule"
    )
    first = Predictions.read(make(name="mean").predictions("test"))
    first.write(tmp_path / "file.csv", None)
    with pytest.raises(CheckpointError) as refused:
        predict_images(make("mean", str(tmp_path / "file.csv"), name="mixed").path, image)
    assert str(refused.value) == (
        f"{tmp_path}/mixed fuses files of predictions ({tmp_path}/file.csv), which say nothing of other images; fuse "
        "runs alone"
    )


def test_a_fusion_is_evaluated_again_compared_reported_and_a_member(
    make: Fuse, members: list[Path], phantoms: "Phantoms", tmp_path: Path
) -> None:
    run = Run(make("weighted"), phantoms.home)
    first = run.predictions("test").probabilities
    results = evaluate_fusion(run, sensitivities=[0.7], resamples=20)
    np.testing.assert_array_equal(run.predictions("test").probabilities, first)
    assert results.judgement.notes[-1].startswith(str(members[0])) or "fused by weighted" in str(
        results.judgement.notes
    )
    evaluate_fusion(run, split="validation", resamples=20)
    found = compare_runs([run.path, *members], resampling=ResamplingConfig(resamples=20, permutations=20))
    assert len(found.comparison.differences) >= 3
    page = report_runs([run], out=tmp_path / "page.html", resampling=ResamplingConfig(resamples=20, permutations=20))
    assert "Fusion of 2 members by weighted" in page.read_text()
    other = make("mean", str(run.path), name="of-three")
    expected = np.mean([one.predictions("test").probabilities for one in (run, *map(Run, members))], axis=0)
    np.testing.assert_allclose(Run(other).uncalibrated("test").probabilities, expected, atol=1e-12)


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
    scored = score("phantoms", run.folder.submission("test"), home=phantoms.home, resamples=20)
    assert scored.row("mean", "auc").value == pytest.approx(
        np.mean([scored.row(name, "auc").value for name in fused.card.positives])
    )
    fuse(given, tmp_path / "same.csv", by="confidence", home=phantoms.home)
    again = score("phantoms", tmp_path / "same.csv", home=phantoms.home, resamples=20)
    assert again.row("melanoma", "auc").value == pytest.approx(fused.measures["fused"]["melanoma"][0])


def test_probabilities_that_do_not_sum_to_1_get_no_temperature(phantoms: "Phantoms", tmp_path: Path) -> None:
    rows = np.array([[0.9, 0.8], [0.2, 0.3]] * 10)
    found = Predictions(tuple(map(str, range(20))), ("a", "b"), rows, np.tile([0, 1], 10), tuple(map(str, range(20))))
    assert fit_temperature(found).reason == "the probabilities of an image do not sum to 1 (0.50 to 1.70)"


def refused(error: type[Exception], make: Fuse, by: Rule, tmp_path: Path, *more: str) -> str:
    with pytest.raises(error) as stopped:
        make(by, *more)
    assert not (tmp_path / "fused").exists()
    assert not list(tmp_path.glob(".*")), "nothing half-written"
    return str(stopped.value)


def test_members_without_what_a_rule_needs_are_one_sentence(make: Fuse, members: list[Path], tmp_path: Path) -> None:
    network = RunFolder(members[0])
    assert refused(LabelError, make, "stack", tmp_path).startswith(
        "the 10 validation images do not give 5 folds by lesion with each of the classes rest, melanoma, which 'stack' "
        "needs; fuse by mean, rank, weighted or confidence"
    )
    measures = json.loads(network.measures.read_text())
    network.measures.write_text(json.dumps({"test": measures["test"]}))
    assert refused(PredictionsError, make, "weighted", tmp_path) == (
        f"{members[0]} has no validation predictions; evaluate it first: `attnmel evaluate {members[0]} --split "
        "validation`, or fuse by mean, rank or extreme"
    )
    network.measures.write_text(json.dumps({"test": {**measures["test"], "epoch": 77}}))
    assert refused(PredictionsError, make, "mean", tmp_path).startswith(
        f"{members[0]} was evaluated on test at epoch 77, but its checkpoint is of epoch "
    )
    network.measures.write_text("{}")
    assert refused(PredictionsError, make, "mean", tmp_path).startswith(f"{members[0]} has no test predictions; ")
    network.best.unlink()
    assert refused(ConfigError, make, "mean", tmp_path) == (
        f"{members[0]} has no best.safetensors; train the run first"
    )


def test_members_of_other_splits_are_averaged_but_fit_nothing(make: Fuse, members: list[Path], tmp_path: Path) -> None:
    path = RunFolder(members[1]).predictions("validation")
    found = Predictions.read(path)
    other = dataclasses.replace(found, image_ids=tuple(f"X{one}" for one in found.image_ids))
    other.write(path, "x")
    assert refused(PredictionsError, make, "weighted", tmp_path) == (
        f"the members have no validation image in common ({members[0]}: 10, {members[1]}: 10), so they are of other "
        "splits, such as folds; fuse by mean, rank or extreme"
    )
    run = Run(make("mean"))
    assert list(run.results) == ["test"]
    assert run.card is not None
    assert (run.card.temperature, run.card.thresholds) == (None, ())


def test_a_member_that_is_gone_or_has_changed_is_named(make: Fuse, members: list[Path], phantoms: "Phantoms") -> None:
    run = make()
    best = RunFolder(members[0]).best
    best.write_bytes(RunFolder(members[1]).best.read_bytes())
    with pytest.raises(PredictionsError) as refused:
        evaluate_fusion(Run(run, phantoms.home), resamples=20)
    assert str(refused.value) == (f"{best.resolve()}, a member of the fusion {run.path}, has changed since; fuse again")
    best.unlink()
    with pytest.raises(PredictionsError, match="is no longer there; put it back, or fuse again"):
        evaluate_fusion(Run(run, phantoms.home), resamples=20)


def test_a_fusion_and_its_members_are_moved_together(make: Fuse, members: list[Path], tmp_path: Path) -> None:
    run = make()
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    for name in ("network", "system", "fused"):
        (tmp_path / name).rename(moved / name)
    recorder = Recorder()
    results = evaluate_fusion(Run(moved / run.path.name, tmp_path, recorder), resamples=20)
    assert results.judgement.images == 12
