"""A pretrained model is copied to a run folder of the user; nothing is written to the installation."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image, ImageOps

from attnmel.cli.terminal import Terminal
from attnmel.errors import CheckpointError, ConfigError
from attnmel.files.folders import RunFolder
from attnmel.pipeline.evaluate.evaluate import evaluate_run
from attnmel.pipeline.evaluate.leakage import write_leaks
from attnmel.pipeline.pretrained.run import copy_onnx, own_run, refuse_trained_on
from attnmel.pipeline.run.images.fingerprints import read_fingerprints
from attnmel.pipeline.run.images.known_list import read_leaks
from attnmel.pipeline.run.images.seen_images import Leak, read_images
from attnmel.pipeline.run.run import Run
from attnmel.pretrained.catalogue import ANY, DEFAULT, Shipped, find_model
from attnmel.records import Predictions

if TYPE_CHECKING:
    from tests.conftest import Phantoms


@pytest.fixture
def model(models: Path) -> Shipped:
    found = find_model(ANY)
    assert found is not None
    return found


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_judged_in_a_copy_it_has_the_figures_of_its_card(model: Shipped, phantoms: "Phantoms", tmp_path: Path) -> None:
    before = contents(model.folder)
    run = own_run(model, tmp_path / "own")
    judged = evaluate_run(Run(run, phantoms.home), resamples=20)
    expected = {one.measure: one.value for one in model.card.measures}
    assert {one.measure: one.value for one in judged.judgement.rows} == pytest.approx(expected)
    assert "temperature and thresholds were chosen on out-of-fold predictions of two folds" in judged.judgement.notes
    assert contents(model.folder) == before


def test_images_of_another_size_may_be_judged(model: Shipped, phantoms: "Phantoms", tmp_path: Path) -> None:
    """The official archive holds the images that a mirror holds reduced."""
    home = tmp_path / "home"
    shutil.copytree(phantoms.home / "data", home / "data")
    image = next((home / "data").rglob("*Test_v2_Data/*.jpg"))
    other = next(path for path in image.parent.glob("*.jpg") if path != image)
    shutil.copy(other, image)
    run = own_run(model, tmp_path / "own")
    evaluate_run(Run(run, home), resamples=20)
    assert len(Predictions.read(run.predictions("test")).image_ids) == 12


def copies_folder(phantoms: "Phantoms", folder: Path, learnt: str = "Training_Data") -> list[str]:
    """Write resized, mirrored, compressed copies of three learnt and three test images under other names."""
    folder.mkdir()
    every = sorted((phantoms.home / "data").rglob("*.jpg"))
    trained = [path for path in every if learnt in str(path)][:3]
    others = [path for path in every if "Test_v2_Data" in str(path)][:3]
    rows = ["image,label"]
    for number, path in enumerate([*trained, *others]):
        with Image.open(path) as image:
            side = min(image.size)
            small = ImageOps.mirror(ImageOps.fit(image, (side, side)).resize((70, 70)))
            small.save(folder / f"lesion{number}.jpg", quality=80)
        rows.append(f"lesion{number},{('rest', 'melanoma')[number % 2]}")
    (folder / "labels.csv").write_text("\n".join(rows))
    return [f"lesion{number}" for number in range(len(trained))]


def test_copies_of_training_images_are_known_by_their_fingerprints_and_can_be_left_out(
    model: Shipped, phantoms: "Phantoms", tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also where neither the training images nor an audit are on this machine."""
    copies = copies_folder(phantoms, tmp_path / "clinic")
    run = Run(own_run(model, tmp_path / "own"), tmp_path / "home", Terminal())
    judged = evaluate_run(run, on=str(tmp_path / "clinic"), resamples=20)
    found = [one for one in read_leaks(run.folder) if one.judged == judged.name]
    assert sorted(one.image for one in found) == copies
    assert {(one.kind, one.known_split, one.dataset) for one in found} == {("same picture", "train", "clinic")}
    assert "3 of the images are known from training; see leakage.csv, which --exclude takes" in judged.judgement.notes
    assert "compared with fingerprints of the training images alone; run `attnmel audit" in capsys.readouterr().err
    rest = evaluate_run(run, on=str(tmp_path / "clinic"), exclude=run.folder.leakage, resamples=20)
    assert rest.judgement.images == 3
    assert not [one for one in read_leaks(run.folder) if one.judged == rest.name]
    same = evaluate_run(run, on=str(tmp_path / "clinic"), exclude_known=True, resamples=20)
    assert same.name == f"{judged.name}-without-known"
    assert run.predictions(same.name).image_ids == run.predictions(rest.name).image_ids
    assert "3 of 6 images are left out, as they are known from training (3 by picture)" in same.judgement.notes
    assert [one for one in read_leaks(run.folder) if one.judged == judged.name], "the whole set's results stay"
    assert not [one for one in read_leaks(run.folder) if one.judged == same.name]


