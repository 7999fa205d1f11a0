"""Runs are fused into a folder that is a run: fitted on validation alone, evaluated, compared and used as one."""

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from attnmel.api.results import evaluate
from attnmel.config.fusion import Rule
from attnmel.errors import CheckpointError, ConfigError, LabelError, PredictionsError
from attnmel.evaluation.calibration.temperature import fit_temperature
from attnmel.evaluation.fusion.card import KEY, located, located_validation
from attnmel.evaluation.fusion.rules import accuracies
from attnmel.evaluation.statistics.bootstrap import ResamplingConfig
from attnmel.files.folders import RunFolder
from attnmel.models.weights.checkpoints import read_checkpoint, save_weights, set_temperature
from attnmel.models.weights.safetensors_io import read_metadata
from attnmel.pipeline.evaluate.compare import compare_runs
from attnmel.pipeline.fuse.evaluate import evaluate_fusion, stored_card
from attnmel.pipeline.fuse.fit import fit_rule
from attnmel.pipeline.fuse.fuse import fuse
from attnmel.pipeline.fuse.members import open_members
from attnmel.pipeline.predict.predict import predict_images
from attnmel.pipeline.report.report import report_runs
from attnmel.pipeline.run.results.results import add_measures
from attnmel.pipeline.run.run import Run
from attnmel.records import Predictions

if TYPE_CHECKING:
    from tests.conftest import Phantoms

Fuse = Callable[..., Path]


@pytest.fixture
def run(fused: RunFolder, tmp_path: Path) -> RunFolder:
    """The fusion by accuracy and its members, copied together."""
    return RunFolder(Path(shutil.copytree(fused.path.parent, tmp_path / "copy")) / fused.path.name)


@pytest.fixture
def members(run: RunFolder) -> list[Path]:
    return [run.path.parent / "network", run.path.parent / "system"]


@pytest.fixture
def make(members: list[Path], tmp_path: Path) -> Fuse:
    """Fuse the members into a file, which takes less time than a folder with its intervals."""

    def made(by: Rule = "mean", *more: str, out: str = "fused.csv") -> Path:
        fuse([*map(str, members), *more], tmp_path / out, by=by, home=tmp_path / "none")
        return tmp_path / out

    return made


def with_card(run: RunFolder, **changed: object) -> Path:
    """Change the card of a fusion as another `attnmel fuse` would have written it."""
    tensors, card = read_checkpoint(run.best)
    own = json.loads(read_metadata(run.best)[KEY]) | changed
    save_weights(run.best, tensors, card, {KEY: json.dumps(own)})
    return run.path


def stored(members: list[Path], split: str) -> list[Predictions]:
    return [Run(one).predictions(split) for one in members]


def test_a_fusion_is_not_evaluated_on_another_folder_of_the_name_that_its_members_know(
    run: RunFolder, members: list[Path], tmp_path: Path
) -> None:
    north, south = tmp_path / "north" / "clinic", tmp_path / "south" / "clinic"
    for folder in (north, south):
        folder.mkdir(parents=True)
    for one in map(Run, members):
        own = dataclasses.replace(one.results["test"], name="clinic-all", on=str(north), split="all")
        one.write_predictions("clinic-all", one.predictions("test"), own.licence)
        add_measures(one.folder, own)
    assert evaluate_fusion(Run(run), on=str(north), resamples=20).on == str(north)
    with pytest.raises(PredictionsError, match=f"was evaluated on another folder as 'clinic-all' .* not on {south}"):
        evaluate_fusion(Run(run), on=str(south), resamples=20)


def test_the_mean_of_runs_is_that_of_their_calibrated_probabilities(make: Fuse, members: list[Path]) -> None:
    set_temperature(RunFolder(members[0]).best, 1.7)
    expected = np.mean([one.probability("melanoma") for one in stored(members, "test")], axis=0)
    rows = [line.split(",") for line in make().read_text().splitlines()]
    assert rows[0] == ["image_id", "melanoma", "seborrheic_keratosis"]
    assert [row[0] for row in rows[1:]] == list(stored(members, "test")[0].image_ids)
    np.testing.assert_allclose([float(row[1]) for row in rows[1:]], expected, atol=1e-15)


