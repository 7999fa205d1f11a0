"""Run folders, folders of seeds and files of predictions are found, put together by recipe, and told apart."""

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from attnmel.errors import ConfigError, PredictionsError
from attnmel.evaluation.classification.ranking import Ranking, roc_auc
from attnmel.evaluation.statistics.bootstrap import ResamplingConfig
from attnmel.files.folders import RunFolder
from attnmel.models.weights.checkpoints import read_checkpoint, save_weights
from attnmel.pipeline.evaluate.compare import RunsCompared, compare_runs
from attnmel.pipeline.report.report import report_runs
from attnmel.pipeline.run.images.seen_images import Known, write_images
from attnmel.pipeline.run.results.results import add_measures, read_measures
from attnmel.pipeline.run.run import Run
from attnmel.records import Predictions

if TYPE_CHECKING:
    from tests.conftest import Phantoms

QUICK = ResamplingConfig(resamples=100, permutations=100)
Copy = Callable[..., Path]


@pytest.fixture
def copy(trained: RunFolder, tmp_path: Path) -> Copy:
    """Copy the run as another seed or recipe, its probabilities moved a little."""

    def make(place: str, *, seed: int = 0, **changed: str) -> Path:
        run = RunFolder(Path(shutil.copytree(trained.path, tmp_path / place)))
        text = run.recipe.read_text().replace("\nseed = 0", f"\nseed = {seed}")
        for old, new in changed.items():
            assert f'{old} = "' in text
            text = "\n".join(f'{old} = "{new}"' if line.startswith(f'{old} = "') else line for line in text.split("\n"))
        run.recipe.write_text(text)
        for split in ("validation", "test"):
            held = Predictions.read(run.predictions(split))
            first = np.random.default_rng([seed, len(place)]).random(len(held.image_ids))
            moved = dataclasses.replace(held, probabilities=np.stack([first, 1 - first], axis=1))
            moved.write(run.predictions(split), "synthetic")
        return run.path

    return make


def compared(*paths: Path, **wishes: float | str) -> RunsCompared:
    return compare_runs(paths, resampling=QUICK, **wishes)  # pyright: ignore[reportArgumentType] - names of its own options


def test_runs_of_one_recipe_are_its_seeds_named_one_by_one_or_by_their_folder(copy: Copy, tmp_path: Path) -> None:
    runs = [copy(f"a/seed-{seed}", seed=seed) for seed in range(3)]
    other = copy("b/seed-0", prior="none", name="plain")
    by_folder, one_by_one = compared(tmp_path / "a", other), compared(*runs, other)
    assert by_folder.comparison.seeds == (("demo", 3), ("plain", 1))
    assert one_by_one.comparison == by_folder.comparison
    assert any("plain: one run, against" in note for note in by_folder.comparison.notes)
    assert by_folder.as_dict()["sentences"][0].startswith("plain against demo, melanoma: ")


def test_values_are_those_of_the_predictions_files(copy: Copy) -> None:
    paths = copy("x"), copy("y", name="plain")
    row = compared(*paths).comparison.differences[0]
    held = [Predictions.read(RunFolder(path).predictions("test")) for path in paths]
    areas = [roc_auc(Ranking.of(one.is_class("melanoma"), one.probability("melanoma")).counts())[0] for one in held]
    assert (row.first_value, row.second_value) == pytest.approx(areas)


def test_a_predictions_file_stands_for_a_run(copy: Copy, trained: RunFolder) -> None:
    one, other = copy("x"), copy("y")
    files = [RunFolder(path).predictions("test") for path in (one, other)]
    found = compared(*files)
    assert found.comparison.seeds == tuple((str(file), 1) for file in files)
    assert found.comparison.positives == compared(one, files[1]).comparison.positives
    assert compared(one, trained.predictions("test")).comparison.differences


