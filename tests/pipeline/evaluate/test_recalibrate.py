"""A network for another place: fitted to its images, used as any run, and evaluated on none of them."""

import dataclasses
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest
from PIL import Image, ImageOps
from scipy.special import logit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from tests.factories import Recorder
from tests.other_place import IMAGES, make_other_place, predicted

from attnmel.errors import BusyError, CheckpointError, ConfigError, LabelError, PredictionsError
from attnmel.files.folders import RunFolder
from attnmel.files.locks import hold_file
from attnmel.models.weights.checkpoints import checkpoint_card, read_checkpoint, save_weights
from attnmel.pipeline.evaluate.evaluate import evaluate_run
from attnmel.pipeline.evaluate.recalibrate import ON_THESE, Recalibrated, recalibrate_run
from attnmel.pipeline.export.export import export_onnx
from attnmel.pipeline.fuse.fuse import fuse
from attnmel.pipeline.report.report import report_runs
from attnmel.pipeline.run.images.known_list import read_leaks
from attnmel.pipeline.run.images.seen_images import Known, judged_images, read_images, start_images, write_images
from attnmel.pipeline.run.run import Run
from attnmel.pretrained.catalogue import DEFAULT
from attnmel.progress import as_progress
from attnmel.records import Predictions

if TYPE_CHECKING:
    from tests.session_fixtures import Phantoms


class Place(NamedTuple):
    """A run, a folder of images of another place, and the new folder."""

    run: RunFolder
    clinic: Path
    out: Path

    def recalibrated(self, **chosen: object) -> Recalibrated:
        """Recalibrate the run as the options say."""
        options = {"on": str(self.clinic), "resamples": 20, "home": self.out.parent / "home", **chosen}
        return recalibrate_run(self.run, self.out, **options)  # pyright: ignore[reportArgumentType] - what a test gives


