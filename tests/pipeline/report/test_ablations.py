"""An ablation trains and is judged on what it should, lies beside its run, and goes on to the same bits."""

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tests.factories import Recorder

from attnmel.config.load import changes, load_recipe
from attnmel.config.recipe import Recipe
from attnmel.data.batches.ablate import ABLATIONS
from attnmel.errors import ConfigError, LabelError
from attnmel.evaluation.thesis.published import PUBLISHED
from attnmel.files.folders import MasksFolder, RunFolder
from attnmel.models.weights.age_sex_prior import cell_of
from attnmel.pipeline.experiment import run_recipe
from attnmel.pipeline.explain.images import explain_images
from attnmel.pipeline.predict.predict import predict_images
from attnmel.pipeline.report.ablations import ablation_sections
from attnmel.pipeline.report.report import _published, report_runs
from attnmel.pipeline.run.images.age_and_sex import score_prior
from attnmel.pipeline.run.images.dataset import prepare, split_batches, training_batches
from attnmel.pipeline.run.images.normalisation import with_statistics
from attnmel.pipeline.run.images.seen_images import Known, write_images
from attnmel.pipeline.run.run import Run
from attnmel.pipeline.run.run_location import read_recipe
from attnmel.pipeline.train.train import run_folder, train_run
from attnmel.records import Predictions

if TYPE_CHECKING:
    from lightning_fabric import Fabric
    from tests.conftest import Phantoms


TINY = (
    "data.size=32",
    "model.width=0.05",
    "training.epochs=2",
    "training.batch=8",
    "training.precision=float32",
    "training.device=cpu",
)


def ablation(name: str, *more: str) -> Recipe:
    return load_recipe("demo", [*TINY, f"data.ablation={name}", *more])


