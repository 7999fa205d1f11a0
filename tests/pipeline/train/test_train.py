"""A run folder holds what was promised, and a run that was stopped ends where an untouched one ends."""

import csv
import json
import re
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pytest
import torch
from safetensors.torch import load_file
from tests.conftest import TINY
from tests.factories import Recorder

import attnmel
from attnmel import NOTICE
from attnmel.compute import runtime
from attnmel.config.load import load_recipe, network_recipe
from attnmel.config.recipe import Recipe
from attnmel.data.archives.fetch import fetch
from attnmel.errors import ConfigError, LabelError, TrainingError
from attnmel.evaluation.predict import PredictionsWithMaps
from attnmel.files.folders import RunFolder
from attnmel.files.table_files import NOTICES
from attnmel.models.weights.checkpoints import checkpoint_card, set_temperature
from attnmel.pipeline.experiment import run_recipe
from attnmel.pipeline.run.images.dataset import Prepared
from attnmel.pipeline.run.provenance import read_provenance
from attnmel.pipeline.run.run_copy import copied_run
from attnmel.pipeline.run.run_location import read_recipe
from attnmel.pipeline.run.training.history import read_history
from attnmel.pipeline.train import classifier, epochs
from attnmel.pipeline.train.train import recipe_fabric, run_folder, train_run
from attnmel.progress import SILENT
from attnmel.training.schedules import EpochSchedule

if TYPE_CHECKING:
    from lightning_fabric import Fabric
    from tests.conftest import Phantoms


def assert_same_weights(run: RunFolder, other: RunFolder) -> None:
    for path, again in ((run.last, other.last), (run.best, other.best), (run.resume, other.resume)):
        tensors, expected = load_file(path), load_file(again)
        assert tensors.keys() == expected.keys()
        for name, tensor in tensors.items():
            assert torch.equal(tensor, expected[name]), name


def test_a_run_folder_holds_all_that_was_promised(trained: RunFolder) -> None:
    for path in (trained.recipe, trained.provenance, trained.history, trained.best, trained.last, trained.measures):
        assert path.is_file(), path
    assert list(trained.events.glob("events.out.tfevents*"))
    assert read_recipe(trained).data.statistics is not None
    with trained.history.open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert all(0 < float(row["dice_pool3"]) < 1 for row in rows)


def test_provenance_says_seed_versions_data_and_use(trained: RunFolder) -> None:
    provenance = json.loads(trained.provenance.read_text())
    assert provenance["notice"] == NOTICE
    assert provenance["seed"] == 0
    assert provenance["versions"]["torch"] == torch.__version__
    assert provenance["data"]["splits"]["train"]["images"] == 24
    assert {state["status"] for state in provenance["data"]["archives"]} == {"complete"}


@pytest.mark.parametrize(
    "batches", [4, pytest.param(1, marks=pytest.mark.slow), pytest.param(9, marks=pytest.mark.slow)]
)
def test_a_stopped_run_goes_on_to_the_same_bits(
    batches: int, tiny: Recipe, phantoms: "Phantoms", fabric: "Fabric", trained: RunFolder, tmp_path: Path
) -> None:
    run = RunFolder(tmp_path / "run")
    with pytest.raises(KeyboardInterrupt):
        train_run(tiny, run, home=phantoms.home, fabric=fabric, progress=Recorder(stop_after=batches))
    train_run(tiny, run, home=phantoms.home, fabric=fabric, resume=True)
    assert_same_weights(run, trained)
    columns = [line.rsplit(",", 2)[0] for line in run.history.read_text().splitlines()]
    assert columns == [line.rsplit(",", 2)[0] for line in trained.history.read_text().splitlines()]