def test_submissions_are_compared_with_runs_on_the_same_images(
    trained: RunFolder, phantoms: "Phantoms", tmp_path: Path
) -> None:
    header, *rows = trained.submission("test").read_text().splitlines()
    same, other = tmp_path / "same.csv", tmp_path / "other.csv"
    same.write_text("\n".join([header, *reversed(rows)]))
    cells = [row.split(",") for row in rows]
    other.write_text("\n".join(f"{name}.jpg,{1 - float(share)!r},0.5" for name, share, _ in cells))
    found = compare_runs([trained.path, same, other], home=phantoms.home, measures=["auc"], resampling=QUICK)
    values = {one.name: one.mean for one in found.comparison.summaries}
    own = read_measures(trained)["test"].judgement.row("melanoma", "auc").value
    assert list(values.values()) == pytest.approx([own, own, 1 - own])
    assert list(values)[1:] == [str(same), str(other)]
    assert found.comparison.differences[0].value == 0
    assert any(note.startswith("other.csv has the endings of files in its image ids") for note in found.notes)
    two = [Path(f"phantoms:{path}") for path in (same, other)]
    alone = compare_runs(two, home=phantoms.home, measures=["auc"], resampling=QUICK).comparison
    assert [name for name, _ in alone.positives] == ["melanoma", "seborrheic_keratosis"]
    assert [one.mean for one in alone.summaries if one.task == "melanoma"] == pytest.approx([own, 1 - own])
    with pytest.raises(PredictionsError, match=r"if it is a submission, name its data set .* isic2017:same\.csv"):
        compare_runs([same, other], home=phantoms.home)


def test_a_report_compares_a_run_with_a_submission(trained: RunFolder, phantoms: "Phantoms", tmp_path: Path) -> None:
    submission = tmp_path / "team.csv"
    shutil.copy(trained.submission("test"), submission)
    run = Run(trained, phantoms.home)
    page = report_runs([run], out=tmp_path / "r.html", submissions=[submission], resampling=QUICK).read_text()
    assert "Paired comparison" in page
    assert str(submission) in page
    assert "Not compared" not in page


def test_a_submission_may_hold_more_images_than_a_run(trained: RunFolder, phantoms: "Phantoms", tmp_path: Path) -> None:
    held = Predictions.read(trained.predictions("test"))
    part = tmp_path / "part.csv"
    held.take(range(len(held.image_ids) - 1)).write(part, "synthetic")
    submission = Path(f"phantoms:{trained.submission('test')}")
    found = compare_runs([part, submission], home=phantoms.home, measures=["auc"], resampling=QUICK)
    assert found.comparison.images == 11
    assert found.notes == (f"{submission.name}: compared on the 11 of its 12 images that the run has",)


def test_two_recipes_of_one_name_are_told_apart_by_their_folders(copy: Copy) -> None:
    paths = copy("x"), copy("y", prior="none")
    assert [name for name, _ in compared(*paths).comparison.seeds] == [f"demo, {path}" for path in paths]


def test_thresholds_are_chosen_on_validation_run_by_run(copy: Copy) -> None:
    paths = copy("x"), copy("y", name="plain")
    found = compared(*paths, operating_point=0.9)
    row = next(one for one in found.comparison.differences if one.measure == "sensitivity")
    for path, value in zip(paths, (row.first_value, row.second_value), strict=True):
        chosen_on, test = (Predictions.read(RunFolder(path).predictions(split)) for split in ("validation", "test"))
        scores = np.sort(chosen_on.probability("melanoma")[chosen_on.is_class("melanoma")])[::-1]
        least = scores[int(np.ceil(0.9 * len(scores))) - 1]
        assert value == (test.probability("melanoma")[test.is_class("melanoma")] >= least).mean()