def test_copies_of_validation_images_are_said_to_have_chosen_the_thresholds(
    model: Shipped, phantoms: "Phantoms", tmp_path: Path
) -> None:
    copies = copies_folder(phantoms, tmp_path / "clinic", "Validation_Data")
    run = Run(own_run(model, tmp_path / "own"), tmp_path / "home")
    judged = evaluate_run(run, on=str(tmp_path / "clinic"), resamples=20)
    assert sorted(one.image for one in read_leaks(run.folder)) == copies
    details = run.details(judged)
    assert details is not None
    assert details.operating[0].notes[0].startswith("3 of the 6 images evaluated here also chose the thresholds of")
    same = evaluate_run(run, on=str(tmp_path / "clinic"), exclude_known=True, resamples=20)
    details = run.details(same)
    assert details is not None
    assert details.operating[0].shared == 0


def test_what_an_audit_had_found_of_the_test_images_is_not_lost_where_no_audit_is_stored(
    model: Shipped, phantoms: "Phantoms", tmp_path: Path
) -> None:
    run = Run(own_run(model, tmp_path / "own"), phantoms.home)
    image = next(one.image_id for one in run.same_dataset().lesions if one.split == "test")
    cropped = Leak("test", image, "same picture", 0.9, run.learnt_images[0].image_id, "train")
    write_leaks(run.folder, [cropped, replace(cropped, image="gone")], "test", "phantoms", "CC-0")
    evaluate_run(run, resamples=20)
    assert [one.image for one in read_leaks(run.folder)] == [image]


@pytest.mark.parametrize("content", [b"", b"no array", b"\x93NUMPY\x01\x00"])
def test_damaged_fingerprints_are_an_error(
    model: Shipped, phantoms: "Phantoms", tmp_path: Path, content: bytes
) -> None:
    copies_folder(phantoms, tmp_path / "clinic")
    run = Run(own_run(model, tmp_path / "own"), tmp_path / "home")
    run.folder.fingerprints.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"fingerprints.npy is damaged; expected 512 bytes for each of the \d+ "):
        evaluate_run(run, on=str(tmp_path / "clinic"), resamples=20)


def test_fingerprints_of_other_images_are_an_error(model: Shipped, tmp_path: Path) -> None:
    run = own_run(model, tmp_path / "own")
    np.save(run.fingerprints, np.load(run.fingerprints)[1:])
    with pytest.raises(CheckpointError, match="is damaged"):
        read_fingerprints(run, len(read_images(run)))


def test_again_it_is_the_same_folder(model: Shipped, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = own_run(model)
    assert run == RunFolder(Path("runs") / DEFAULT)
    run.report.write_text("kept")
    assert own_run(model) == run
    assert run.report.read_text() == "kept"


def test_the_current_folder_is_refused_and_a_link_is_followed(
    model: Shipped, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to("disk")
    assert own_run(model, tmp_path / "link").best.is_file()
    assert (tmp_path / "link").is_symlink()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(ConfigError, match="is the current folder; name a new folder by --out"):
        own_run(model, Path())


def test_a_folder_of_something_else_is_refused(model: Shipped, tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "thesis.tex").write_text("")
    with pytest.raises(ConfigError) as error:
        own_run(model, tmp_path / "own")
    assert str(error.value) == (
        f"{tmp_path / 'own'} contains something else than {DEFAULT}; choose another folder by --out, or move it away"
    )


def test_a_copy_of_other_weights_is_refused(model: Shipped, tmp_path: Path) -> None:
    copy = own_run(model, tmp_path / "own")
    copy.best.write_bytes(copy.best.read_bytes()[:-1] + b"!")
    before = contents(copy.path)
    with pytest.raises(ConfigError) as error:
        own_run(model, tmp_path / "own")
    assert str(error.value) == (
        f"{tmp_path / 'own'} contains other weights than {DEFAULT}, as of an earlier version; "
        "choose another folder by --out, or move it away"
    )
    assert contents(copy.path) == before


@pytest.mark.parametrize("split", ["train", "validation", "all"])
def test_training_images_are_not_evaluated(model: Shipped, split: str) -> None:
    for on in (None, "phantoms"):
        with pytest.raises(ConfigError, match=f"{DEFAULT} was trained on the images of the split '{split}'"):
            refuse_trained_on(model, on, split)
    refuse_trained_on(model, "/data/clinic", split)
    refuse_trained_on(model, None, "test")


def test_the_onnx_file_is_copied_as_it_is(model: Shipped, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert copy_onnx(model).read_bytes() == model.onnx.read_bytes()
    assert copy_onnx(model, tmp_path / "there" / "m.onnx").read_bytes() == model.onnx.read_bytes()
    with pytest.raises(ConfigError, match=f"{DEFAULT} is available in float32 only: in int8"):
        copy_onnx(model, int8=True)