@pytest.fixture(scope="module")
def beside(phantoms: "Phantoms", fabric: "Fabric", tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run with two of its ablations beside it."""
    run = RunFolder(tmp_path_factory.mktemp("ablations") / "demo" / "seed-0")
    run_recipe(ablation("none"), run, home=phantoms.home, fabric=fabric, resamples=20)
    for name in ("background-only", "shuffled-labels"):
        run_recipe(ablation(name), run.ablation(name), home=phantoms.home, fabric=fabric, resamples=20)
    return run


@pytest.fixture(scope="module")
def short(phantoms: "Phantoms", tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A home whose archive was short of one training mask, and the image of that mask."""
    home = tmp_path_factory.mktemp("short")
    data = Path(shutil.copytree(phantoms.home / "data", home / "data")) / "phantoms"
    mask = min((data / "ISIC-2017_Training_Part1_GroundTruth").glob("*.png"))
    mask.unlink()
    record = json.loads((data / "archives.json").read_text())
    for state in record["archives"]:
        if state["name"] == "ISIC-2017_Training_Part1_GroundTruth.zip":
            state["found"] -= 1
    (data / "archives.json").write_text(json.dumps(record))
    return home, mask.name.split("_seg")[0]


def test_every_ablation_has_a_folder_beside_the_run() -> None:
    plain = run_folder(load_recipe("demo"))
    assert plain.path == Path("runs/demo/seed-0")
    for name in ABLATIONS:
        assert run_folder(ablation(name)).path == Path(f"runs/demo/{name}/seed-0") == plain.ablation(name).path


def test_the_ablation_of_a_given_run_lies_beside_it_and_another_seed_among_the_runs(trained: RunFolder) -> None:
    assert run_folder(ablation("lesion-only"), given=trained) == trained.ablation("lesion-only")
    assert run_folder(ablation("none"), given=trained) == trained
    other = load_recipe("demo", [*TINY, "training.seed=1"])
    assert run_folder(other, Path("out"), given=trained).path == Path("out/demo/seed-1")
    assert run_folder(ablation("none"), Path("out"), given=trained).path == Path("out/demo/seed-0"), (
        "as it was asked for"
    )


def test_an_ablation_has_no_ablation(beside: RunFolder) -> None:
    with pytest.raises(ConfigError, match="is itself the ablation background-only; name the run it belongs to"):
        run_folder(ablation("lesion-only"), given=beside.ablation("background-only"))


@pytest.mark.parametrize("name", ["background-only", "lesion-only"])
def test_training_and_judging_see_the_same_painted_images(name: str, phantoms: "Phantoms") -> None:
    whole, painted = ablation("none"), ablation(name)
    pictures = []
    for recipe in (whole, painted):
        prepared = prepare(recipe.data, home=phantoms.home)
        recipe = with_statistics(recipe, prepared)
        training = next(training_batches(recipe, prepared, torch.device("cpu")).epoch(0))
        judged = next(split_batches(recipe.data, prepared, prepared.rows("test"), batch=12, device=torch.device("cpu")))
        pictures.append((training, judged))
    for plain, changed in zip(*pictures, strict=True):
        assert torch.equal(plain.rows, changed.rows)
        assert torch.equal(plain.labels, changed.labels)
        assert torch.equal(plain.priors, changed.priors)
        assert (plain.images != changed.images).any()
        if name == "lesion-only":
            corner = changed.images[:, :, 0, 0].abs()
            assert (corner < 0.05).all(dim=1).float().mean() > 0.7, "skin in the corner is painted to about 0"


def test_shuffled_labels_train_and_true_ones_judge(phantoms: "Phantoms") -> None:
    recipe = ablation("shuffled-labels", "training.batch=24", "data.repeats={}")
    prepared = prepare(recipe.data, home=phantoms.home)
    recipe = with_statistics(recipe, prepared)
    (batch,) = training_batches(recipe, prepared, torch.device("cpu")).epoch(0)
    true = prepared.labels(batch.rows.numpy())
    assert sorted(batch.labels.tolist()) == sorted(true.tolist())
    assert (batch.labels.numpy() != true).any()
    rows = prepared.rows("validation")
    judged = next(split_batches(recipe.data, prepared, rows, batch=32, device=torch.device("cpu")))
    assert judged.labels.tolist() == prepared.labels(rows).tolist()


def test_a_prior_of_age_and_sex_is_fitted_on_the_shuffled_labels_too(phantoms: "Phantoms") -> None:
    """Fitted on the true ones it would lift an ablation above chance that learns nothing."""
    recipe = ablation("shuffled-labels", "training.batch=24", "data.repeats={}", "training.seed=4")
    prepared = prepare(recipe.data, home=phantoms.home)
    recipe = with_statistics(recipe, prepared)
    (batch,) = training_batches(recipe, prepared, torch.device("cpu")).epoch(0)
    expected = {name: Counter[str]() for name in prepared.classes}
    for row, label in zip(batch.rows.tolist(), batch.labels.tolist(), strict=True):
        known = prepared.lesions[row].attributes
        if cell := cell_of(known.get("age", ""), known.get("sex", "")):
            expected[prepared.classes[label]][cell] += 1
    found, true = (
        score_prior("age-sex", one, 4) for one in (prepared, prepare(ablation("none").data, home=phantoms.home))
    )
    assert found is not None
    assert found.counts == expected
    assert found != true


def test_images_without_a_mask_are_left_out_counted_and_recorded(short: tuple[Path, str]) -> None:
    home, image_id = short
    plain, painted = (prepare(ablation(name).data, home=home) for name in ("none", "background-only"))
    assert len(plain.rows("train")) == 24
    assert len(painted.rows("train")) == len(painted.rows("all")) - 22 == 23
    assert image_id not in {painted.lesions[row].image_id for row in painted.rows("train")}
    fingerprint = painted.fingerprint()
    assert (fingerprint["ablation"], fingerprint["left out"]) == ("background-only", {"train": 1})
    assert fingerprint["splits"]["train"]["images"] == 23
    assert "ablation" not in plain.fingerprint()
    assert len(prepare(ablation("shuffled-labels").data, home=home).rows("train")) == 24


def test_a_split_without_any_mask_is_told(short: tuple[Path, str]) -> None:
    home, _ = short
    prepared = prepare(ablation("lesion-only").data, home=home)
    prepared.cache.has_mask[prepared.rows("test")] = False
    expected = "no image of phantoms in the split 'test' has a lesion mask, and the ablation lesion-only paints by"
    with pytest.raises(LabelError, match=expected):
        prepared.rows("test")


@pytest.mark.parametrize("more", [(), ("training.freeze=pool5", "loss.masks={masks}")], ids=["plain", "frozen"])
def test_an_ablation_ends_well_where_a_split_has_no_mask_to_paint_by(
    more: tuple[str, ...], phantoms: "Phantoms", fabric: "Fabric", tmp_path: Path
) -> None:
    """As ISIC 2018, whose test images have none: the others are evaluated, and a note says which is not."""
    data = Path(shutil.copytree(phantoms.home / "data", tmp_path / "home" / "data")) / "phantoms"
    for mask in (data / "ISIC-2017_Test_v2_Part1_GroundTruth").glob("*.png"):
        mask.unlink()
    record = json.loads((data / "archives.json").read_text())
    for state in record["archives"]:
        if state["name"] == "ISIC-2017_Test_v2_Part1_GroundTruth.zip":
            state["found"] = 0
    (data / "archives.json").write_text(json.dumps(record))
    drawn = MasksFolder(data / "ISIC-2017_Training_Part1_GroundTruth")
    write_images(drawn, [Known("ISIC_0", "train", "", "")], "CC-0")
    recipe = ablation("background-only", "training.epochs=1", *(one.format(masks=drawn.path) for one in more))
    run, told = RunFolder(tmp_path / "run"), Recorder()
    run_recipe(recipe, run, home=tmp_path / "home", fabric=fabric, resamples=20, progress=told)
    assert Run(run, tmp_path / "home").results.keys() == {"validation"}
    assert "not evaluated on 'test': every image of it is left out" in told.notes


@pytest.mark.parametrize("name", ["background-only", "shuffled-labels"])
def test_a_stopped_ablation_goes_on_to_the_same_bits(
    name: str, phantoms: "Phantoms", fabric: "Fabric", beside: RunFolder, tmp_path: Path
) -> None:
    run = RunFolder(tmp_path / "run")
    recipe = ablation(name)
    with pytest.raises(KeyboardInterrupt):
        train_run(recipe, run, home=phantoms.home, fabric=fabric, progress=Recorder(stop_after=5))
    train_run(recipe, run, home=phantoms.home, fabric=fabric, resume=True)
    other = beside.ablation(name)
    for path, again in ((run.last, other.last), (run.best, other.best), (run.resume, other.resume)):
        tensors, expected = load_file(path), load_file(again)
        assert tensors.keys() == expected.keys()
        assert all(torch.equal(tensor, expected[key]) for key, tensor in tensors.items())


def test_a_run_does_not_go_on_as_an_ablation(phantoms: "Phantoms", fabric: "Fabric", trained: RunFolder) -> None:
    recipe = ablation("lesion-only", "training.epochs=3")
    with pytest.raises(ConfigError, match=r"data\.ablation was 'none', is 'lesion-only'"):
        train_run(recipe, trained, home=phantoms.home, fabric=fabric, resume=True)


def test_an_ablation_is_a_change_of_its_recipe_and_stands_beside_no_published_figure() -> None:
    recipe = load_recipe("isic2017/attnmel-lesion", ["data.ablation=lesion-only"])
    assert changes(recipe) == ("data.ablation lesion-only instead of none",)
    assert _published(recipe) is None
    assert _published(load_recipe("isic2017/attnmel-lesion")) is PUBLISHED["isic2017/AttnMel-CNN-Lesion"]


def test_the_report_sets_the_ablations_beside_the_run(phantoms: "Phantoms", beside: RunFolder, tmp_path: Path) -> None:
    page = report_runs([Run(beside, phantoms.home)], out=tmp_path / "r.html").read_text()
    assert "Ablations" in page
    assert "size of the box alone" in page
    assert "Trained on shuffled labels" in page
    assert "With the lesion alone" not in page
    whole = report_runs(
        [Run(beside, phantoms.home), Run(beside.ablation("background-only"), phantoms.home)], out=tmp_path / "w.html"
    )
    assert "demo, without the lesion, seed 0" in whole.read_text()
    assert whole.read_text().count("size of the box alone") == 1


def test_the_difference_is_on_the_images_that_both_were_judged_on(
    phantoms: "Phantoms", beside: RunFolder, tmp_path: Path
) -> None:
    (section,) = ablation_sections(Run(beside, phantoms.home), "test")
    (table,) = section.tables
    row = next(row for row in table.rows if row[0] == "without the lesion")
    judged = [Predictions.read(one.predictions("test")) for one in (beside.ablation("background-only"), beside)]
    aucs = []
    for predictions in judged:
        scores, truly = predictions.probability("melanoma"), predictions.is_class("melanoma")
        above = scores[truly][:, None] - scores[~truly][None]
        aucs.append(float(np.mean((above > 0) + 0.5 * (above == 0))))
    assert row[3] == f"{aucs[0]:.3f}"
    assert row[6] == f"{aucs[0] - aucs[1]:+.3f}"
    (bare,) = ablation_sections(Run(beside, tmp_path), "test")
    assert row in bare.tables[0].rows, "it is the same where the images are not at hand"


def test_what_lies_beside_but_is_of_another_recipe_is_said_and_left_out(
    phantoms: "Phantoms", beside: RunFolder, tmp_path: Path
) -> None:
    run = RunFolder(tmp_path / "demo" / "seed-0")
    for one, other in ((run, beside), (run.ablation("shuffled-labels"), beside.ablation("shuffled-labels"))):
        shutil.copytree(other.path, one.path)
    recipe = run.ablation("shuffled-labels").recipe
    recipe.write_text(recipe.read_text().replace("gamma = 2.0", "gamma = 1.0"))
    told = Recorder()
    assert ablation_sections(Run(run, phantoms.home, told), "test") == ()
    (note,) = told.notes
    assert note.endswith(f"is no ablation of {run.path}: it differs in loss.gamma")
    assert read_recipe(run).data.ablation == "none"


def test_provenance_of_an_ablation_says_what_it_is(beside: RunFolder) -> None:
    data = json.loads(beside.ablation("background-only").provenance.read_text())["data"]
    assert data["ablation"] == "background-only"
    assert data["left out"] == {}


def test_an_ablation_that_is_asked_for_a_prediction_says_what_it_is(
    phantoms: "Phantoms", beside: RunFolder, tmp_path: Path
) -> None:
    image = min((phantoms.home / "data" / "phantoms" / "ISIC-2017_Test_v2_Data").glob("*.jpg"))
    plain, told = Recorder(), Recorder()
    predict_images(beside.path, [image], progress=plain)
    list(explain_images(beside.ablation("background-only").path, [image], out=tmp_path, progress=told))
    predict_images(beside.ablation("background-only").path, [image], progress=told)
    assert plain.notes == []
    assert ["is the ablation background-only, trained for comparison only" in note for note in told.notes] == [
        True,
        True,
    ]