def test_a_threshold_is_not_chosen_on_images_that_it_is_judged_on(copy: Copy) -> None:
    one, other = copy("x"), copy("y", name="plain")
    for path in (one, other):
        run = RunFolder(path)
        shutil.copy(run.predictions("validation"), run.predictions("phantoms-all"))
        add_measures(run, dataclasses.replace(read_measures(run)["validation"], name="phantoms-all"))
    assert compared(one, other, split="phantoms-all").comparison.differences
    with pytest.raises(PredictionsError, match=r"images of phantoms-all would choose the threshold of .*x themselves"):
        compared(one, other, split="phantoms-all", operating_point=0.9)


def test_a_threshold_is_not_chosen_by_another_epoch(copy: Copy) -> None:
    one, other = copy("x"), copy("y", name="plain")
    add_measures(RunFolder(one), dataclasses.replace(read_measures(RunFolder(one))["validation"], epoch=99))
    with pytest.raises(
        PredictionsError, match=r"no validation predictions of .*x of the epoch that test was evaluated at"
    ):
        compared(one, other, operating_point=0.9)


def test_other_data_and_controls_are_said(copy: Copy) -> None:
    one, other = copy("x"), copy("y", name="hidden", ablation="background-only", dataset="isic2017")
    notes = compared(one, other).notes
    assert "the runs differ in their training data set: demo: phantoms; hidden: isic2017" in notes
    assert "the runs differ in their training ablation: demo: none; hidden: background-only" in notes
    assert compared(one, copy("z", name="plain")).notes == ()
    provenance = RunFolder(path := copy("w", name="shared")).provenance
    facts = json.loads(provenance.read_text())
    del facts["data"]["content"], facts["data"]["labels"]
    provenance.write_text(json.dumps(facts))
    assert compared(one, path).notes == (), "a model that was shared does not say them"


def test_a_recalibrated_copy_is_no_seed_of_its_run_and_its_own_images_are_said(copy: Copy) -> None:
    one, other = copy("a/seed-0"), copy("a/seed-1", seed=1)
    provenance = RunFolder(other).provenance
    facts = {"dataset": "clinic", "split": "all", "images": 90, "offsets": {"rest": 0.1, "melanoma": -0.1}}
    provenance.write_text(json.dumps(json.loads(provenance.read_text()) | {"recalibrated": facts | {"temperature": 1}}))
    found = compared(one, other)
    assert found.comparison.seeds == ((f"demo, {one}", 1), (f"demo, {other}", 1))
    differ = f"the runs differ in their recalibration: demo, {one}: nothing; demo, {other}: 90 images of clinic (all)"
    assert found.notes == (differ,)
    images = Predictions.read(RunFolder(other).predictions("test")).image_ids[:3]
    write_images(RunFolder(other).recalibration, [Known(name, "test", "", name) for name in images], "CC-0")
    optimistic = "was recalibrated on 3 of these images, so that its sensitivity, specificity and balanced accuracy are"
    assert compared(one, other).notes[1] == f"{other} {optimistic} optimistic"
    with pytest.raises(ConfigError, match=r"recalibrated on nothing in .*seed-0, on 90 images of clinic \(all\) in"):
        compared(one.parent)


def test_uncalibrated_runs_among_calibrated_ones_are_said(copy: Copy) -> None:
    one, other = copy("x"), copy("y", name="plain")
    assert Run(RunFolder(one)).predictions("test").temperature is not None
    assert not any("not calibrated" in note for note in compared(one, other).notes)
    Run(RunFolder(other)).write_temperature(None, ())
    (note,) = [note for note in compared(one, other).notes if "not calibrated" in note]
    assert note.startswith(f"{other} is not calibrated, unlike the others, so that sensitivity, specificity")
    assert not any("not calibrated" in note for note in compared(one, other, operating_point=0.8).notes)


def test_means_over_transforms_among_single_passes_are_said(copy: Copy) -> None:
    one, other = copy("x"), copy("y", name="plain", transforms="dihedral")
    tensors, card = read_checkpoint(other)
    save_weights(RunFolder(other).best, tensors, dataclasses.replace(card, transforms="dihedral"))
    assert compared(one, other).notes == (
        "the runs differ in their test transforms (--tta): demo: none; plain: dihedral",
    )
    for path in (one, other):
        run = RunFolder(path)
        shutil.copyfile(run.predictions("test"), run.predictions("test-tta-scales"))
        add_measures(run, dataclasses.replace(read_measures(run)["test"], name="test-tta-scales"))
    assert compared(one, other, split="test-tta-scales").notes == (), "of both the same"