@pytest.fixture(scope="module")
def made(trained: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_other_place(trained, tmp_path_factory.mktemp("made")).clinic.parent


@pytest.fixture
def place(made: Path, tmp_path: Path) -> Place:
    copy = Path(shutil.copytree(made, tmp_path / "place"))
    return Place(RunFolder(copy / "run"), copy / "clinic", tmp_path / "runs" / "clinic")


def test_the_copy_predicts_as_a_logistic_regression_of_the_images_would(place: Place) -> None:
    before = {path: path.read_bytes() for path in place.run.path.rglob("*") if path.is_file()}
    found = place.recalibrated()
    assert before == {path: path.read_bytes() for path in place.run.path.rglob("*") if path.is_file()}
    stored = Predictions.read(RunFolder(place.out).predictions("validation"))
    images = [place.clinic / f"{name}.png" for name in stored.image_ids]
    odds = logit(predicted(place.run.path, images))
    fitted = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(odds[:, None], stored.labels)
    expected = fitted.predict_proba(odds[:, None])[:, 1]
    np.testing.assert_allclose(stored.probability("melanoma"), expected, atol=1e-4)
    np.testing.assert_allclose(predicted(place.out, images, calibrated=True), expected, atol=1e-4)
    assert roc_auc_score(stored.labels, odds) == roc_auc_score(stored.labels, stored.probability("melanoma"))
    assert (found.images, found.positives) == (IMAGES, int(stored.labels.sum()))
    assert found.before.measures["intercept"].value < -0.3
    assert abs(found.after.measures["intercept"].value) < 0.2


def test_its_thresholds_reach_their_sensitivities_on_these_images(place: Place) -> None:
    found = place.recalibrated()
    stored = Predictions.read(RunFolder(place.out).predictions("validation"))
    melanomas = stored.probability("melanoma")[stored.is_class("melanoma")]
    assert [one.target for one in found.thresholds] == [0.82, 0.89, 0.95]
    for one in found.thresholds:
        assert (melanomas > one.threshold).mean() == one.sensitivity >= one.target
    card = checkpoint_card(place.out)
    assert (card.thresholds, card.chosen_in_words) == (found.thresholds, "images of clinic")
    assert ON_THESE in Run(place.out).results["validation"].judgement.notes


def test_a_report_of_the_copy_says_whose_images_it_has_and_how_it_is_got(place: Place) -> None:
    place.recalibrated()
    with pytest.raises(PredictionsError) as refused:
        report_runs([Run(place.out)], out=place.out / "report.html")
    assert str(refused.value) == (
        f"{place.out} was not evaluated on 'test' (evaluated: validation, the 90 images of clinic that recalibrated "
        f"it); report on what it was evaluated on by `attnmel report {place.out} --split validation`, or run `attnmel "
        f"evaluate {place.out}` first"
    )


def test_a_fusion_of_recalibrated_runs_names_the_images_that_chose_its_thresholds(place: Place) -> None:
    place.recalibrated()
    other, out = shutil.copytree(place.out, place.out.with_name("other")), place.out.with_name("fused")
    recorder = Recorder()
    found = fuse(
        [str(place.out), str(other)],
        out,
        by="weighted",
        split="validation",
        home=place.out.parent / "home",
        resamples=20,
        progress=recorder,
    )
    assert found.card.fitted_on == "90 images, images of clinic"
    assert any(note.startswith("calibrated on 90 images, images of clinic: temperature") for note in recorder.notes)
    run = Run(out)
    assert run.card is not None
    assert (run.card.chosen_in_words, run.results["validation"].title) == ("images of clinic", "recalibration")
    details = run.details(run.results["validation"])
    assert details is not None
    assert "validation" not in details.operating[0].sentence


def test_other_images_are_evaluated_at_the_new_thresholds_and_the_same_refused(place: Place, tmp_path: Path) -> None:
    found = place.recalibrated(split="train")
    run = Run(place.out, tmp_path / "home")
    results = evaluate_run(run, on=str(place.clinic), split="test", resamples=20)
    assert "temperature and thresholds were chosen on images of clinic (train)" in results.judgement.notes
    details = run.details(results)
    assert details is not None
    points = details.operating[0].points
    assert [one.threshold for one in points[1:]] == [one.threshold for one in found.thresholds]
    refused = rf"{found.images} images of {place.clinic}:train recalibrated this run .* such as another --split, leave"
    with pytest.raises(LabelError, match=refused):
        evaluate_run(run, on=str(place.clinic), split="train", resamples=20)
    every = (
        rf"all {found.images} images of clinic in the split 'train' are known from training \({found.images} by id\)"
    )
    with pytest.raises(LabelError, match=every):
        evaluate_run(run, on=str(place.clinic), split="train", exclude_known=True, resamples=20)
    with pytest.raises(ConfigError, match=r"images of clinic \(train\); an evaluation of its own split"):
        evaluate_run(run, split="validation", resamples=20)
    assert checkpoint_card(place.out).thresholds == found.thresholds


def test_a_place_that_the_network_fits_already_is_noted(place: Place) -> None:
    """The labels are spread as evenly over the images as their probabilities say."""
    assert not any("no better" in note for note in place.recalibrated().notes)
    shutil.rmtree(place.out)
    images = sorted(place.clinic.glob("*.png"))
    own = predicted(place.run.path, images, calibrated=True)
    again = np.argsort(np.argsort(own))
    labels = [
        "melanoma" if number % 97 < 97 * share else "nevus" for number, share in zip(again * 37, own, strict=True)
    ]
    rows = [f"{path.name},{label}" for path, label in zip(images, labels, strict=True)]
    (place.clinic / "labels.csv").write_text("\n".join(["image,label", *rows]) + "\n")
    found = place.recalibrated()
    assert found.after.measures["log_loss"].value > found.before.measures["log_loss"].value
    assert any(note.startswith("on images outside of the fit the log loss is") for note in found.notes)


def test_the_mean_over_turns_is_fitted_as_it_is_predicted(place: Place) -> None:
    tensors, card = read_checkpoint(place.run.path)
    save_weights(place.run.best, tensors, dataclasses.replace(card, transforms="dihedral"))
    recipe = place.run.recipe.read_text()
    place.run.recipe.write_text(recipe.replace('transforms = "none"', 'transforms = "dihedral"'))
    said = place.recalibrated().notes
    assert "probabilities are means over 8 transforms of each image (dihedral)" in said
    assert set(said) <= set(Run(place.out).results["validation"].judgement.notes)
    stored = Predictions.read(RunFolder(place.out).predictions("validation"))
    images = [place.clinic / f"{name}.png" for name in stored.image_ids]
    found = predicted(place.out, images, calibrated=True)
    np.testing.assert_allclose(found, stored.probability("melanoma"), atol=1e-4)
    assert stored.probability("melanoma").mean() == pytest.approx(stored.labels.mean(), abs=0.02)


def test_a_model_that_comes_along_needs_no_data_set_of_its_own(place: Place, models: Path, tmp_path: Path) -> None:
    shutil.copy(place.run.best, models / DEFAULT / "best.safetensors")  # whose scores are spread
    run = RunFolder(models / DEFAULT)
    found = recalibrate_run(
        run, place.out, on=str(place.clinic), resamples=20, home=tmp_path / "home", allow_leakage=True
    )
    assert found.run.fingerprints.is_file()
    assert not found.run.onnx.is_file()  # that of the model as it came would predict by another scale
    assert set(Run(place.out).results) == {"validation"}


def test_what_cannot_be_recalibrated_is_refused_and_nothing_is_left(place: Place, fitted: RunFolder) -> None:
    def refused(error: type[Exception], sentence: str, **chosen: object) -> None:
        with pytest.raises(error, match=sentence):
            place.recalibrated(**chosen)
        assert not place.out.exists()

    refused(ConfigError, "phantoms is the data set that .* name images of another place by --on", on="phantoms")
    refused(ConfigError, "there is no folder", on=str(place.clinic / "nowhere"))
    few = "needs at least 10 images of each class, but there are .* of melanoma"
    refused(PredictionsError, few, split="validation")
    system = place._replace(run=fitted)
    with pytest.raises(CheckpointError, match=f"{fitted.path} is a fitted system of features and SVMs, not a network"):
        system.recalibrated()
    assert not place.out.exists()
    place.out.mkdir(parents=True)
    (place.out / "mine.txt").write_text("mine")
    with pytest.raises(ConfigError, match="is not empty; name a new folder by --out"):
        place.recalibrated()
    shutil.rmtree(place.out)
    place.out.write_text("mine")
    with pytest.raises(ConfigError, match="is a file; name a folder to write into"):
        place.recalibrated()


def test_a_copy_that_is_recalibrated_again_keeps_the_images_and_offsets_of_both(place: Place, tmp_path: Path) -> None:
    second = tmp_path / "second"  # the same pictures, mirrored
    second.mkdir()
    for image in place.clinic.glob("*.png"):
        ImageOps.mirror(Image.open(image)).save(second / image.name.replace("C", "D"))
    (second / "labels.csv").write_text((place.clinic / "labels.csv").read_text().replace("C", "D"))
    first = place.recalibrated()
    again = place._replace(run=first.run, out=tmp_path / "again").recalibrated(on=str(second))
    learnt = {one.image_id for one in Run(again.run.path).learnt_images}
    for one in (first, again):
        assert set(Predictions.read(one.run.predictions("validation")).image_ids) <= learnt
    facts = Run(again.run.path).provenance["recalibrated"]
    biases = [read_checkpoint(one.path)[0]["head.bias"] for one in (place.run, again.run)]
    np.testing.assert_allclose([*facts["offsets"].values()], (biases[1] - biases[0]).tolist(), atol=1e-5)
    assert facts["earlier"] == [{"dataset": "clinic", "split": "all", "images": IMAGES}]
    with pytest.raises(LabelError, match="recalibrated this run"):
        evaluate_run(Run(again.run.path, tmp_path / "home"), on=str(place.clinic), resamples=20)


def test_a_training_that_starts_with_it_knows_its_images(place: Place) -> None:
    found = place.recalibrated()
    learnt = {one.image_id for one in start_images([str(place.out)])}
    assert set(Predictions.read(found.run.predictions("validation")).image_ids) < learnt


def test_test_images_of_its_own_data_that_recalibrated_it_are_listed(
    place: Place, phantoms: "Phantoms", tmp_path: Path
) -> None:
    place.recalibrated()
    run = Run(place.out, phantoms.home)
    prepared = run.dataset
    write_images(run.folder.recalibration, judged_images(prepared, prepared.rows("test")[:3], phantoms.home), "CC-0")
    evaluate_run(run, split="test", resamples=20)
    assert [one.kind for one in read_leaks(run.folder) if one.judged == "test"] == ["same id"] * 3


def test_images_of_training_are_refused_and_with_leave_noted(place: Place) -> None:
    write_images(place.run, [Known(f"C00{number}", "train", "", str(number)) for number in range(3)], "CC-0")
    with pytest.raises(LabelError, match=r"3 images of .*clinic trained this run or chose its epoch or thresholds"):
        place.recalibrated()
    note = "3 of the images are known from training; see leakage.csv, which --exclude takes"
    assert note in place.recalibrated(allow_leakage=True).notes


def test_images_of_training_are_left_out_where_asked_for(place: Place) -> None:
    every = place.recalibrated().images
    shutil.rmtree(place.out)
    write_images(place.run, [Known(f"C00{number}", "train", "", str(number)) for number in range(3)], "CC-0")
    found = place.recalibrated(exclude_known=True)
    assert found.images == every - 3
    assert f"3 of {every} images are left out, as they are known from training (3 by id)" in found.notes
    known = {one.image_id for one in read_images(found.run.recalibration)}
    assert not known & {"C000", "C001", "C002"}


def test_a_link_leads_to_the_copy_and_the_current_folder_is_refused(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "disk").mkdir()
    link = tmp_path / "link"
    link.symlink_to("disk/copy")
    place._replace(out=link).recalibrated()
    assert link.is_symlink()
    assert (tmp_path / "disk" / "copy" / "best.safetensors").is_file()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(ConfigError, match=r"^\. is the current folder; name a new folder by --out"):
        place._replace(out=Path()).recalibrated()


def test_of_two_at_once_one_is_refused_before_it_works(place: Place) -> None:
    with (
        ThreadPoolExecutor(1) as other,
        hold_file(place.out),
        pytest.raises(BusyError, match="is being written by another command"),
    ):
        other.submit(place.recalibrated).result()


def test_the_advice_to_audit_names_the_run_and_not_its_copy_in_the_making(place: Place) -> None:
    """A run that was trained on a folder is named by the advice, since its recipe splits that folder."""
    own = place.clinic.parent / "own"
    shutil.copytree(place.clinic, own)
    recipe = place.run.recipe.read_text()
    place.run.recipe.write_text(recipe.replace('dataset = "phantoms"', f'dataset = "{own}"'))
    notes = []
    place.recalibrated(progress=as_progress(lambda label, done, total: notes.append(label)))
    advice = next(note for note in notes if "run `attnmel audit" in note)
    assert advice.endswith(f"--recipe {place.run.path}` to learn of near-duplicates")


def test_it_is_not_exported_in_int8_whose_thresholds_would_be_others(place: Place, tmp_path: Path) -> None:
    place.recalibrated()
    with pytest.raises(ConfigError, match="not on images of clinic; export it in float32, without --int8"):
        export_onnx(place.out, home=tmp_path / "home", int8=True)