@pytest.mark.parametrize(
    "settings",
    [
        ("model.network=vgg16", "loss.prior=none", "model.width=0.02", "training.precision=float32"),
        ("training.precision=bf16",),
        ("training.accumulate=2", "training.precision=float32"),
        ("model.network=chen", "model.heads=both", "training.accumulate=2", "training.precision=float32"),
        pytest.param(
            (
                "model.network=dermaknet",
                "model.grid=ellipse",
                "loss.prior=structures+lesion",
                "training.any_angle=true",
                "training.smallest_crop=0.5",
                "training.precision=float32",
            ),
            marks=pytest.mark.slow,
        ),
        pytest.param(
            (
                "model.network=harangi",
                "model.branches=['mobilenet_v2']",
                "loss.prior=none",
                "training.precision=float32",
            ),
            marks=pytest.mark.slow,
        ),
    ],
    ids=["dropout", "bf16", "in parts", "masks", "shares of the rate", "several trunks"],
)
def test_a_resumed_run_draws_casts_and_adds_up_as_an_untouched_one(
    settings: tuple[str, ...], phantoms: "Phantoms", tmp_path: Path
) -> None:
    small = ("data.size=32", "model.width=0.05", "training.epochs=2", "training.batch=8", "training.device=cpu")
    recipe = load_recipe("demo", [*small, *settings])
    fabric = recipe_fabric(recipe)
    whole, stopped = RunFolder(tmp_path / "whole"), RunFolder(tmp_path / "stopped")
    train_run(recipe, whole, home=phantoms.home, fabric=fabric)
    with pytest.raises(KeyboardInterrupt):
        train_run(recipe, stopped, home=phantoms.home, fabric=fabric, progress=Recorder(stop_after=7))
    assert len(stopped.history.read_text().splitlines()) == 2, "one epoch was finished"
    train_run(recipe, stopped, home=phantoms.home, fabric=fabric, resume=True)
    assert_same_weights(stopped, whole)
    assert all(tensor.isfinite().all() for tensor in load_file(stopped.last).values())