def test_a_part_of_the_official_images_is_counted(copy: Copy) -> None:
    one, other = copy("x"), copy("y", name="plain")
    for path in (one, other):
        measures = RunFolder(path).measures
        measures.write_text(measures.read_text().replace('"dataset": "phantoms"', '"dataset": "isic2017"'))
    note = "compared on 12 of the 600 test images of isic2017: those of the whole set may differ"
    assert note in compared(one, other).notes


def test_what_cannot_be_compared_is_told_in_a_sentence(copy: Copy, tmp_path: Path) -> None:
    one, same, other = copy("x"), copy("y"), copy("z", name="plain")
    file = RunFolder(other).predictions("validation")
    for error, message, paths, wishes in [
        (PredictionsError, "needs two runs or more", [one], {}),
        (ConfigError, "x is named twice; name each run once", [one, one], {}),
        (ConfigError, "x/predictions/test.csv is named twice", [one, RunFolder(one).predictions("test")], {}),
        (ConfigError, "y are the same recipe with the same seed, 0; name each seed", [one, same], {}),
        (ConfigError, "nothing to compare at .*nowhere; expected a run folder", [one, tmp_path / "nowhere"], {}),
        (PredictionsError, "was evaluated on other images than .*x: 12 only in", [one, file], {}),
        (PredictionsError, "no validation predictions of .*validation.csv", [one, file], {"operating_point": 0.9}),
        (ConfigError, "operating point 1.5; expected a sensitivity above 0", [one, other], {"operating_point": 1.5}),
        (
            PredictionsError,
            "no probability of mole; known: ",
            [one, other],
            {"operating_point": 0.9, "positives": ["mole"]},
        ),
        (ConfigError, "is not evaluated there", [one, other], {"operating_point": 0.5, "split": "validation"}),
        (PredictionsError, "no predictions at .*train.csv", [one, other], {"split": "train"}),
    ]:
        with pytest.raises(error, match=message):
            compared(*paths, **wishes)


def test_a_folder_of_seeds_holds_one_recipe(copy: Copy, tmp_path: Path) -> None:
    copy("a/seed-0")
    copy("a/seed-1", seed=1, prior="none")
    with pytest.raises(ConfigError, match=r"holds runs of several recipes: loss.prior is lesion in .*seed-0, none in"):
        compared(tmp_path / "a")


def test_recipes_that_judge_no_class_in_common_are_refused(copy: Copy) -> None:
    one, other = copy("x"), copy("y", name="plain")
    recipe = RunFolder(other).recipe
    text = recipe.read_text()
    held = [line for line in text.split("\n") if "melanoma" in line]
    assert held
    recipe.write_text(text.replace('"melanoma"', '"nevus"').replace("melanoma =", "nevus ="))
    with pytest.raises(PredictionsError, match=r"the recipes have no target class in common \(melanoma; nevus\)"):
        compared(one, other)


def test_the_report_of_several_runs_says_whether_they_differ(copy: Copy, phantoms: "Phantoms", tmp_path: Path) -> None:
    runs = [RunFolder(copy("x")), RunFolder(copy("y", name="plain"))]
    page = report_runs([Run(one, phantoms.home) for one in runs], out=tmp_path / "r.html").read_text()
    assert "Paired comparison" in page
    assert "Plain against demo, melanoma:" in page
    same = [runs[0], RunFolder(copy("z"))]
    page = report_runs([Run(one, phantoms.home) for one in same], out=tmp_path / "r.html").read_text()
    assert "Not compared:" in page
    assert "are the same recipe with the same seed" in page