def test_a_folder_is_a_run_with_all_that_its_members_were_evaluated_on(run: RunFolder, members: list[Path]) -> None:
    opened = Run(run)
    found = stored(members, "validation")
    weights = accuracies(np.stack([one.probabilities for one in found]), found[0].labels)
    for split in ("validation", "test"):
        shares = [one.probabilities for one in stored(members, split)]
        expected = sum(w * one for w, one in zip(weights, shares, strict=True)) / weights.sum()
        np.testing.assert_allclose(opened.uncalibrated(split).probabilities, expected, atol=1e-12)
        assert opened.predictions(split).labels.tolist() == stored(members, split)[0].labels.tolist()
    fit = fit_temperature(opened.uncalibrated("validation"))
    assert opened.card is not None
    assert opened.card.temperature == (None if fit.reason else fit.value)
    assert {one.task for one in opened.card.thresholds} == {"melanoma"}
    assert opened.recipe.name == "phantoms/fused-weighted"
    assert opened.results["test"].judgement.images == 12
    assert {one.split for one in opened.learnt_images} == {"train", "validation"}
    assert opened.provenance["command"] == "attnmel fuse"
    card = json.loads(run.fusion.read_text())
    assert [one["from_fusion"] for one in card["members"]] == ["../network", "../system"]
    assert [one["weight"] for one in card["members"]] == pytest.approx(weights)
    assert card["fitted_on"] == "10 validation images"


def test_weights_stay_whatever_the_test_predictions_and_labels_are(
    run: RunFolder, make: Fuse, members: list[Path]
) -> None:
    for one in members:
        test = Predictions.read(RunFolder(one).predictions("test"))
        other = dataclasses.replace(test, probabilities=test.probabilities[:, ::-1], labels=1 - test.labels)
        other.write(RunFolder(one).predictions("test"), "x")
    after = json.loads(make("weighted").with_suffix(".json").read_text())
    before = json.loads(run.fusion.read_text())
    assert [one["weight"] for one in after["members"]] == [one["weight"] for one in before["members"]]


def test_predicting_images_gives_what_is_stored_of_them(run: RunFolder, phantoms: "Phantoms") -> None:
    opened = Run(run)
    predictions = opened.predictions("test")
    images = sorted((phantoms.home / "data").rglob("*Test_v2_Data/*.jpg"))[:3]
    results = predict_images(run.path, images)
    for path, one in zip(images, results, strict=True):
        row = predictions.image_ids.index(path.stem)
        np.testing.assert_allclose(one.probabilities, predictions.probabilities[row], atol=2e-5)
    assert results.model.thresholds == (opened.card.thresholds if opened.card else ())


def test_images_cannot_be_predicted_by_ranks_and_files(run: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError) as refused:
        predict_images(with_card(run, by="rank"), [tmp_path])
    assert str(refused.value) == (
        f"{run.path} is fused by rank, and an image alone has none; fuse the runs by another rule"
    )
    facts = json.loads(run.fusion.read_text())["members"]
    with pytest.raises(CheckpointError) as refused:
        predict_images(
            with_card(run, members=[facts[0], facts[1] | {"kind": "submission", "name": "b.csv"}]), [tmp_path]
        )
    assert str(refused.value) == (
        f"{run.path} fuses files of predictions (b.csv), which say nothing of other images; fuse runs alone"
    )
    with pytest.raises(CheckpointError, match=r"is a fusion of version 9, and attnmel .* reads version 1; fuse its"):
        predict_images(with_card(run, version=9), [tmp_path])


def test_a_fusion_is_evaluated_again_compared_reported_and_a_member(
    run: RunFolder, make: Fuse, members: list[Path], phantoms: "Phantoms", tmp_path: Path
) -> None:
    opened = Run(run, phantoms.home)
    first = opened.predictions("test").probabilities
    results = evaluate_fusion(opened, sensitivities=[0.7], resamples=20)
    np.testing.assert_array_equal(opened.predictions("test").probabilities, first)
    assert "fused by weighted from the stored predictions of 2 members, fitted on 10 validation images" in (
        results.judgement.notes
    )
    quick = ResamplingConfig(resamples=20, permutations=20)
    assert compare_runs([run.path, *members], measures=["auc"], resampling=quick).comparison.images == 12
    page = report_runs([opened], out=tmp_path / "page.html", resampling=quick)
    assert "phantoms/fused-weighted" in page.read_text()
    expected = np.mean(
        [one.predictions("test").probability("melanoma") for one in (opened, *map(Run, members))], axis=0
    )
    rows = make("mean", str(run.path)).read_text().splitlines()[1:]
    np.testing.assert_allclose([float(row.split(",")[1]) for row in rows], expected, atol=1e-12)


def test_options_of_a_prediction_are_refused_for_a_fusion(run: RunFolder) -> None:
    options: list[dict[str, Any]] = [{"transforms": "dihedral"}, {"prior": "none"}, {"columns": {"image": "id"}}]
    for option in options:
        with pytest.raises(ConfigError) as refused:
            evaluate(run.path, **option)
        assert str(refused.value) == (
            f"{run.path} is a fusion of stored predictions, which takes no {next(iter(option))}; evaluate its members "
            "with that, and fuse what they are then evaluated on by `attnmel fuse --split`"
        )