@pytest.mark.parametrize(("begun", "now"), [("bf16", "float32"), ("float32", "bf16")])
def test_a_run_goes_on_in_the_precision_of_its_beginning_where_auto_has_come_to_mean_another(
    begun: str, now: str, phantoms: "Phantoms", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = {"data.size": 32, "model.width": 0.05, "training.epochs": 2, "training.batch": 8, "training.device": "cpu"}
    monkeypatch.setattr(runtime, "has_fast_bf16", lambda device: begun == "bf16")
    whole = attnmel.train("demo", small, home=phantoms.home, out=tmp_path / "whole").run.folder
    with pytest.raises(KeyboardInterrupt):
        attnmel.train("demo", small, home=phantoms.home, out=tmp_path / "runs", progress=Recorder(stop_after=7))
    monkeypatch.setattr(runtime, "has_fast_bf16", lambda device: now == "bf16")
    run, told = RunFolder(tmp_path / "runs" / "demo" / "seed-0"), Recorder()
    attnmel.train("demo", small, home=phantoms.home, out=tmp_path / "runs", resume=True, progress=told)
    assert f"{run.path} was begun in {begun} and goes on in it; training.precision = 'auto' would be {now} here" in (
        told.notes
    )
    assert_same_weights(run, whole)
    with pytest.raises(ConfigError, match=f"training.precision was '{begun}', is '{now}'"):
        attnmel.train(
            "demo", small | {"training.precision": now}, home=phantoms.home, out=tmp_path / "runs", resume=True
        )


def test_a_history_that_a_stop_left_short_is_whole_after_resuming(
    tiny: Recipe, phantoms: "Phantoms", fabric: "Fabric", trained: RunFolder, tmp_path: Path
) -> None:
    run = RunFolder(Path(shutil.copytree(trained.path, tmp_path / "copy")))
    whole = run.history.read_text()
    run.history.write_text("".join(whole.splitlines(keepends=True)[:-1]))
    train_run(tiny, run, home=phantoms.home, fabric=fabric, resume=True)
    assert run.history.read_text() == whole


@pytest.mark.parametrize("written", [0, 1, 2])
def test_a_stop_between_the_files_of_an_epoch_leaves_no_checkpoint_of_an_unfinished_one(
    written: int,
    tiny: Recipe,
    phantoms: "Phantoms",
    fabric: "Fabric",
    trained: RunFolder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run, names = RunFolder(tmp_path / "run"), []

    def stopping(write: Callable[..., None]) -> Callable[..., None]:
        def one(path: Path, *rest: object) -> None:
            if len(names) == written:
                raise KeyboardInterrupt
            write(path, *rest)
            names.append(path.name)

        return one

    monkeypatch.setattr(epochs, "write_training_state", stopping(epochs.write_training_state))
    monkeypatch.setattr(classifier, "save_weights", stopping(classifier.save_weights))
    with pytest.raises(KeyboardInterrupt):
        train_run(tiny, run, home=phantoms.home, fabric=fabric)
    assert names == [run.resume.name, run.last.name][:written]
    monkeypatch.undo()
    train_run(tiny, run, home=phantoms.home, fabric=fabric, resume=True)
    assert_same_weights(run, trained)
    assert read_history(run.history)[0].epoch == 1
    assert len(list(run.events.iterdir())) == 3, "a file for each epoch"


def test_a_folder_that_a_stop_left_with_a_notice_alone_is_begun(
    tiny: Recipe, phantoms: "Phantoms", fabric: "Fabric", trained: RunFolder, tmp_path: Path
) -> None:
    run = RunFolder(tmp_path / "run")
    run.path.mkdir()
    shutil.copy(trained.path / NOTICES, run.path)
    train_run(tiny, run, home=phantoms.home, fabric=fabric)
    assert_same_weights(run, trained)


def test_resuming_a_finished_run_changes_nothing(
    tiny: Recipe, phantoms: "Phantoms", fabric: "Fabric", trained: RunFolder, tmp_path: Path
) -> None:
    run = RunFolder(Path(shutil.copytree(trained.path, tmp_path / "copy")))
    run_recipe(tiny, run, home=phantoms.home, fabric=fabric, resume=True, resamples=20)
    assert_same_weights(run, trained)
    assert read_provenance(run) == read_provenance(trained), "nothing was trained elsewhere"
    set_temperature(run.best, 1.25)
    before = {path: (path.stat().st_ino, path.read_bytes()) for path in (run.best, run.last, run.resume)}
    train_run(tiny, run, home=phantoms.home, fabric=fabric, resume=True)
    assert before == {path: (path.stat().st_ino, path.read_bytes()) for path in before}


def test_a_copy_that_has_no_state_to_continue_from_keeps_its_checkpoint(
    tiny: Recipe, phantoms: "Phantoms", fabric: "Fabric", trained: RunFolder, tmp_path: Path
) -> None:
    copy = copied_run(trained, tmp_path / "copy")
    before = copy.best.read_bytes()
    with pytest.raises(ConfigError, match=r"is a copy, without the state to continue from \(resume.safetensors\)"):
        train_run(tiny, copy, home=phantoms.home, fabric=fabric, resume=True)
    assert copy.best.read_bytes() == before


def test_checkpoints_that_are_missing_or_of_an_earlier_epoch_are_written_again(
    tiny: Recipe, phantoms: "Phantoms", fabric: "Fabric", trained: RunFolder, tmp_path: Path
) -> None:
    run = RunFolder(tmp_path / "run")
    with pytest.raises(KeyboardInterrupt):
        train_run(tiny, run, home=phantoms.home, fabric=fabric, progress=Recorder(stop_after=7))
    for path in (run.last, run.best):
        shutil.copy(path, path.with_suffix(".before"))
    train_run(tiny, run, home=phantoms.home, fabric=fabric, resume=True)
    run.last.with_suffix(".before").replace(run.last)
    if checkpoint_card(run.best).epoch == len(read_history(run.history)):
        run.best.with_suffix(".before").replace(run.best)
    train_run(tiny, run, home=phantoms.home, fabric=fabric, resume=True)
    assert_same_weights(run, trained)
    run.last.unlink()
    train_run(tiny, run, home=phantoms.home, fabric=fabric, resume=True)
    assert_same_weights(run, trained)


def test_a_folder_with_a_run_is_not_written_over(
    tiny: Recipe, phantoms: "Phantoms", fabric: "Fabric", trained: RunFolder
) -> None:
    with pytest.raises(ConfigError, match="already holds a run; continue it with --resume, or choose another --out"):
        train_run(tiny, trained, home=phantoms.home, fabric=fabric)


def test_resuming_by_another_recipe_names_what_differs(
    phantoms: "Phantoms", fabric: "Fabric", trained: RunFolder
) -> None:
    other = load_recipe("demo", ["data.size=32", "model.width=0.05", "training.momentum=0.5", "training.batch=8"])
    with pytest.raises(ConfigError, match=r"begun by another recipe: .*training.momentum was 0\.9, is 0\.5"):
        train_run(other, trained, home=phantoms.home, fabric=fabric, resume=True)


def test_a_run_goes_on_with_more_epochs_and_not_with_fewer_than_it_has(
    phantoms: "Phantoms", fabric: "Fabric", trained: RunFolder, tiny: Recipe, tmp_path: Path
) -> None:
    run = RunFolder(Path(shutil.copytree(trained.path, tmp_path / "seed-0")))
    before = read_history(run.history)
    longer, shorter = (
        tiny.model_copy(update={"training": tiny.training.model_copy(update={"epochs": epochs})}) for epochs in (4, 2)
    )
    train_run(longer, run, home=phantoms.home, fabric=fabric, resume=True)
    assert read_history(run.history)[:3] == before
    assert len(read_history(run.history)) == 4
    assert [one["after epoch"] for one in read_provenance(run)["resumed"]] == [3]
    assert network_recipe(read_recipe(run)).training.epochs == 4
    with pytest.raises(ConfigError, match=r"has 4 finished epochs, more than training\.epochs = 2; continue it"):
        train_run(shorter, run, home=phantoms.home, fabric=fabric, resume=True)


def test_a_loss_that_is_not_finite_stops_with_the_image_ids_and_keeps_the_last_good_epoch(
    tiny: Recipe, phantoms: "Phantoms", fabric: "Fabric", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RunFolder(tmp_path / "run")
    settings = tiny.model_dump()
    # A rate that no training survives, from the second epoch on.
    settings["training"] |= {"decay_every": 1, "decay": 1.0, "learning_rate": 0.01}
    recipe = load_recipe("demo", [])
    recipe = type(recipe).model_validate(settings)
    monkeypatch.setattr(EpochSchedule, "rate", lambda self, epoch: 0.01 if epoch < 1 else 1e38)
    with pytest.raises(TrainingError, match=r"the loss became (nan|inf) in epoch 2; its batch: ISIC_\d+, ISIC_\d+"):
        train_run(recipe, run, home=phantoms.home, fabric=fabric)
    assert len(run.history.read_text().splitlines()) == 2
    assert all(tensor.isfinite().all() for tensor in load_file(run.last).values())


def test_a_prior_of_ages_that_nobody_knows_is_refused_before_the_first_epoch(
    phantoms: "Phantoms", fabric: "Fabric", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, recipe = RunFolder(tmp_path / "run"), load_recipe("demo", [*TINY, "test.prior=age-sex"])
    monkeypatch.setattr(Prepared, "attributes", lambda prepared, rows: {})
    with pytest.raises(
        LabelError, match=r"images of each class whose age and sex are known, .* none of rest, melanoma"
    ):
        train_run(recipe, run, home=phantoms.home, fabric=fabric)
    assert not run.recipe.exists()
    assert not run.resume.exists()


def test_probabilities_that_are_not_finite_are_a_training_that_diverged(
    tiny: Recipe, phantoms: "Phantoms", fabric: "Fabric", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Finite weights whose scores overflow: no later prediction would be better."""
    run = RunFolder(tmp_path / "run")
    predict = classifier.predict_batches

    def overflowing(*given: object, **named: object) -> PredictionsWithMaps:
        found = predict(*given, **named)  # pyright: ignore[reportArgumentType] - passed on
        found.predictions.probabilities[3:5] = torch.nan
        return found

    monkeypatch.setattr(classifier, "predict_batches", overflowing)
    expected = (
        "after epoch 1 the probabilities of 2 of 10 validation images are not finite. Checkpoints of finished epochs "
        "are kept; lower training.learning_rate."
    )
    with pytest.raises(TrainingError, match=re.escape(expected)):
        train_run(tiny, run, home=phantoms.home, fabric=fabric)
    assert not run.best.exists()


def mirror_without_a_training_mask(phantoms: "Phantoms", place: Path) -> tuple[Path, str]:
    """Copy the mirror, without the first training mask, and name its image."""
    mirror = Path(shutil.copytree(url2pathname(urlsplit(phantoms.mirror).path), place))
    masks = next(mirror.rglob("ISIC-2017_Training_Part1_GroundTruth.zip"))
    with zipfile.ZipFile(masks) as archive:
        held = {name: archive.read(name) for name in archive.namelist() if name.endswith(".png")}
    first = min(held)
    with zipfile.ZipFile(masks, "w") as archive:
        for name, content in held.items():
            if name != first:
                archive.writestr(name, content)
    return mirror, Path(first).name.split("_seg")[0]


def test_an_image_without_a_mask_is_counted_and_trained_on_without_a_prior(
    tiny: Recipe, fabric: "Fabric", phantoms: "Phantoms", tmp_path: Path
) -> None:
    mirror, _ = mirror_without_a_training_mask(phantoms, tmp_path / "mirror")
    fetch("phantoms", tmp_path / "home", mirror=mirror.as_uri())
    run = RunFolder(tmp_path / "run")
    train_run(tiny, run, home=tmp_path / "home", fabric=fabric)
    prior = read_provenance(run)["prior"]
    assert (prior["with"], prior["without"]) == (23, 1)


def test_seeds_have_folders_of_their_own() -> None:
    folders = {run_folder(load_recipe("demo", [f"training.seed={seed}"])).path for seed in (0, 1)}
    assert folders == {Path("runs/demo/seed-0"), Path("runs/demo/seed-1")}


def test_progress_is_silent_by_default() -> None:
    with SILENT.bar("x", 3) as advance:
        advance(1)
    SILENT.note("nothing")


def test_each_fold_of_a_recipe_has_a_folder_of_its_own() -> None:
    folds = [run_folder(load_recipe("demo", [f"data.fold={number}/3"])).path for number in (1, 2, 3)]
    assert folds == [Path(f"runs/demo/fold-{number}-of-3/seed-0") for number in (1, 2, 3)]