def test_a_member_without_a_temperature_among_others_is_said(members: list[Path], tmp_path: Path) -> None:
    network, system = members
    Run(RunFolder(network)).write_temperature(None, ())
    Run(RunFolder(system)).write_temperature(2.0, ())
    rules: tuple[tuple[Rule, int], ...] = (("mean", 1), ("rank", 0))
    for by, expected in rules:
        found = fuse([str(network), str(system)], tmp_path / f"{by}.csv", by=by, home=tmp_path / "none")
        said = [note for note in found.notes if note.startswith(f"{network} is not calibrated, unlike the others")]
        assert len(said) == expected, by


def test_the_members_notes_are_said_once(run: RunFolder, members: list[Path]) -> None:
    for number, member in enumerate(members):
        results = Run(RunFolder(member)).results["test"]
        judged = dataclasses.replace(results.judgement, notes=("of both", f"of {number}"))
        add_measures(RunFolder(member), dataclasses.replace(results, judgement=judged))
    notes = evaluate_fusion(Run(run), split="test", resamples=10).judgement.notes
    names = [one.name for one in stored_card(run.path).members]
    assert notes[-3:] == ("every member: of both", f"{names[0]}: of 0", f"{names[1]}: of 1")


def test_a_fusion_of_several_folds_is_of_none(members: list[Path], tmp_path: Path) -> None:
    recipe = RunFolder(members[0]).recipe
    recipe.write_text(recipe.read_text().replace("exclude = []", 'exclude = []\nfold = "1/5"'))
    assert Run(members[0]).recipe.data.fold == "1/5"
    fuse([*map(str, members)], tmp_path / "fused", home=tmp_path / "none", resamples=20)
    assert Run(tmp_path / "fused").recipe.data.fold is None


def test_probabilities_that_do_not_sum_to_1_get_no_temperature() -> None:
    rows = np.array([[0.9, 0.8], [0.2, 0.3]] * 10)
    found = Predictions(tuple(map(str, range(20))), ("a", "b"), rows, np.tile([0, 1], 10), tuple(map(str, range(20))))
    assert fit_temperature(found).reason == "the probabilities of an image do not sum to 1 (0.50 to 1.70)"


def refused(error: type[Exception], make: Fuse, by: Rule, tmp_path: Path) -> str:
    with pytest.raises(error) as stopped:
        make(by)
    assert not list(tmp_path.glob("*fused*")), "nothing half-written"
    return str(stopped.value)


def test_members_without_what_a_rule_needs_are_one_sentence(make: Fuse, members: list[Path], tmp_path: Path) -> None:
    network = RunFolder(members[0])
    assert refused(LabelError, make, "stack", tmp_path) == (
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


def test_members_of_other_splits_are_averaged_but_fit_nothing(
    make: Fuse, members: list[Path], phantoms: "Phantoms", tmp_path: Path
) -> None:
    path = RunFolder(members[1]).predictions("validation")
    found = Predictions.read(path)
    other = dataclasses.replace(found, image_ids=tuple(f"X{one}" for one in found.image_ids))
    other.write(path, "x")
    sentence = (
        f"the members have no validation image in common ({members[0]}: 10, {members[1]}: 10), so they are of other "
        "splits, such as folds; fuse by mean, rank or extreme"
    )
    assert refused(PredictionsError, make, "weighted", tmp_path) == sentence
    found = fit_rule(
        "mean",
        open_members(list(map(str, members)), tmp_path),
        ("rest", "melanoma"),
        "phantoms",
        phantoms.home,
        seed=0,
        labelled=True,
    )
    assert found.validation is None
    assert found.note == f"no temperature and operating points: {sentence}"
    assert make("mean").is_file()


def test_a_member_that_is_gone_or_has_changed_is_named(run: RunFolder, members: list[Path]) -> None:
    best = RunFolder(members[0]).best
    best.write_bytes(RunFolder(members[1]).best.read_bytes())
    with pytest.raises(PredictionsError) as refused:
        evaluate_fusion(Run(run), resamples=20)
    assert str(refused.value) == (f"{best.resolve()}, a member of the fusion {run.path}, has changed since; fuse again")
    shutil.rmtree(members[0])
    facts = stored_card(run.path).members[0]
    with pytest.raises(PredictionsError, match="is no longer there; put it back, or fuse again"):
        located(facts.model_copy(update={"path": str(members[0])}), run.path)
    for name, find in (("path", located), ("from_fusion", located), ("validation", located_validation)):
        with pytest.raises(PredictionsError, match="names a member that no file can have; fuse again"):
            find(facts.model_copy(update={name: "a\0b"}), run.path)


def test_members_are_found_next_to_the_fusion_wherever_both_are(run: RunFolder, members: list[Path]) -> None:
    facts = stored_card(run.path).members
    assert [located(one, run.path) for one in facts] == [one.resolve() for one in members]
